import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { makePlace, type Place, reasonsIn, standOf, wrongBooks } from './place.ts';

let system: TestSystem;
let place: Place;
beforeAll(async () => {
  system = await startSystem({ workers: ['distributor', 'expirer'] });
  place = await makePlace(system);
});
afterAll(async () => {
  await system?.stop();
});

const decided = (leadId: string) =>
  system.until<{ n: number }>(
    'a decision',
    'SELECT count(*)::int AS n FROM decisions WHERE lead_id = $1',
    [leadId],
    (row) => (row?.n ?? 0) > 0,
  );

async function sell(campaignId: string, options: Parameters<Place['receive']>[1] = {}) {
  const leadId = await place.receive(campaignId, options);
  await decided(leadId);
  return { leadId, ...(await standOf(system, leadId)) };
}

describe('a lead of a campaign', () => {
  it('is sold to the buyer whose turn it is: assigned, debited, booked and told', async () => {
    const campaignId = await place.campaign();
    const buyer = await place.buyer(campaignId, { balanceMinor: 10_000 });
    const { leadId, status, buyers } = await sell(campaignId);
    expect([status, buyers]).toEqual(['DISTRIBUTED', [buyer.buyerId]]);
    const [unlock] = await system.rows<Record<string, unknown>>(
      `SELECT u.id, u.status, u.paid_by, u.price_minor, u.phone, u.campaign_id, u.subscription_id FROM lead_unlocks u WHERE lead_id = $1`,
      [leadId],
    );
    expect(unlock).toEqual({
      id: expect.any(String),
      status: 'PAID',
      paid_by: 'wallet',
      price_minor: 2_500,
      phone: null,
      campaign_id: campaignId,
      subscription_id: buyer.subscriptionId,
    });
    const entries = await system.rows(
      `SELECT j.key, e.account, e.amount_minor, e.currency FROM journals j JOIN journal_entries e ON e.journal_id = j.id
       WHERE j.key = 'assignment-' || $1 ORDER BY e.account DESC`,
      [unlock!.id],
    );
    const key = `assignment-${unlock!.id}`;
    expect(entries).toEqual([
      { key, account: `wallet:${buyer.buyerId}`, amount_minor: 2_500, currency: 'usd' },
      { key, account: `seller:${place.seller.organizationId}`, amount_minor: -2_500, currency: 'usd' },
    ]);
    const [debit] = await system.rows(
      `SELECT type, amount_minor, balance_before_minor, balance_after_minor, description FROM wallet_transactions WHERE unlock_id = $1`,
      [unlock!.id],
    );
    expect(debit).toEqual({
      type: 'DEBIT',
      amount_minor: -2_500,
      balance_before_minor: 10_000,
      balance_after_minor: 7_500,
      description: 'Lead purchase - Campaign: Roofs',
    });
    const [event] = await system.rows<{ data: unknown }>(
      `SELECT data FROM events WHERE type = 'lead.assigned' AND subject = 'unlock:' || $1`,
      [unlock!.id],
    );
    expect(event!.data).toEqual({ leadId, campaignId, unlockId: unlock!.id });
    expect(await wrongBooks(system)).toEqual([]);
  });

  it.each([
    ['subscription_inactive', `UPDATE subscriptions SET status = 'PAUSED' WHERE id = $1`],
    [
      'buyer_inactive',
      `UPDATE buyers SET active = 'inactive' WHERE id = (SELECT buyer_id FROM subscriptions WHERE id = $1)`,
    ],
    [
      'buyer_flagged',
      `UPDATE buyers SET flagged_at = now() WHERE id = (SELECT buyer_id FROM subscriptions WHERE id = $1)`,
    ],
    ['state', `UPDATE subscriptions SET states = '{TX}' WHERE id = $1`],
    [
      'wallet_blocked',
      `UPDATE wallets SET disputed_minor = 1 WHERE buyer_id = (SELECT buyer_id FROM subscriptions WHERE id = $1)`,
    ],
    [
      'weekly_limit',
      `UPDATE buyers SET weekly_spending_limit_minor = 2499 WHERE id = (SELECT buyer_id FROM subscriptions WHERE id = $1)`,
    ],
    [
      'monthly_limit',
      `UPDATE buyers SET monthly_spending_limit_minor = 2499 WHERE id = (SELECT buyer_id FROM subscriptions WHERE id = $1)`,
    ],
    [
      'campaign_inactive',
      `UPDATE campaigns SET status = 'PAUSED' WHERE id = (SELECT campaign_id FROM subscriptions WHERE id = $1)`,
    ],
  ])('waits with the reason %s', async (rule, change) => {
    const campaignId = await place.campaign();
    const { subscriptionId } = await place.buyer(campaignId);
    await system.rows(change, [subscriptionId]);
    const stand = await sell(campaignId);
    expect([stand.status, reasonsIn(stand), stand.buyers]).toEqual(['PENDING', [rule], []]);
  });

  it('goes to the next buyer when the first has no funds or has reached its cap, and keeps why', async () => {
    const campaignId = await place.campaign();
    const poor = await place.buyer(campaignId, { balanceMinor: 2_499 });
    const capped = await place.buyer(campaignId, { dailyCap: 1 });
    const rich = await place.buyer(campaignId);
    expect((await sell(campaignId)).buyers).toEqual([capped.buyerId]);
    const second = await sell(campaignId);
    expect(second.buyers).toEqual([rich.buyerId]);
    const third = await sell(campaignId);
    expect(third.considered).toEqual([
      { buyerId: rich.buyerId, subscriptionId: rich.subscriptionId, rule: null, seen: {} },
      {
        buyerId: poor.buyerId,
        subscriptionId: poor.subscriptionId,
        rule: 'wallet',
        seen: { balanceMinor: 2_499, priceMinor: 2_500 },
      },
      {
        buyerId: capped.buyerId,
        subscriptionId: capped.subscriptionId,
        rule: 'daily_cap',
        seen: { sold: 1, cap: 1 },
      },
    ]);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it('is not sold twice to one buyer as the same person, by phone or e-mail address', async () => {
    const campaignId = await place.campaign();
    await place.buyer(campaignId);
    const first = await sell(campaignId, { phoneHash: 'p1', emailHash: 'e1' });
    const byPhone = await sell(campaignId, { phoneHash: 'p1', emailHash: 'e2' });
    const byEmail = await sell(campaignId, { phoneHash: 'p3', emailHash: 'e1' });
    expect([first.status, reasonsIn(byPhone), reasonsIn(byEmail)]).toEqual([
      'DISTRIBUTED',
      ['same_person'],
      ['same_person'],
    ]);
    await system.rows(`UPDATE bought_people SET bought_at = now() - interval '31 days' WHERE lead_id = $1`, [
      first.leadId,
    ]);
    expect((await sell(campaignId, { phoneHash: 'p1', emailHash: 'e4' })).status).toBe('DISTRIBUTED');
  });

  it('of a person is sold once to one buyer when it comes twice at the same time', async () => {
    const campaignId = await place.campaign();
    await place.buyer(campaignId);
    const leadIds = await place.receiveMany(campaignId, 4, { phoneHash: 'twin' });
    await Promise.all(leadIds.map(decided));
    const stands = await Promise.all(leadIds.map((leadId) => standOf(system, leadId)));
    expect(stands.filter(({ status }) => status === 'DISTRIBUTED')).toHaveLength(1);
  });

  it('is broadcast to every buyer who can take it', async () => {
    const campaignId = await place.campaign({ logic: 'BROADCAST' });
    const buyers = await Promise.all(Array.from({ length: 30 }, () => place.buyer(campaignId)));
    const poor = await place.buyer(campaignId, { balanceMinor: 0 });
    const stand = await sell(campaignId);
    expect(stand.buyers.toSorted()).toEqual(buyers.map(({ buyerId }) => buyerId).toSorted());
    expect(stand.considered.filter(({ rule }) => rule).map(({ buyerId }) => buyerId)).toEqual([poor.buyerId]);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it('is broadcast in turns where the campaign sells fewer', async () => {
    const campaignId = await place.campaign({ logic: 'BROADCAST', maxSales: 2 });
    const buyers = await Promise.all(Array.from({ length: 5 }, () => place.buyer(campaignId)));
    const leadIds = await place.receiveMany(campaignId, 10);
    await Promise.all(leadIds.map(decided));
    const sold = await system.rows<{ n: number }>(
      'SELECT count(*)::int AS n FROM lead_unlocks WHERE campaign_id = $1 GROUP BY buyer_id',
      [campaignId],
    );
    expect(sold.map(({ n }) => n)).toEqual(buyers.map(() => 4));
  });
});

describe('a test lead', () => {
  it('is decided and answered, and nothing is sold, charged or counted', async () => {
    const campaignId = await place.campaign();
    const { buyerId, subscriptionId } = await place.buyer(campaignId, { balanceMinor: 2_500, dailyCap: 1 });
    const poor = await place.buyer(campaignId, { balanceMinor: 0 });
    await system.rows('UPDATE subscriptions SET pass = 9 WHERE id = $1', [subscriptionId]);
    const stand = await sell(campaignId, { isTest: true });
    expect([stand.status, stand.buyers]).toEqual(['TEST', []]);
    expect(stand.considered.map((each) => [each.buyerId, each.rule])).toEqual([
      [buyerId, null],
      [poor.buyerId, 'wallet'],
    ]);
    const [subscription] = await system.rows<{ pass: number; day_count: number }>(
      'SELECT pass, day_count FROM subscriptions WHERE id = $1',
      [subscriptionId],
    );
    expect(subscription).toEqual({ pass: 9, day_count: 0 });
    expect((await sell(campaignId)).status).toBe('DISTRIBUTED');
    const events = await system.rows<{ type: string }>(
      `SELECT type FROM events WHERE subject = 'lead:' || $1`,
      [stand.leadId],
    );
    expect(events.map(({ type }) => type)).toEqual(['lead.received']);
  });
});
