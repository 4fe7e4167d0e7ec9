import type { Queue, Worker } from 'bullmq';
import type { Logger } from '../adapters/logger.ts';
import type { PublishRow } from '../db/commit.ts';
import { settledWithin, within } from '../db/deadline.ts';
import { type WorkerName, workerNames } from '../events/routes.ts';
import { postgresConnections, redisConnections } from './queue-connections.ts';

/**
 * The one module that knows which queue backend runs: Redis when it is given, BullMQ's PostgreSQL backend otherwise
 * (queue-connections.ts reaches either). A queue may lose, repeat or reorder jobs: nothing here is the truth, the outbox is.
 */

export type JobData = { outboxId: number; epoch: number };
export type QueueJobState = 'present' | 'ended' | 'unknown';
export type WorkerPolicy = { concurrency: number; limiter?: { max: number; duration: number } };

export type Queues = {
  readonly backend: 'redis' | 'postgres';
  /** Adds jobs at once, coalescing whatever arrives while a bulk is under way. Never throws, never waits. */
  publish(rows: PublishRow[]): void;
  /** Adds jobs and waits. A job that is still waiting or running is left as it is. Throws when the queue is down. */
  add(worker: WorkerName, rows: PublishRow[]): Promise<void>;
  /** What became of a job: still waiting or running, ended (its id blocks re-adds while retained), or not there. */
  stateOf(row: PublishRow): Promise<QueueJobState>;
  remove(row: PublishRow): Promise<void>;
  /** True when the queue holds its bounded window: further rows wait in the outbox. */
  isFull(worker: WorkerName): boolean;
  setDepths(depths: Map<WorkerName, number>): void;
  readonly window: number;
  /** A far-delayed job; when it is gone, the queue was emptied. True: it was missing, and is back now. */
  replantCanary(worker: WorkerName): Promise<boolean>;
  counts(worker: WorkerName): Promise<Record<string, number>>;
  /** For Bull Board. */
  boards(): Queue[];
  startWorker(name: WorkerName, policy: WorkerPolicy, run: (data: JobData) => Promise<string>): Worker;
  healthy(): Promise<boolean>;
  close(): Promise<void>;
};

export type QueueOptions = {
  redisUrl: string | null;
  databaseUrl: string;
  log: Logger;
  /** Separates installations that share one Redis. */
  namespace?: string;
  window?: number;
  /** How long a run may go without renewing its lock before another worker takes its job, ms. */
  lockMs?: number;
};

const pendingLimit = 20_000;
const publishTimeoutMs = 5_000;
/** A connection that does not end by itself in this time is cut. */
const closePatienceMs = 1_000;
const canaryId = 'canary';
const canaryDelayMs = 30 * 24 * 3_600_000;

export const jobIdOf = (row: { id: number; epoch: number }) => `ob-${row.id}-${row.epoch}`;

const jobOf = (row: PublishRow) => ({
  name: row.worker,
  data: { outboxId: row.id, epoch: row.epoch } satisfies JobData,
  // One attempt: every retry and snooze lives in the outbox.
  opts: {
    jobId: jobIdOf(row),
    attempts: 1,
    removeOnComplete: { count: 300, age: 86_400 },
    removeOnFail: { count: 2_000, age: 5 * 86_400 },
  },
});

