import { Redis } from 'ioredis';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commitChange, type PublishRow } from '../../src/db/commit.ts';
import { createQueues } from '../../src/engine/queues.ts';
import { workerNames } from '../../src/events/routes.ts';
import { type RedisCluster, startRedisCluster } from '../harness/cluster.ts';
import { runLoad } from '../harness/load.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

const hour = 3_600_000;
const log = pino({ level: 'silent' });
const openQueues = (redisUrl: string) => createQueues({ redisUrl, databaseUrl: '', log });

describe('a Redis Cluster of three masters', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  it('is detected from any one node, and all its masters hold queues', async () => {
    for (const url of cluster.masters) {
      const queues = await openQueues(url);
      for (const worker of workerNames) expect(await queues.counts(worker)).toMatchObject({ waiting: 0 });
      for (const worker of workerNames) await queues.replantCanary(worker);
      expect(await queues.healthy()).toBe(true);
      await queues.close();
    }
    const held = await cluster.queuesPerMaster();
    expect(held.reduce((sum, count) => sum + count, 0)).toBe(workerNames.length);
    expect(held.filter((count) => count === 0)).toEqual([]);
  });

  it('[S18] is refused at boot when one master evicts keys', async () => {
    const admin = new Redis(cluster.masters[2]!);
    try {
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await expect(openQueues(cluster.url)).rejects.toThrow(/allkeys-lru.*noeviction/);
    } finally {
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      admin.disconnect();
    }
  });

  it('is refused with a database number, because a cluster has only one database', async () => {
    await expect(openQueues(`${cluster.masters[0]}/1`)).rejects.toThrow(/only one database/);
  });

  it('is reached as long as one of the named nodes is up', async () => {
    const queues = await openQueues(`redis://127.0.0.1:1,${cluster.url}`);
    expect(await queues.healthy()).toBe(true);
    await queues.close();
  });
});

it('a cluster with a password is reached on all its nodes', async () => {
  const cluster = await startRedisCluster({ password: 'a,b:c' });
  try {
    const queues = await openQueues(cluster.url);
    for (const worker of workerNames) expect(await queues.replantCanary(worker)).toBe(true);
    await queues.close();
    await expect(openQueues(cluster.url.replaceAll('a,b:c', 'wrong'))).rejects.toThrow(/REDIS_URL/);
  } finally {
    await cluster.stop();
  }
});

/** Puts a job for every worker into the queues. */
async function fillQueues({ runtime, rows }: TestSystem): Promise<void> {
  const leadId = uuidv7();
  const event = {
    type: 'lead.received' as const,
    organizationId: null,
    subject: `lead:${leadId}`,
    data: { leadId },
  };
  await commitChange(runtime.db, { events: [event] }, { visibilityMs: hour });
  await rows(
    `INSERT INTO outbox (event_id, event_at, worker, due_at, queued) SELECT event_id, event_at, w, due_at, queued
     FROM outbox, unnest($1::text[]) AS w WHERE w <> worker`,
    [workerNames],
  );
  runtime.queues.publish(
    await rows<PublishRow>('SELECT id, worker, epoch, organization_id AS "organizationId" FROM outbox'),
  );
}

describe('a Redis Cluster loses its contents', () => {
  let cluster: RedisCluster;
  let system: TestSystem;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterEach(() => system.stop());
  afterAll(() => cluster.stop());

  it('[F07] FLUSHALL on every master is detected in every queue, and the jobs are back long before their rows are due', async () => {
    // No workers: jobs stay in the queue.
    system = await startSystem({
      redisUrl: cluster.url,
      workers: [],
      timings: { outboxVisibilityMs: hour, sweepEveryMs: 50 },
    });
    const { queues } = system.runtime;
    const held = async () => {
      const counts = await Promise.all(workerNames.map((worker) => queues.counts(worker)));
      return counts.map(({ waiting, delayed }) => ({ job: waiting, canary: delayed }));
    };
    const full = workerNames.map(() => ({ job: 1, canary: 1 }));
    await fillQueues(system);
    await expect.poll(held, { timeout: 10_000 }).toEqual(full);
    await cluster.flush();
    await expect.poll(held, { timeout: 10_000 }).toEqual(full);
  });

  it('[F07] each master in turn is down for a while and comes back empty during 60 leads: every unlock ends as expected', async () => {
    system = await startSystem({ redisUrl: cluster.url });
    const health = async () => (await system.api('GET', '/health')).body;
    const result = await runLoad(system, 60, async (progress) => {
      for (const [master, share] of [5, 20, 40].entries()) {
        while ((await progress()) < share) await new Promise((resolve) => setTimeout(resolve, 10));
        await cluster.kill(master);
        await expect.poll(health, { timeout: 10_000 }).toMatchObject({ status: 'degraded' });
        await cluster.restart(master);
        await expect.poll(health, { timeout: 10_000 }).toMatchObject({ status: 'healthy' });
      }
    });
    expect(result.wrong).toEqual([]);
    expect(result.payments).toBe(15);
  }, 120_000);
});
