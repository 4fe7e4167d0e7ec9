import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TurnCampaign } from '../../../src/db/marketplace/distribution.ts';
import { turnsPart, unchangedTurns } from '../../../src/db/marketplace/pending.ts';
import { endSubscription } from '../../../src/db/marketplace/subscriptions.ts';
import { makeBuyer, type Seated } from '../../harness/market.ts';
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

const untilStatus = (status: string, leadIds: readonly string[]) =>
  system.until<{ n: number }>(
    `${leadIds.length} leads ${status}`,
    'SELECT count(*)::int AS n FROM distributions WHERE lead_id = ANY($1) AND status = $2',
    [leadIds, status],
    (row) => row?.n === leadIds.length,
  );
const untilDecided = (leadIds: readonly string[]) =>
  system.until<{ n: number }>(
    'decisions',
    'SELECT count(DISTINCT lead_id)::int AS n FROM decisions WHERE lead_id = ANY($1)',
    [leadIds],
    (row) => row?.n === leadIds.length,
  );

const ask = async (who: Seated, method: string, path: string, body: unknown) => {
  const answer = await system.api(method, path, body, who.as);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
};

/** Leads that wait, with their reason. */
async function waiting(campaignId: string, count: number, rule: string, options = {}): Promise<string[]> {
  const leadIds = await place.receiveMany(campaignId, count, options);
  await untilDecided(leadIds);
  const stand = await standOf(system, leadIds[0]!);
  expect([stand.status, reasonsIn(stand)]).toEqual(['PENDING', [rule]]);
  return leadIds;
}

describe('leads that wait are sold in the order of their arrival', () => {
  it('[F35] when the wallet is credited, as many as it pays for', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 0 });
    const leadIds = await waiting(campaignId, 120, 'wallet');
    // Also without a sign they are tried again within the hour.
    const [turns] = await system.rows<{ soon: boolean }>(
      `SELECT due_at <= now() + interval '1 hour' AS soon FROM campaign_turns WHERE campaign_id = $1`,
      [campaignId],
    );
    expect(turns).toEqual({ soon: true });
    await place.credit(buyerId, 60 * 2_500);
    await untilStatus('DISTRIBUTED', leadIds.slice(0, 60));
    await untilStatus('PENDING', leadIds.slice(60));
    await place.credit(buyerId, 60 * 2_500);
    await untilStatus('DISTRIBUTED', leadIds);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it('[F35] when its buyer, subscription or campaign is changed by its route', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId);
    await ask(place.seller, 'PUT', `/api/buyers/${buyerId}`, { status: 'INACTIVE' });
    const first = await waiting(campaignId, 2, 'buyer_inactive');
    await ask(place.seller, 'PUT', `/api/buyers/${buyerId}`, { status: 'ACTIVE' });
    await untilStatus('DISTRIBUTED', first);
    await ask(place.seller, 'PUT', `/api/campaigns/${campaignId}`, { status: 'PAUSED' });
    const second = await waiting(campaignId, 2, 'campaign_inactive');
    await ask(place.seller, 'PUT', `/api/campaigns/${campaignId}`, { status: 'ACTIVE' });
    await untilStatus('DISTRIBUTED', second);
  });

  it('[F35] when its price is lowered, or a limit of its buyer is raised', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 2_000, weeklyLimitMinor: 1_500 });
    const [first] = await waiting(campaignId, 1, 'weekly_limit');
    await ask(place.seller, 'PUT', `/api/campaigns/${campaignId}`, { pricePerLead: 15 });
    await untilStatus('DISTRIBUTED', [first!]);
    await place.credit(buyerId, 1_500);
    const [second] = await waiting(campaignId, 1, 'weekly_limit');
    await ask(place.seller, 'PUT', `/api/buyers/${buyerId}`, { weeklySpendingLimit: null });
    await untilStatus('DISTRIBUTED', [second!]);
  });

  it('[F35] when the seller moves to another time zone, where the day of a cap may have ended', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { weeklyLimitMinor: 1_500 });
    const [lead] = await waiting(campaignId, 1, 'weekly_limit');
    await system.rows('UPDATE buyers SET weekly_spending_limit_minor = NULL WHERE id = $1', [buyerId]);
    await ask(place.seller, 'PUT', '/api/sellers/settings', { timeZone: 'Pacific/Kiritimati' });
    await untilStatus('DISTRIBUTED', [lead!]);
    await ask(place.seller, 'PUT', '/api/sellers/settings', { timeZone: 'UTC' });
  });

  it('[F35] when a buyer subscribes, resumes and raises a cap', async () => {
    const campaignId = await place.campaign();
    const buyer = await makeBuyer(system, place.seller);
    await system.rows(`INSERT INTO wallets (buyer_id, organization_id, currency) VALUES ($1, $2, 'usd')`, [
      buyer.buyerId,
      buyer.organizationId,
    ]);
    await place.credit(buyer.buyerId, 100_000);
    const [first] = await place.receiveMany(campaignId, 1);
    await untilDecided([first!]);
    const answer = await ask(buyer, 'POST', '/api/campaigns/subscribe', { campaignId, dailyCap: 1 });
    const { id: subscriptionId } = answer.subscription;
    await untilStatus('DISTRIBUTED', [first!]);
    const second = await waiting(campaignId, 2, 'daily_cap');
    await ask(buyer, 'PUT', '/api/campaigns/subscribe', { subscriptionId, dailyCap: 3 });
    await untilStatus('DISTRIBUTED', second);
    await ask(buyer, 'PUT', '/api/campaigns/subscribe', { subscriptionId, status: 'PAUSED', dailyCap: null });
    const third = await waiting(campaignId, 1, 'subscription_inactive');
    await ask(buyer, 'PUT', '/api/campaigns/subscribe', { subscriptionId, status: 'ACTIVE' });
    await untilStatus('DISTRIBUTED', third);
    await endSubscription(system.runtime.db, buyer, subscriptionId, 'test');
  });

  it('[F35] when the day of a cap begins: the campaign is due at the next midnight of the buyer', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { dailyCap: 1, timeZone: 'Pacific/Auckland' });
    const first = await place.receive(campaignId);
    await untilStatus('DISTRIBUTED', [first]);
    const leadIds = await waiting(campaignId, 1, 'daily_cap');
    // The hour after which waiting leads are tried anyway hides the midnight, which is looked at in a campaign of its own.
    const another = { id: await place.campaign(), timeZone: 'UTC' } as TurnCampaign;
    const turns = { ...unchangedTurns, nextDayOf: [buyerId] };
    await system.runtime.relay.commit({ writes: [turnsPart(another, turns)] });
    const [due] = await system.rows<{ local: string; ahead: boolean }>(
      `SELECT to_char(due_at AT TIME ZONE 'Pacific/Auckland', 'HH24:MI:SS') AS local, due_at BETWEEN now() AND now() + interval '1 day' AS ahead
       FROM campaign_turns WHERE campaign_id = $1`,
      [another.id],
    );
    expect(due).toEqual({ local: '00:00:00', ahead: true });
    // Yesterday has ended: the counter is that of a day before, and the campaign is due.
    await system.rows('UPDATE subscriptions SET day = day - 1 WHERE campaign_id = $1', [campaignId]);
    await system.rows('UPDATE campaign_turns SET due_at = now() WHERE campaign_id = $1', [campaignId]);
    await untilStatus('DISTRIBUTED', leadIds);
  });

  it('past leads that only other buyers could buy', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 0, states: ['CA'] });
    const elsewhere = await place.receiveMany(campaignId, 70, { state: 'TX' });
    const here = await place.receiveMany(campaignId, 5, { state: 'CA' });
    await untilDecided([...elsewhere, ...here]);
    await place.credit(buyerId, 100_000);
    await untilStatus('DISTRIBUTED', here);
    await untilStatus('PENDING', elsewhere);
  });
});

