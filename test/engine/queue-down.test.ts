import { connect, createServer, type Server, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { createQueues, type Queues } from '../../src/engine/queues.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';

/** The way to Postgres. Shut, it refuses whoever knocks, as a server that is being restarted does. */
type Door = { url: string; shut(): Promise<void>; open(): Promise<void> };

async function makeDoor(targetUrl: string): Promise<Door> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;
  const open = async () => {
    server = createServer((client) => {
      const upstream = connect(Number(target.port || 5432), target.hostname);
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
  const shut = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return { url: url.href, shut, open };
}

let database: TestDatabase;
let door: Door;
let queues: Queues;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgres'));
  door = await makeDoor(database.directUrl);
  queues = await createQueues({ redisUrl: null, databaseUrl: door.url, log: pino({ level: 'silent' }) });
});
afterAll(async () => {
  await queues?.close();
  await door?.shut();
  await database?.drop();
});

/** It asks again half a second after it was refused; left to BullMQ it would be deaf for 15 s. */
const backWithinMs = 7_000;
/** How often we are turned away ourselves, one after the other, before a worker that set out first must have been too. */
const knocks = 20;

it('[F12] a worker that finds its queue in PostgreSQL gone takes the next job as soon as the server is back', async () => {
  const begun = new Set<number>();
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  queues.startWorker('distributor', { concurrency: 1 }, async ({ outboxId }) => {
    begun.add(outboxId);
    if (outboxId === 1) await finished;
    return 'done';
  });
  const add = (id: number) => queues.add('distributor', [{ id, epoch: 0, worker: 'distributor' }]);
  const knockInVain = async () => {
    for (let knock = 0; knock < knocks; knock++) await expect(add(2)).rejects.toThrow();
  };
  await add(1);
  await expect.poll(() => begun.has(1), { timeout: 10_000 }).toBe(true);

  await door.shut();
  await knockInVain();
  // Its job ends now, and nobody is there to be told.
  finish();
  await knockInVain();
  await door.open();

  await add(2);
  const deadline = performance.now() + backWithinMs;
  while (!begun.has(2) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(begun).toContain(2);
});
