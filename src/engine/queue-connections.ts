import {
  type BackendFactory,
  createPostgresBackend,
  type Job,
  Queue,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../adapters/logger.ts';
import { redisNodes } from '../config.ts';
import { settledWithin, within } from '../db/deadline.ts';
import { createPools } from '../db/transport/queue-pools.ts';
import { type WorkerName, workerNames } from '../events/routes.ts';

/** How queues and workers reach their backend: a Redis, a Redis Cluster, or PostgreSQL. */
export type Connections = {
  queue(name: WorkerName): Queue;
  worker(name: WorkerName, run: (job: Job) => Promise<string>, options: Partial<WorkerOptions>): Worker;
  /** Throws unless every queue can be reached. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** The queue server cannot be used as it is; the message says what to change. */
export class QueueSetupError extends Error {}

/** A connection that does not end by itself in this time is cut. */
const closePatienceMs = 1_000;
const bootTimeoutMs = 5_000;
const retryDelay = (attempt: number) => Math.min(attempt * 100, 1_000);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

type AnyRedis = Redis | Cluster;
type RedisServer = { producer: AnyRedis; consumer(): AnyRedis };

/**
 * Connects to what REDIS_URL names; whether that is a cluster, the server says itself. A queue that may drop jobs on
 * its own is refused at boot, as is one that cannot be reached.
 */
async function connectRedis(url: string, log: Logger): Promise<RedisServer> {
  const nodes = redisNodes(url);
  const { redis, info } = await firstToAnswer(nodes, log);
  if (info.includes('cluster_enabled:1')) {
    redis.disconnect();
    return connectCluster(nodes, redis.options, log);
  }
  try {
    if (nodes.length > 1) {
      throw new QueueSetupError(
        'REDIS_URL names several nodes, but they are no cluster. Name one server, or enable cluster mode.',
      );
    }
    refuseEviction(info, 'Redis');
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  const consumer = () => new Redis(url, { maxRetriesPerRequest: null, retryStrategy: retryDelay });
  return { producer: redis, consumer };
}

async function firstToAnswer(nodes: string[], log: Logger): Promise<{ redis: Redis; info: string }> {
  let lastError: unknown;
  for (const node of nodes) {
    // Producers fail fast when Redis is away later, workers wait for it to come back.
    const redis = new Redis(node, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      retryStrategy: retryDelay,
    });
    // A wrong password or certificate is told here; the rejection says no more than "closed".
    let reason: Error | undefined;
    redis.on('error', (error) => {
      reason = error;
      log.debug({ error: error.message }, 'redis');
    });
    try {
      await within(bootTimeoutMs, 'no connection', redis.connect());
      return { redis, info: await within(bootTimeoutMs, 'no answer', redis.info()) };
    } catch (error) {
      redis.disconnect();
      lastError = reason ?? error;
    }
  }
  throw new QueueSetupError(
    `REDIS_URL is set, but Redis does not answer (${messageOf(lastError)}). Start it, or unset REDIS_URL.`,
  );
}

/** `access` is how the first node was reached: its credentials and its TLS are those of every node. */
async function connectCluster(nodes: string[], access: RedisOptions, log: Logger): Promise<RedisServer> {
  const seeds = nodes.map((node) => new URL(node));
  if (seeds.some(({ pathname }) => !['', '/', '/0'].includes(pathname)))
    throw new QueueSetupError('REDIS_URL names a database number: a Redis Cluster has only one database.');
  const { username, password, tls, family } = access;
  const open = (redisOptions: RedisOptions, fast: boolean) =>
    new Cluster(
      seeds.map(({ hostname, port }) => ({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port || 6379),
      })),
      {
        ...{ lazyConnect: fast, enableOfflineQueue: !fast, clusterRetryStrategy: retryDelay },
        // Each is a tenth of a second: the outbox bridges what takes longer.
        ...(fast ? { maxRedirections: 5 } : {}),
        // Names stay names: a certificate is not made out to an address.
        dnsLookup: (name, callback) => callback(null, name),
        redisOptions: { username, password, tls, family, ...redisOptions },
      },
    );
  const producer = open({}, true);
  producer.on('error', (error) => log.debug({ error: error.message }, 'redis cluster'));
  try {
    await within(bootTimeoutMs, 'no connection', producer.connect());
    for (const master of producer.nodes('master'))
      refuseEviction(await master.info('memory'), `Redis on ${master.options.host}:${master.options.port}`);
  } catch (error) {
    producer.disconnect();
    if (error instanceof QueueSetupError) throw error;
    throw new QueueSetupError(
      `REDIS_URL names a Redis Cluster that does not serve (${messageOf(error)}). CLUSTER INFO on a node says why.`,
    );
  }
  return { producer, consumer: () => open({ maxRetriesPerRequest: null }, false) };
}

function refuseEviction(info: string, server: string): void {
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? 'noeviction';
  if (policy === 'noeviction') return;
  throw new QueueSetupError(
    `${server} evicts keys (maxmemory-policy ${policy}), which loses jobs. Set it to noeviction.`,
  );
}

export async function redisConnections(url: string, namespace: string, log: Logger): Promise<Connections> {
  const { producer, consumer } = await connectRedis(url, log);
  // Hash-tagged per queue: on a Redis Cluster each queue lives in one slot, and the queues on different masters.
  const prefix = (name: WorkerName) => `{${namespace}-${name}}`;
  const consumers: AnyRedis[] = [];
  const owned = <R extends AnyRedis>(redis: R): R => {
    redis.on('error', (error) => log.debug({ error: error.message }, 'redis'));
    consumers.push(redis);
    // A worker waits for jobs on a copy; when Redis is away at the end, nothing else would stop that copy from reconnecting.
    const duplicate = redis.duplicate.bind(redis) as (...options: unknown[]) => R;
    redis.duplicate = ((...options: unknown[]) => owned(duplicate(...options))) as R['duplicate'];
    return redis;
  };
  return {
    queue: (name) =>
      new Queue(name, { connection: producer, prefix: prefix(name), skipWaitingForReady: true }),
    worker: (name, run, options) =>
      new Worker(name, run, { ...options, prefix: prefix(name), connection: owned(consumer()) }),
    async ping() {
      // A look into each queue: a cluster answers PING from whichever of its masters lives.
      const looks = workerNames.map((name) => producer.exists(`${prefix(name)}:${name}:meta`));
      await within(1_000, 'no answer', Promise.all(looks));
    },
    async close() {
      producer.disconnect();
      for (const redis of consumers) redis.disconnect();
    },
  };
}

type Backend = { connection: { readyPromise?: Promise<void> | undefined; waitUntilReady(): Promise<void> } };

/**
 * BullMQ (6.7.0) keeps the outcome of its first connection, also when that failed: such a queue would never work, and
 * such a worker would ask again without a pause, so that nothing else in the process ran. Here a failure is forgotten.
 */
const backend = ((...parameters: Parameters<typeof createPostgresBackend>) => {
  const made = createPostgresBackend(...parameters);
  const { connection } = made as unknown as Backend;
  const firstConnection = connection.waitUntilReady.bind(connection);
  connection.waitUntilReady = () =>
    firstConnection().catch((error: unknown) => {
      connection.readyPromise = undefined;
      throw error;
    });
  return made;
}) as unknown as BackendFactory;

export async function postgresConnections(url: string, log: Logger): Promise<Connections> {
  const schema = 'bullmq';
  const pools = createPools(url, schema, (error) => log.debug({ error: error.message }, 'queue connection'));
  const pool = pools.open(6);
  // Migrated once, by a connection of its own: the pools would race for it.
  const migrating = new Queue(
    'migration',
    { connection: { connectionString: url, schema, migrate: true, max: 1 } as never },
    backend,
  );
  migrating.on('error', (error) => log.debug({ error: error.message }, 'queue migration'));
  try {
    await migrating.waitUntilReady();
  } finally {
    await migrating.close();
  }
  return {
    queue: (name) => new Queue(name, { connection: pool as never }, backend) as unknown as Queue,
    worker: (name, run, options) =>
      new Worker(name, run, { ...options, connection: pools.open(4) as never }, backend) as unknown as Worker,
    async ping() {
      await pool.query('SELECT 1');
    },
    async close() {
      if (await settledWithin(closePatienceMs, pools.end())) return;
      log.warn({ clients: pools.clients() }, 'queue connections were cut: they did not end by themselves');
      await settledWithin(closePatienceMs, pools.cut());
    },
  };
}
