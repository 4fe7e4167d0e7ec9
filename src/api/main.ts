import closeWithGrace from 'close-with-grace';
import { ConfigError, describeConfig, loadConfig } from '../config.ts';
import { watchDepths } from '../engine/process.ts';
import { createRuntime } from '../runtime.ts';
import { buildApp, closeApp } from './app.ts';
import { backlog } from './http/connections.ts';

/** `node dist/api/main.js`: ingress, pay pages and console. */
async function main(): Promise<void> {
  const config = loadConfig();
  if (!config.databaseUrl)
    throw new ConfigError([
      'DATABASE_URL is missing. To try leadgate on one machine, run `npm start`: it brings its own database.',
    ]);
  const runtime = await createRuntime(config, { name: 'api', queryTimeoutMs: 1_800 });
  runtime.log.info(describeConfig(config), 'api starting');
  const depths = watchDepths(runtime);
  const app = await buildApp(runtime, { pages: true });
  await app.listen({ port: config.http.port, host: config.http.host, backlog });
  closeWithGrace({ delay: 25_000, logger: false }, async ({ err }) => {
    if (err) runtime.log.error({ error: err }, 'stopping after an error');
    await closeApp(app);
    await depths.stop();
    await runtime.close();
  });
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : String((error as Error).stack ?? error)}\n`,
  );
  process.exit(1);
});
