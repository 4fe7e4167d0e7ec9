import { loadConfig } from '../src/config.ts';
import { startWorkers } from '../src/engine/process.ts';
import type { WorkerPolicy } from '../src/engine/queues.ts';
import type { WorkerName } from '../src/events/routes.ts';
import { createRuntime } from '../src/runtime.ts';
import { workers } from '../src/workers/index.ts';
import { retention } from '../src/workers/retention.ts';

/**
 * The product's workers and sweeper, with every job run counted and, if asked for, another rate limit.
 * `counted-workers.ts '{"databaseUrl":…}'` answers each message with the counts so far; the first one it sends itself.
 */
export type CountedOptions = {
  databaseUrl: string;
  redisUrl: string | null;
  sandboxUrl: string;
  /** None: the sweeper alone. */
  workers: WorkerName[];
  /** Instead of the workers' own; null: no limit. */
  limiter?: WorkerPolicy['limiter'] | null;
};
/** Job runs by what they reported: `finished`, `skipped`, `gone` … */
export type Runs = Record<string, number>;

const { workers: names, limiter, ...addresses } = JSON.parse(process.argv[2]!) as CountedOptions;
const runtime = await createRuntime(loadConfig({}, { ...addresses, logLevel: 'silent' }), { name: 'worker' });
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
