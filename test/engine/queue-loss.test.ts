import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { redisNodes } from '../../src/config.ts';
import { type RedisCluster, startRedisCluster } from '../harness/cluster.ts';
import { runLoad } from '../harness/load.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let cluster: RedisCluster | undefined;

/** A Redis that can be emptied without touching other queues: a database of its own in the given server, or a whole cluster. */
async function privateRedis(): Promise<string | null> {
  if (!process.env.REDIS_URL) return null;
  if (redisNodes(process.env.REDIS_URL).length > 1) {
    cluster = await startRedisCluster();
    return cluster.url;
  }
  const url = new URL(process.env.REDIS_URL);
  url.pathname = '/9';
  return url.href;
}

async function emptyQueues(system: TestSystem): Promise<void> {
  if (cluster) return cluster.flush();
  if (system.redisUrl) {
    const redis = new Redis(system.redisUrl);
    await redis.flushdb();
    redis.disconnect();
    return;
  }
  const tables = await system.rows<{ name: string }>(
    `SELECT format('bullmq.%I', tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename NOT LIKE '%migration%'`,
  );
  // TRUNCATE can deadlock with a statement that reads two of the tables; withTx retries it then.
  const all = tables.map(({ name }) => name).join(', ');
  await system.runtime.db.withTx((tx) => tx.query(`TRUNCATE ${all}`));
}

describe('the queue loses its contents', () => {
  let system: TestSystem;
  afterEach(async () => {
    await system.stop();
    await cluster?.stop();
  });

  it('[F07] emptied twice while 200 leads are sold: every unlock ends as expected, every message and charge happens once', async () => {
    system = await startSystem({ redisUrl: await privateRedis() });
    const result = await runLoad(system, 200, async (progress) => {
      for (const share of [20, 90]) {
        while ((await progress()) < share) await new Promise((resolve) => setTimeout(resolve, 10));
        await emptyQueues(system);
      }
    });
    expect(result.wrong).toEqual([]);
    expect(result.payments).toBe(50);
    expect([...result.teasers.values()].filter((n) => n !== 1)).toEqual([]);
  }, 90_000);
});
