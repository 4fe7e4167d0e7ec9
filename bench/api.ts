import closeWithGrace from 'close-with-grace';
import { buildApp, closeApp } from '../src/api/app.ts';
import { backlog } from '../src/api/http/connections.ts';
import type { Limits } from '../src/api/http/limits.ts';
import { loadConfig } from '../src/config.ts';
import { quotaNames } from '../src/domain/account/quotas.ts';
import { watchDepths } from '../src/engine/process.ts';
import { createRuntime } from '../src/runtime.ts';

/**
 * Starts the API as src/api/main.ts does, but without rate limits, because all requests come from one address. With
 * `unbounded` every job is added to the queue immediately, without a window, as in the floor of `ingest`.
 */
const limits = Object.fromEntries(
  (['address', 'key', 'refused', 'phone', 'payLink'] as const).map((kind) => [
    kind,
    { points: 1_000_000_000, seconds: 10 },
  ]),
) as Limits;

const config = loadConfig(undefined, {
  quotas: Object.fromEntries(quotaNames.map((name) => [name, 1_000_000_000])),
});
const runtime = await createRuntime(config, { name: 'api', queryTimeoutMs: 1_800 });
const depths = process.argv.includes('unbounded') ? forgetDepths() : watchDepths(runtime);
const app = await buildApp(runtime, { limits });
await app.listen({ port: config.http.port, host: config.http.host, backlog });
/** Lets every queue appear empty. */
function forgetDepths() {
  const timer = setInterval(() => void runtime.queues.refresh({ queued: [], weights: new Map() }), 1_000);
  return { stop: async () => clearInterval(timer) };
}

closeWithGrace({ delay: 10_000, logger: false }, async () => {
  await closeApp(app);
  await depths.stop();
  await runtime.close();
});
