import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { loadConfig, type Timings } from '../../src/config.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import { type EmbeddedPostgres, startTemporaryPostgres } from '../../src/embedded-postgres/index.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import { freePort } from '../../src/system.ts';
import { startRedisCluster } from '../harness/cluster.ts';
import { startPgBouncer } from '../harness/pgbouncer.ts';
import { build } from './build.ts';
import type { ProgramOptions } from './program.ts';
import { Program, type ProgramSetup, type Role } from './programs.ts';
import { type FaultProxy, startProxy } from './proxy.ts';
import { type Queue, queueOf } from './queue.ts';
import { type Vendors, vendorsAt } from './vendors.ts';

export type Backend = 'redis' | 'postgres' | 'cluster';

/** Production's waits, shortened in proportion so that recovery from a kill or a flush takes seconds. */
export const chaosTimings: Timings = {
  outboxVisibilityMs: 2_500,
  sweepEveryMs: 500,
  reconcileAfterMs: 5_000,
  missedEventsEveryMs: 5_000,
  rechargeWaitMs: 2_000,
  wakeEveryMs: 200,
  ledgerCheckEveryMs: 20_000,
  reconcileEveryMs: 3_000,
  listingGapMs: 2_000,
  callbackGraceMs: 1_000,
  assumeDeliveredMs: 20_000,
  unwellAfterMs: 10_000,
  backoffMs: [300, 600, 1_200, 2_000],
};

export type MachineOptions = {
  backend: Backend;
  timings?: Partial<Timings>;
  sandbox?: SandboxOptions;
  /** Runs the product on Postgres through PgBouncer in transaction mode. */
  pgbouncer?: boolean;
  /** Concurrent jobs per worker; the product's own settings when absent. */
  concurrency?: number;
};

