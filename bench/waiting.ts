import { insertOutboxRows } from './outbox-rows.ts';
import { onQueueMachine, openRows, type QueueMachine, startCounted, until } from './queue-machine.ts';
import type { Measure, Row, RowOptions } from './row.ts';

/**
 * Due work held back by a rate limit: almost none may run for a minute, then the limit is lifted and the work drains. The
 * CPU used by workers, Postgres and Redis during the wait is the cost of waiting. The queue holds its window of jobs, the
 * other rows stay in the outbox.
 */
const processes = 2;
/** Allows this many runs and delays all others for the whole minute. */
const limiter = { max: 20, duration: 75_000 };
const goalCores = 0.15;

export const measureWaiting: Measure = async (options) => {
  const rows: Row[] = [];
  for (const backend of options.backends) {
    const row = await onQueueMachine(backend, (parts) => waiting(parts, options));
    if (row) rows.push(row);
  }
  return rows;
};

async function waiting(parts: QueueMachine, { quick }: RowOptions): Promise<Row> {
  const { db, machine, backend, queues } = parts;
  const [count, seconds] = quick ? [10_000, 10] : [100_000, 60];
  await insertOutboxRows(db, {
    worker: 'teaser-sender',
    type: 'unlock.offered',
    count,
    organizations: 10,
    data: `jsonb_build_object('unlockId', id)`,
    queued: false,
    dueIn: 0,
  });
  await db.query('ANALYZE');
  const depth = async () => {
    const { waiting: jobs = 0, active = 0 } = await queues.counts('teaser-sender');
    return jobs + active;
  };

  const held = await startCounted(parts, processes, { workers: ['teaser-sender'], limiter });
  await until(async () => (await depth()) >= queues.window - limiter.max);
  const watch = await machine.measure();
  let deepest = 0;
  for (let second = 0; second < seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    deepest = Math.max(deepest, await depth());
  }
  const used = await watch.end();
  const runsHeld = (await held.runs()).total;
  const left = await openRows(db);
  await held.stop();

  const freed = await startCounted(parts, processes, { workers: ['teaser-sender'], limiter: null });
  const began = performance.now();
  await until(async () => (await freed.runs()).total >= left - limiter.max && (await openRows(db)) === 0);
  const drained = (performance.now() - began) / 1_000;
  const runs = runsHeld + (await freed.runs()).total;
  const cores = used.reduce((sum, each) => sum + each.cores, 0);
  return {
    name: 'waiting',
    work: `${count} rows held back by a rate limit for ${seconds} s, ${processes} worker processes`,
    backend,
    ours: { value: runs, unit: 'job runs' },
    floor: { value: count, unit: 'rows' },
    ratio: runs / count,
    goal: `runs = rows, sweeping ≤ ${goalCores * 100} % of a core`,
    met: runs === count && cores <= goalCores && deepest <= queues.window,
    processes: used,
    notes: [
      `all processes together ${(cores * 100).toFixed(1)} % of one core while nothing could run`,
      `${left} rows waited, at most ${deepest} of them in the queue (window ${queues.window})`,
      `drained in ${drained.toFixed(1)} s once the limit was lifted (${Math.round(left / drained)} rows/s)`,
    ],
  };
}
