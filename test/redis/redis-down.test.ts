import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providers, sampleLead, startSystem, type TestSystem } from '../harness/system.ts';

/** Redis behind a door that can be shut: nobody gets in, and whoever is in is thrown out. */
async function startDoor(
  target: URL,
): Promise<{ url: string; shut(): Promise<void>; open(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;
  const open = async () => {
    server = createServer((client) => {
      const upstream = connect(Number(target.port || 6379), target.hostname);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(socket);
        socket
          .on('error', () => other.destroy())
          .on('close', () => sockets.delete(socket) && other.destroy());
        socket.pipe(other);
      }
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  };
  await open();
  return {
    url: `redis://127.0.0.1:${port}${target.pathname}`,
    open,
    async shut() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

describe('Redis goes away', () => {
  let system: TestSystem;
  let door: Awaited<ReturnType<typeof startDoor>>;
  const [amy] = providers;
  beforeAll(async () => {
    door = await startDoor(new URL(process.env.REDIS_URL!));
    system = await startSystem({ redisUrl: door.url });
  });
  afterAll(() => system.stop());

  it('[F04] a lead is still accepted, health says degraded, and the work is done when Redis is back', async () => {
    await door.shut();
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

    await door.open();
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

  it('[S18] a Redis that evicts keys is refused at boot', async () => {
    const { Redis } = await import('ioredis');
    const admin = new Redis(process.env.REDIS_URL!);
    try {
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await expect(startSystem()).rejects.toThrow(/noeviction/);
    } finally {
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      admin.disconnect();
    }
  });
});
