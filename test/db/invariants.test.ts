import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organizationsOf } from '../../src/db/account/members.ts';
import { createDatabase, type Database, sqlState } from '../../src/db/client.ts';
import { maintain } from '../../src/db/transport/retention.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import { retention } from '../../src/workers/retention.ts';
import { clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

/** What the database itself refuses, for every client. */
describe('database constraints', () => {
  let database: TestDatabase;
  let db: Database;
  let organizationId: string;
  const leadId = uuidv7();
  const [first, second] = [uuidv7(), uuidv7()];
  beforeAll(async () => {
    database = await createTestDatabase();
    db = createDatabase(clientOf(database));
    ({ organizationId } = await ensureDemo(db));
    await db.query(
      `INSERT INTO leads (id, organization_id, public_id, public, phone_valid, channel, price_minor, currency, ttl_ms, max_sales)
       VALUES ($1, $2, 'lead_x', '{}', true, 'pay_per_unlock', 2000, 'usd', 1000, 1)`,
      [leadId, organizationId],
    );
    const buyers = await db.query<{ id: string }>('SELECT id FROM buyers ORDER BY external_id LIMIT 2');
    for (const [index, id] of [first, second].entries()) await insertUnlock(id!, buyers[index]!.id);
  });
  afterAll(async () => {
    await db.close();
    await database.drop();
  });

  const insertUnlock = (id: string, buyerId: string, status = 'NEW_LEAD', price = 2000) =>
    db.query(
      `INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, price_minor, currency, ttl_expires_at)
       VALUES ($1, $2, $3, $4, '+15005550006', '+13055550160', $5, $6, 'usd', now())`,
      [id, leadId, organizationId, buyerId, status, price],
    );
  const codeOf = (statement: Promise<unknown>) => statement.then(() => 'accepted', sqlState);
  const refused = async (text: string, values: unknown[], code: string) =>
    expect(await codeOf(db.query(text, values)), text).toBe(code);
  const insertPayment = (intent: string, unlockId: string, kept: boolean) =>
    db.query(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
       VALUES ($1, $2, 'unlock', $3, $3, $4, 'cs_x', 2000, 'usd', $5)`,
      [uuidv7(), organizationId, unlockId, intent, kept],
    );

  it('two unlocks of one lead and buyer are refused', async () => {
    const [buyer] = await db.query<{ id: string }>('SELECT buyer_id AS id FROM lead_unlocks WHERE id = $1', [
      first,
    ]);
    expect(await codeOf(insertUnlock(uuidv7(), buyer!.id))).toBe('23505');
  });
  it('an unknown state, a price out of bounds, and PAID without a time are refused', async () => {
    await refused("UPDATE lead_unlocks SET status = 'SOLD' WHERE id = $1", [first], '23514');
    await refused('UPDATE lead_unlocks SET price_minor = 49 WHERE id = $1', [first], '23514');
    await refused("UPDATE lead_unlocks SET status = 'PAID' WHERE id = $1", [first], '23514');
    await refused('UPDATE lead_unlocks SET revealed_at = now() WHERE id = $1', [first], '23514');
    await refused("UPDATE lead_unlocks SET status = 'EXPIRED' WHERE id = $1", [first], '23514');
  });
  it('a lead has terms of its own when it is sold unlock by unlock, and only then', async () => {
    await refused('UPDATE leads SET price_minor = NULL WHERE id = $1', [leadId], '23514');
    await refused("UPDATE leads SET channel = 'crm_upload' WHERE id = $1", [leadId], '23514');
    await refused("UPDATE leads SET channel = 'auction' WHERE id = $1", [leadId], '23514');
  });
  it('no paid unlock without the source of its money, no phone without our number', async () => {
    await refused("UPDATE lead_unlocks SET status = 'PAID', paid_at = now() WHERE id = $1", [first], '23514');
    await refused("UPDATE lead_unlocks SET paid_by = 'wallet' WHERE id = $1", [first], '23514');
    await refused('UPDATE lead_unlocks SET our_number = NULL WHERE id = $1', [first], '23514');
  });
  it('a payment is tied to its purpose, and each top-up keeps one charge', async () => {
    const insert = `INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
      VALUES ($1, $2, $3, $4, $5, $6, $7, 2000, 'usd', true)`;
    const topUp = uuidv7();
    const row = (purpose: string, subject: string, unlock: string | null, session: string | null) => {
      const id = uuidv7();
      return [id, organizationId, purpose, subject, unlock, `pi_${id}`, session];
    };
    await refused(insert, row('unlock', first, null, 'cs_y'), '23514');
    await refused(insert, row('unlock', first, second, 'cs_y'), '23514');
    await refused(insert, row('unlock', first, first, null), '23514');
    await refused(insert, row('top_up', topUp, first, 'cs_y'), '23514');
    await refused(insert, row('gift', topUp, null, 'cs_y'), '23514');
    await db.query(insert, row('top_up', topUp, null, null));
    await refused(insert, row('top_up', topUp, null, null), '23505');
    await db.query(insert, row('top_up', uuidv7(), null, 'cs_y'));
  });
  it('a member is a seller, or the member of the buyer or supplier it names', async () => {
    const userId = uuidv7();
    await db.query("INSERT INTO users (id, name, email) VALUES ($1, 'Olga', 'olga@gold.example')", [userId]);
    const [buyer] = await db.query<{ id: string }>('SELECT id FROM buyers LIMIT 1');
    const insert =
      'INSERT INTO members (organization_id, user_id, role, buyer_id, supplier_id) VALUES ($1, $2, $3, $4, $5)';
    const supplierId = uuidv7();
    const member = (role: string, buyerId: string | null, supplier: string | null) =>
      [organizationId, userId, role, buyerId, supplier] as const;
    await refused(insert, [...member('owner', null, null)], '23514');
    await refused(insert, [...member('buyer', null, null)], '23514');
    await refused(insert, [...member('seller', buyer!.id, null)], '23514');
    await refused(insert, [...member('supplier', null, null)], '23514');
    await refused(insert, [...member('supplier', buyer!.id, supplierId)], '23514');
    await db.query(insert, [...member('buyer', buyer!.id, null)]);
    expect(await organizationsOf(db, userId)).toEqual([]);
    await db.query("UPDATE members SET role = 'seller', buyer_id = NULL WHERE user_id = $1", [userId]);
    expect(await organizationsOf(db, userId)).toEqual([organizationId]);
  });
  it('[F25] a sold slot belongs to one unlock, and an unlock holds one slot', async () => {
    await db.query('INSERT INTO sold_slots (lead_id, slot, unlock_id) VALUES ($1, 1, $2)', [leadId, first]);
    await refused(
      'INSERT INTO sold_slots (lead_id, slot, unlock_id) VALUES ($1, 1, $2)',
      [leadId, second],
      '23505',
    );
    await refused(
      'INSERT INTO sold_slots (lead_id, slot, unlock_id) VALUES ($1, 2, $2)',
      [leadId, first],
      '23505',
    );
  });
  it('an unlock keeps one charge, and a payment is booked once', async () => {
    await insertPayment('pi_1', first, true);
    expect(await codeOf(insertPayment('pi_2', first, true))).toBe('23505');
    await insertPayment('pi_2', first, false);
    expect(await codeOf(insertPayment('pi_2', second, false))).toBe('23505');
  });
  it('an unlock has one open checkout session', async () => {
    const open = (n: number) =>
      db.query(
        "INSERT INTO checkout_sessions (purpose, subject_id, unlock_id, number, state, expires_at) VALUES ('unlock', $1, $1, $2, 'open', now())",
        [first, n],
      );
    await open(1);
    expect(await codeOf(open(2))).toBe('23505');
  });
  it('a wallet has one open recharge', async () => {
    const [buyer] = await db.query<{ id: string }>('SELECT buyer_id AS id FROM lead_unlocks WHERE id = $1', [
      first,
    ]);
    await db.query(`INSERT INTO wallets (buyer_id, organization_id, currency) VALUES ($1, $2, 'usd')`, [
      buyer!.id,
      organizationId,
    ]);
    const open = (kind: string) =>
      db.query(
        `INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency) VALUES ($1, $2, $3, $4, 'retrying', 5000, 'usd')`,
        [uuidv7(), organizationId, buyer!.id, kind],
      );
    await open('recharge');
    expect([await codeOf(open('card')), await codeOf(open('recharge'))]).toEqual(['accepted', '23505']);
  });
  it('a journal that does not sum to zero is refused at COMMIT', async () => {
    const book = (amounts: number[]): Promise<void> =>
      db.withTx(async (tx) => {
        const id = uuidv7();
        await tx.query('INSERT INTO journals (id, key, organization_id) VALUES ($1, $2, $3)', [
          id,
          `journal ${id}`,
          organizationId,
        ]);
        for (const amount of amounts) {
          await tx.query(
            "INSERT INTO journal_entries (journal_id, account, amount_minor, currency) VALUES ($1, 'stripe', $2, 'usd')",
            [id, amount],
          );
        }
      });
    await book([2000, -2000]);
    await expect(book([2000, -1999])).rejects.toMatchObject({ code: '23514' });
  });
  it('[S20] events and journal entries are append-only; whole partitions can be dropped', async () => {
    await db.query(
      "INSERT INTO events (id, occurred_at, type, version, subject, correlation_id, data) VALUES ($1, '2001-05-05', 'unlock.moved', 1, 'x', $2, '{}')",
      [uuidv7(), uuidv7()],
    );
    await refused("UPDATE events SET subject = 'y' WHERE subject = $1", ['x'], '42501');
    await refused('DELETE FROM events WHERE subject = $1', ['x'], '42501');
    await refused('DELETE FROM journal_entries WHERE amount_minor = $1', [2000], '42501');
    await db.query("SELECT ensure_partitions('2001-06-01', 0)");
    await db.query('DROP TABLE events_2001_06');
  });
  it('maintenance deletes old transport rows and nothing else', async () => {
    const key = (name: string, age: string) =>
      db.query(
        `INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer, created_at) VALUES ($1, $2, 'r', 'h', 201, '{}', now() - $3::interval)`,
        [organizationId, name, age],
      );
    await key('old', '8 days');
    await key('young', '6 days');
    expect(await maintain(db, retention)).toMatchObject({ removed: 1, failed: [] });
    expect(await db.query('SELECT key FROM idempotency_keys')).toEqual([{ key: 'young' }]);
  });
  it('each coming month has its partitions in advance', async () => {
    const rows = await db.query<{ ahead: boolean }>(
      "SELECT to_regclass('events_' || to_char((now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYY_MM')) IS NOT NULL AS ahead",
    );
    expect(rows[0]!.ahead).toBe(true);
  });
});
