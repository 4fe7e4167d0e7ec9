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
import { startProxy, type Wire } from './proxy.ts';
import { type Queue, queueOf } from './queue.ts';
import { type Vendors, vendorsAt } from './vendors.ts';

export type Backend = 'redis' | 'postgres' | 'cluster';

/** Waits short enough that a death, a flush or an unclear answer is over in seconds, and in production's proportions. */
export const chaosTimings: Timings = {
  outboxVisibilityMs: 2_500,
  sweepEveryMs: 500,
  reconcileAfterMs: 5_000,
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
  /** Postgres behind PgBouncer in transaction mode. */
  pgbouncer?: boolean;
  /** Jobs at once per worker; the product's own numbers when absent. */
  concurrency?: number;
};

/** Real servers, the vendors, and the product's processes, each of which can be hurt from outside. */
export type Machine = {
  backend: Backend;
  /** Temporary: the compiled product and its logs. Removed by `stop()` unless told otherwise. */
  folder: string;
  /** Everything the product's processes printed. */
  logFile: string;
  /** As buyers, sellers and vendors reach the API. */
  publicUrl: string;
  /** A key of the demo organization, whose spend caps are lifted. */
  apiKey: string;
  organizationId: string;
  /** A connection of the harness, past the proxy. */
  db: Database;
  postgres: EmbeddedPostgres;
  queue: Queue;
  vendors: Vendors;
  /** The wires: product to Postgres, Redis (null without one, and for a cluster, which tells its clients where its nodes are) and vendors; people and vendors to the API. */
  proxies: { postgres: Wire; redis: Wire | null; vendors: Wire; api: Wire };
  /** Starts a process under supervision. Await `whenUp()` before relying on it. */
  start(role: Role, name: string, setup?: ProgramSetup): Program;
  /** Ends everything, newest first. `keep`: the folder stays, for its logs. */
  stop(options?: { keep?: boolean }): Promise<void>;
};

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    process.off('SIGINT', breakOff).off('SIGTERM', breakOff);
    for (const act of closers.reverse().splice(0)) await act();
  };
  // A run that is broken off leaves no server behind.
  const breakOff = () => void close().finally(() => process.exit(130));
  process.once('SIGINT', breakOff).once('SIGTERM', breakOff);
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
  // Spend caps protect a seller's purse; here everything is spent at once.
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
  const planned = loadConfig({});
  const given: ProgramOptions = {
    concurrency: options.concurrency,
    config: {
      databaseUrl: databaseUrl.href,
      databaseDirectUrl: pooler ? postgres.url : null,
      redisUrl: proxies.redis ? `redis://127.0.0.1:${proxies.redis.port}` : redisUrl,
      publicUrl,
      http: { port: apiPort, host: '127.0.0.1' },
      sandboxUrl: `http://127.0.0.1:${proxies.vendors.port}`,
      sandboxSendgridKey: sandbox.sendgridPublicKey,
      timings: { ...planned.timings, ...chaosTimings, ...options.timings },
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
      const program = new Program(name, role, [file, role, JSON.stringify(given)], logFile, setup);
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
  closers.push(() => killed(child));
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: 200 });
  // Not there yet.
  redis.on('error', () => undefined);
  await redis.ping();
  redis.disconnect();
  return `redis://127.0.0.1:${port}`;
}

async function startVendors(
  options: SandboxOptions,
  closers: (() => Promise<unknown>)[],
): Promise<{ url: string; sendgridPublicKey: string }> {
  // They go on for days: longer than a run lasts.
  const retryDelaysMs = [500, 1_000, 2_000, ...Array.from({ length: 45 }, () => 4_000)];
  const given = { retryDelaysMs, ...options };
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'src/sandbox/main.ts', '--port', '0', '--with-parent', JSON.stringify(given)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  closers.push(() => killed(child));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return JSON.parse(String(line)) as { url: string; sendgridPublicKey: string };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
