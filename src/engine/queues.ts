import type { JobsOptions, Queue, Worker } from 'bullmq';
import type { Logger } from '../adapters/logger.ts';
import type { PublishRow } from '../db/commit.ts';
import { settledWithin, within } from '../db/deadline.ts';
import type { QueueState } from '../db/transport/queue-state.ts';
import type { QueueServer } from '../domain/transport/checks.ts';
import { type WorkerName, workerNames } from '../events/routes.ts';
import { createFronts, type Look } from './fronts.ts';
import { type Connections, postgresConnections, redisConnections } from './queue-connections.ts';
import { createTurns, type Room } from './turns.ts';

/**
 * The only module that knows the queue backend: Redis when configured, otherwise BullMQ's PostgreSQL backend
 * (queue-connections.ts connects to either). Queues may lose, repeat or reorder jobs; the outbox is the source of truth.
 */

export type JobData = { outboxId: number; epoch: number };
/** What a job's id is made of, and its queue. */
export type JobName = Omit<PublishRow, 'organizationId'>;
export type QueueJobState = 'present' | 'ended' | 'unknown';
export type WorkerPolicy = { concurrency: number; limiter?: { max: number; duration: number } };

export type Queues = {
  readonly backend: 'redis' | 'postgres';
  /** Adds jobs immediately; jobs that arrive while a bulk is in progress form the next bulk. Never throws or waits. */
  publish(rows: PublishRow[]): void;
  /** Adds jobs and waits. Throws when the queue is unavailable. */
  add(worker: WorkerName, rows: PublishRow[]): Promise<void>;
  /** Like `add`, for rows that were counted before: a job that is still waiting or running is not changed. */
  addAgain(worker: WorkerName, rows: PublishRow[]): Promise<void>;
  /** The state of a job: waiting or running, ended (its id blocks re-adds while retained), or missing. */
  stateOf(job: JobName): Promise<QueueJobState>;
  remove(job: JobName): Promise<void>;
  /** See turns.ts. */
  isFull(worker: WorkerName, organizationId: string | null, more?: number): boolean;
  room(worker: WorkerName): Room;
  /** Replaces the counts that fairness is based on, and looks up which turn each queue is serving. */
  refresh(state: QueueState): Promise<void>;
  readonly window: number;
  /** Checks for a far-delayed marker job, whose absence means a flushed queue. Returns true when it was missing. */
  replantCanary(worker: WorkerName): Promise<boolean>;
  counts(worker: WorkerName): Promise<Record<string, number>>;
  /** For Bull Board. */
  boards(): Queue[];
  /** For what processes count together; null when the queue is in PostgreSQL. */
  readonly redis: Connections['redis'];
  startWorker(name: WorkerName, policy: WorkerPolicy, run: (data: JobData) => Promise<string>): Worker;
  healthy(): Promise<boolean>;
  /** The Redis servers as they describe themselves; empty on PostgreSQL. Throws when one does not answer. */
  servers(): Promise<QueueServer[]>;
  close(): Promise<void>;
};

export type QueueOptions = {
  redisUrl: string | null;
  databaseUrl: string;
  log: Logger;
  /** Separates installations that share one Redis. */
  namespace?: string;
  window?: number;
  /** Time in ms without lock renewal after which another worker takes over the job. */
  lockMs?: number;
};

const pendingLimit = 20_000;
/** Jobs added in one call; a job of an earlier turn that arrives during a call waits for this many. */
const bulk = 500;
const publishTimeoutMs = 5_000;
/** A connection that does not close within this time is destroyed. */
const closePatienceMs = 1_000;
const lookTimeoutMs = 1_000;
const countedStates = ['waiting', 'prioritized', 'active', 'delayed', 'completed', 'failed'] as const;
const canaryId = 'canary';
const canaryDelayMs = 30 * 24 * 3_600_000;

type PlacedRow = { row: PublishRow; turn: number };

export const jobIdOf = (row: { id: number; epoch: number }) => `ob-${row.id}-${row.epoch}`;

type KeptJobs = Pick<JobsOptions, 'removeOnComplete' | 'removeOnFail'>;

/**
 * Ended jobs that the queue keeps for the queue board. On PostgreSQL, BullMQ (6.7.0) trims them in the statement that
 * ends a job, in no order: of two jobs that end at once, each deletes rows the other has locked, a deadlock. There a job
 * removes its own row only, and `attempts` is the record of what ran.
 */
const keptJobs: Record<Queues['backend'], KeptJobs> = {
  redis: { removeOnComplete: { count: 300, age: 86_400 }, removeOnFail: { count: 2_000, age: 5 * 86_400 } },
  postgres: { removeOnComplete: true, removeOnFail: true },
};

/** Every job has its turn as priority; turn 0 has none and goes first. */
const jobOf = ({ row, turn }: PlacedRow, kept: KeptJobs) => ({
  name: row.worker,
  data: { outboxId: row.id, epoch: row.epoch } satisfies JobData,
  // One attempt: the outbox schedules every retry and snooze.
  opts: { jobId: jobIdOf(row), ...(turn > 0 ? { priority: turn } : {}), attempts: 1, ...kept },
});

