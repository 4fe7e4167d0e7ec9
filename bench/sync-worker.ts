import { type Config, loadConfig } from '../src/config.ts';
import { startWorkers } from '../src/engine/process.ts';
import { createRuntime, workerConnections } from '../src/runtime.ts';
import { workers } from '../src/workers/index.ts';
import { retention } from '../src/workers/retention.ts';

/** Runs one worker process as in production, with a configurable call limit: `sync-worker.ts '{"databaseUrl":…}'`. */
export type SyncWorkerOptions = {
  databaseUrl: string;
  redisUrl: string | null;
  sandboxUrl: string;
  limits: Config['crm']['ghl']['limits'];
};

const { limits, ...addresses } = JSON.parse(process.argv[2]!) as SyncWorkerOptions;
const config = loadConfig({}, { ...addresses, logLevel: 'silent' });
const ghl = { ...config.crm.ghl, limits };
const runtime = await createRuntime(
  { ...config, crm: { ...config.crm, ghl } },
  { name: 'worker', pool: workerConnections },
);
const running = startWorkers(runtime, { workers, names: ['ghl-syncer'], retention });
const stop = async () => {
  await running.stop();
  await runtime.close();
  process.exit(0);
};
process.once('SIGTERM', stop);
process.once('disconnect', stop);
process.send?.('started');
