import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { createQueues, type Queues } from '../../src/engine/queues.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';
import { type OutageProxy, startOutageProxy } from '../harness/outages.ts';

let database: TestDatabase;
let proxy: OutageProxy;
let queues: Queues;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgres'));
  const { hostname, port } = new URL(database.directUrl);
  proxy = await startOutageProxy(hostname, Number(port || 5432));
  const url = Object.assign(new URL(database.directUrl), { host: `127.0.0.1:${proxy.port}` });
  queues = await createQueues({ redisUrl: null, databaseUrl: url.href, log: pino({ level: 'silent' }) });
});
afterAll(async () => {
  await queues?.close();
  await proxy?.stop();
  await database?.drop();
});

/** The worker retries 0.5 s after a refused connection; with BullMQ's default it would wait 15 s. */
const backWithinMs = 7_000;
/** This many refused calls in sequence take longer than the worker's own connection attempt, which started earlier. */
const refusedCalls = 20;

it('[F12] a worker whose PostgreSQL queue was down takes the next job as soon as the server is back', async () => {
  const started = new Set<number>();
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  queues.startWorker('distributor', { concurrency: 1 }, async ({ outboxId }) => {
    started.add(outboxId);
    if (outboxId === 1) await finished;
    return 'done';
  });
  const add = (id: number) =>
    queues.add('distributor', [{ id, epoch: 0, worker: 'distributor', organizationId: null }]);
  const addRefused = async () => {
    for (let call = 0; call < refusedCalls; call++) await expect(add(2)).rejects.toThrow();
  };
  await add(1);
  await expect.poll(() => started.has(1), { timeout: 10_000 }).toBe(true);

  await proxy.refuse();
  await addRefused();
  // The job ends now, while its completion cannot be reported to the queue.
  finish();
  await addRefused();
  await proxy.restore();

  await add(2);
  const deadline = performance.now() + backWithinMs;
  while (!started.has(2) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(started).toContain(2);
});
