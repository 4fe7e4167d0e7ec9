import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unlockTimeline } from '../../src/db/unlock/timeline.ts';
import { execute } from '../../src/engine/execute.ts';
import type { EventType } from '../../src/events/catalog.ts';
import type { WorkerName } from '../../src/events/routes.ts';
import { workers } from '../../src/workers/index.ts';
import { callsOf, effectOf } from '../harness/evidence.ts';
import type { Buyer, Offer, Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/**
 * Runs that meet at the worst moment, forced by locks rather than by timing: a separate connection locks the rows the
 * runs are about to touch, waits until Postgres reports that all of them are blocked, and then commits.
 */

let system: TestSystem;
let story: Story;
let lockHolder: pg.Client;
beforeAll(async () => {
  // Only the tests themselves run the rows of the payment-linker and the expirer, and the sweeper does not re-issue them.
  system = await startSystem({
    workers: ['distributor', 'teaser-sender', 'notifier'],
    timings: { sweepEveryMs: 3_600_000 },
  });
  story = system.story;
  lockHolder = new pg.Client({ connectionString: system.database.directUrl });
  await lockHolder.connect();
});
// A failed test may have left its lock held.
afterEach(() => lockHolder.query('ROLLBACK'));
afterAll(async () => {
  await lockHolder?.end();
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

/** The committed state, read outside the transaction that holds the lock. */
const unlocksOf = (offer: Offer) =>
  system.rows<{ id: string; status: string }>(
    'SELECT u.id, u.status FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1 ORDER BY u.id',
    [offer.leadId],
  );

/** Takes the lock and starts the runs. Returns once all of them wait in Postgres; they go on after `releaseLock`. */
async function runUntilBlocked<T>(
  lock: string,
  values: unknown[],
  runs: () => Promise<T>[],
): Promise<Promise<T[]>[]> {
  await lockHolder.query('BEGIN');
  await lockHolder.query(lock, values);
  const started = runs();
  await expect.poll(() => blockedSessions(), { timeout: 10_000 }).toHaveLength(started.length);
  // Wrapped in an array: an async function would await a promise it returns directly.
  return [Promise.all(started)];
}

/** Sessions of this database that wait for a lock. */
const blockedSessions = async (): Promise<number[]> => {
  const { rows } = await lockHolder.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  return rows.map(({ pid }) => pid);
};

const releaseLock = () => lockHolder.query('COMMIT');

const lockUnlocksSql = 'SELECT id FROM lead_unlocks WHERE id = ANY($1::uuid[]) FOR UPDATE';

/** Pays at Stripe, and returns the outbox row of the payment report, which no worker has run yet. */
async function paid(offer: Offer, buyer: Buyer): Promise<{ unlockId: string; page: string; row: Row }> {
  const { id } = await story.unlock(offer, buyer);
  const [page] = await Promise.all([
    story.link(offer, buyer),
    rowOf(id, 'reply.accepted').then((accepted) => run(accepted)),
  ]);
  system.sandbox.act.pay(await story.session(page));
  return { unlockId: id, page, row: await rowOf(id, 'payment.reported') };
}

const keptPaymentsOf = (unlockIds: string[]) =>
  system.rows<{ unlock: string }>(
    'SELECT unlock_id AS unlock FROM payments WHERE kept AND unlock_id = ANY($1::uuid[])',
    [unlockIds],
  );

/** Each move with the state it started from. */
const historyOf = (unlockId: string) =>
  system.rows<{ from: string; to: string }>(
    'SELECT from_status AS "from", to_status AS "to" FROM unlock_history WHERE unlock_id = $1 ORDER BY event_id',
    [`unlock:${unlockId}`],
  );

describe('two decisions on the same state', () => {
  it('[F09] [F10] a payment and a decline decided at the same moment: each move starts from the state the previous one reached', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const payment = await paid(offer, buyer);
    story.says(buyer, `N ${offer.leadId}`);
    const decline = await rowOf(payment.unlockId, 'reply.declined');

    const [reports] = await runUntilBlocked(lockUnlocksSql, [[payment.unlockId]], () => [
      run(payment.row),
      run(decline),
    ]);
    await releaseLock();
    expect((await reports)![0]).toBe('finished');

    const history = await historyOf(payment.unlockId);
    expect(history.slice(1).map(({ from }) => from)).toEqual(history.slice(0, -1).map(({ to }) => to));
    expect(history.filter(({ from }) => from === 'AWAITING_PAYMENT')).toHaveLength(1);
    // In either order the money was taken, so the buyer must get the details.
    expect(await unlocksOf(offer)).toEqual([{ id: payment.unlockId, status: 'PAID' }]);
    expect(await keptPaymentsOf([payment.unlockId])).toHaveLength(1);
  });

  it('[F25] two payments that both read the last slot as free: one takes it, the other is refunded', async () => {
    const buyers = await story.buyers(2);
    const offer = await story.offer(buyers, { max_sales: 1 });
    const payments = [await paid(offer, buyers[0]!), await paid(offer, buyers[1]!)];
    const ids = payments.map(({ unlockId }) => unlockId);

    const [reports] = await runUntilBlocked(lockUnlocksSql, [ids], () => payments.map(({ row }) => run(row)));
    await releaseLock();
    expect(await reports).toEqual(['finished', 'finished']);

    const slots = await system.rows<{ slot: number }>(
      'SELECT slot FROM sold_slots WHERE unlock_id = ANY($1::uuid[])',
      [ids],
    );
    expect(slots).toEqual([{ slot: 1 }]);
    expect((await unlocksOf(offer)).filter(({ status }) => status === 'PAID')).toHaveLength(1);
    const kept = await keptPaymentsOf(ids);
    expect(kept).toHaveLength(1);
    const refunded = ids.find((id) => id !== kept[0]!.unlock)!;
    const unwanted = await system.rows(
      "SELECT 1 FROM events WHERE type = 'payment.unwanted' AND subject = $1",
      [`unlock:${refunded}`],
    );
    expect(unwanted).toHaveLength(1);
  });
});

/** A sale whose details no worker sends, refunded in full at Stripe; the refund's report waits for the test to run it. */
async function refunded(): Promise<{ buyer: Buyer; offer: Offer; unlockId: string; page: string; row: Row }> {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer], { max_sales: 1 });
  const payment = await paid(offer, buyer);
  await run(payment.row);
  const [kept] = await system.rows<{ intent: string }>(
    'SELECT payment_intent AS intent FROM payments WHERE kept AND unlock_id = $1',
    [payment.unlockId],
  );
  system.sandbox.act.refund(kept!.intent, {});
  return {
    buyer,
    offer,
    page: payment.page,
    unlockId: payment.unlockId,
    row: await rowOf(payment.unlockId, 'payment.changed'),
  };
}

