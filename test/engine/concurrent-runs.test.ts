import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { execute } from '../../src/engine/execute.ts';
import type { EventType } from '../../src/events/catalog.ts';
import type { WorkerName } from '../../src/events/routes.ts';
import { workers } from '../../src/workers/index.ts';
import type { Buyer, Offer, Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/**
 * Runs that meet at the worst moment, brought about by locks and never by luck: a bystander holds what the runs are
 * about to touch, sees in Postgres that all of them wait for it, and lets go.
 */

let system: TestSystem;
let story: Story;
let bystander: pg.Client;
beforeAll(async () => {
  // The rows of the payment-linker and the expirer are run by the tests alone, and never issued again.
  system = await startSystem({
    workers: ['distributor', 'teaser-sender', 'notifier'],
    timings: { sweepEveryMs: 3_600_000 },
  });
  story = system.story;
  bystander = new pg.Client({ connectionString: system.database.directUrl });
  await bystander.connect();
});
// A test that failed may have left its lock behind.
afterEach(() => bystander.query('ROLLBACK'));
afterAll(async () => {
  await bystander?.end();
  await system?.stop();
});

type Row = { id: number; epoch: number; worker: WorkerName };

const rowsOf = (unlockId: string, type: EventType) =>
  system.rows<Row>(
    `SELECT o.id, o.epoch, o.worker FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
     WHERE e.type = $1 AND e.subject = $2`,
    [type, `unlock:${unlockId}`],
  );

/** The one row of this event, once it is committed. */
async function rowOf(unlockId: string, type: EventType): Promise<Row> {
  await expect.poll(() => rowsOf(unlockId, type), { timeout: 10_000 }).toHaveLength(1);
  return (await rowsOf(unlockId, type))[0]!;
}

const run = (row: Row) =>
  execute(workers[row.worker], system.runtime, { outboxId: row.id, epoch: row.epoch });

/** What is committed, as somebody else sees it while the bystander's own transaction is open. */
const unlocksOf = (offer: Offer) =>
  system.rows<{ id: string; status: string }>(
    'SELECT u.id, u.status FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1 ORDER BY u.id',
    [offer.leadId],
  );

/** Takes the lock, starts the runs, returns once all of them wait in Postgres. Their outcome comes after `COMMIT`. */
async function stopShort<T>(
  lock: string,
  values: unknown[],
  runs: () => Promise<T>[],
): Promise<Promise<T[]>[]> {
  await bystander.query('BEGIN');
  await bystander.query(lock, values);
  const started = runs();
  await expect.poll(() => waiting(), { timeout: 10_000 }).toHaveLength(started.length);
  // In an array: a promise returned bare would be awaited here.
  return [Promise.all(started)];
}

/** Sessions of this database that wait for a lock, the bystander's or each other's. */
const waiting = async (): Promise<number[]> => {
  const { rows } = await bystander.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  return rows.map(({ pid }) => pid);
};

const letGo = () => bystander.query('COMMIT');

const lockUnlocks = 'SELECT id FROM lead_unlocks WHERE id = ANY($1::uuid[]) FOR UPDATE';

/** Pays at Stripe and returns the outbox row of its report, which has not been run. */
async function paid(offer: Offer, buyer: Buyer): Promise<{ unlockId: string; row: Row }> {
  const { id } = await story.unlock(offer, buyer);
  const [page] = await Promise.all([
    story.link(offer, buyer),
    rowOf(id, 'reply.accepted').then((accepted) => run(accepted)),
  ]);
  system.sandbox.act.pay(await story.session(page));
  return { unlockId: id, row: await rowOf(id, 'payment.reported') };
}

const keptPayments = (unlockIds: string[]) =>
  system.rows<{ unlock: string }>(
    'SELECT unlock_id AS unlock FROM payments WHERE kept AND unlock_id = ANY($1::uuid[])',
    [unlockIds],
  );

/** Each move with where it came from. */
const historyOf = (unlockId: string) =>
  system.rows<{ from: string; to: string }>(
    'SELECT from_status AS "from", to_status AS "to" FROM unlock_history WHERE unlock_id = $1 ORDER BY event_id',
    [`unlock:${unlockId}`],
  );

describe('two decisions on the same state', () => {
  it('[F09] [F10] paid and declined at the same moment: each move begins where the one before it ended', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const payment = await paid(offer, buyer);
    story.says(buyer, `N ${offer.leadId}`);
    const decline = await rowOf(payment.unlockId, 'reply.declined');

    const [reports] = await stopShort(lockUnlocks, [[payment.unlockId]], () => [
      run(payment.row),
      run(decline),
    ]);
    await letGo();
    expect((await reports)![0]).toBe('finished');

    const history = await historyOf(payment.unlockId);
    expect(history.slice(1).map(({ from }) => from)).toEqual(history.slice(0, -1).map(({ to }) => to));
    expect(history.filter(({ from }) => from === 'AWAITING_PAYMENT')).toHaveLength(1);
    // Whoever of the two was first: the money was taken, so the details are owed.
    expect(await unlocksOf(offer)).toEqual([{ id: payment.unlockId, status: 'PAID' }]);
    expect(await keptPayments([payment.unlockId])).toHaveLength(1);
  });

  it('[F25] two payments that both saw the last slot free: one takes it, the other goes back', async () => {
    const buyers = await story.buyers(2);
    const offer = await story.offer(buyers, { max_sales: 1 });
    const payments = [await paid(offer, buyers[0]!), await paid(offer, buyers[1]!)];
    const ids = payments.map(({ unlockId }) => unlockId);

    const [reports] = await stopShort(lockUnlocks, [ids], () => payments.map(({ row }) => run(row)));
    await letGo();
    expect(await reports).toEqual(['finished', 'finished']);

    const slots = await system.rows<{ slot: number }>(
      'SELECT slot FROM sold_slots WHERE unlock_id = ANY($1::uuid[])',
      [ids],
    );
    expect(slots).toEqual([{ slot: 1 }]);
    expect((await unlocksOf(offer)).filter(({ status }) => status === 'PAID')).toHaveLength(1);
    const kept = await keptPayments(ids);
    expect(kept).toHaveLength(1);
    const loser = ids.find((id) => id !== kept[0]!.unlock)!;
    const unwanted = await system.rows(
      "SELECT 1 FROM events WHERE type = 'payment.unwanted' AND subject = $1",
      [`unlock:${loser}`],
    );
    expect(unwanted).toHaveLength(1);
  });
});

