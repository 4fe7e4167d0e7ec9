import { Redis } from 'ioredis';
import type { Database } from '../src/db/client.ts';
import type { Queues } from '../src/engine/queues.ts';
import type { EventType } from '../src/events/catalog.ts';
import { type WorkerName, workerNames } from '../src/events/routes.ts';
import { insertOutboxRows } from './outbox-rows.ts';
import { onQueueMachine, openRows, type QueueMachine, startCounted, until } from './queue-machine.ts';
import type { Measure, Row, RowOptions } from './row.ts';

/**
 * Empties the queue (FLUSHALL, TRUNCATE) with 10,000 open rows, spread over the workers so that all of them fit into the
 * queues' windows and had a job. No worker runs; the time until all jobs are back is measured.
 */
const open = 10_000;
const goalSeconds = 15;

/** An event for each of these workers, with ids that do not exist. */
const events: Partial<Record<WorkerName, { type: EventType; data: string }>> = {
  distributor: { type: 'lead.received', data: `jsonb_build_object('leadId', id)` },
  'teaser-sender': { type: 'unlock.offered', data: `jsonb_build_object('unlockId', id)` },
  'payment-linker': { type: 'reply.accepted', data: `jsonb_build_object('unlockId', id, 'inboxId', id)` },
  revealer: { type: 'reveal.requested', data: `jsonb_build_object('unlockId', id, 'inboxId', id)` },
  notifier: { type: 'reply.help', data: `jsonb_build_object('phoneId', id, 'inboxId', id)` },
  expirer: { type: 'reply.declined', data: `jsonb_build_object('unlockId', id, 'inboxId', id)` },
  importer: { type: 'import.started', data: `jsonb_build_object('importId', id)` },
  inbound: { type: 'reply.notified', data: `jsonb_build_object('inboxId', id)` },
  'ghl-syncer': { type: 'lead.sync_requested', data: `jsonb_build_object('leadId', id)` },
};

export const measureRefill: Measure = async (options) => {
  const rows: Row[] = [];
  for (const backend of options.backends) {
    const row = await onQueueMachine(backend, (parts) => refill(parts, options));
    if (row) rows.push(row);
  }
  return rows;
};

async function refill(parts: QueueMachine, { quick }: RowOptions): Promise<Row> {
  const { db, machine, backend, queues } = parts;
  const count = quick ? 1_000 : open;
  const filled = workerNames.flatMap((worker) => {
    const event = events[worker];
    return event ? [{ worker, event }] : [];
  });
  for (const [n, { worker, event }] of filled.entries()) {
    const share = Math.floor((count + n) / filled.length);
    const rows = { worker, ...event, count: share, organizations: 10, queued: true, dueIn: 0 };
    await insertOutboxRows(db, rows);
  }
  await db.query('ANALYZE');
  await startCounted(parts, 2, { workers: [] });
  await until(async () => (await jobs(queues)) === count);
  const seconds: number[] = [];
  const watch = await machine.measure();
  // First rows the sweeper visited once, then rows it visited often, whose jobs it looks up.
  for (const visits of [1, 5]) {
    await db.query(`UPDATE outbox SET visits = $1, due_at = now() + interval '20 seconds' * random()`, [
      visits,
    ]);
    await emptyQueues(parts);
    const began = performance.now();
    await until(async () => (await jobs(queues)) === count);
    seconds.push((performance.now() - began) / 1_000);
  }
  const used = await watch.end();
  // Then all work is run, to check that each restored job finishes its row.
  const runners = await startCounted(parts, 2, { workers: [...workerNames] });
  const began = performance.now();
  await until(async () => (await openRows(db)) === 0);
  const drained = (performance.now() - began) / 1_000;
  const runs = (await runners.runs()).total;
  const slowest = Math.max(...seconds);
  return {
    name: 'refill',
    work: `queue emptied with ${count} open rows, until each has a job again; the slower of two runs`,
    backend,
    ours: { value: Number(slowest.toFixed(1)), unit: 's' },
    floor: null,
    ratio: null,
    goal: `≤ ${goalSeconds} s`,
    met: slowest <= goalSeconds,
    processes: used,
    notes: [
      `rows visited once before: ${seconds[0]!.toFixed(1)} s; visited often: ${seconds[1]!.toFixed(1)} s`,
      `then drained in ${drained.toFixed(1)} s with ${runs} job runs`,
    ],
  };
}

async function jobs(queues: Queues): Promise<number> {
  const counts = await Promise.all(workerNames.map((worker) => queues.counts(worker)));
  return counts.reduce((sum, { waiting = 0 }) => sum + waiting, 0);
}

async function emptyQueues({ redisUrl, db }: { redisUrl: string | null; db: Database }): Promise<void> {
  if (redisUrl) {
    const redis = new Redis(redisUrl);
    await redis.flushall();
    redis.disconnect();
    return;
  }
  const tables = await db.query<{ name: string }>(
    `SELECT format('bullmq.%I', tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename NOT LIKE '%migration%'`,
  );
  // TRUNCATE can deadlock with a statement that reads two of the tables; withTx retries it then.
  const all = tables.map(({ name }) => name).join(', ');
  await db.withTx((tx) => tx.query(`TRUNCATE ${all}`));
}
