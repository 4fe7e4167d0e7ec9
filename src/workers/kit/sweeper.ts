import type { Logger } from '../../adapters/logger.ts';
import type { Timings } from '../../config.ts';
import type { Queryable } from '../../db/client.ts';
import type { PublishRow } from '../../db/commit.ts';
import { admitWaiting, claimOverdue, expediteQueued, queuedCounts, reissue } from '../../db/outbox.ts';
import { type WorkerName, workerNames } from '../../events/routes.ts';
import type { Queues } from './queues.ts';

/**
 * Every second: re-issues queued rows whose job was lost, lets waiting rows into their queues, and notices a queue that
 * was emptied. It never raises the epoch of a row that is merely overdue: doing so voids jobs that only wait and, under
 * a backlog, stops the system altogether.
 */
export type Sweeper = { sweep(): Promise<SweepReport>; start(): void; stop(): Promise<void> };
export type SweepReport = { visited: number; reissued: number; admitted: number; flushed: WorkerName[] };

const batch = 500;
const batchesPerSweep = 20;
/** From the second visit on a row is looked at less often: a row that only waits costs little. */
const revisitFactor = 2;

type Deps = { db: Queryable; queues: Queues; timings: Timings; log: Logger };

export function createSweeper(deps: Deps): Sweeper {
  const { timings, log } = deps;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<unknown> = Promise.resolve();

  const sweep = async (): Promise<SweepReport> => {
    const flushed = await findFlushedQueues(deps);
    const { visited, reissued } = await visitOverdue(deps);
    const admitted = await admit(deps);
    return { visited, reissued, admitted, flushed };
  };
  const tick = async () => {
    const started = performance.now();
    try {
      const report = await sweep();
      if (report.reissued > 0 || report.flushed.length > 0) log.info(report, 'sweep');
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'sweep failed, next one follows');
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
    },
  };
}

async function findFlushedQueues({ db, queues, log }: Deps): Promise<WorkerName[]> {
  const flushed: WorkerName[] = [];
  for (const worker of workerNames) {
    const missing = await queues.replantCanary(worker).catch((error: Error) => {
      log.debug({ worker, error: error.message }, 'queue not reachable');
      return false;
    });
    if (missing && (await expediteQueued(db, worker)) > 0) flushed.push(worker);
  }
  return flushed;
}

async function visitOverdue(deps: Deps): Promise<{ visited: number; reissued: number }> {
  let visited = 0;
  let reissued = 0;
  for (let round = 0; round < batchesPerSweep; round++) {
    const rows = await claimOverdue(deps.db, batch, deps.timings.outboxVisibilityMs * revisitFactor);
    visited += rows.length;
    reissued += await visit(deps, rows);
    if (rows.length < batch) break;
  }
  return { visited, reissued };
}

/** First visit: the same job id again, a no-op while that job waits or runs. Later visits: ask what became of the job. */
async function visit(deps: Deps, rows: (PublishRow & { visits: number })[]): Promise<number> {
  const add: PublishRow[] = [];
  let ended = 0;
  for (const row of rows) {
    if (row.visits < 2) {
      add.push(row);
      continue;
    }
    const fresh = await replaceEnded(deps, row);
    if (fresh) {
      add.push(fresh);
      ended++;
    }
  }
  await addByWorker(deps, add);
  return ended;
}

/** A retained or orphaned id swallows re-adds: only a new epoch, hence a new id, brings such a row back. */
async function replaceEnded({ db, queues, log }: Deps, row: PublishRow): Promise<PublishRow | null> {
  try {
    const state = await queues.stateOf(row);
    if (state === 'present') return null;
    if (state === 'ended') await queues.remove(row);
  } catch (error) {
    log.debug({ worker: row.worker, error: (error as Error).message }, 'queue not reachable');
    return null;
  }
  return reissue(db, { outboxId: row.id, epoch: row.epoch });
}

async function admit(deps: Deps): Promise<number> {
  const counts = await queuedCounts(deps.db);
  deps.queues.setDepths(counts);
  let admitted = 0;
  for (const worker of workerNames) {
    const room = deps.queues.window - (counts.get(worker) ?? 0);
    if (room <= 0) continue;
    const rows = await admitWaiting(deps.db, worker, room, deps.timings.outboxVisibilityMs);
    admitted += rows.length;
    await addByWorker(deps, rows);
  }
  return admitted;
}

async function addByWorker({ queues, log }: Deps, rows: PublishRow[]): Promise<void> {
  const groups = new Map<WorkerName, PublishRow[]>();
  for (const row of rows) groups.set(row.worker, [...(groups.get(row.worker) ?? []), row]);
  for (const [worker, group] of groups) {
    await queues.add(worker, group).catch((error: Error) => {
      // They keep their due_at and are visited again.
      log.warn({ worker, jobs: group.length, error: error.message }, 'queue not reachable');
    });
  }
}
