import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

export type RedisServer = { url: string; stop(): Promise<void> };

const startTimeoutMs = 10_000;

/** Starts redis-server on a free port without persistence. Returns null when it is not on PATH. */
export async function startRedis(): Promise<RedisServer | null> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-mutants-redis-'));
  const port = await freePort();
  const settings = {
    bind: '127.0.0.1',
    port,
    dir: folder,
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
  };
  const parameters = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const child = spawn('redis-server', [...parameters, '--save', ''], { stdio: 'ignore' });
  const notFound = new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(false));
    child.once('error', () => resolve(true));
  });
  const stop = async () => {
    if (child.pid && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  if (await notFound) {
    await stop();
    return null;
  }
  try {
    await waitUntilReady(port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis://127.0.0.1:${port}`, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Retries every 50 ms until the server responds. */
async function waitUntilReady(port: number): Promise<void> {
  const redis = new Redis({
    port,
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => (attempt * 50 < startTimeoutMs ? 50 : null),
  });
  redis.on('error', () => undefined);
  try {
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
