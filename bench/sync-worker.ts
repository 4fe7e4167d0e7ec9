import { type Config, loadConfig } from '../src/config.ts';
import { createRuntime, startWorkers } from '../src/engine/process.ts';
import type { WorkerName } from '../src/events/routes.ts';
import { workers } from '../src/workers/index.ts';

/** Runs one worker process as in production, with a configurable call limit: `sync-worker.ts '{"databaseUrl":…}'`. */
export type SyncWorkerOptions = {
  databaseUrl: string;
  redisUrl: string | null;
  sandboxUrl: string;
  limits: Config['ghl']['limits'];
};

const { limits, ...addresses } = JSON.parse(process.argv[2]!) as SyncWorkerOptions;
const config = loadConfig({}, { ...addresses, logLevel: 'silent' });
const runtime = await createRuntime({ ...config, ghl: { ...config.ghl, limits } }, { name: 'worker' });
const names: WorkerName[] = ['ghl-syncer'];
const running = startWorkers(
  runtime,
  names.map((name) => workers[name]),
);
const stop = async () => {
  await running.stop();
  await runtime.close();
  process.exit(0);
};
process.once('SIGTERM', stop);
process.once('disconnect', stop);
process.send?.('started');
