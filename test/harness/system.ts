import type { Config, Timings } from '../../src/config.ts';
import { DatabaseUnavailableError } from '../../src/db/client.ts';
import { demoBuyers } from '../../src/demo/seed.ts';
import type { WorkerName } from '../../src/events/routes.ts';
import type { LedgerEntry, Sandbox, SandboxOptions } from '../../src/sandbox/server.ts';
import { type System, seedDemo, startSystem as start } from '../../src/system.ts';
import type { SelfCheckOptions } from '../../src/usecases/transport/self-check.ts';
import { createTestDatabase, directUrlOf, type TestDatabase } from './database.ts';
import { createStory, type Story } from './story.ts';
import { quickTimings } from './timings.ts';

export { quickTimings } from './timings.ts';

// biome-ignore lint/suspicious/noExplicitAny: each test asserts the shape it reads.
export type Answer = { status: number; body: any };

/** What a story is played on. */
export type Stage = System & {
  sandbox: Sandbox;
  database: TestDatabase;
  databaseUrl: string;
  databaseDirectUrl: string | null;
  apiKey: string;
  operator: { email: string; password: string };
  redisUrl: string | null;
  namespace: string;
  /** Sends JSON over real HTTP, with the demo organization's key. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Rows of the product's tables, for what the vendors' ledger does not show. */
  rows<R>(text: string, values?: unknown[]): Promise<R[]>;
  /** Polls the query until `ok` accepts its rows; fails with the last rows. */
  until<R>(
    what: string,
    text: string,
    values: unknown[],
    ok: (row: R | undefined, all: R[]) => boolean,
    timeoutMs?: number,
  ): Promise<R[]>;
  /** Resolves with the first accepted text to this phone that contains `contains`. */
  text(to: string, contains: string, timeoutMs?: number): Promise<LedgerEntry>;
};

/** `story`: what leads, buyers and vendors do, step by step. */
export type TestSystem = Stage & { story: Story };

export type TestSystemOptions = {
  timings?: Partial<Timings>;
  workers?: readonly WorkerName[];
  env?: NodeJS.ProcessEnv;
  sandbox?: SandboxOptions;
  database?: TestDatabase;
  redisUrl?: string | null;
  crmLimits?: Config['crm']['ghl']['limits'];
  selfCheck?: SelfCheckOptions;
};

let started = 0;

/** The whole system on its own database, on Redis when REDIS_URL is set. */
export async function startSystem(options: TestSystemOptions = {}): Promise<TestSystem> {
  const database = options.database ?? (await createTestDatabase());
  started += 1;
  const databaseDirectUrl = directUrlOf(database);
  const redisUrl = options.redisUrl ?? process.env.REDIS_URL ?? null;
  const namespace = `t${process.pid}-${started}-${Date.now()}`;
  const system = await start({
    env: {
      LOG_LEVEL: process.env.LOG_LEVEL,
      DATABASE_DIRECT_URL: databaseDirectUrl ?? undefined,
      ...options.env,
    },
    databaseUrl: database.url,
    redisUrl,
    port: 0,
    sandboxPort: 0,
    sandbox: { retryDelaysMs: [100, 200, 400, 800, 1_600], ...options.sandbox },
    timings: { ...quickTimings, ...options.timings },
    workers: options.workers,
    crmLimits: options.crmLimits,
    selfCheck: options.selfCheck,
    namespace,
    logLevel: (process.env.LOG_LEVEL as 'info' | undefined) ?? 'silent',
  });
  const { apiKey, operator } = await seedDemo(system, {});
  const sandbox = system.sandbox!;
  const rows = <R>(text: string, values: unknown[] = []) => system.runtime.db.query<R>(text, values);
  const stage: Stage = {
    ...system,
    sandbox,
    database,
    databaseUrl: database.url,
    databaseDirectUrl,
    apiKey,
    operator,
    redisUrl,
    namespace,
    rows,
    async api(method, path, body, headers = {}) {
      const response = await fetch(system.publicUrl + path, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    },
    async until<R>(
      what: string,
      text: string,
      values: unknown[],
      ok: (row: R | undefined, all: R[]) => boolean,
      timeoutMs = 20_000,
    ) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const found = await rows<R>(text, values).catch((error: unknown) => {
          // No free connection in time: nothing was read yet.
          if (error instanceof DatabaseUnavailableError && Date.now() <= deadline) return null;
          throw error;
        });
        if (found && ok(found[0], found)) return found;
        if (found && Date.now() > deadline)
          throw new Error(`${what}: still ${JSON.stringify(found.slice(0, 10))}`);
        // Polled, because table rows send no signal.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    text: (to, contains, timeoutMs = 15_000) =>
      sandbox.waitFor(
        (e) =>
          e.operation === 'message.create' &&
          e.outcome.startsWith('accepted') &&
          e.to === to &&
          (e.text ?? '').includes(contains),
        timeoutMs,
      ),
    async stop() {
      await system.stop();
      await database.drop();
    },
  };
  return { ...stage, story: createStory(stage) };
}

export const providers = demoBuyers;
