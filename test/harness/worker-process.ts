import { type Config, loadConfig } from '../../src/config.ts';
import { startWorkers } from '../../src/engine/process.ts';
import { createRuntime } from '../../src/runtime.ts';
import { workers } from '../../src/workers/index.ts';
import { retention } from '../../src/workers/retention.ts';
import { quickTimings } from './timings.ts';

/** All workers in a process that tests can kill. The argument is what it shares with the system under test. */
const shared = JSON.parse(process.argv[2]!) as {
  databaseUrl: string;
  databaseDirectUrl: string | null;
  redisUrl: string | null;
  publicUrl: string;
  sandboxUrl: string;
  namespace: string;
  /** The limits of GoHighLevel when absent. */
  crmLimits?: Config['crm']['ghl']['limits'];
};
const { crmLimits, ...addresses } = shared;
const planned = loadConfig({ LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent' });
const config = loadConfig(
  { LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent' },
  { ...addresses, timings: { ...planned.timings, ...quickTimings } },
);
const ghl = crmLimits === undefined ? config.crm.ghl : { ...config.crm.ghl, limits: crmLimits };
const runtime = await createRuntime(
  { ...config, crm: { ...config.crm, ghl } },
  { name: 'worker', namespace: shared.namespace },
);
startWorkers(runtime, { workers, retention });
process.stdout.write('ready\n');
