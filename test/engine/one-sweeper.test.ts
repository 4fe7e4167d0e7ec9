import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createQueues, type Queues } from '../../src/engine/queues.ts';
import { createSweeper } from '../../src/engine/sweeper.ts';
import { kill, startWorkerProcess } from '../harness/killable-worker.ts';
import { startOutageProxy } from '../harness/outages.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';
import { quickTimings } from '../harness/timings.ts';

let system: TestSystem;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  // The process of the test sweeps once, at its start; its next sweep is in an hour.
  system = await startSystem({ workers: [], timings: { sweepEveryMs: 3_600_000 } });
});
beforeEach(() => system.rows('DELETE FROM sweeper_lease'));
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => system?.stop());

type Started = { sweeps: number; reads: number; stop(): Promise<void> };

/** The sweeper of one process of several, which counts its sweeps and its readings of the depths without one. */
function start(queues: Queues = system.runtime.queues): Started {
  const sweeper = createSweeper({
    ...system.runtime,
    timings: { ...system.config.timings, ...quickTimings },
    queues: {
      ...queues,
      replantCanary(worker) {
        if (worker === 'distributor') started.sweeps += 1;
        return queues.replantCanary(worker);
      },
      refresh(state) {
        started.reads += 1;
        return queues.refresh(state);
      },
    },
  });
  const started = { sweeps: 0, reads: 0, stop: sweeper.stop };
  sweeper.start();
  closers.push(sweeper.stop);
  return started;
}

const lease = async () => {
  const [row] = await system.rows<{ holder: string; until: string }>(
    'SELECT holder, until::text FROM sweeper_lease',
  );
  return row;
};

it('[F06] of two processes one sweeps each interval, and the other reads the depths of the queues', async () => {
  const processes = [start(), start()];
  const most = () => Math.max(...processes.map(({ sweeps }) => sweeps));
  await expect.poll(most, { timeout: 10_000 }).toBeGreaterThanOrEqual(10);
  const [one, other] = processes.toSorted((a, b) => b.sweeps - a.sweeps);
  expect(other!.sweeps).toBe(0);
  expect(other!.reads).toBeGreaterThanOrEqual(5);
  await one!.stop();
  await expect.poll(() => other!.sweeps, { timeout: 2_000 }).toBeGreaterThan(0);
});

it('[F09] a killed process is replaced within a few intervals; a frozen one that wakes up leaves the sweeping to its successor', async () => {
  const killed = await startWorkerProcess(system);
  await expect.poll(lease, { timeout: 10_000 }).toBeDefined();
  const here = start();
  await expect.poll(() => here.reads, { timeout: 10_000 }).toBeGreaterThanOrEqual(5);
  expect(here.sweeps).toBe(0);
  await kill(killed);
  await expect.poll(() => here.sweeps, { timeout: 3_000 }).toBeGreaterThan(0);
  await here.stop();

  const frozen = await startWorkerProcess(system);
  closers.push(() => kill(frozen));
  await expect.poll(lease, { timeout: 10_000 }).toBeDefined();
  frozen.kill('SIGSTOP');
  const next = start();
  await expect.poll(() => next.sweeps, { timeout: 3_000 }).toBeGreaterThan(0);
  const successor = (await lease())!.holder;
  frozen.kill('SIGCONT');
  const sweeps = next.sweeps;
  await expect.poll(() => next.sweeps, { timeout: 10_000 }).toBeGreaterThan(sweeps + 10);
  expect((await lease())!.holder).toBe(successor);
});

it('[F09] a lease that ends in an hour, because the clock was set back, does not stop the sweeping', async () => {
  await system.rows("INSERT INTO sweeper_lease (holder, until) VALUES ($1, now() + interval '1 hour')", [
    uuidv7(),
  ]);
  const one = start();
  await expect.poll(() => one.sweeps).toBeGreaterThan(0);
});

it('[F06] a process whose queue does not answer leaves the sweeping to another', async () => {
  const url = new URL(system.databaseDirectUrl ?? system.databaseUrl);
  const proxy = await startOutageProxy(url.hostname, Number(url.port || 5432));
  closers.push(proxy.stop);
  const databaseUrl = Object.assign(url, { host: `127.0.0.1:${proxy.port}` }).href;
  const cutOff = await createQueues({ redisUrl: null, databaseUrl, log: pino({ level: 'silent' }) });
  closers.push(() => cutOff.close());
  const one = start(cutOff);
  await expect.poll(() => one.sweeps).toBeGreaterThan(0);
  await proxy.freeze();
  const other = start();
  await expect.poll(() => other.sweeps, { timeout: 10_000 }).toBeGreaterThan(10);
});