describe('a run and its row', () => {
  it('[F09] issued anew while a run was under way: that run changes nothing, its successor does it all', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { unlockId, row } = await paid(offer, buyer);
    const before = await historyOf(unlockId);

    // The run has opened its row and cannot go on to its end: a process that was stopped and wakes up too late.
    const [zombie] = await stopShort('LOCK TABLE payments IN ACCESS EXCLUSIVE MODE', [], () => [run(row)]);
    await bystander.query('UPDATE outbox SET epoch = epoch + 1 WHERE id = $1', [row.id]);
    await letGo();
    expect(await zombie).toEqual(['gone']);
    expect(await historyOf(unlockId)).toEqual(before);
    expect(await keptPayments([unlockId])).toEqual([]);

    const successor = await rowOf(unlockId, 'payment.reported');
    expect(successor).toEqual({ ...row, epoch: row.epoch + 1 });
    expect(await run(successor)).toBe('finished');
    expect(await unlocksOf(offer)).toEqual([{ id: unlockId, status: 'PAID' }]);
    expect(await keptPayments([unlockId])).toHaveLength(1);
    expect(await rowsOf(unlockId, 'payment.reported')).toEqual([]);
  });

  it('[F08] the row outlives its run until the finishing statement is committed: a run cut off there is made again', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { unlockId, row } = await paid(offer, buyer);

    const [cutOff] = await stopShort(lockUnlocks, [[unlockId]], () => [run(row)]);
    expect(await rowsOf(unlockId, 'payment.reported')).toEqual([row]);
    for (const pid of await waiting()) await bystander.query('SELECT pg_cancel_backend($1)', [pid]);
    expect(await cutOff).toEqual(['retrying']);
    await letGo();
    expect(await unlocksOf(offer)).toEqual([{ id: unlockId, status: 'AWAITING_PAYMENT' }]);

    const again = await rowOf(unlockId, 'payment.reported');
    expect(again).toEqual({ ...row, epoch: row.epoch + 1 });
    expect(await run(again)).toBe('finished');
    expect(await unlocksOf(offer)).toEqual([{ id: unlockId, status: 'PAID' }]);
    expect(await rowsOf(unlockId, 'payment.reported')).toEqual([]);
  });
});
