import type { Logger } from '../adapters/logger.ts';
import type { Timings } from '../config.ts';
import type { Queryable } from '../db/client.ts';
import type { PublishRow } from '../db/commit.ts';
import { within } from '../db/deadline.ts';
import { admitWaiting, lineUp } from '../db/transport/admission.ts';
import { claimOverdue, expediteQueued, reissue } from '../db/transport/outbox.ts';
import { queueState } from '../db/transport/queue-state.ts';
import { type WorkerName, workerNames } from '../events/routes.ts';
import { readDepths } from './depths.ts';
import type { Queues } from './queues.ts';
import { createSweeperLease } from './sweeper-lease.ts';

/**
 * Every second, in one of the processes: reissues queued rows whose job was lost, admits waiting rows to their queues, and
 * detects a flushed queue. It does not raise the epoch of a row that is merely overdue: that would invalidate jobs that are
 * still waiting and, under a backlog, stop all processing.
 */
export type Sweeper = {
  /** Sweeps once, whichever process holds the lease. */
  sweep(): Promise<SweepReport>;
  /** Each interval: sweeps if this process holds the lease, otherwise only reads the depths of the queues. */
  start(): void;
  stop(): Promise<void>;
};
/** `silent`: queues that did not answer; their rows stay as they are. */
export type SweepReport = {
  visited: number;
  reissued: number;
  admitted: number;
  flushed: WorkerName[];
  silent: WorkerName[];
};

const batch = 500;
const batchesPerSweep = 20;
/** From the second visit on, a row is visited less often, so that waiting rows cost little. */
const revisitFactor = 2;
/** Concurrent job lookups: one by one, checking a flushed queue would take longer than refilling it. */
const askedAtOnce = 50;
const queuePatienceMs = 5_000;

/** Organizations with due rows visited per sweep and worker; the next sweep continues with the others. */
const organizationsPerSweep = 500;

type Deps = {
  db: Queryable;
  queues: Queues;
  timings: Timings;
  log: Logger;
  /** Maximum rows of one organization in a worker's queue; defaults to the queue's window. */
  perOrganization?: ReadonlyMap<WorkerName, number>;
};
/** Per worker, the organization at which the last sweep ended. */
type Places = Map<WorkerName, string | null>;

export function createSweeper(deps: Deps): Sweeper {
  const { timings, log } = deps;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<unknown> = Promise.resolve();
  const places: Places = new Map();
  const lease = createSweeperLease(deps.db, timings.sweepEveryMs);

  const sweep = async (): Promise<SweepReport> => {
    const { answering, flushed } = await lookAtQueues(deps);
    const { visited, reissued } = await visitOverdue(deps, answering);
    const admitted = await admit(deps, answering, places);
    const silent = workerNames.filter((worker) => !answering.includes(worker));
    return { visited, reissued, admitted, flushed, silent };
  };
  const tick = async () => {
    const started = performance.now();
    try {
      const report = await lease.hold(sweep);
      if (!report) await readDepths(deps);
      // Perhaps another process reaches the queue.
      else if (report.silent.length > 0) await lease.giveWay();
      if (report && (report.reissued > 0 || report.flushed.length > 0)) log.info(report, 'sweep');
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'sweep failed, will retry');
      await lease.giveWay();
    }
    if (!stopped)
      timer = setTimeout(
        () => (running = tick()),
        Math.max(20, timings.sweepEveryMs - (performance.now() - started)),
      );
  };
  return {
    sweep,
    start() {
      running = tick();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      await lease.end();
    },
  };
}

/** Skips a queue that does not respond, so that its rows stay due until it is available again. */
async function lookAtQueues({
  db,
  queues,
  log,
}: Deps): Promise<{ answering: WorkerName[]; flushed: WorkerName[] }> {
  const answering: WorkerName[] = [];
  const emptied: WorkerName[] = [];
  const look = async (worker: WorkerName) => {
    try {
      if (await answered(queues.replantCanary(worker))) emptied.push(worker);
      answering.push(worker);
    } catch (error) {
      log.debug({ worker, error: (error as Error).message }, 'queue unreachable');
    }
  };
  await Promise.all(workerNames.map(look));
  const flushed: WorkerName[] = [];
  for (const worker of emptied) if ((await expediteQueued(db, worker)) > 0) flushed.push(worker);
  return { answering, flushed };
}