export async function createQueues(options: QueueOptions): Promise<Queues> {
  const { log } = options;
  const window = options.window ?? 2_000;
  // Lock, plus two rounds of the stalled check: a killed process's job runs again within 15 s.
  const lockMs = options.lockMs ?? 8_000;
  const connections = options.redisUrl
    ? await redisConnections(options.redisUrl, options.namespace ?? 'leadgate', log)
    : await postgresConnections(options.databaseUrl, log);
  const queues = new Map<WorkerName, Queue>(workerNames.map((name) => [name, connections.queue(name)]));
  const queueOf = (worker: WorkerName) => queues.get(worker)!;
  for (const queue of queues.values())
    queue.on('error', (error) => log.debug({ error: error.message }, 'queue connection'));

  let depths = new Map<WorkerName, number>();
  const workers: Worker[] = [];
  const add = async (worker: WorkerName, rows: PublishRow[]) => {
    if (rows.length === 1) {
      const job = jobOf(rows[0]!);
      await queueOf(worker).add(job.name, job.data, job.opts);
    } else await queueOf(worker).addBulk(rows.map(jobOf));
  };
  const publisher = createPublisher(add, log);

  return {
    backend: options.redisUrl ? 'redis' : 'postgres',
    window,
    add,
    publish: publisher.publish,
    async stateOf(row) {
      const state = await queueOf(row.worker).getJobState(jobIdOf(row));
      if (state === 'unknown') return 'unknown';
      return state === 'completed' || state === 'failed' ? 'ended' : 'present';
    },
    async remove(row) {
      await queueOf(row.worker).remove(jobIdOf(row));
    },
    isFull: (worker) => (depths.get(worker) ?? 0) >= window,
    setDepths(next) {
      depths = next;
    },
    async replantCanary(worker) {
      const queue = queueOf(worker);
      if (await queue.getJob(canaryId)) return false;
      await queue.add(
        'canary',
        {},
        { jobId: canaryId, delay: canaryDelayMs, removeOnComplete: true, removeOnFail: true },
      );
      return true;
    },
    counts: (worker) => queueOf(worker).getJobCounts('waiting', 'active', 'delayed', 'completed', 'failed'),
    boards: () => [...queues.values()],
    startWorker(name, policy, run) {
      const worker = connections.worker(
        name,
        async (job) => (job.name === 'canary' ? 'canary' : run(job.data as JobData)),
        {
          concurrency: policy.concurrency,
          limiter: policy.limiter,
          lockDuration: lockMs,
          stalledInterval: Math.round(lockMs / 3),
          // A job that dies with its process any number of times must come back: giving up is the outbox's decision.
          maxStalledCount: 1_000_000,
          // Its default of 15 s leaves the PostgreSQL backend deaf for 14 s after a restart.
          runRetryDelay: 500,
        },
      );
      worker.on('error', (error) => log.debug({ worker: name, error: error.message }, 'worker connection'));
      workers.push(worker);
      return worker;
    },
    async healthy() {
      return connections.ping().then(
        () => true,
        () => false,
      );
    },
    async close() {
      await settledWithin(closePatienceMs, publisher.settle());
      await settledWithin(closePatienceMs, Promise.allSettled(workers.map((worker) => worker.close())));
      await settledWithin(
        closePatienceMs,
        Promise.allSettled([...queues.values()].map((queue) => queue.close())),
      );
      await connections.close();
    },
  };
}

/** Sends what arrives while a bulk is under way as the next bulk: no timer, hence no added latency. */
function createPublisher(add: (worker: WorkerName, rows: PublishRow[]) => Promise<void>, log: Logger) {
  const pending = new Map<WorkerName, PublishRow[]>();
  const running = new Map<WorkerName, Promise<void>>();

  const drain = async (worker: WorkerName): Promise<void> => {
    for (let rows = pending.get(worker); rows && rows.length > 0; rows = pending.get(worker)) {
      const batch = rows.splice(0, 500);
      try {
        await within(publishTimeoutMs, 'no answer from the queue', add(worker, batch));
      } catch (error) {
        // The rows are in the outbox; the sweeper issues them when the queue is back.
        log.warn(
          { worker, jobs: batch.length, error: (error as Error).message },
          'publish failed, left to the sweeper',
        );
        rows.length = 0;
      }
    }
    running.delete(worker);
  };
  return {
    publish(rows: PublishRow[]) {
      for (const row of rows) {
        const list = pending.get(row.worker) ?? [];
        pending.set(row.worker, list);
        if (list.length < pendingLimit) list.push(row);
        if (!running.has(row.worker))
          running.set(
            row.worker,
            Promise.resolve().then(() => drain(row.worker)),
          );
      }
    },
    async settle() {
      await Promise.allSettled(running.values());
    },
  };
}