const outcomeOf = async (unlockId: string) => {
  const [row] = await system.rows(
    `SELECT u.status, u.viewed_at IS NOT NULL AS viewed, b.flagged_at IS NOT NULL AS flagged,
      EXISTS (SELECT 1 FROM sold_slots s WHERE s.unlock_id = u.id) AS sold,
      (SELECT array_agg(p.kept) FROM payments p WHERE p.unlock_id = u.id) AS kept
     FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id WHERE u.id = $1`,
    [unlockId],
  );
  return row;
};
const shown = { status: 'PAID', viewed: true, flagged: true, sold: true, kept: [true] };
const undone = { status: 'EXPIRED', viewed: false, flagged: false, sold: false, kept: [false] };

/** Both wait for the lock on the unlock and get it in the order of their start. */
async function oneThenOther<A, B>(unlockId: string, one: () => Promise<A>, other: () => Promise<B>) {
  await lockHolder.query('BEGIN');
  await lockHolder.query(lockUnlocksSql, [[unlockId]]);
  const first = one();
  await expect.poll(() => blockedSessions(), { timeout: 10_000 }).toHaveLength(1);
  const second = other();
  await expect.poll(() => blockedSessions(), { timeout: 10_000 }).toHaveLength(2);
  await releaseLock();
  return [await first, await second] as const;
}

