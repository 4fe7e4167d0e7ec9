import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/system.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';

/** A Redis of its own, because the test fills it. */
async function startSmallRedis() {
  const port = await freePort();
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(
    'redis-server',
    [...settings, '--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept')) break;
  const admin = new Redis(port, '127.0.0.1');
  return {
    url: `redis://127.0.0.1:${port}`,
    admin,
    async stop() {
      admin.disconnect();
      child.kill();
      await once(child, 'exit');
    },
  };
}

describe('[S18] a Redis that is full or evicts', () => {
  let redis: Awaited<ReturnType<typeof startSmallRedis>>;
  let api: ApiTest;
  beforeAll(async () => {
    redis = await startSmallRedis();
    api = await startApi({ redisUrl: redis.url, selfCheck: { everyMs: 3_600_000 } });
  });
  afterAll(async () => {
    await api?.stop();
    await redis?.stop();
  });
  const health = async () => {
    await api.runtime.selfCheck.run();
    return (await api.app.inject('/health')).json();
  };
  const open = () => api.rows('SELECT subject FROM alerts WHERE resolved_at IS NULL');

  it('a Redis without room for a job: degraded, named, one alert; well again when it has room', async () => {
    expect(await health()).toMatchObject({ status: 'healthy', checks: { queue_memory: 'healthy' } });
    let full: unknown;
    for (let at = 0; !full; at += 1)
      await redis.admin.set(`filling-${at}`, 'x'.repeat(100_000)).catch((error: unknown) => (full = error));
    expect(String(full)).toContain('OOM');
    expect(await health()).toMatchObject({
      status: 'degraded',
      checks: { queue: 'healthy', queue_memory: 'unhealthy', queue_policy: 'healthy' },
    });
    await health();
    expect(await open()).toEqual([{ subject: 'installation:queue_memory' }]);
    await redis.admin.flushall();
    expect(await health()).toMatchObject({ status: 'healthy' });
    expect(await open()).toEqual([]);
  });

  it('a policy changed while running: degraded and named', async () => {
    await redis.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await health()).toMatchObject({ status: 'degraded', checks: { queue_policy: 'unhealthy' } });
    await redis.admin.config('SET', 'maxmemory-policy', 'noeviction');
    expect(await health()).toMatchObject({ status: 'healthy', checks: { queue_policy: 'healthy' } });
  });
});
