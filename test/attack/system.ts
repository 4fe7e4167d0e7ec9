import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { compile } from '../../scripts/compile.ts';
import { processEnvironment } from '../../src/config.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { startTemporaryPostgres } from '../../src/embedded-postgres/index.ts';
import { freePort } from '../../src/system.ts';
import { type Vendors, vendorsAt } from '../chaos/vendors.ts';
import { clientOf } from './client.ts';
import type { Heap, Sample } from './probe.ts';
import { type Seeded, seed } from './seed.ts';
import type { Target } from './target.ts';

export type Backend = Target['backend'];
type Closers = (() => Promise<unknown>)[];

/** The servers, the compiled product and the simulated vendors that the systems of one run share. */
export type Ground = {
  backend: Backend;
  /** A temporary folder with the compiled product and its logs. */
  folder: string;
  startSystem(seconds: number): Promise<System>;
  stop(): Promise<void>;
};

/** An API and a worker process with production's settings, on a database of their own. */
export type System = {
  target: Target;
  db: Database;
  vendors: Vendors;
  /** Largest values since the last call, by process. */
  samples(): Record<'api' | 'worker', Sample>;
  /** What the API's heap holds after a collection. */
  heapMb(): Promise<number>;
  /** Which of the two processes have ended. */
  ended(): string[];
  stop(): Promise<void>;
};

const template = 'attack_template';
let systems = 0;

export async function startGround(backend: Backend): Promise<Ground> {
  const closers: Closers = [];
  const stop = async () => {
    for (const close of closers.reverse().splice(0)) await close();
  };
  try {
    return await assemble(backend, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(backend: Backend, closers: Closers, stop: () => Promise<void>): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-attack-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const compiled = compile('test/attack/tsconfig.json', folder);
  const postgres = await startTemporaryPostgres();
  closers.push(() => postgres.stop('immediate'));
  const redis = backend === 'redis' ? await startRedis(closers) : null;
  const server = createDatabase({ url: postgres.url, max: 1 });
  closers.push(() => server.close());
  const urlOf = (name: string) => Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href;
  await server.query(`CREATE DATABASE ${template}`);
  const seeded = await seed(urlOf(template));
  await compiled;
  const vendors = await startVendors(folder, closers);
  return {
    backend,
    folder,
    stop,
    async startSystem(seconds) {
      systems += 1;
      const name = `attack_${systems}`;
      await server.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
      await redis?.flushall();
      const addresses = {
        databaseUrl: urlOf(name),
        redisUrl: redis ? `redis://127.0.0.1:${redis.options.port}` : null,
      };
      return startProduct({ backend, folder, seconds, seeded, vendors, ...addresses });
    },
  };
}

type Setup = {
  backend: Backend;
  folder: string;
  seconds: number;
  seeded: Seeded;
  vendors: Vendors;
  databaseUrl: string;
  redisUrl: string | null;
};

async function startProduct(setup: Setup): Promise<System> {
  const { backend, folder, seconds, seeded, vendors, databaseUrl, redisUrl } = setup;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PORT: `${port}`,
    PUBLIC_URL: url,
    SANDBOX_URL: vendors.url,
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: 'error',
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
  };
  await vendors.control('POST', 'reset');
  await vendors.clearFaults();
  await vendors.control('POST', 'configure', {
    stripe: { webhookUrl: `${url}/webhook/stripe` },
    twilio: { inboundUrl: `${url}/webhook/twilio/sms` },
  });
  const api = startProgram(folder, 'src/api/main.js', env);
  const worker = startProgram(folder, 'src/workers/main.js', env);
  const db = createDatabase({ url: databaseUrl, max: 2, applicationName: 'attack' });
  const stop = async () => {
    await Promise.all([api.stop(), worker.stop(), db.close()]);
  };
  try {
    await untilHealthy(url, api.child, folder);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    db,
    vendors,
    stop,
    target: { url, backend, databaseUrl, sandboxUrl: vendors.url, folder, seconds, ...seeded },
    samples: () => ({ api: api.sample(), worker: worker.sample() }),
    heapMb: api.heapMb,
    ended: () => [
      ...(api.child.exitCode === null ? [] : ['api']),
      ...(worker.child.exitCode === null ? [] : ['worker']),
    ],
  };
}

const nothing: Sample = { stallMs: 0, stallCpuMs: 0, rssMb: 0 };

function startProgram(folder: string, file: string, env: Record<string, string>) {
  const { PATH } = processEnvironment();
  const log = openSync(join(folder, 'product.log'), 'a');
  const probe = pathToFileURL(join(folder, 'test', 'attack', 'probe.js')).href;
  const child = spawn(process.execPath, ['--import', probe, join(folder, file)], {
    env: { ...(PATH ? { PATH } : {}), ...env },
    stdio: ['ignore', log, log, 'ipc'],
  });
  let largest = nothing;
  child.on('message', (sample: Sample | Heap) => {
    if ('heapMb' in sample) return;
    largest = {
      stallMs: Math.max(largest.stallMs, sample.stallMs),
      stallCpuMs: Math.max(largest.stallCpuMs, sample.stallCpuMs),
      rssMb: Math.max(largest.rssMb, sample.rssMb),
    };
  });
  return {
    child,
    sample(): Sample {
      const taken = largest;
      largest = nothing;
      return taken;
    },
    async heapMb(): Promise<number> {
      child.send('heap');
      for (;;) {
        const [message] = (await once(child, 'message')) as [Sample | Heap];
        if ('heapMb' in message) return message.heapMb;
      }
    },
    stop: () => killAndWait(child),
  };
}

async function untilHealthy(url: string, api: ChildProcess, folder: string): Promise<void> {
  const client = clientOf(url, { connections: 1 });
  const deadline = Date.now() + 30_000;
  try {
    // A starting process sends no signal, so it is polled.
    while ((await client.send('GET', '/health')).status !== 200) {
      if (api.exitCode !== null || Date.now() > deadline)
        throw new Error(`the API did not start:\n${await readFile(join(folder, 'product.log'), 'utf8')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    client.close();
  }
}

async function startRedis(closers: Closers): Promise<Redis> {
  const port = await freePort();
  const parameters = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', parameters, { stdio: 'ignore' });
  await once(child, 'spawn');
  closers.push(() => killAndWait(child));
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: 200 });
  closers.push(async () => redis.disconnect());
  // Connection errors are expected until the server has started.
  redis.on('error', () => undefined);
  await redis.ping();
  return redis;
}

async function startVendors(folder: string, closers: Closers): Promise<Vendors> {
  const program = join(folder, 'src', 'sandbox', 'main.js');
  const child = spawn(process.execPath, [program, '--port', '0', '--with-parent'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  closers.push(() => killAndWait(child));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return vendorsAt((JSON.parse(String(line)) as { url: string }).url);
}

async function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
