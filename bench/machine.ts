import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { processEnvironment } from '../src/config.ts';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { freePort } from '../src/system.ts';

/** Servers and processes of a measurement. Everything is stopped by `stop()`, newest first. */
export class Machine {
  #closers: (() => Promise<unknown>)[] = [];

  async stop(): Promise<void> {
    for (const close of this.#closers.reverse().splice(0)) await close();
  }

  /** PostgreSQL as a product would run it: every commit is on the disk. */
  async postgres(): Promise<string> {
    const dataDir = await mkdtemp(join(tmpdir(), 'leadgate-bench-'));
    this.#closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const postgres = await startEmbeddedPostgres({ dataDir, durability: 'safe' });
    this.#closers.push(() => postgres.stop());
    return postgres.url;
  }

  /** A Redis of our own, or the empty one in REDIS_URL; null when there is neither. */
  async redis(): Promise<string | null> {
    const given = processEnvironment().REDIS_URL;
    if (given) {
      await insistOnEmpty(given);
      this.#closers.push(() => emptied(given));
      return given;
    }
    if (spawnSync('redis-server', ['--version']).error) return null;
    const port = await freePort();
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--appendonly', 'no', '--save', ''];
    this.#start('redis-server', [...options, '--maxmemory-policy', 'noeviction']);
    const url = `redis://127.0.0.1:${port}`;
    await answers(url);
    return url;
  }

  /** The vendors, in a process of their own. */
  async sandbox(): Promise<string> {
    const child = this.node('src/sandbox/main.ts', ['--port', '0', '--with-parent'], {}, 'pipe');
    const [line] = await once(child.stdout!, 'data');
    return (JSON.parse(String(line)) as { url: string }).url;
  }

  /** One of our programs. Its output is thrown away but what it says on stderr. */
  node(
    file: string,
    parameters: string[],
    env: Record<string, string> = {},
    stdout: 'ignore' | 'pipe' = 'ignore',
  ) {
    const { PATH } = processEnvironment();
    return this.#start(process.execPath, ['--import', 'tsx', file, ...parameters], { PATH, ...env }, stdout);
  }

  #start(
    command: string,
    parameters: string[],
    env?: NodeJS.ProcessEnv,
    stdout: 'ignore' | 'pipe' = 'ignore',
  ): ChildProcess {
    const child = spawn(command, parameters, { env, stdio: ['pipe', stdout, 'inherit'] });
    const ended = once(child, 'exit');
    this.#closers.push(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    return child;
  }
}

/** Resolves once `probe` does; what it threw last is thrown after 30 s. */
export async function eventually<T>(probe: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => redis.disconnect());
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

const answers = (url: string) => eventually(() => withRedis(url, (redis) => redis.ping()));
const emptied = (url: string) => withRedis(url, (redis) => redis.flushdb());

async function insistOnEmpty(url: string): Promise<void> {
  const keys = await withRedis(url, (redis) => redis.dbsize());
  if (keys > 0) throw new Error(`the Redis in REDIS_URL holds ${keys} keys; measurements need an empty one`);
}

export function describeMachine(): string {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores[0]?.model.trim() ?? process.arch}, ${cores.length} cores, ${memory} GB, Node ${process.versions.node}`;
}
