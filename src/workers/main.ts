import closeWithGrace from 'close-with-grace';
import { ConfigError, describeConfig, loadConfig } from '../config.ts';
import { startWorkers } from '../engine/process.ts';
import { type WorkerName, workerNames } from '../events/routes.ts';
import { createRuntime, workerConnections } from '../runtime.ts';
import { workers } from './index.ts';
import { retention } from './retention.ts';
import { rounds } from './rounds.ts';

/** `node dist/workers/main.js [name …]`: the named workers, or all of them. */
async function main(names: string[]): Promise<void> {
  const unknown = names.filter((name) => !(workerNames as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new ConfigError([`no such worker: ${unknown.join(', ')}. There are: ${workerNames.join(', ')}`]);
  }
  const config = loadConfig();
  if (!config.databaseUrl)
    throw new ConfigError(['DATABASE_URL is missing: workers run beside an API on a database of their own.']);
  const runtime = await createRuntime(config, { name: 'worker', pool: workerConnections });
  runtime.log.info(
    { ...describeConfig(config), workers: names.length > 0 ? names : 'all' },
    'workers starting',
  );
  const chosen = names.length > 0 ? (names as WorkerName[]) : workerNames;
  const running = startWorkers(runtime, { workers, names: chosen, retention, rounds });
  closeWithGrace({ delay: 25_000, logger: false }, async ({ err }) => {
    if (err) runtime.log.error({ error: err }, 'stopping after an error');
    await running.stop(20_000);
    await runtime.close();
  });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : String((error as Error).stack ?? error)}\n`,
  );
  process.exit(1);
});
