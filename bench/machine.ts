import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { processEnvironment } from '../src/config.ts';
import { startEmbeddedPostgres } from '../src/embedded-postgres/index.ts';
import { freePort } from '../src/system.ts';
import { type Usage, type Watched, watchUsage } from './usage.ts';

let profileFolder: string | null = null;

/** Makes every program started from now on write a CPU profile into `folder` when it ends. */
export function profileInto(folder: string): void {
  profileFolder = folder;
}

let compiledFolder: string | null = null;

/** Makes programs run compiled from `folder`, as in production, instead of from their sources. */
export function runCompiled(folder: string): void {
  compiledFolder = folder;
}

export type NodeOptions = {
  env?: Record<string, string>;
  stdout?: 'ignore' | 'pipe';
  /** Opens an IPC channel. */
  ipc?: boolean;
  /** Its name among the processes of a row. When absent its usage is not reported. */
  role?: string;
};

const running = new Set<Machine>();

/** An interrupted run stops its servers too. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled([...running].map((machine) => machine.stop())).then(() => process.exit(1));
  });
}

/** Servers and processes of a measurement. Everything is stopped by `stop()`, newest first. */
export class Machine {
  #closers: (() => Promise<unknown>)[] = [];
  #watched: Watched[] = [];
  #stopping: Promise<void> | null = null;

  constructor() {
    running.add(this);
  }

  /** CPU and memory of everything with a role, from now until `end()`. */
  measure(): Promise<{ end(): Promise<Usage[]> }> {
    return watchUsage(this.#watched);
  }

  /** Stops everything. A second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    running.delete(this);
  }

  /** Starts PostgreSQL with production's durability: every commit is flushed to disk. `prepare` may need a restart. */
  async postgres(prepare?: (url: string) => Promise<void>): Promise<string> {
    const dataDir = await mkdtemp(join(tmpdir(), 'leadgate-bench-'));
    this.#closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const postgres = await startEmbeddedPostgres({ dataDir, durability: 'safe' });
    this.#closers.push(() => postgres.stop());
    if (prepare) {
      await prepare(postgres.url);
      await postgres.restart('fast');
    }
    const [pid] = (await readFile(join(postgres.dataDir, 'postmaster.pid'), 'utf8')).split('\n');
    this.#watched.push({ role: 'postgres', pid: Number(pid), tree: true });
    return postgres.url;
  }

  /** Starts a Redis, or uses the empty one in REDIS_URL. Returns null when there is neither. */
  async redis(): Promise<string | null> {
    const given = processEnvironment().REDIS_URL;
    if (given) {
      await requireEmpty(given);
      this.#closers.push(() => flush(given));
      return given;
    }
    if (spawnSync('redis-server', ['--version']).error) return null;
    const port = await freePort();
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--appendonly', 'no', '--save', ''];
    const parameters = [...options, '--maxmemory-policy', 'noeviction'];
    this.#start('redis-server', parameters, { role: 'redis' });
    const url = `redis://127.0.0.1:${port}`;
    await waitUntilReady(url);
    return url;
  }

  /** Starts the simulated vendors in a separate process. */
  async sandbox(): Promise<string> {
    const child = this.node('src/sandbox/main.ts', ['--port', '0', '--with-parent'], { stdout: 'pipe' });
    const [line] = await once(child.stdout!, 'data');
    return (JSON.parse(String(line)) as { url: string }).url;
  }

  /** Starts one of our programs. Its stdout is discarded, its stderr shown. */
  node(file: string, parameters: string[], options: NodeOptions = {}): ChildProcess {
    const { PATH } = processEnvironment();
    const profile = profileFolder ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : [];
    const program = compiledFolder
      ? [join(compiledFolder, file.replace(/\.ts$/, '.js'))]
      : ['--import', 'tsx', file];
    const all = [...profile, ...program, ...parameters];
    return this.#start(process.execPath, all, {
      ...options,
      env: { ...(PATH ? { PATH } : {}), ...options.env },
    });
  }

  #start(
    command: string,
    parameters: string[],
    { env, stdout = 'ignore', ipc, role }: NodeOptions,
  ): ChildProcess {
    const child = spawn(command, parameters, {
      env,
      stdio: ['pipe', stdout, 'inherit', ...(ipc ? (['ipc'] as const) : [])],
    });
    const ended = once(child, 'exit');
    if (role && child.pid) this.#watched.push({ role, pid: child.pid, tree: false });
    this.#closers.push(async () => {
      child.kill('SIGTERM');
      // A process that has already exited emits no further 'exit' event to wait for.
      if (child.exitCode === null && child.signalCode === null) await ended;
    });
    return child;
  }
}

/** Retries `probe` until it resolves; after 30 s its last error is thrown. */
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

const waitUntilReady = (url: string) => eventually(() => withRedis(url, (redis) => redis.ping()));
const flush = (url: string) => withRedis(url, (redis) => redis.flushdb());

async function requireEmpty(url: string): Promise<void> {
  const keys = await withRedis(url, (redis) => redis.dbsize());
  if (keys > 0) throw new Error(`the Redis in REDIS_URL holds ${keys} keys; measurements need an empty one`);
}

export function describeMachine(): string {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores[0]?.model.trim() ?? process.arch}, ${cores.length} cores, ${memory} GB, Node ${process.versions.node}`;
}