/** The servers, the simulated vendors and the product's processes, with a fault proxy on every connection. */
export type Machine = {
  backend: Backend;
  /** A temporary folder with the compiled product and its logs. Removed by `stop()` unless `keep` is set. */
  folder: string;
  /** The output of all the product's processes. */
  logFile: string;
  /** The URL of the API for buyers, sellers and vendors. */
  publicUrl: string;
  /** A key of the demo organization, whose spend caps are raised. */
  apiKey: string;
  organizationId: string;
  /** The harness's own connection, which bypasses the proxy. */
  db: Database;
  postgres: EmbeddedPostgres;
  queue: Queue;
  vendors: Vendors;
  /**
   * Proxies from the product to Postgres, Redis and the vendors, and from people and vendors to the API. `redis` is null
   * without Redis and for a cluster, whose nodes tell clients their own addresses.
   */
  proxies: { postgres: FaultProxy; redis: FaultProxy | null; vendors: FaultProxy; api: FaultProxy };
  /** Starts a supervised process. Await `whenUp()` before using it. */
  start(role: Role, name: string, setup?: ProgramSetup): Program;
  /** Stops everything, newest first. `keep` leaves the folder with its logs. */
  stop(options?: { keep?: boolean }): Promise<void>;
};

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    process.off('SIGINT', abort).off('SIGTERM', abort);
    for (const act of closers.reverse().splice(0)) await act();
  };
  // An interrupted run stops its servers too.
  const abort = () => void close().finally(() => process.exit(130));
  process.once('SIGINT', abort).once('SIGTERM', abort);
  try {
    return await assemble(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(
  options: MachineOptions,
  closers: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-chaos-'));
  let kept = false;
  closers.push(async () => {
    if (!kept) await rm(folder, { recursive: true, force: true });
  });
  const built = build(folder);
  const [postgres, redisUrl, sandbox] = await Promise.all([
    startTemporaryPostgres(),
    startQueueServer(options.backend, closers),
    startVendors(options.sandbox ?? {}, closers),
  ]);
  closers.push(() => postgres.stop('immediate'));
  const pooler = options.pgbouncer ? await startPgBouncer(postgres.url) : null;
  if (pooler) closers.push(() => pooler.stop());
  await migrate(postgres.url);
  const db = createDatabase({ url: postgres.url, max: 4, applicationName: 'chaos', connectTimeoutMs: 5_000 });
  closers.push(() => db.close());
  const { organizationId, apiKey } = await ensureDemo(db, { freshKey: true });
  // The run sends more texts than the spend caps allow.
  await db.query(
    'UPDATE organizations SET sms_per_day = 2000000000, sms_per_number_hour = 2000000000 WHERE id = $1',
    [organizationId],
  );

  const proxyTo = async (port: number) => {
    const proxy = await startProxy(() => port);
    closers.push(() => proxy.stop());
    return proxy;
  };
  const apiPort = await freePort();
  const proxies = {
    postgres: await proxyTo(pooler ? Number(new URL(pooler.url).port) : postgres.port),
    redis: options.backend === 'redis' ? await proxyTo(Number(new URL(redisUrl!).port)) : null,
    vendors: await proxyTo(Number(new URL(sandbox.url).port)),
    api: await proxyTo(apiPort),
  };
  const publicUrl = `http://127.0.0.1:${proxies.api.port}`;
  const vendors = vendorsAt(sandbox.url);
  await vendors.control('POST', 'configure', {
    stripe: { webhookUrl: `${publicUrl}/webhook/stripe` },
    twilio: { inboundUrl: `${publicUrl}/webhook/twilio/sms` },
    sendgrid: { eventsUrl: `${publicUrl}/webhook/sendgrid/events` },
  });
  const databaseUrl = new URL(pooler?.url ?? postgres.url);
  databaseUrl.port = `${proxies.postgres.port}`;
  const defaults = loadConfig({});
  const programOptions: ProgramOptions = {
    concurrency: options.concurrency,
    config: {
      databaseUrl: databaseUrl.href,
      databaseDirectUrl: pooler ? postgres.url : null,
      redisUrl: proxies.redis ? `redis://127.0.0.1:${proxies.redis.port}` : redisUrl,
      publicUrl,
      http: { ...defaults.http, port: apiPort, host: '127.0.0.1' },
      sandboxUrl: `http://127.0.0.1:${proxies.vendors.port}`,
      sandboxSendgridKey: sandbox.sendgridPublicKey,
      timings: { ...defaults.timings, ...chaosTimings, ...options.timings },
    },
  };
  const file = join(await built, 'program.js');
  const logFile = join(folder, 'product.log');
  const queue = queueOf(redisUrl, db);
  closers.push(() => queue.close());
  return {
    backend: options.backend,
    folder,
    logFile,
    publicUrl,
    apiKey: apiKey!,
    organizationId,
    db,
    postgres,
    queue,
    vendors,
    proxies,
    start(role, name, setup = {}) {
      const program = new Program(name, role, [file, role, JSON.stringify(programOptions)], logFile, setup);
      closers.push(() => program.stop());
      return program;
    },
    async stop({ keep = false } = {}) {
      kept = keep;
      await close();
    },
  };
}

async function startQueueServer(
  backend: Backend,
  closers: (() => Promise<unknown>)[],
): Promise<string | null> {
  if (backend === 'postgres') return null;
  if (backend === 'cluster') {
    const cluster = await startRedisCluster();
    closers.push(() => cluster.stop());
    return cluster.url;
  }
  const port = await freePort();
  const parameters = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', parameters, { stdio: 'ignore' });
  await once(child, 'spawn');
  closers.push(() => killAndWait(child));
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: 200 });
  // Connection errors are expected until the server has started.
  redis.on('error', () => undefined);
  await redis.ping();
  redis.disconnect();
  return `redis://127.0.0.1:${port}`;
}

async function startVendors(
  options: SandboxOptions,
  closers: (() => Promise<unknown>)[],
): Promise<{ url: string; sendgridPublicKey: string }> {
  // Vendors retry for days, so the sandbox retries for longer than a run lasts.
  const retryDelaysMs = [500, 1_000, 2_000, ...Array.from({ length: 45 }, () => 4_000)];
  const programOptions = { retryDelaysMs, ...options };
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      'src/sandbox/main.ts',
      '--port',
      '0',
      '--with-parent',
      JSON.stringify(programOptions),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  closers.push(() => killAndWait(child));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return JSON.parse(String(line)) as { url: string; sendgridPublicKey: string };
}

async function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
