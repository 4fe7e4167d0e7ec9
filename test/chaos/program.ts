import { buildApp } from '../../src/api/app.ts';
import type { Limits } from '../../src/api/http/limits.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { quotaNames } from '../../src/domain/account/quotas.ts';
import { startWorkers, watchDepths } from '../../src/engine/process.ts';
import { createRuntime, workerConnections } from '../../src/runtime.ts';
import { workers } from '../../src/workers/index.ts';
import { retention } from '../../src/workers/retention.ts';
import { rounds } from '../../src/workers/rounds.ts';

/**
 * The composition root of an api or worker process under test: `program.js api|worker '{…}'`. It runs the product's code
 * with shorter waits and without rate limits, because all requests come from one address. Exits when its parent exits.
 */
export type ProgramOptions = {
  config: Partial<Config> & { sandboxSendgridKey: string };
  concurrency?: number;
};

const limits = Object.fromEntries(
  (['address', 'key', 'refused', 'phone', 'payLink'] as const).map((kind) => [
    kind,
    { points: 1_000_000_000, seconds: 10 },
  ]),
) as Limits;

const [role, given] = process.argv.slice(2);
const options = JSON.parse(given!) as ProgramOptions;
const quotas = Object.fromEntries(quotaNames.map((name) => [name, 1_000_000_000]));
const config = loadConfig({ LOG_LEVEL: 'debug' }, { ...options.config, quotas });
process.once('disconnect', () => process.exit(0));

if (role === 'api') {
  const runtime = await createRuntime(config, { name: 'api', queryTimeoutMs: 1_800 });
  watchDepths(runtime);
  const app = await buildApp(runtime, { limits });
  await app.listen({ port: config.http.port, host: config.http.host });
} else {
  const runtime = await createRuntime(config, { name: 'worker', pool: workerConnections });
  const { concurrency } = options;
  const all = { ...workers };
  if (concurrency) for (const worker of Object.values(all)) worker.concurrency = concurrency;
  startWorkers(runtime, { workers: all, retention, rounds });
}
process.send!('up');
