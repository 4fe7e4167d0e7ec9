import { createServer } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { createQueues } from '../../src/engine/queues.ts';
import { createTestDatabase } from '../harness/database.ts';
import { openDoor } from '../harness/redis-door.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The PostgreSQL queue, whatever this run is about, behind a door. */
async function behindDoor() {
  const database = await createTestDatabase();
  const { hostname, port } = new URL(database.directUrl);
  const door = await openDoor(hostname, Number(port || 5432));
  const url = Object.assign(new URL(database.directUrl), { host: `127.0.0.1:${door.port}` });
  const queues = await createQueues({
    redisUrl: null,
    databaseUrl: url.href,
    log: pino({ level: 'silent' }),
  });
  closers.push(database.drop, door.stop, queues.close);
  return { queues, door };
}

it('[F12] a worker whose first connection breaks begins when Postgres answers', async () => {
  const { queues, door } = await behindDoor();
  await queues.add('distributor', [{ id: 1, epoch: 1, worker: 'distributor' }]);
  await door.shut();
  // A server that is just going away: it takes the connection and ends it.
  const ending = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => ending.listen(door.port, '127.0.0.1', resolve));
  let ran = 0;
  const worker = queues.startWorker('distributor', { concurrency: 1 }, async () => {
    ran += 1;
    return 'done';
  });
  await new Promise((resolve) => worker.once('error', resolve));
  await new Promise((resolve) => ending.close(resolve));
  await door.open();
  await expect.poll(() => ran, { timeout: 5_000 }).toBe(1);
});
