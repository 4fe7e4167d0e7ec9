import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import {
  type Ask,
  makeCampaign,
  makeCategory,
  makeSubscription,
  marketClient,
} from '../harness/market-client.ts';

let api: ApiTest;
let ask: Ask;
let seller: MadeSeller;
let buyer: MadeBuyer;
beforeAll(async () => {
  api = await startApi();
  ask = marketClient(api);
  seller = await makeSeller(api);
  buyer = await makeBuyer(api, seller);
});
afterAll(() => api?.stop());

type Listed = { id: string; [key: string]: unknown };
const idsOf = (campaigns: Listed[]) => campaigns.map(({ id }) => id);

describe('campaigns of a seller', () => {
  it('a new one is answered with its category and counts; absent values are the usual ones', async () => {
    const categoryId = await makeCategory(ask, seller, { name: 'Answered' });
    const answer = await ask(seller, 'POST', '/api/campaigns', {
      ...{ categoryId, name: ' Florida ', pricePerLead: '12.50', distributionLogic: 'WATERFALL' },
      ...{ id: 'mine', sellerId: 'other', createdAt: 'never', priceMinor: 1, _count: { leads: 9 } },
    });
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      {
        message: 'Campaign created successfully',
        campaign: {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          ...{
            sellerId: seller.organizationId,
            categoryId,
            name: 'Florida',
            description: null,
            pricePerLead: 12.5,
          },
          ...{ distributionLogic: 'WATERFALL', allowStateSelection: true, status: 'ACTIVE', maxSales: null },
          ...{ leadTtlHours: 72, createdAt: expect.any(String), updatedAt: expect.any(String) },
          category: expect.objectContaining({ id: categoryId, name: 'Answered', isActive: true }),
          _count: { subscriptions: 0, leads: 0 },
        },
      },
    ]);
  });

  it.each([
    ['price 0', { pricePerLead: 0 }, 'Invalid pricePerLead'],
    ['a negative price', { pricePerLead: -5 }, 'Invalid pricePerLead'],
    ['three decimals', { pricePerLead: 12.345 }, 'Invalid pricePerLead'],
    ['a price of $10,000.01', { pricePerLead: 10_000.01 }, 'Invalid pricePerLead'],
    ['a price in words', { pricePerLead: 'ten' }, 'Invalid pricePerLead'],
    ['a price as a list', { pricePerLead: [5] }, 'Invalid pricePerLead'],
    ['a logic in lower case', { distributionLogic: 'broadcast' }, 'Invalid distributionLogic'],
    ['an unknown status', { status: 'DELETED' }, 'Invalid status'],
    ['states by text', { allowStateSelection: 'yes' }, 'Invalid allowStateSelection'],
    ['negative sales', { maxSales: -1 }, 'Invalid maxSales'],
    ['half a sale', { maxSales: 1.5 }, 'Invalid maxSales'],
    ['a year and an hour', { leadTtlHours: 8_761 }, 'Invalid leadTtlHours'],
    ['a long name', { name: 'n'.repeat(300) }, 'Invalid name'],
    ['half a surrogate', { name: 'a\ud800' }, 'Invalid name'],
    ['a long description', { description: 'd'.repeat(2_001) }, 'Invalid description'],
  ])('%s is refused for a new one and for a change, and nothing changes', async (_what, wrong, error) => {
    const id = await makeCampaign(ask, seller);
    const before = await api.rows('SELECT * FROM campaigns ORDER BY id');
    const { categoryId } = (await ask(seller, 'GET', `/api/campaigns/${id}`)).json().campaign;
    const body = { categoryId, name: 'C', pricePerLead: 25, distributionLogic: 'ROUND_ROBIN', ...wrong };
    for (const answer of [
      await ask(seller, 'POST', '/api/campaigns', body),
      await ask(seller, 'PUT', `/api/campaigns/${id}`, wrong),
    ])
      expect([answer.statusCode, answer.json().error, answer.json().code]).toEqual([
        400,
        error,
        'invalid_input',
      ]);
    expect(await api.rows('SELECT * FROM campaigns ORDER BY id')).toEqual(before);
  });

  it.each(['PUT', 'PATCH'] as const)(
    '%s changes only the given keys, and limits can be cleared',
    async (method) => {
      const id = await makeCampaign(ask, seller, { maxSales: 3, leadTtlHours: '24', description: 'Old' });
      const change = async (body: unknown) =>
        (await ask(seller, method, `/api/campaigns/${id}`, body)).json().campaign;
      expect(await change({ pricePerLead: '10000', categoryId: 'x', sellerId: 'x' })).toMatchObject({
        ...{
          id,
          pricePerLead: 10_000,
          maxSales: 3,
          leadTtlHours: 24,
          description: 'Old',
          sellerId: seller.organizationId,
        },
      });
      expect(await change({ maxSales: null, leadTtlHours: '' })).toMatchObject({
        maxSales: null,
        leadTtlHours: 72,
      });
      expect(await change({ maxSales: 2 })).toMatchObject({ maxSales: 2 });
      expect(await change({ maxSales: 0, leadTtlHours: 0 })).toMatchObject({
        maxSales: null,
        leadTtlHours: 72,
      });
      expect(await change(undefined)).toMatchObject({ pricePerLead: 10_000, description: 'Old' });
    },
  );

  it('DELETE archives it', async () => {
    const id = await makeCampaign(ask, seller);
    const answer = await ask(seller, 'DELETE', `/api/campaigns/${id}`);
    expect([answer.statusCode, answer.json()]).toEqual([200, { message: 'Campaign archived successfully' }]);
    expect((await ask(seller, 'GET', `/api/campaigns/${id}`)).json().campaign.status).toBe('ARCHIVED');
  });

  it('20 changes at once: each keeps the keys of the others, and the audit tells the row before and after each', async () => {
    const id = await makeCampaign(ask, seller);
    const bodies = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0 ? { pricePerLead: i + 1 } : { maxSales: i, description: `Change ${i}` },
    );
    const answers = await Promise.all(bodies.map((body) => ask(seller, 'PUT', `/api/campaigns/${id}`, body)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(bodies.map(() => 200));
    const { entries } = (await ask(seller, 'GET', `/api/audit?subject=campaign:${id}`)).json();
    const oldestFirst = entries.toReversed();
    expect(oldestFirst).toHaveLength(21);
    for (const [index, entry] of oldestFirst.entries())
      if (index > 0) expect(entry.before).toEqual(oldestFirst[index - 1].after);
    const { campaign } = (await ask(seller, 'GET', `/api/campaigns/${id}`)).json();
    const last = entries[0].after;
    expect([campaign.pricePerLead, campaign.maxSales, campaign.description]).toEqual([
      last.pricePerLead,
      last.maxSales,
      last.description,
    ]);
    expect(campaign.pricePerLead % 2).toBe(1);
    expect(campaign.description).toBe(`Change ${campaign.maxSales}`);
  });
});