export async function createQueues(options: QueueOptions): Promise<Queues> {
  const { log } = options;
  const window = options.window ?? 2_000;
  // Lock plus two stalled checks: the job of a killed process runs again within 15 s.
  const lockMs = options.lockMs ?? 8_000;
  const connections = options.redisUrl
    ? await redisConnections(options.redisUrl, options.namespace ?? 'leadgate', log)
    : await postgresConnections(options.databaseUrl, log);
  const queues = new Map<WorkerName, Queue>(workerNames.map((name) => [name, connections.queue(name)]));
  const queueOf = (worker: WorkerName) => queues.get(worker)!;
  for (const queue of queues.values())
    queue.on('error', (error) => log.debug({ error: error.message }, 'queue connection'));

  const backend = options.redisUrl ? 'redis' : 'postgres';
  const kept = keptJobs[backend];
  const turns = createTurns(window);
  const fronts = createFronts();
  const workers: Worker[] = [];
  const place = (row: PublishRow): PlacedRow => ({ row, turn: turns.next(row.worker, row.organizationId) });
  const add = async (worker: WorkerName, rows: PlacedRow[]) => {
    if (rows.length === 1) {
      const job = jobOf(rows[0]!, kept);
      await queueOf(worker).add(job.name, job.data, job.opts);
    } else await queueOf(worker).addBulk(rows.map((row) => jobOf(row, kept)));
  };
  const publisher = createPublisher(add, log);

  return {
    backend,
    window,
    add: (worker, rows) => add(worker, rows.map(place)),
    addAgain(worker, rows) {
      const placed = turns.again(
        worker,
        rows.map(({ organizationId }) => organizationId),
      );
      return add(
        worker,
        rows.map((row, n) => ({ row, turn: placed[n]! })),
      );
    },
    publish: (rows) => publisher.publish(rows.map(place)),
    async stateOf(row) {
      const state = await queueOf(row.worker).getJobState(jobIdOf(row));
      if (state === 'unknown') return 'unknown';
      return state === 'completed' || state === 'failed' ? 'ended' : 'present';
    },
    async remove(row) {
      await queueOf(row.worker).remove(jobIdOf(row));
    },
    isFull: turns.isFull,
    room: turns.room,
    async refresh(state) {
      const busy = new Set(state.queued.map(({ worker }) => worker));
      // Jobs published after the counts were read may wait in a queue that had none: its front must not begin again.
      const looked = workerNames.filter((worker) => busy.has(worker) || fronts.of(worker) > 0);
      await Promise.all(
        looked.map(async (worker) => {
          const look = within(lookTimeoutMs, 'no answer from the queue', frontOf(queueOf(worker)));
          fronts.see(worker, await look.catch(() => 'unknown' as const));
        }),
      );
      turns.refresh(state, new Map(looked.map((worker) => [worker, fronts.of(worker)])));
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
    async counts(worker) {
      const {
        waiting = 0,
        prioritized = 0,
        ...others
      } = await queueOf(worker).getJobCounts(...countedStates);
      return { ...others, waiting: waiting + prioritized };
    },
    boards: () => [...queues.values()],
    redis: connections.redis,
    startWorker(name, policy, run) {
      const worker = connections.worker(
        name,
        async (job) => (job.name === 'canary' ? 'canary' : run(job.data as JobData)),
        {
          concurrency: policy.concurrency,
          limiter: policy.limiter,
          lockDuration: lockMs,
          stalledInterval: Math.round(lockMs / 3),
          // A stalled job must always be retried; only the outbox limits attempts.
          maxStalledCount: 1_000_000,
          // With the default of 15 s, the PostgreSQL backend would fetch no jobs for 14 s after a restart.
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
    servers: () => connections.servers(),
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

/** Several jobs, because the first may end, and with it its row, between the reading of its id and of its priority. */
const lookedAt = 4;

async function frontOf(queue: Queue): Promise<Look> {
  const first = await queue.getJobs(['waiting', 'prioritized'], 0, lookedAt - 1, true);
  if (first.length > 0) return Math.min(...first.map(({ priority = 0 }) => priority));
  return (await queue.getJobCountByTypes('waiting', 'prioritized')) === 0 ? 'empty' : 'unknown';
}

/** Sends jobs that arrive during a bulk as the next bulk, by turn. It uses no timer, so it adds no latency. */
function createPublisher(add: (worker: WorkerName, rows: PlacedRow[]) => Promise<void>, log: Logger) {
  const pending = new Map<WorkerName, PlacedRow[]>();
  const running = new Map<WorkerName, Promise<void>>();

  const drain = async (worker: WorkerName): Promise<void> => {
    for (let rows = pending.get(worker); rows && rows.length > 0; rows = pending.get(worker)) {
      if (rows.length > bulk) rows.sort((a, b) => a.turn - b.turn);
      const batch = rows.splice(0, bulk);
      try {
        await within(publishTimeoutMs, 'no answer from the queue', add(worker, batch));
      } catch (error) {
        // The rows are in the outbox; the sweeper publishes them once the queue is available again.
        log.warn(
          { worker, jobs: batch.length, error: (error as Error).message },
          'publish failed, the sweeper will retry',
        );
        rows.length = 0;
      }
    }
    running.delete(worker);
  };
  return {
    publish(rows: PlacedRow[]) {
      for (const placed of rows) {
        const { worker } = placed.row;
        const list = pending.get(worker) ?? [];
        pending.set(worker, list);
        if (list.length < pendingLimit) list.push(placed);
        if (!running.has(worker))
          running.set(
            worker,
            Promise.resolve().then(() => drain(worker)),
          );
      }
    },
    async settle() {
      await Promise.allSettled(running.values());
    },
  };
}
