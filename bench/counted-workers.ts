import { loadConfig } from '../src/config.ts';
import { startWorkers } from '../src/engine/process.ts';
import type { WorkerPolicy } from '../src/engine/queues.ts';
import type { WorkerName } from '../src/events/routes.ts';
import { createRuntime, workerConnections } from '../src/runtime.ts';
import { workers } from '../src/workers/index.ts';
import { retention } from '../src/workers/retention.ts';

/**
 * Runs the product's workers and sweeper, counts every job run and optionally changes the rate limit.
 * `counted-workers.ts '{"databaseUrl":…}'` sends its counts when it has started, and in response to each message.
 */
export type CountedOptions = {
  databaseUrl: string;
  redisUrl: string | null;
  sandboxUrl: string;
  /** Empty: only the sweeper runs. */
  workers: WorkerName[];
  /** Replaces the workers' own limit. Null: no limit. */
  limiter?: WorkerPolicy['limiter'] | null;
};
/** The number of job runs by their result: `finished`, `skipped`, `gone` … */
export type Runs = Record<string, number>;

const { workers: names, limiter, ...addresses } = JSON.parse(process.argv[2]!) as CountedOptions;
const runtime = await createRuntime(loadConfig({}, { ...addresses, logLevel: 'silent' }), {
  name: 'worker',
  pool: workerConnections,
});
const runs: Runs = {};
const queues: typeof runtime.queues = {
  ...runtime.queues,
  startWorker: (name, policy, run) =>
    runtime.queues.startWorker(name, policy, async (data) => {
      const report = await run(data);
      runs[report] = (runs[report] ?? 0) + 1;
      return report;
    }),
};
const limited = limiter === undefined ? {} : { limiter: limiter ?? undefined };
const limitedWorkers: typeof workers = { ...workers };
for (const name of names) Object.assign(limitedWorkers, { [name]: { ...workers[name], ...limited } });
const running = startWorkers({ ...runtime, queues }, { workers: limitedWorkers, names, retention });
process.on('message', () => process.send?.(runs));
const stop = async () => {
  await running.stop();
  await runtime.close();
  process.exit(0);
};
process.once('SIGTERM', stop);
process.once('disconnect', stop);
process.send?.(runs);