describe('the list of campaigns', () => {
  it('is newest first, filtered by status, in pages', async () => {
    const own = await makeSeller(api);
    const made: string[] = [];
    for (const status of ['ACTIVE', 'PAUSED', 'ACTIVE'])
      made.unshift(await makeCampaign(ask, own, { status }));
    const list = async (query: string) => (await ask(own, 'GET', `/api/campaigns${query}`)).json();
    expect(idsOf((await list('?status=undefined&page=&limit=')).campaigns)).toEqual(made);
    expect((await list('')).pagination).toEqual({ page: 1, limit: 10_000, total: 3, pages: 1 });
    expect((await list('?page=1')).pagination).toEqual({ page: 1, limit: 200, total: 3, pages: 1 });
    expect(idsOf((await list('?status=PAUSED')).campaigns)).toEqual([made[1]]);
    const second = await list('?page=2&limit=2');
    expect([idsOf(second.campaigns), second.pagination]).toEqual([
      [made[2]],
      { page: 2, limit: 2, total: 3, pages: 2 },
    ]);
    expect((await ask(own, 'GET', '/api/campaigns?limit=1001')).json().error).toBe('Invalid limit');
  });

  /** Groups of seven have one time, so that the order within a group is that of their ids. */
  const insertCampaigns = async (owner: MadeSeller, count: number) => {
    const categoryId = await makeCategory(ask, owner);
    await api.rows(
      `INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic, status, created_at)
       SELECT gen_random_uuid(), $1, $2, 'Bulk ' || n, 2500, 'ROUND_ROBIN', CASE WHEN n % 3 = 0 THEN 'PAUSED' ELSE 'ACTIVE' END,
         now() - (n / 7) * interval '1 microsecond' FROM generate_series(1, $3::int) n`,
      [owner.organizationId, categoryId, count],
    );
  };
  const idsInOrder = async (owner: MadeSeller, status: string | null = null) =>
    (
      await api.rows<{ id: string }>(
        `SELECT id FROM campaigns WHERE organization_id = $1 AND ($2::text IS NULL OR status = $2) ORDER BY created_at DESC, id DESC`,
        [owner.organizationId, status],
      )
    ).map(({ id }) => id);

  it('has all campaigns without page and limit, as the pages have them', async () => {
    const own = await makeSeller(api);
    const mine = await makeBuyer(api, own);
    const other = await makeBuyer(api, own);
    await insertCampaigns(own, 451);
    const [all, active] = [await idsInOrder(own), await idsInOrder(own, 'ACTIVE')];
    await makeSubscription(ask, mine, active[250]!);
    await makeSubscription(ask, other, active[250]!);
    for (const [reader, query, expected] of [
      [own, '', all],
      [own, '?status=ACTIVE', active],
      [mine, '?page=undefined&limit=', active],
    ] as const) {
      const answer = await ask(reader, 'GET', `/api/campaigns${query}`);
      expect([answer.statusCode, answer.headers['content-type'], answer.headers.link]).toEqual([
        200,
        'application/json; charset=utf-8',
        undefined,
      ]);
      const { campaigns, pagination } = answer.json();
      expect(idsOf(campaigns)).toEqual(expected);
      expect(pagination).toEqual({ page: 1, limit: 10_000, total: expected.length, pages: 1 });
    }
    const pages = await ask(own, 'GET', '/api/campaigns?limit=1000');
    const whole = await ask(own, 'GET', '/api/campaigns');
    expect(whole.json().campaigns).toEqual(pages.json().campaigns);
    const seen = await ask(mine, 'GET', '/api/campaigns');
    expect(seen.json().campaigns[250].subscriptions).toMatchObject([{ buyerId: mine.buyerId }]);
    expect(seen.body).not.toContain(other.buyerId);
  });

  it('ends at 10,000 campaigns with a link to the next ones', async () => {
    const own = await makeSeller(api);
    await insertCampaigns(own, 10_001);
    const all = await idsInOrder(own);
    const answer = await ask(own, 'GET', '/api/campaigns?status=&page=');
    expect(idsOf(answer.json().campaigns)).toEqual(all.slice(0, 10_000));
    expect(answer.json().pagination).toEqual({ page: 1, limit: 10_000, total: 10_001, pages: 2 });
    const [, next] = /^<(.+)>; rel="next"$/.exec(String(answer.headers.link))!;
    expect(idsOf((await ask(own, 'GET', next!)).json().campaigns)).toEqual(all.slice(10_000));
  });

  it('has the newest subscriptions with their buyers, bounded, and counts all live ones', async () => {
    const id = await makeCampaign(ask, seller);
    await api.rows(
      `INSERT INTO buyers (id, organization_id, external_id, name) SELECT gen_random_uuid(), $1, 'bulk' || n, 'B' || n FROM generate_series(1, 120) n`,
      [seller.organizationId],
    );
    await api.rows(
      `INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id)
       SELECT gen_random_uuid(), organization_id, $2, id FROM buyers WHERE organization_id = $1 AND external_id LIKE 'bulk%'`,
      [seller.organizationId, id],
    );
    const subscriptionId = await makeSubscription(ask, buyer, id, { dailyCap: 7, states: ['fl'] });
    const settings = { monthlySpendingLimit: 500, phoneNumber: '(305) 555-0123' };
    await ask(seller, 'PUT', `/api/buyers/${buyer.buyerId}`, settings);
    await api.rows(
      `UPDATE subscriptions SET ended_at = now() WHERE id = (SELECT id FROM subscriptions WHERE campaign_id = $1 AND id <> $2 LIMIT 1)`,
      [id, subscriptionId],
    );
    const { campaign } = (await ask(seller, 'GET', `/api/campaigns/${id}`)).json();
    expect([campaign.subscriptions.length, campaign._count]).toEqual([100, { subscriptions: 120, leads: 0 }]);
    const mine = (await ask(seller, 'GET', '/api/campaigns'))
      .json()
      .campaigns.find((each: Listed) => each.id === id);
    expect(mine._count.subscriptions).toBe(120);
    await api.rows('UPDATE subscriptions SET ended_at = now() WHERE campaign_id = $1 AND id <> $2', [
      id,
      subscriptionId,
    ]);
    expect((await ask(seller, 'GET', `/api/campaigns/${id}`)).json().campaign.subscriptions).toEqual([
      {
        id: subscriptionId,
        ...{ campaignId: id, buyerId: buyer.buyerId, dailyCap: 7, states: ['FL'], status: 'ACTIVE' },
        ...{ waterfallPriority: null, onShortWallet: 'skip', lastDistributedAt: null },
        ...{ createdAt: expect.any(String), updatedAt: expect.any(String) },
        buyer: {
          ...{ id: buyer.buyerId, userId: buyer.userId, sellerId: seller.organizationId },
          ...{ companyName: 'Buyer Inc', priority: 5, walletBalance: 0, status: 'ACTIVE' },
          ...{ autoRechargeEnabled: false, autoRechargeThreshold: null, autoRechargeAmount: null },
          ...{ monthlySpendingLimit: 500, weeklySpendingLimit: null, phoneNumber: '+13055550123' },
          ...{ createdAt: expect.any(String), updatedAt: expect.any(String) },
          user: { name: 'Bo Buyer', email: buyer.email },
        },
      },
    ]);
  });
});