describe('details read on the pay page, and a full refund', () => {
  it('[S37] details read before the refund: the slot stays sold and the buyer is flagged', async () => {
    const { offer, page, unlockId, row } = await refunded();
    expect(await story.details(page)).toContain(offer.secret);
    expect(await run(row)).toBe('finished');
    expect(await outcomeOf(unlockId)).toEqual(shown);
    expect(await story.details(page)).toContain(offer.secret);
  });

  it('[S37] a view that gets the lock before the refund: the refund sees it and flags the buyer', async () => {
    const { offer, page, unlockId, row } = await refunded();
    const [read] = await oneThenOther(
      unlockId,
      () => story.details(page),
      () => run(row),
    );
    expect(read).toContain(offer.secret);
    expect(await outcomeOf(unlockId)).toEqual(shown);
  });

  it('[S37] a refund that gets the lock before the view: the view sees it and shows nothing', async () => {
    const { offer, page, unlockId, row } = await refunded();
    const [, read] = await oneThenOther(
      unlockId,
      () => run(row),
      () => story.details(page),
    );
    expect(read).not.toContain(offer.secret);
    expect(read).toContain('refunded in full');
    expect(await outcomeOf(unlockId)).toEqual(undone);
  });
});

describe('a run and its outbox row', () => {
  it('[F09] a row re-issued during its run: that run changes nothing and the new run does everything', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { unlockId, row } = await paid(offer, buyer);
    const before = await historyOf(unlockId);

    // The run has opened its row and is blocked before it finishes, like a process that was suspended for too long.
    const [staleRun] = await runUntilBlocked('LOCK TABLE journals IN ACCESS EXCLUSIVE MODE', [], () => [
      run(row),
    ]);
    await lockHolder.query('UPDATE outbox SET epoch = epoch + 1 WHERE id = $1', [row.id]);
    await releaseLock();
    expect(await staleRun).toEqual(['gone']);
    expect(await historyOf(unlockId)).toEqual(before);
    expect(await keptPaymentsOf([unlockId])).toEqual([]);

    const successor = await rowOf(unlockId, 'payment.reported');
    expect(successor).toEqual({ ...row, epoch: row.epoch + 1 });
    expect(await run(successor)).toBe('finished');
    expect(await unlocksOf(offer)).toEqual([{ id: unlockId, status: 'PAID' }]);
    expect(await keptPaymentsOf([unlockId])).toHaveLength(1);
    expect(await rowsOf(unlockId, 'payment.reported')).toEqual([]);
  });

  it('[F08] the row exists until the finishing statement commits: a run cancelled there is repeated', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { unlockId, row } = await paid(offer, buyer);

    const [cancelled] = await runUntilBlocked(lockUnlocksSql, [[unlockId]], () => [run(row)]);
    expect(await rowsOf(unlockId, 'payment.reported')).toEqual([row]);
    for (const pid of await blockedSessions()) await lockHolder.query('SELECT pg_cancel_backend($1)', [pid]);
    expect(await cancelled).toEqual(['retrying']);
    await releaseLock();
    expect(await unlocksOf(offer)).toEqual([{ id: unlockId, status: 'AWAITING_PAYMENT' }]);

    const again = await rowOf(unlockId, 'payment.reported');
    expect(again).toEqual({ ...row, epoch: row.epoch + 1 });
    expect(await run(again)).toBe('finished');
    expect(await unlocksOf(offer)).toEqual([{ id: unlockId, status: 'PAID' }]);
    expect(await rowsOf(unlockId, 'payment.reported')).toEqual([]);
  });
});

