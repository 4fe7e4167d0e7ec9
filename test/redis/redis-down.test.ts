import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisNodes } from '../../src/config.ts';
import { createSweeper } from '../../src/engine/sweeper.ts';
import { type ProxiedQueueServer, startProxiedQueueServer } from '../harness/outages.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import { providers, startSystem, type TestSystem } from '../harness/system.ts';

describe('Redis is down', () => {
  let system: TestSystem;
  let redis: ProxiedQueueServer;
  const [amy] = providers;
  beforeAll(async () => {
    redis = await startProxiedQueueServer(process.env.REDIS_URL!);
    system = await startSystem({ redisUrl: redis.url });
  });
  afterAll(async () => {
    await system.stop();
    await redis.stop();
  });

  it('[F04] a lead is accepted, /health is degraded, and the work is done when Redis is back', async () => {
    await redis.refuse();
    const began = Date.now();
    const { status, body } = await system.api('POST', '/api/leads', sampleLead);
    expect(status).toBe(201);
    expect(Date.now() - began).toBeLessThan(2_000);
    const health = await system.api('GET', '/health');
    expect(health).toMatchObject({
      status: 200,
      body: { status: 'degraded', checks: { database: 'healthy', queue: 'unhealthy' } },
    });
    expect((await system.api('GET', '/health/redis')).body).toMatchObject({
      backend: 'redis',
      reachable: false,
    });
    expect(system.sandbox.ledger.list({ operation: 'message.create' })).toEqual([]);

    await redis.restore();
    await system.text(amy!.phone, body.lead_id, 20_000);
    await system.until<{ status: string }>(
      'teased',
      'SELECT status FROM lead_unlocks',
      [],
      (row) => row?.status === 'AWAIT_CONFIRM',
    );
    expect(system.sandbox.ledger.list({ operation: 'message.create', accepted: true })).toHaveLength(1);
    expect((await system.api('GET', '/health')).body).toMatchObject({ status: 'healthy' });
  });

  it('[F04] a Redis that accepts connections without responding does not block the sweeper, and its rows stay due', async () => {
    await redis.freeze();
    const { status, body } = await system.api('POST', '/api/leads', sampleLead);
    expect(status).toBe(201);
    const dueAt = 'SELECT id, due_at::text AS due FROM outbox ORDER BY id';
    const sweeper = createSweeper({ ...system.runtime, timings: system.config.timings });
    // One sweep first: afterwards the system's own sweeper has met the timeout too and moves no row between the two reads.
    await sweeper.sweep();
    await system.rows('UPDATE outbox SET due_at = now()');
    const before = await system.rows(dueAt);
    const began = Date.now();
    const report = await sweeper.sweep();
    expect(Date.now() - began).toBeLessThan(8_000);
    expect(report).toMatchObject({ visited: 0, reissued: 0, admitted: 0 });
    expect(await system.rows(dueAt)).toEqual(before);

    await redis.restore();
    await system.text(amy!.phone, body.lead_id, 20_000);
  });

  it('[S11] requests are limited and answered in time while Redis does not respond', async () => {
    await redis.freeze();
    const statuses: number[] = [];
    let slowest = 0;
    for (let n = 0; n < 80; n += 1) {
      const began = performance.now();
      const { status } = await system.api('GET', '/api/leads', undefined, {
        authorization: 'Bearer lg_unknown',
      });
      slowest = Math.max(slowest, performance.now() - began);
      statuses.push(status);
    }
    await redis.restore();
    // The limit of 60, counted by this process alone. What was sent to Redis and not answered may count twice.
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(30);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(60);
    expect(statuses.at(-1)).toBe(429);
    expect(slowest).toBeLessThan(1_500);
  });

  it('[S18] a Redis that evicts keys is refused at boot', async () => {
    // In a cluster the last node, so that all of them must be checked.
    const admin = new Redis(redisNodes(process.env.REDIS_URL!).at(-1)!);
    try {
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await expect(startSystem()).rejects.toThrow(/noeviction/);
    } finally {
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      admin.disconnect();
    }
  });
});