describe('a thousand changes of a campaign', () => {
  it('are one drain, and no decision that says the same is repeated', async () => {
    const campaignId = await place.campaign();
    const { subscriptionId } = await place.buyer(campaignId, { states: ['TX'] });
    const [leadId] = await waiting(campaignId, 1, 'state');
    const wake = () =>
      system.rows(`UPDATE campaign_turns SET due_at = least(due_at, now()) WHERE campaign_id = $1`, [
        campaignId,
      ]);
    await system.rows(`INSERT INTO campaign_turns (campaign_id) VALUES ($1) ON CONFLICT DO NOTHING`, [
      campaignId,
    ]);
    for (let change = 0; change < 100; change += 1) await wake();
    await system.rows(`UPDATE subscriptions SET states = '{}' WHERE id = $1`, [subscriptionId]);
    await system.rows(`UPDATE campaign_turns SET due_at = now() WHERE campaign_id = $1`, [campaignId]);
    await untilStatus('DISTRIBUTED', [leadId!]);
    const [drains] = await system.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM events WHERE type = 'campaign.woken' AND subject = 'campaign:' || $1`,
      [campaignId],
    );
    expect(drains!.n).toBeLessThan(20);
    const decisions = await system.rows('SELECT number FROM decisions WHERE lead_id = $1 ORDER BY number', [
      leadId,
    ]);
    expect(decisions).toEqual([{ number: 1 }, { number: 2 }]);
  });
});

describe('leads of a campaign whose drain did not end', () => {
  const parked = `INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued, parked_at)
    SELECT id, occurred_at, 'distributor', organization_id, now(), false, now() FROM events
    WHERE type = 'campaign.woken' AND subject = 'campaign:' || $1 ORDER BY occurred_at DESC LIMIT 1 RETURNING id`;

  it.each([
    ['is parked', true],
    ['is gone', false],
  ])('[F35] are tried again by the next change when its work %s', async (_what, isParked) => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 0 });
    const leadIds = await waiting(campaignId, 2, 'wallet');
    await place.credit(buyerId, 2_500);
    await untilStatus('DISTRIBUTED', leadIds.slice(0, 1));
    await system.until<{ draining: boolean }>(
      'the end of the drain',
      'SELECT draining FROM campaign_turns WHERE campaign_id = $1',
      [campaignId],
      (row) => row?.draining === false,
    );
    if (isParked) expect(await system.rows(parked, [campaignId])).toHaveLength(1);
    await system.rows('UPDATE campaign_turns SET draining = true WHERE campaign_id = $1', [campaignId]);
    await place.credit(buyerId, 2_500);
    await untilStatus('DISTRIBUTED', leadIds);
  });
});

describe('a lead whose time is over', () => {
  it('[F35] expires with an event, and is sold no more', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 0 });
    const leadIds = await waiting(campaignId, 1, 'wallet', { ttlSeconds: 1 });
    await untilStatus('EXPIRED', leadIds);
    const events = await system.rows<{ type: string }>(
      `SELECT type FROM events WHERE subject = 'lead:' || $1 ORDER BY id`,
      [leadIds[0]],
    );
    expect(events.map(({ type }) => type)).toEqual(['lead.received', 'lead.waiting', 'lead.expired']);
    await place.credit(buyerId, 100_000);
    const later = await place.receive(campaignId);
    await untilStatus('DISTRIBUTED', [later]);
    await untilStatus('EXPIRED', leadIds);
  });
});
