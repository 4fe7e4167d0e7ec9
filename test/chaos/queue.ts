import { Redis } from 'ioredis';
import { redisNodes } from '../../src/config.ts';
import type { Database } from '../../src/db/client.ts';

/** The storage of the queue, accessed on its server and not through BullMQ. */
export type Queue = {
  /** The number of waiting jobs. */
  waiting(): Promise<number>;
  /** Empties the queue by FLUSHALL or TRUNCATE. Resolves with the number of waiting and active jobs. */
  flush(): Promise<number>;
  /** The whole contents as text, to search for contact data. */
  contents(): Promise<string>;
  close(): Promise<void>;
};

/** The far-delayed job of each queue, which is not counted as work. */
const canary = 'canary';

export function queueOf(redisUrl: string | null, db: Database): Queue {
  return redisUrl === null ? tables(db) : keys(redisUrl);
}

/** One server, or all masters of a cluster. */
function keys(url: string): Queue {
  const nodes = redisNodes(url);
  if (nodes.length === 1) {
    const redis = new Redis(url, { lazyConnect: true });
    return { ...keysOf(redis), close: async () => redis.disconnect() };
  }
  const servers = nodes.map((node) => new Redis(node, { lazyConnect: true }));
  const queues = servers.map(keysOf);
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
  return {
    waiting: async () => sum(await Promise.all(queues.map((queue) => queue.waiting()))),
    flush: async () => sum(await Promise.all(queues.map((queue) => queue.flush()))),
    contents: async () => (await Promise.all(queues.map((queue) => queue.contents()))).join('\n'),
    close: async () => {
      for (const server of servers) server.disconnect();
    },
  };
}

function keysOf(redis: Redis): Omit<Queue, 'close'> {
  const matching = async (pattern: string) => {
    const found: string[] = [];
    let cursor = '0';
    do {
      const [next, some] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
      found.push(...some);
      cursor = next;
    } while (cursor !== '0');
    return found;
  };
  const lengths = async (patterns: string[]) => {
    const lists = (await Promise.all(patterns.map(matching))).flat();
    const sizes = await Promise.all(lists.map((key) => redis.llen(key)));
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  return {
    waiting: () => lengths(['*:wait']),
    async flush() {
      const jobs = await lengths(['*:wait', '*:active']);
      await redis.flushall();
      return jobs;
    },
    async contents() {
      const texts: string[] = [];
      for (const key of await matching('*')) {
        const type = await redis.type(key);
        if (type === 'hash') texts.push(JSON.stringify(await redis.hgetall(key)));
        else if (type === 'list') texts.push((await redis.lrange(key, 0, -1)).join('\n'));
        else if (type === 'zset') texts.push((await redis.zrange(key, 0, -1)).join('\n'));
        else if (type === 'stream') texts.push(JSON.stringify(await redis.xrange(key, '-', '+')));
        else if (type === 'string') texts.push((await redis.get(key)) ?? '');
      }
      return texts.join('\n');
    },
  };
}

function tables(db: Database): Queue {
  const names = async () => {
    const found = await db.query<{ name: string }>(
      `SELECT format('bullmq.%I', tablename) AS name FROM pg_tables
      WHERE schemaname = 'bullmq' AND tablename NOT LIKE '%migration%'`,
    );
    return found.map(({ name }) => name);
  };
  const count = async (states: string[]) => {
    const [row] = await db.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM bullmq.job WHERE state::text = ANY($1) AND id <> $2',
      [states, canary],
    );
    return row!.n;
  };
  return {
    waiting: () => count(['waiting', 'prioritized']),
    async flush() {
      const jobs = await count(['waiting', 'prioritized', 'active']);
      // TRUNCATE can deadlock with a statement that reads two of the tables; withTx retries it then.
      const all = (await names()).join(', ');
      await db.withTx((tx) => tx.query(`TRUNCATE ${all}`));
      return jobs;
    },
    async contents() {
      const texts: string[] = [];
      for (const name of await names()) {
        const rows = await db.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
        texts.push(...rows.map(({ row }) => row));
      }
      return texts.join('\n');
    },
    close: async () => undefined,
  };
}