async function visitOverdue(
  deps: Deps,
  answering: readonly WorkerName[],
): Promise<{ visited: number; reissued: number }> {
  let visited = 0;
  let reissued = 0;
  const revisitMs = deps.timings.outboxVisibilityMs * revisitFactor;
  for (let round = 0; round < batchesPerSweep; round++) {
    const rows = await claimOverdue(deps.db, answering, batch, revisitMs);
    visited += rows.length;
    reissued += await visit(deps, rows);
    if (rows.length < batch) break;
  }
  return { visited, reissued };
}

/** The first visit adds the same job id again, a no-op while that job is active. Later visits look up its state. */
async function visit(deps: Deps, rows: (PublishRow & { visits: number })[]): Promise<number> {
  const fresh = await replaceEnded(
    deps,
    rows.filter((row) => row.visits >= 2),
  );
  await addByWorker(deps, [...rows.filter((row) => row.visits < 2), ...fresh], 'addAgain');
  return fresh.length;
}

/** A retained or orphaned job id ignores re-adds, so such rows are reissued with a new epoch and therefore a new id. */
async function replaceEnded(deps: Deps, rows: PublishRow[]): Promise<PublishRow[]> {
  const lost: PublishRow[] = [];
  for (let first = 0; first < rows.length; first += askedAtOnce) {
    const asked = await Promise.allSettled(
      rows.slice(first, first + askedAtOnce).map((row) => clearEnded(deps.queues, row)),
    );
    for (const answer of asked) if (answer.status === 'fulfilled' && answer.value) lost.push(answer.value);
    const failed = asked.find((answer) => answer.status === 'rejected');
    if (!failed) continue;
    // Rows whose lookup failed keep their due_at and are visited again.
    deps.log.debug({ error: (failed.reason as Error).message }, 'queue unreachable');
    break;
  }
  return lost.length > 0 ? reissue(deps.db, lost) : [];
}

/** Returns null while the job still waits or runs. */
async function clearEnded(queues: Queues, row: PublishRow): Promise<PublishRow | null> {
  const state = await answered(queues.stateOf(row));
  if (state === 'ended') await answered(queues.remove(row));
  return state === 'present' ? null : row;
}

/** A queue with an unresponsive connection must block neither the other queues nor the next sweep. */
const answered = <T>(call: Promise<T>) => within(queuePatienceMs, 'no answer from the queue', call);

async function admit(deps: Deps, answering: readonly WorkerName[], places: Places): Promise<number> {
  const state = await queueState(deps.db);
  await deps.queues.refresh(state);
  const open = answering.filter((worker) => deps.queues.room(worker).rows > 0);
  for (let round = 0; round < batchesPerSweep; round++) if ((await lineUp(deps.db, open)) === 0) break;
  let admitted = 0;
  for (const worker of open) {
    const room = deps.queues.room(worker);
    const limits = [room.perOrganization, deps.perOrganization?.get(worker) ?? null].filter(
      (limit) => limit !== null,
    );
    const { rows, next } = await admitWaiting(deps.db, worker, {
      room: room.rows,
      visibilityMs: deps.timings.outboxVisibilityMs,
      perOrganization: limits.length > 0 ? Math.min(...limits) : null,
      organizations: organizationsPerSweep,
      after: places.get(worker) ?? null,
      weights: state.weights,
    });
    places.set(worker, next);
    admitted += rows.length;
    await addByWorker(deps, rows, 'add');
  }
  return admitted;
}

async function addByWorker(
  { queues, log }: Deps,
  rows: PublishRow[],
  how: 'add' | 'addAgain',
): Promise<void> {
  const groups = new Map<WorkerName, PublishRow[]>();
  for (const row of rows) groups.set(row.worker, [...(groups.get(row.worker) ?? []), row]);
  for (const [worker, group] of groups) {
    await answered(queues[how](worker, group)).catch((error: Error) => {
      // The rows keep their due_at and are visited again.
      log.warn({ worker, jobs: group.length, error: error.message }, 'queue unreachable');
    });
  }
}
