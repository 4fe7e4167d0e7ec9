import { type SQL, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPostgresCounters } from '../../src/db/account/counters.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { commitChange } from '../../src/db/commit.ts';
import { openLine } from '../../src/db/messaging/messages.ts';
import { bookReceipt, findReceiptTarget } from '../../src/db/messaging/receipts.ts';
import { claimEffect } from '../../src/db/transport/effects.ts';
import { expediteQueued, reissue } from '../../src/db/transport/outbox.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import { committedRows } from '../harness/backlog.ts';
import { atServer, clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

/*
 * The order is in docs/architecture.md, "The order of locks". Each test holds the row that must be locked first: the
 * statement waits for it, and must not have locked what comes later.
 */
let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = createDatabase(clientOf(test));
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

type Row = { table: string; id: string | number; key?: string };

/** Runs `statement` while `first` is held, and returns its result. Fails when it has locked `later` by then. */
async function whileHolding<T>(first: Row, later: Row, statement: () => Promise<T>): Promise<T> {
  return atServer(test.directUrl, async (holder) => {
    const lock = ({ table, id, key = 'id' }: Row) =>
      holder.query(`SELECT 1 FROM ${table} WHERE ${key} = $1 FOR UPDATE NOWAIT`, [id]);
    await holder.query('BEGIN');
    await lock(first);
    const result = statement();
    await expect
      .poll(() =>
        // Other databases of the server have waiting statements of their own.
        db.query(`SELECT 1 AS n FROM pg_locks l JOIN pg_stat_activity a USING (pid)
          WHERE NOT l.granted AND l.locktype = 'transactionid' AND a.datname = current_database()`),
      )
      .toEqual([{ n: 1 }]);
    await lock(later);
    await holder.query('ROLLBACK');
    return result;
  });
}

/** Queued outbox rows, of which the first is the last on its page. */
async function outboxRows() {
  await db.query('DELETE FROM outbox');
  const rows = await committedRows(db, 3);
  await db.query('UPDATE outbox SET due_at = due_at WHERE id = $1', [rows[0]!.id]);
  return { rows, first: { table: 'outbox', id: rows[0]!.id }, later: { table: 'outbox', id: rows[2]!.id } };
}

it('rows of a flushed queue are made due in the order of their ids', async () => {
  const { first, later } = await outboxRows();
  expect(await whileHolding(first, later, () => expediteQueued(db, 'distributor'))).toBe(3);
});

it('rows whose jobs are lost are reissued in the order of their ids', async () => {
  const { rows, first, later } = await outboxRows();
  const issued = await whileHolding(first, later, () => reissue(db, rows.toReversed()));
  expect(issued.map(({ epoch }) => epoch)).toEqual([1, 1, 1]);
});

it('places of several counters are renewed in the order of their keys', async () => {
  const counters = createPostgresCounters(db);
  const places = ['c', 'b', 'a'].map((key) => ({ key, id: `place-${key}` }));
  for (const { key, id } of places) await counters.occupy({ key, id, limit: 1, ms: 60_000 });
  const counterOf = (key: string) => ({ table: 'quota_counters', key: 'key', id: key });
  // A join by hash finds the rows as they are stored: the order must not depend on the plan.
  const renew = () =>
    db.withTx(async (tx) => {
      await tx.query('SET LOCAL enable_nestloop = off');
      await tx.query('SET LOCAL enable_mergejoin = off');
      await createPostgresCounters(tx).renew(places, 3_600_000);
    });
  await whileHolding(counterOf('a'), counterOf('c'), renew);
  expect(
    await db.query(
      "SELECT key FROM quota_counters WHERE expires_at > now() + interval '50 minutes' ORDER BY key",
    ),
  ).toEqual([{ key: 'a' }, { key: 'b' }, { key: 'c' }]);
});

it('a receipt that closes a line locks its phone before its effect, as a claim does', async () => {
  const [phoneId, id] = [uuidv7(), uuidv7()];
  await db.query('INSERT INTO phones (id, our_number, number) VALUES ($1, $2, $3)', [
    phoneId,
    '+1305',
    '+1306',
  ]);
  await db.query(
    `INSERT INTO effects (key, id, vendor, kind, subject, state, fence, lease_until)
      VALUES ('teaser', $1, 'twilio', 'sms', 'unlock:none', 'unknown', $1, now())`,
    [id],
  );
  await db.query(
    `INSERT INTO messages (id, created_at, subject, recipient_kind, recipient_id, phone_id, channel, purpose, status)
      VALUES ($1, now(), 'unlock:none', 'buyer', $1, $2, 'sms', 'teaser', 'posting')`,
    [id, phoneId],
  );
  const receipt = {
    vendor: 'twilio',
    effectId: id,
    vendorId: 'SM1',
    status: 'failed' as const,
    code: 'opted_out',
    vendorCode: '21610',
  };
  const message = await findReceiptTarget(db, receipt);
  const { moved } = await whileHolding({ table: 'phones', id: phoneId }, { table: 'effects', id }, () =>
    commitChange(db, bookReceipt(message!, receipt), { visibilityMs: 0 }),
  );
  expect(moved).toBe(true);
  const [phone] = await db.query<{ out: boolean }>(
    'SELECT opted_out_at IS NOT NULL AS out FROM phones WHERE id = $1',
    [phoneId],
  );
  expect(phone).toEqual({ out: true });
});

/** An offered unlock and its conversation. */
async function offered() {
  const { organizationId } = await ensureDemo(db);
  const [id, phoneId] = [uuidv7(), uuidv7()];
  await db.query("INSERT INTO phones (id, our_number, number) VALUES ($1, '+1307', '+1308')", [phoneId]);
  await db.query(
    `WITH lead AS (INSERT INTO leads (id, organization_id, public_id, public, phone_valid, channel, price_minor, currency, ttl_ms)
       VALUES ($1, $2, 'lead_order', '{}', true, 'pay_per_unlock', 2000, 'usd', 1000) RETURNING id, organization_id)
     INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, price_minor, currency, ttl_expires_at)
       SELECT $1, lead.id, organization_id, b.id, '+1307', '+1308', 'NEW_LEAD', 2000, 'usd', now() FROM lead, (SELECT id FROM buyers LIMIT 1) b`,
    [id, organizationId],
  );
  return { id, phoneId, organizationId };
}

it('a claim with a move locks its phone before its unlock', async () => {
  const { id, phoneId, organizationId } = await offered();
  const move = {
    guard: (held: SQL) =>
      sql`UPDATE lead_unlocks SET status = 'TEASER_SENT' WHERE id = ${id}::uuid AND ${held} RETURNING id`,
  };
  const claim = await whileHolding({ table: 'phones', id: phoneId }, { table: 'lead_unlocks', id }, () =>
    claimEffect(
      db,
      {
        key: `link-${id}`,
        id: uuidv7(),
        fence: uuidv7(),
        vendor: 'twilio',
        kind: 'sms',
        organizationId,
        subject: `unlock:${id}`,
        leaseMs: 1_000,
        repeatable: false,
        repost: false,
        guards: [openLine({ phoneId, organizationId, ignoreOptOut: false })],
        writes: [],
        move: { change: move, cause: null },
      },
      null,
      null,
    ),
  );
  expect(claim).toMatchObject({ kind: 'claimed' });
});
