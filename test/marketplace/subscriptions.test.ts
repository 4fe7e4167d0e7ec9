import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateCodes } from '../../src/domain/marketplace/us-states.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { type Ask, makeCampaign, makeSubscription, marketClient } from '../harness/market-client.ts';

let api: ApiTest;
let ask: Ask;
let seller: MadeSeller;
let buyer: MadeBuyer;
const url = '/api/campaigns/subscribe';
beforeAll(async () => {
  api = await startApi();
  ask = marketClient(api);
  seller = await makeSeller(api);
  buyer = await makeBuyer(api, seller);
});
afterAll(() => api?.stop());

const liveOf = (campaignId: string) =>
  api.rows('SELECT * FROM subscriptions WHERE campaign_id = $1 AND ended_at IS NULL', [campaignId]);

describe('subscribing', () => {
  it('[S24] answers the subscription with its campaign and category, and ignores what buyers may not set', async () => {
    const campaignId = await makeCampaign(ask, seller, { pricePerLead: 12.5 });
    const other = await makeBuyer(api, seller);
    const answer = await ask(buyer, 'POST', url, {
      ...{ campaignId, dailyCap: '10', states: ['ca', 'NV', 'dc', 'CA'], waterfallPriority: 2 },
      ...{
        buyerId: other.buyerId,
        id: campaignId,
        status: 'PAUSED',
        organizationId: 'x',
        lastDistributedAt: 'now',
      },
    });
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      {
        message: 'Subscribed to campaign successfully',
        subscription: {
          id: expect.not.stringContaining(campaignId),
          ...{
            campaignId,
            buyerId: buyer.buyerId,
            dailyCap: 10,
            states: ['CA', 'NV', 'DC'],
            status: 'ACTIVE',
          },
          ...{ waterfallPriority: 2, onShortWallet: 'skip', lastDistributedAt: null },
          ...{ createdAt: expect.any(String), updatedAt: expect.any(String) },
          campaign: expect.objectContaining({
            ...{ id: campaignId, pricePerLead: 12.5 },
            category: { id: expect.any(String), name: expect.any(String), description: null },
          }),
        },
      },
    ]);
  });

  it('50 requests at once make one subscription', async () => {
    const campaignId = await makeCampaign(ask, seller);
    const all = await Promise.all(Array.from({ length: 50 }, () => ask(buyer, 'POST', url, { campaignId })));
    const answers = all.map((each) => `${each.statusCode} ${each.json().error ?? 'made'}`).sort();
    expect(answers[0]).toBe('201 made');
    expect(answers.slice(1)).toEqual(
      Array.from({ length: 49 }, () => '400 Already subscribed to this campaign'),
    );
    expect(await liveOf(campaignId)).toHaveLength(1);
  });

  it('again after unsubscribing is a new subscription; the ended one stays and is not changed', async () => {
    const campaignId = await makeCampaign(ask, seller);
    const first = await makeSubscription(ask, buyer, campaignId, { dailyCap: 3 });
    const ended = await ask(buyer, 'DELETE', `${url}?id=${first}`);
    expect([ended.statusCode, ended.json()]).toEqual([
      200,
      { message: 'Unsubscribed from campaign successfully' },
    ]);
    const second = await makeSubscription(ask, buyer, campaignId);
    expect(second).not.toBe(first);
    expect((await ask(buyer, 'PUT', url, { subscriptionId: first, dailyCap: 5 })).statusCode).toBe(404);
    expect((await ask(buyer, 'DELETE', `${url}?id=${first}`)).statusCode).toBe(404);
    const rows = await api.rows<{ id: string; cap: number | null; ended: boolean }>(
      'SELECT id, daily_cap AS cap, ended_at IS NOT NULL AS ended FROM subscriptions WHERE campaign_id = $1 ORDER BY id',
      [campaignId],
    );
    expect(rows).toEqual([
      { id: first, cap: 3, ended: true },
      { id: second, cap: null, ended: false },
    ]);
  });

  it('an inactive buyer cannot', async () => {
    const campaignId = await makeCampaign(ask, seller);
    const inactive = await makeBuyer(api, seller);
    await api.rows(`UPDATE buyers SET active = 'inactive' WHERE id = $1`, [inactive.buyerId]);
    const answer = await ask(inactive, 'POST', url, { campaignId });
    expect([answer.statusCode, answer.json().error]).toEqual([403, 'Forbidden']);
    expect(await liveOf(campaignId)).toEqual([]);
  });

  it('all codes at once are accepted', async () => {
    const id = await makeSubscription(ask, buyer, await makeCampaign(ask, seller), { states: stateCodes });
    const cleared = await ask(buyer, 'PUT', url, { subscriptionId: id, states: [] });
    expect(cleared.json().subscription.states).toEqual([]);
  });
});

