import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import { openStates, unlockStates } from '../../src/domain/unlock/machine.ts';
import { clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

let database: TestDatabase;
let db: Database;
const id = uuidv7();
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(clientOf(database));
  const { organizationId } = await ensureDemo(db);
  await db.query(
    `WITH lead AS (INSERT INTO leads (id, organization_id, public_id, public, phone_valid, channel, price_minor, currency, ttl_ms)
       VALUES ($1, $2, 'lead_x', '{}', true, 'pay_per_unlock', 2000, 'usd', 1000) RETURNING id, organization_id),
     unlock AS (INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, price_minor, currency, ttl_expires_at)
       SELECT $1, lead.id, organization_id, b.id, '+15005550006', '+13055550160', 'NEW_LEAD', 2000, 'usd', now() FROM lead, (SELECT id FROM buyers LIMIT 1) b),
     work AS (INSERT INTO outbox (event_id, event_at, worker, due_at, queued) VALUES ($1, now(), 'notifier', now(), true)),
     effect AS (INSERT INTO effects (key, id, vendor, kind, subject, state, fence, lease_until) VALUES ('k', $1, 'twilio', 'sms', 's', 'claimed', $1, now()))
     INSERT INTO attempts (id, outbox_id, event_id, worker, subject, started_at) VALUES ($1, 1, $1, 'notifier', 's', now())`,
    [id, organizationId],
  );
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

/** A change that writes no index entry is "heap-only" in PostgreSQL's words. */
it.each([
  ['an open unlock moves', 'lead_unlocks', `status = 'TEASER_SENT', teased_at = now(), updated_at = now()`],
  ['a run leases its row', 'outbox', 'lease_until = now()'],
  ['an answer is booked', 'effects', `state = 'accepted', vendor_id = 'SM1', lease_until = now()`],
  ['an effect is claimed again', 'effects', 'fence = gen_random_uuid(), claimed_at = now(), posts = 2'],
  ['a run ends', 'attempts', `ended_at = now(), outcome = 'finished'`],
])('%s without a change of an index', async (_what, table, change) => {
  const [counts] = await db.withTx(async (tx) => {
    await tx.query(`UPDATE ${table} SET ${change}`);
    return tx.query<{ updated: number; hot: number }>(
      'SELECT n_tup_upd::int AS updated, n_tup_hot_upd::int AS hot FROM pg_stat_xact_user_tables WHERE relname = $1',
      [table],
    );
  });
  expect(counts!.updated).toBeGreaterThan(0);
  expect(counts!.hot).toBe(counts!.updated);
});

it('the open unlocks of the database are those of the state machine', async () => {
  for (const state of unlockStates) {
    const [row] = await db.query<{ open: boolean }>(
      `UPDATE lead_unlocks SET status = $1, paid_at = now(), paid_by = 'stripe', reason = 'x', closed_at = now() WHERE id = $2
       RETURNING is_open AS open`,
      [state, id],
    );
    expect([state, row!.open]).toEqual([state, openStates.some((open) => open === state)]);
  }
});
