import { createServer } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { within } from '../../src/db/deadline.ts';
import { createQueues } from '../../src/engine/queues.ts';
import { atServer, createTestDatabase } from '../harness/database.ts';
import { startOutageProxy } from '../harness/outages.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A queue in PostgreSQL, also when the tests run on Redis, reached through a proxy. */
async function queuesBehindProxy() {
  const database = await createTestDatabase();
  const { hostname, port } = new URL(database.directUrl);
  const proxy = await startOutageProxy(hostname, Number(port || 5432));
  const url = Object.assign(new URL(database.directUrl), { host: `127.0.0.1:${proxy.port}` });
  const queues = await createQueues({
    redisUrl: null,
    databaseUrl: url.href,
    log: pino({ level: 'silent' }),
  });
  closers.push(database.drop, proxy.stop, queues.close);
  return { queues, proxy, directUrl: database.directUrl };
}

it('[F12] a worker whose first connection fails starts once Postgres accepts connections', async () => {
  const { queues, proxy } = await queuesBehindProxy();
  await queues.add('distributor', [{ id: 1, epoch: 1, worker: 'distributor', organizationId: null }]);
  await proxy.refuse();
  // Like a server that is shutting down: it accepts the connection and closes it.
  const ending = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => ending.listen(proxy.port, '127.0.0.1', resolve));
  let ran = 0;
  const worker = queues.startWorker('distributor', { concurrency: 1 }, async () => {
    ran += 1;
    return 'done';
  });
  await new Promise((resolve) => worker.once('error', resolve));
  await new Promise((resolve) => ending.close(resolve));
  await proxy.restore();
  await expect.poll(() => ran, { timeout: 5_000 }).toBe(1);
});

it('a job that ends waits for no row of another job, so that jobs that end at once cannot deadlock', async () => {
  const { queues, directUrl } = await queuesBehindProxy();
  const board = queues.boards().find(({ name }) => name === 'revealer')!;
  const earlier = Array.from({ length: 310 }, (_, n) => ({
    name: 'revealer',
    data: { outboxId: n, epoch: 1 },
    opts: { jobId: `earlier-${n}`, removeOnComplete: false },
  }));
  await board.addBulk(earlier);
  const worker = queues.startWorker('revealer', { concurrency: 20 }, async () => 'done');
  await expect.poll(() => board.getCompletedCount(), { timeout: 20_000 }).toBe(earlier.length);

  await atServer(directUrl, async (holder) => {
    await holder.query("BEGIN; SELECT 1 FROM bullmq.job WHERE state = 'completed' FOR UPDATE");
    const completed = new Promise((resolve) => worker.once('completed', resolve));
    await queues.add('revealer', [{ id: 1_000, epoch: 1, worker: 'revealer', organizationId: null }]);
    await within(10_000, 'the job did not end', completed);
    await holder.query('ROLLBACK');
  });
});