describe('bad input', () => {
  it.each([
    ['a cap below zero', { dailyCap: -1 }, 'Invalid dailyCap'],
    ['half a lead', { dailyCap: 1.5 }, 'Invalid dailyCap'],
    ['a cap in words', { dailyCap: 'ten' }, 'Invalid dailyCap'],
    ['an abbreviation', { states: ['Calif.'] }, 'Invalid states'],
    ['an unknown code', { states: ['FL', 'XX'] }, 'Invalid states'],
    ['a text', { states: 'FL' }, 'Invalid states'],
    ['numbers', { states: [1] }, 'Invalid states'],
    ['61 states', { states: Array.from({ length: 61 }, () => 'FL') }, 'Invalid states'],
    ['a priority below zero', { waterfallPriority: -1 }, 'Invalid waterfallPriority'],
    ['an unknown choice of a short wallet', { onShortWallet: 'OFFER' }, 'Invalid onShortWallet'],
    ['no choice of a short wallet', { onShortWallet: null }, 'Invalid onShortWallet'],
  ])('%s is refused for a new one and for a change', async (_what, wrong, error) => {
    const campaignId = await makeCampaign(ask, seller);
    const made = await ask(buyer, 'POST', url, { campaignId, ...wrong });
    expect([made.statusCode, made.json().error]).toEqual([400, error]);
    expect(await liveOf(campaignId)).toEqual([]);
    const subscriptionId = await makeSubscription(ask, buyer, campaignId, { dailyCap: 4, states: ['FL'] });
    const changed = await ask(buyer, 'PUT', url, { subscriptionId, ...wrong });
    expect([changed.statusCode, changed.json().error]).toEqual([400, error]);
    expect(await liveOf(campaignId)).toMatchObject([{ daily_cap: 4, states: ['FL'] }]);
  });

  it('an unknown status is refused for a change', async () => {
    const subscriptionId = await makeSubscription(ask, buyer, await makeCampaign(ask, seller));
    const answer = await ask(buyer, 'PUT', url, { subscriptionId, status: 'ENDED' });
    expect(answer.json().error).toBe('Invalid status');
  });
});

describe('changing a subscription', () => {
  it.each(['PUT', 'PATCH'] as const)(
    '%s changes only the given keys, and limits can be cleared',
    async (method) => {
      const subscriptionId = await makeSubscription(ask, buyer, await makeCampaign(ask, seller), {
        ...{ dailyCap: 4, states: ['FL'], waterfallPriority: 1, onShortWallet: 'offer' },
      });
      const change = async (body: object) =>
        (await ask(buyer, method, url, { subscriptionId, ...body })).json().subscription;
      expect(await change({ status: 'PAUSED', buyerId: 'x', campaignId: 'x' })).toMatchObject({
        ...{
          id: subscriptionId,
          buyerId: buyer.buyerId,
          status: 'PAUSED',
          dailyCap: 4,
          states: ['FL'],
          waterfallPriority: 1,
          onShortWallet: 'offer',
        },
      });
      expect(await change({ dailyCap: null, waterfallPriority: 0 })).toMatchObject({
        ...{ dailyCap: null, waterfallPriority: null, states: ['FL'], status: 'PAUSED' },
      });
      expect(await change({ states: null, status: 'ACTIVE' })).toMatchObject({
        states: [],
        status: 'ACTIVE',
      });
      expect(await change({ onShortWallet: 'skip' })).toMatchObject({ onShortWallet: 'skip', states: [] });
    },
  );

  it('what it says of a short wallet is shown to its buyer and seller, and in the audit log', async () => {
    const campaignId = await makeCampaign(ask, seller);
    const id = await makeSubscription(ask, buyer, campaignId, { onShortWallet: 'offer' });
    const offers = [{ id, onShortWallet: 'offer' }];
    for (const who of [seller, buyer]) {
      const { campaign } = (await ask(who, 'GET', `/api/campaigns/${campaignId}`)).json();
      expect(campaign.subscriptions).toMatchObject(offers);
    }
    const found = (await ask(seller, 'GET', `/api/buyers/${buyer.buyerId}`)).json().buyer;
    expect(found.campaignSubscriptions.filter((each: { id: string }) => each.id === id)).toMatchObject(
      offers,
    );
    await ask(buyer, 'PATCH', url, { subscriptionId: id, onShortWallet: 'skip' });
    const { entries } = (await ask(seller, 'GET', `/api/audit?subject=subscription:${id}`)).json();
    expect(entries[0]).toMatchObject({
      before: { onShortWallet: 'offer' },
      after: { onShortWallet: 'skip' },
    });
  });

  it('[S22] another buyer of the same seller neither changes nor ends it', async () => {
    const campaignId = await makeCampaign(ask, seller);
    const subscriptionId = await makeSubscription(ask, buyer, campaignId, { dailyCap: 4 });
    const other = await makeBuyer(api, seller);
    const before = await liveOf(campaignId);
    expect((await ask(other, 'PUT', url, { subscriptionId, dailyCap: 9 })).statusCode).toBe(404);
    expect((await ask(other, 'DELETE', `${url}?id=${subscriptionId}`)).statusCode).toBe(404);
    expect(await liveOf(campaignId)).toEqual(before);
  });
});
