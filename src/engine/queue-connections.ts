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
import { readRedisUrl, redisNodes } from '../config.ts';
import { settledWithin, within } from '../db/deadline.ts';
import { pgSettings } from '../db/server.ts';
import { createPools } from '../db/transport/queue-pools.ts';
import type { QueueServer } from '../domain/transport/checks.ts';
import { type WorkerName, workerNames } from '../events/routes.ts';
import { readRedisInfo } from './redis-info.ts';

/** Connections of queues and workers to their backend: Redis, a Redis Cluster, or PostgreSQL. */
export type Connections = {
  queue(name: WorkerName): Queue;
  worker(name: WorkerName, run: (job: Job) => Promise<string>, options: Partial<WorkerOptions>): Worker;
  /** The connection that adds jobs, which fails fast while Redis is unavailable. Null on PostgreSQL. */
  redis: Redis | Cluster | null;
  /** Throws unless every queue is reachable. */
  ping(): Promise<void>;
  /** The Redis servers as they describe themselves; empty on PostgreSQL. */
  servers(): Promise<QueueServer[]>;
  close(): Promise<void>;
};

/** The queue server is not usable as configured; the message states what to change. */
export class QueueSetupError extends Error {}

/** A connection that does not close within this time is destroyed. */
const closePatienceMs = 1_000;
const bootTimeoutMs = 5_000;
const retryDelay = (attempt: number) => Math.min(attempt * 100, 1_000);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

type AnyRedis = Redis | Cluster;
type RedisServer = { producer: AnyRedis; consumer(): AnyRedis };

/**
 * Connects to REDIS_URL and asks the server whether it is a cluster. A server that is unreachable or may evict jobs is
 * refused at boot.
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
        'REDIS_URL names several nodes that form no cluster. Name one server, or enable cluster mode.',
      );
    }
    refuseEviction(info, 'Redis');
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  const consumer = () =>
    new Redis({ ...optionsOf(nodes[0]!), maxRetriesPerRequest: null, retryStrategy: retryDelay });
  return { producer: redis, consumer };
}

/** Throws for an address that the configuration refuses at boot. */
function optionsOf(node: string) {
  const read = readRedisUrl(node);
  if (!read.ok) throw new QueueSetupError(read.problem);
  return read.server;
}

async function firstToAnswer(nodes: string[], log: Logger): Promise<{ redis: Redis; info: string }> {
  let lastError: unknown;
  for (const node of nodes) {
    // After boot, producers fail fast while Redis is unavailable, and workers wait until it is available again.
    const redis = new Redis({
      ...optionsOf(node),
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      retryStrategy: retryDelay,
    });
    // This event reports a wrong password or certificate; the rejection only says "closed".
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

/** `access`: credentials and TLS options of the first node, which are used for every node. */
async function connectCluster(nodes: string[], access: RedisOptions, log: Logger): Promise<RedisServer> {
  const seeds = nodes.map(optionsOf);
  if (seeds.some(({ db }) => db !== 0))
    throw new QueueSetupError('REDIS_URL names a database number: a Redis Cluster has only one database.');
  const { username, password, tls, family } = access;
  const open = (redisOptions: RedisOptions, fast: boolean) =>
    new Cluster(
      seeds.map(({ host, port }) => ({ host, port })),
      {
        lazyConnect: fast,
        enableOfflineQueue: !fast,
        clusterRetryStrategy: retryDelay,
        // Retries of a tenth of a second each; the outbox covers longer outages.
        ...(fast ? { maxRedirections: 5 } : {}),
        // Keeps host names unresolved, because certificates are issued for names, not addresses.
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
  // Hash-tagged per queue: on a Redis Cluster each queue is in one slot, and queues are spread over the masters.
  const prefix = (name: WorkerName) => `{${namespace}-${name}}`;
  const consumers: AnyRedis[] = [];
  const owned = <R extends AnyRedis>(redis: R): R => {
    redis.on('error', (error) => log.debug({ error: error.message }, 'redis'));
    consumers.push(redis);
    // A worker waits for jobs on a duplicate connection, which would keep reconnecting if Redis is down during shutdown.
    const duplicate = redis.duplicate.bind(redis) as (...options: unknown[]) => R;
    redis.duplicate = ((...options: unknown[]) => owned(duplicate(...options))) as R['duplicate'];
    return redis;
  };
  return {
    queue: (name) =>
      new Queue(name, { connection: producer, prefix: prefix(name), skipWaitingForReady: true }),
    worker: (name, run, options) =>
      new Worker(name, run, { ...options, prefix: prefix(name), connection: owned(consumer()) }),
    redis: producer,
    async ping() {
      // Reads from each queue, because a cluster responds to PING from any available master.
      const looks = workerNames.map((name) => producer.exists(`${prefix(name)}:${name}:meta`));
      await within(1_000, 'no answer', Promise.all(looks));
    },
    async servers() {
      const nodes = producer instanceof Cluster ? producer.nodes('master') : [producer];
      const answers = nodes.map(async (node) =>
        readRedisInfo(`Redis on ${node.options.host}:${node.options.port}`, await node.info()),
      );
      return within(1_000, 'no answer', Promise.all(answers));
    },
    async close() {
      producer.disconnect();
      for (const redis of consumers) redis.disconnect();
    },
  };
}

type Backend = { connection: { readyPromise?: Promise<void> | undefined; waitUntilReady(): Promise<void> } };

/**
 * BullMQ (6.7.0) caches the result of its first connection, even a failure: such a queue would never work, and such a
 * worker would retry without a pause and block the process. This clears a failed result.
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
  // Each queue listens to the pool that all of them share.
  pool.setMaxListeners(2 * workerNames.length);
  // Migrated once, on a separate connection, because the pools would migrate concurrently.
  const migrating = new Queue(
    'migration',
    { connection: { ...pgSettings(url), schema, migrate: true, max: 1 } as never },
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
    redis: null,
    async ping() {
      await pool.query('SELECT 1');
    },
    servers: async () => [],
    async close() {
      if (await settledWithin(closePatienceMs, pools.end())) return;
      log.warn({ clients: pools.clients() }, 'queue connections did not close in time and were destroyed');
      await settledWithin(closePatienceMs, pools.cut());
    },
  };
}