describe('[S22] campaigns of a buyer', () => {
  it('are the active ones of its seller, with its own subscription and no other buyer’s', async () => {
    const own = await makeSeller(api);
    const [first, second] = [await makeBuyer(api, own), await makeBuyer(api, own)];
    const [shared, other] = [await makeCampaign(ask, own), await makeCampaign(ask, own)];
    await makeCampaign(ask, own, { status: 'PAUSED' });
    const mine = await makeSubscription(ask, first, shared);
    const theirs = await makeSubscription(ask, second, shared);
    const list = await ask(first, 'GET', '/api/campaigns');
    expect(idsOf(list.json().campaigns)).toEqual([other, shared]);
    expect(list.json().campaigns[0].subscriptions).toEqual([]);
    expect(list.json().campaigns[1]).toMatchObject({
      subscriptions: [{ id: mine }],
      _count: { subscriptions: 2 },
    });
    expect(Object.keys(list.json().campaigns[1].category)).toEqual(['id', 'name', 'description']);
    const one = await ask(first, 'GET', `/api/campaigns/${shared}`);
    for (const { body } of [list, one])
      for (const secret of [theirs, second.buyerId, second.email, first.email, 'roofAge', 'walletBalance'])
        expect(body).not.toContain(secret);
    expect(Object.keys(one.json().campaign.subscriptions[0]).sort()).toEqual(
      [
        ...['id', 'campaignId', 'buyerId', 'dailyCap', 'states', 'status', 'waterfallPriority'],
        ...['onShortWallet', 'lastDistributedAt', 'createdAt', 'updatedAt'],
      ].sort(),
    );
    expect((await ask(first, 'GET', '/api/campaigns?status=PAUSED')).json().campaigns).toEqual([]);
  });

  it('a paused one is read by its subscriber alone', async () => {
    const id = await makeCampaign(ask, seller);
    await makeSubscription(ask, buyer, id);
    await ask(seller, 'PUT', `/api/campaigns/${id}`, { status: 'PAUSED' });
    const stranger = await makeBuyer(api, seller);
    expect((await ask(buyer, 'GET', `/api/campaigns/${id}`)).json().campaign.status).toBe('PAUSED');
    expect((await ask(stranger, 'GET', `/api/campaigns/${id}`)).statusCode).toBe(404);
  });
});
