import closeWithGrace from 'close-with-grace';
import { buildApp, closeApp } from '../src/api/app.ts';
import type { Limits } from '../src/api/http/limits.ts';
import { loadConfig } from '../src/config.ts';
import { watchDepths } from '../src/engine/process.ts';
import { createRuntime } from '../src/runtime.ts';

/**
 * The API as src/api/main.ts starts it, with limits that one address sending everything does not meet.
 * `unbounded`: every lead's job is added at once, however many wait, as the floor of `ingest` does it.
 */
const limits = Object.fromEntries(
  (['address', 'key', 'refused', 'phone', 'payLink'] as const).map((kind) => [
    kind,
    { points: 1_000_000_000, seconds: 10 },
  ]),
) as Limits;

const config = loadConfig();
const runtime = await createRuntime(config, { name: 'api', queryTimeoutMs: 1_800 });
const depths = process.argv.includes('unbounded') ? null : watchDepths(runtime);
const app = await buildApp(runtime, { limits });
await app.listen({ port: config.http.port, host: config.http.host });
closeWithGrace({ delay: 10_000, logger: false }, async () => {
  await closeApp(app);
  await depths?.stop();
  await runtime.close();
});
