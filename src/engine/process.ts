import type { Worker } from 'bullmq';
import { settledWithin } from '../db/deadline.ts';
import { maintain, type RetentionRules } from '../db/transport/retention.ts';
import type { WorkerName } from '../events/routes.ts';
import type { AnyWorker } from './define.ts';
import { readDepths } from './depths.ts';
import { execute } from './execute.ts';
import { reportPresence } from './presence.ts';
import { type Round, startRounds } from './rounds.ts';
import type { EngineRuntime } from './runtime.ts';
import { createSweeper } from './sweeper.ts';

/** Time `stop` waits for running jobs (4 s). Interrupted jobs are run again by another process. */
export type RunningWorkers = { stop(patienceMs?: number): Promise<void> };

/** After this time without progress despite waiting jobs, the worker's connection counts as stalled and is replaced. */
const stalledAfterMs = 15_000;
const maintainEveryMs = 3_600_000;
const drainMs = 4_000;

/** All workers of the product, including those that do not run in this process. */
export type Workers<R> = { [N in WorkerName]: AnyWorker<R> };

export type WorkOptions<R> = {
  workers: Workers<NoInfer<R>>;
  /** The workers that run in this process; defaults to all. The sweeper handles the rows of every worker. */
  names?: readonly WorkerName[];
  retention: readonly RetentionRules[];
  rounds?: readonly Round<NoInfer<R>>[];
};

/** Starts the workers, the sweeper and the hourly maintenance. `stop` waits for running jobs. */
export function startWorkers<R extends EngineRuntime>(runtime: R, options: WorkOptions<R>): RunningWorkers {
  const all = Object.values<AnyWorker<R>>(options.workers);
  const here = options.names?.map((name) => options.workers[name]) ?? all;
  const running = new Map<
    AnyWorker<R>,
    { worker: Worker; active: number; lastProgress: number; lastRun: number | null }
  >();
  const start = (definition: AnyWorker<R>) => {
    const state = { active: 0, lastProgress: Date.now(), lastRun: running.get(definition)?.lastRun ?? null };
    const policy = { ...definition, concurrency: definition.concurrency * runtime.config.workerCount };
    const worker = runtime.queues.startWorker(definition.name, policy, async (data) => {
      state.active++;
      try {
        return await execute(definition, runtime, data);
      } finally {
        state.active--;
        state.lastProgress = Date.now();
        state.lastRun = state.lastProgress;
      }
    });
    running.set(definition, Object.assign(state, { worker }));
  };
  for (const definition of here) start(definition);
  const presence = reportPresence(runtime, () =>
    Object.fromEntries(
      [...running]
        .filter(([, { worker }]) => !worker.closing)
        .map(([{ name }, { active, lastRun }]) => [
          name,
          active > 0 ? 0 : lastRun === null ? null : Date.now() - lastRun,
        ]),
    ),
  );
  const sweeper = createSweeper({
    db: runtime.db,
    queues: runtime.queues,
    timings: runtime.config.timings,
    log: runtime.log,
    perOrganization: new Map(
      all.flatMap(({ name, perOrganization }) => (perOrganization ? [[name, perOrganization(runtime)]] : [])),
    ),
  });
  sweeper.start();
  const rounds = startRounds(runtime, options.rounds ?? []);

  const keepHouse = () =>
    maintain(runtime.db, options.retention, runtime.config.retention).then(
      (report) => {
        const { dropped, held, failed } = report;
        if (held.length + failed.length > 0)
          runtime.log.warn(report, 'maintenance incomplete: some partitions held or steps failed');
        else if (report.removed + dropped.length > 0) runtime.log.info(report, 'maintenance');
      },
      (error: Error) => runtime.log.warn({ error: error.message }, 'maintenance failed, will retry'),
    );
  const housekeeping = setInterval(keepHouse, maintainEveryMs);
  void keepHouse();
  const watchdog = setInterval(() => {
    for (const [definition, state] of running) {
      if (state.active > 0 || Date.now() - state.lastProgress < stalledAfterMs) continue;
      state.lastProgress = Date.now();
      void restartIfStalled(definition, state.worker);
    }
  }, 5_000);
  const restartIfStalled = async (definition: AnyWorker<R>, worker: Worker) => {
    try {
      const { waiting = 0 } = await runtime.queues.counts(definition.name);
      // A worker that waits for its own rate limit is not stalled.
      if (waiting === 0 || (definition.limiter?.duration ?? 0) >= stalledAfterMs) return;
      runtime.log.warn(
        { worker: definition.name, waiting },
        'worker made no progress with jobs waiting: restarted',
      );
      start(definition);
      await worker.close(true);
    } catch (error) {
      runtime.log.debug({ worker: definition.name, error: (error as Error).message }, 'queue unreachable');
    }
  };
  return {
    async stop(patienceMs = drainMs) {
      clearInterval(watchdog);
      clearInterval(housekeeping);
      await Promise.all([
        settledWithin(patienceMs, Promise.all([sweeper.stop(), rounds.stop()])),
        presence.stop(),
      ]);
      const closing = Promise.allSettled([...running.values()].map(({ worker }) => worker.close()));
      if (await settledWithin(patienceMs, closing)) return;
      const busy = [...running].filter(([, { active }]) => active > 0).map(([{ name }]) => name);
      runtime.log.warn({ busy }, 'stopped with jobs still running');
    },
  };
}

/** Keeps the counts for windows and turns current, for processes without a sweeper. */
export function watchDepths(runtime: EngineRuntime): RunningWorkers {
  const timer = setInterval(() => void readDepths(runtime), 1_000);
  return {
    async stop() {
      clearInterval(timer);
    },
  };
}
