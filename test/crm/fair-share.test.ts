import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createSweeper, type Sweeper } from '../../src/engine/sweeper.ts';
import { addLater, addWaiting, countQueued } from '../harness/backlog.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let sweeper: Sweeper;
beforeAll(async () => {
  // No workers: queued rows stay in the queue, and the only sweep is that of the test.
  system = await startSystem({ workers: [], timings: { sweepEveryMs: 3_600_000 } });
});
beforeEach(async () => {
  await system.rows('DELETE FROM outbox');
  sweeper = createSweeper({
    ...system.runtime,
    timings: system.config.timings,
    perOrganization: new Map([['ghl-syncer', 20]]),
  });
});
afterAll(() => system?.stop());

const wait = (organizations: string[], rows: number) => addWaiting(system, 'ghl-syncer', organizations, rows);
const queued = (organizationId: string) => countQueued(system, organizationId);

it('repeated sweeps queue only a few rows of a backlog', async () => {
  const big = uuidv7();
  await wait([big], 5_000);
  for (let sweep = 0; sweep < 3; sweep += 1) await sweeper.sweep();
  expect(await queued(big)).toBe(20);
  const [one] = await system.rows<{ id: number }>(
    'DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox WHERE queued) RETURNING id',
  );
  expect(one).toBeDefined();
  await sweeper.sweep();
  expect(await queued(big)).toBe(20);
});

it('a sweep skips a company until its hold ends, and queues the others', async () => {
  const [held, free] = [uuidv7(), uuidv7()];
  await wait([held, free], 5);
  const until = (moment: string) =>
    system.rows(
      `INSERT INTO worker_holds (worker, organization_id, until, reason) VALUES ('ghl-syncer', $1, $2, 'test')
        ON CONFLICT (worker, organization_id) DO UPDATE SET until = excluded.until`,
      [held, moment],
    );
  await until('infinity');
  await sweeper.sweep();
  expect([await queued(held), await queued(free)]).toEqual([0, 5]);
  await until('2020-01-01');
  await sweeper.sweep();
  expect(await queued(held)).toBe(5);
});

it('each sweep takes 500 companies, and all get their turn', async () => {
  const companies = Array.from({ length: 1_200 }, () => uuidv7());
  await wait(companies, 1);
  const admitted: number[] = [];
  for (let sweep = 0; sweep < 4; sweep += 1) admitted.push((await sweeper.sweep()).admitted);
  expect(admitted).toEqual([500, 500, 200, 0]);
});

it('[F76] imports of one company take turns: two rows do not wait for a thousand, nor the oldest for fifty newer', async () => {
  const company = uuidv7();
  const add = (importId: string, rows: number) =>
    system.rows(
      `INSERT INTO outbox (event_id, event_at, worker, organization_id, import_id, due_at, queued)
        SELECT gen_random_uuid(), now(), 'ghl-syncer', $1, $2, now(), false FROM generate_series(1, $3)`,
      [company, importId, rows],
    );
  const [large, small] = [uuidv7(), uuidv7()];
  await add(large, 1_000);
  await add(small, 2);
  await wait([company], 3);
  await sweeper.sweep();
  const admitted = await system.rows<{ import_id: string | null; n: number }>(
    'SELECT import_id, count(*)::int AS n FROM outbox WHERE queued GROUP BY import_id',
  );
  const of = (id: string | null) => admitted.find(({ import_id }) => import_id === id)?.n;
  expect([of(small), of(null), of(large)]).toEqual([2, 3, 15]);
  await system.rows('DELETE FROM outbox WHERE queued');
  for (let n = 0; n < 60; n += 1) await add(uuidv7(), 20);
  for (let sweep = 0; sweep < 8; sweep += 1) {
    await sweeper.sweep();
    await system.rows('DELETE FROM outbox WHERE queued AND import_id <> $1', [large]);
  }
  const [oldest] = await system.rows<{ n: number }>(
    'SELECT count(*)::int AS n FROM outbox WHERE queued AND import_id = $1',
    [large],
  );
  expect(oldest!.n).toBeGreaterThan(0);
});

it('[F76] imports take turns as well when their rows come due later', async () => {
  const company = uuidv7();
  const [large, small] = [uuidv7(), uuidv7()];
  await addLater(system, 'ghl-syncer', [company], { rows: 400, dueIn: '-1 minute', importId: large });
  await addLater(system, 'ghl-syncer', [company], { rows: 2, dueIn: '-1 second', importId: small });
  await sweeper.sweep();
  const admitted = await system.rows('SELECT id FROM outbox WHERE queued AND import_id = $1', [small]);
  expect(admitted).toHaveLength(2);
  expect(await queued(company)).toBe(20);
});
