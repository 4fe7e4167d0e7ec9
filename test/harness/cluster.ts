import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../src/system.ts';

export type RedisCluster = {
  /** The value for REDIS_URL: every master, at the address clients use. */
  url: string;
  masters: readonly string[];
  /** FLUSHALL on every master. */
  flush(): Promise<void>;
  kill(master: number): Promise<void>;
  /** Kills a master and starts it again on its port: it still knows its slots, its keys are lost. */
  restart(master: number): Promise<void>;
  /** How many queues each master holds, those of other tests included. */
  queuesPerMaster(): Promise<number[]>;
  /** Runs `act` on each master, bypassing any proxy. */
  onEach<T>(act: (redis: Redis) => Promise<T>): Promise<T[]>;
  stop(): Promise<void>;
};

export type ClusterOptions = {
  password?: string;
  /** Starts a proxy before a master: takes the master's port, returns the port that clients use. */
  proxyTo?: (port: number) => Promise<number>;
};

type Master = {
  folder: string;
  port: number;
  busPort: number;
  clientPort: number;
  password: string | undefined;
  process: ChildProcess | null;
  output: string;
};

/** Longest wait for a server to start and for the cluster to form. */
const startTimeoutMs = 20_000;

/** Three masters on loopback, without replicas and without persistence. Needs redis-server and redis-cli. */
export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-redis-cluster-'));
  const masters: Master[] = [];
  const stop = async () => {
    await Promise.all(masters.map(kill));
    await rm(folder, { recursive: true, force: true });
  };
  const onEach = <T>(act: (redis: Redis) => Promise<T>) =>
    Promise.all(masters.map((master) => withRedis(master, act)));
  const restart = async (master: Master) => {
    await kill(master);
    await launch(master);
    await waitUntilReady(() => isServing(master));
  };
  try {
    for (const name of ['a', 'b', 'c']) masters.push(await startMaster(join(folder, name), options));
    await createCluster(masters);
    await Promise.all(masters.map((master) => waitUntilReady(() => isServing(master))));
  } catch (error) {
    await stop();
    throw error;
  }
  const secret = options.password ? `:${options.password}@` : '';
  const urls = masters.map(({ clientPort }) => `redis://${secret}127.0.0.1:${clientPort}`);
  return {
    url: urls.join(','),
    masters: urls,
    onEach,
    async flush() {
      await onEach((redis) => redis.flushall());
    },
    kill: (index) => kill(masters[index]!),
    restart: (index) => restart(masters[index]!),
    queuesPerMaster: () => onEach(countQueues),
    stop,
  };
}

async function startMaster(folder: string, { password, proxyTo }: ClusterOptions): Promise<Master> {
  await mkdir(folder);
  const [port, busPort] = [await freePort(), await freePort()];
  const clientPort = proxyTo ? await proxyTo(port) : port;
  const master: Master = { folder, port, busPort, clientPort, password, process: null, output: '' };
  await launch(master);
  return master;
}

async function launch(master: Master): Promise<void> {
  const { folder, port, busPort, clientPort, password } = master;
  const settings: Record<string, string | number> = {
    bind: '127.0.0.1',
    port,
    dir: folder,
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    'cluster-enabled': 'yes',
    'cluster-port': busPort,
    'cluster-node-timeout': 2_000,
    'cluster-announce-ip': '127.0.0.1',
    'cluster-announce-port': clientPort,
    'cluster-announce-bus-port': busPort,
    ...(password ? { requirepass: password, masterauth: password } : {}),
  };
  const parameters = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const child = spawn('redis-server', parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  master.process = child;
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (master.output = (master.output + chunk.toString()).slice(-4_000)));
  const answers = waitUntilReady(async () => {
    if (child.exitCode !== null)
      throw new ServerEnded(`redis-server ended with ${child.exitCode}:\n${master.output}`);
    return (await withRedis(master, (redis) => redis.ping())) === 'PONG';
  });
  await Promise.race([answers, failed]);
}

async function kill(master: Master): Promise<void> {
  const child = master.process;
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Joins the masters into one cluster and spreads the slots over them. */
async function createCluster(masters: Master[]): Promise<void> {
  const { password } = masters[0]!;
  const addresses = masters.map(({ port, busPort }) => `127.0.0.1:${port}@${busPort}`);
  const parameters = ['--cluster', 'create', ...addresses, '--cluster-yes'];
  const child = spawn(
    'redis-cli',
    password ? ['-a', password, '--no-auth-warning', ...parameters] : parameters,
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`redis-cli --cluster create ended with ${code}:\n${output}`);
}

const isServing = (master: Master) =>
  withRedis(master, async (redis) => String(await redis.cluster('INFO')).includes('cluster_state:ok'));

async function countQueues(redis: Redis): Promise<number> {
  let queues = 0;
  for await (const keys of redis.scanStream({ match: '{*}:*:meta', count: 1_000 })) queues += keys.length;
  return queues;
}

async function withRedis<T>({ port, password }: Master, act: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ port, password, lazyConnect: true, retryStrategy: () => null });
  // An 'error' event without a listener would end the process; the rejection reports the same error.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await act(redis);
  } finally {
    redis.disconnect();
  }
}

/** The server process ended: waiting longer cannot help. */
class ServerEnded extends Error {}

/** Polls every 50 ms, because a server does not signal that it is ready. */
async function waitUntilReady(ready: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    let reason: unknown = new Error(`not ready within ${startTimeoutMs} ms`);
    try {
      if (await ready()) return;
    } catch (error) {
      if (error instanceof ServerEnded) throw error;
      reason = error;
    }
    if (Date.now() > deadline) throw reason;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