/** The run that answers a Y with the pay link, at the moment when its vendor is asked. */
async function texting() {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { id } = await story.unlock(offer, buyer);
  story.says(buyer, `Y ${offer.leadId}`);
  const row = await rowOf(id, 'reply.accepted');
  const slow = system.sandbox.fault({ vendor: 'twilio', kind: 'latency', ms: 2_000, contains: buyer.phone });
  const ended = run(row);
  const key = `link-${id}`;
  await expect.poll(async () => (await effectOf(system, key))?.state, { timeout: 10_000 }).toBe('claimed');
  system.sandbox.clearFaults(slow.id);
  return { id, key, row, ended };
}

describe("a vendor's answer and the end of its run", () => {
  const isAccepted = async (key: string) => {
    expect(await effectOf(system, key)).toMatchObject({ state: 'accepted', posts: 1 });
    expect(await callsOf(system, key)).toEqual(['accepted']);
  };

  it('are one commit, and the move before the call is one with its claim', async () => {
    const { id, key, ended } = await texting();
    const [begun] = await system.rows(
      'SELECT u.status, u.xmin = e.xmin AS together FROM lead_unlocks u JOIN effects e ON e.key = $2 WHERE u.id = $1',
      [id, key],
    );
    expect(begun).toEqual({ status: 'CREATE_PAYMENT_LINK', together: true });
    expect(await ended).toBe('finished');
    await isAccepted(key);
    const [row] = await system.rows(
      'SELECT u.status, u.xmin = e.xmin AS together FROM lead_unlocks u JOIN effects e ON e.key = $2 WHERE u.id = $1',
      [id, key],
    );
    expect(row).toEqual({ status: 'AWAITING_PAYMENT', together: true });
  });

  it('[F14] a call without an outcome is in the timeline', async () => {
    const { id, ended } = await texting();
    const entries = async () => {
      const timeline = await unlockTimeline(system.runtime.db, id, '');
      return timeline.attempts.filter(({ effectKey }) => effectKey === `link-${id}`);
    };
    expect(await entries()).toMatchObject([{ vendor: 'twilio', callKind: 'sms', outcome: null }]);
    await ended;
    expect(await entries()).toMatchObject([{ vendor: 'twilio', callKind: 'sms', outcome: 'accepted' }]);
  });

  it('[F14] the answer is kept when the state has changed during the call', async () => {
    const { id, key, ended } = await texting();
    await system.rows(
      "UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'ttl', closed_at = now() WHERE id = $1",
      [id],
    );
    expect(await ended).toBe('finished');
    expect(await system.rows('SELECT status FROM lead_unlocks WHERE id = $1', [id])).toEqual([
      { status: 'EXPIRED' },
    ]);
    await isAccepted(key);
  });

  it('[F09] [F14] the answer is kept when the row was re-issued during the call, and the next run does not call', async () => {
    const { id, key, row, ended } = await texting();
    await system.rows('UPDATE outbox SET epoch = epoch + 1 WHERE id = $1', [row.id]);
    expect(await ended).toBe('gone');
    await isAccepted(key);
    expect(await run(await rowOf(id, 'reply.accepted'))).toBe('finished');
    await isAccepted(key);
  });

  it('[F14] the answer is kept when the statement that ends the run fails', async () => {
    const { id, key, row, ended } = await texting();
    // Any error of that statement stands for all of them.
    await system.rows(
      `ALTER TABLE lead_unlocks ADD CONSTRAINT no_link CHECK (id <> '${id}' OR link_sent_at IS NULL) NOT VALID`,
    );
    try {
      expect(await ended).toBe('retrying');
    } finally {
      await system.rows('ALTER TABLE lead_unlocks DROP CONSTRAINT no_link');
    }
    await isAccepted(key);
    expect(await run(await rowOf(id, 'reply.accepted'))).toBe('finished');
    expect((await rowsOf(id, 'reply.accepted')).map((left) => left.id)).not.toContain(row.id);
    await isAccepted(key);
  });
});
