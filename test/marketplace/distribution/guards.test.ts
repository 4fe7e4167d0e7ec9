import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { creditWallet } from '../../../src/db/payment/wallet-credit.ts';
import { findTopUp } from '../../../src/db/payment/wallet-top-ups.ts';
import { execute } from '../../../src/engine/execute.ts';
import { workers } from '../../../src/workers/index.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { makePlace, type Place, reasonsIn, standOf, wrongBooks } from './place.ts';

/**
 * What decides when facts change between a choice and the statement that sells by it. Forced by a lock: the run has chosen
 * and waits for the row, which the lock's holder changes before it commits.
 */

let system: TestSystem;
let place: Place;
let lockHolder: pg.Client;
beforeAll(async () => {
  // Only the tests run the rows of the distributor.
  system = await startSystem({ workers: [], timings: { sweepEveryMs: 3_600_000, wakeEveryMs: 3_600_000 } });
  place = await makePlace(system);
  lockHolder = new pg.Client({ connectionString: system.database.directUrl });
  await lockHolder.connect();
});
// A failed test may have left its lock held.
afterEach(() => lockHolder.query('ROLLBACK'));
afterAll(async () => {
  await lockHolder?.end();
  await system?.stop();
});

/** Runs the distributor for a lead that was received. */
async function decide(leadId: string) {
  const [row] = await system.rows<{ id: number; epoch: number }>(
    `SELECT o.id, o.epoch FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at WHERE e.subject = 'lead:' || $1
     AND e.type = 'lead.received'`,
    [leadId],
  );
  return execute(workers.distributor, system.runtime, { outboxId: row!.id, epoch: row!.epoch });
}

const isBlocked = async () => {
  const { rows } = await lockHolder.query(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  return rows.length > 0;
};

/** Decides a lead; once its buyer was chosen, `change` is made of the row that the sale waits for. */
async function decideWhile(leadId: string, change: string, id: string) {
  await lockHolder.query('BEGIN');
  await lockHolder.query(change, [id]);
  const running = decide(leadId);
  await expect.poll(isBlocked, { timeout: 10_000 }).toBe(true);
  await lockHolder.query('COMMIT');
  await running;
  return standOf(system, leadId);
}

const debitAll = `WITH emptied AS (
    UPDATE wallets SET balance_minor = 0 WHERE buyer_id = $1 RETURNING buyer_id, organization_id),
  said AS (INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor, balance_after_minor, description)
    SELECT gen_random_uuid(), organization_id, buyer_id, 'REFUND', -5000, 5000, 0, 'Given back' FROM emptied),
  book AS (INSERT INTO journals (id, key, organization_id) SELECT gen_random_uuid(), 'back-' || buyer_id, organization_id FROM emptied RETURNING id)
  INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
    SELECT id, e.account, e.amount, 'usd' FROM book, (VALUES ('stripe', -5000), ('wallet:' || $1, 5000)) e(account, amount)`;

describe('a lead whose buyer changes while it is being sold', () => {
  it('a wallet that was emptied is not debited: the next buyer gets the lead', async () => {
    const campaignId = await place.campaign();
    const first = await place.buyer(campaignId, { balanceMinor: 5_000 });
    const second = await place.buyer(campaignId);
    const leadId = await place.receive(campaignId);
    const stand = await decideWhile(leadId, debitAll, first.buyerId);
    expect([stand.buyers, reasonsIn(stand)]).toEqual([[second.buyerId], ['bought', 'wallet']]);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it('a cap that was reached is not exceeded: the next buyer gets the lead', async () => {
    const campaignId = await place.campaign();
    const first = await place.buyer(campaignId, { dailyCap: 1 });
    const second = await place.buyer(campaignId);
    const leadId = await place.receive(campaignId);
    const reach = `UPDATE subscriptions SET day = (now() AT TIME ZONE 'America/New_York')::date, day_count = 1 WHERE id = $1`;
    const stand = await decideWhile(leadId, reach, first.subscriptionId);
    expect([stand.buyers, reasonsIn(stand)]).toEqual([[second.buyerId], ['bought', 'daily_cap']]);
  });

  it('no purchase is recorded without its debit: the lead waits with the reason of the last choice alone', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 5_000 });
    const leadId = await place.receive(campaignId);
    const stand = await decideWhile(leadId, debitAll, buyerId);
    const decisions = await system.rows('SELECT number FROM decisions WHERE lead_id = $1', [leadId]);
    expect([stand.status, stand.buyers, reasonsIn(stand), decisions]).toEqual([
      'PENDING',
      [],
      ['wallet'],
      [{ number: 1 }],
    ]);
  });
});

describe('turns', () => {
  it('of leads that come one by one go round all buyers', async () => {
    const campaignId = await place.campaign();
    const buyers = [];
    for (let n = 0; n < 4; n += 1) buyers.push((await place.buyer(campaignId)).buyerId);
    const sold: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      const leadId = await place.receive(campaignId);
      await decide(leadId);
      sold.push(...(await standOf(system, leadId)).buyers);
    }
    expect(sold).toEqual([...sold.slice(0, 4), ...sold.slice(0, 4)]);
    expect(sold.slice(0, 4).toSorted()).toEqual(buyers.toSorted());
  });
});

describe('a credit', () => {
  it('makes the campaigns due whose leads wait for the wallet', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 0 });
    const leadId = await place.receive(campaignId);
    await decide(leadId);
    const due = () =>
      system.rows('SELECT campaign_id FROM campaign_turns WHERE campaign_id = $1 AND due_at <= now()', [
        campaignId,
      ]);
    expect([reasonsIn(await standOf(system, leadId)), await due()]).toEqual([['wallet'], []]);
    const topUpId = uuidv7();
    await system.rows(
      `INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency) VALUES ($1, $2, $3, 'card', 'open', 5000, 'usd')`,
      [topUpId, place.seller.organizationId, buyerId],
    );
    const topUp = (await findTopUp(system.runtime.db, topUpId))!;
    const captured = { paymentIntent: `pi_${topUpId}`, sessionId: null, amountMinor: 5_000 };
    await system.runtime.relay.commit(creditWallet(topUp, captured, false));
    expect(await due()).toEqual([{ campaign_id: campaignId }]);
  });
});
