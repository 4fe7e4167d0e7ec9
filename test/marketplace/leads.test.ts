import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DistributionStatus } from '../../src/domain/marketplace/distribution.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { marketClient } from '../harness/market-client.ts';
import { sellMarketLead, storeMarketLead } from '../harness/market-leads.ts';

let api: ApiTest;
let seller: MadeSeller;
let buyer: MadeBuyer;
let rival: MadeBuyer;
let send: ReturnType<typeof marketClient>;
let categoryId: string;
let campaignId: string;

beforeAll(async () => {
  api = await startApi();
  send = marketClient(api);
  seller = await makeSeller(api);
  buyer = await makeBuyer(api, seller);
  rival = await makeBuyer(api, seller, { name: 'Rita Rival', companyName: 'Rival LLC' });
  const [category] = await api.rows<{ id: string }>(
    `INSERT INTO categories (id, organization_id, name, fields) VALUES (gen_random_uuid(), $1, 'Solar', '[]') RETURNING id`,
    [seller.organizationId],
  );
  categoryId = category!.id;
  const [campaign] = await api.rows<{ id: string }>(
    `INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic)
     VALUES (gen_random_uuid(), $1, $2, 'Solar Florida', 2500, 'BROADCAST') RETURNING id`,
    [seller.organizationId, categoryId],
  );
  campaignId = campaign!.id;
  await lead('lead_old', { at: '2026-01-31T03:30:00Z', state: 'TX', status: 'EXPIRED' });
  await lead('lead_test', { at: '2026-02-01T03:30:00Z', status: 'TEST' });
  await lead('lead_both', { at: '2026-11-01T12:00:00Z' });
  await lead('lead_rivals', { at: '2026-11-02T12:00:00Z' });
  await lead('lead_back', { at: '2026-11-03T12:00:00Z' });
  await lead('lead_new', { at: new Date().toISOString(), plain: true });
  await sellMarketLead(api, 'lead_both', buyer, { at: '2026-11-01T12:00:05Z', viewed: true });
  await sellMarketLead(api, 'lead_both', rival, { at: '2026-11-01T12:00:06Z' });
  await sellMarketLead(api, 'lead_rivals', rival, { at: '2026-11-02T12:00:05Z' });
  await sellMarketLead(api, 'lead_back', buyer, { at: '2026-11-03T12:00:05Z', refunded: true });
});
afterAll(() => api?.stop());

const lead = (
  publicId: string,
  { at = '', state = 'FL', status = 'PENDING' as DistributionStatus, plain = false },
) =>
  storeMarketLead(api, {
    organizationId: seller.organizationId,
    campaignId,
    publicId,
    at,
    state,
    status,
    locked: plain ? null : { firstName: 'Ann', phone: '+13055550142' },
  });

type Answer = { leads: { id: string; status: string; data: object }[]; pagination: object };
const list = async (who: MadeSeller | MadeBuyer, query = ''): Promise<Answer> =>
  (await send(who, 'GET', `/api/leads${query}`)).json();
const idsOf = ({ leads }: Answer) => leads.map(({ id }) => id);

describe('GET /api/leads of a seller', () => {
  it('lists the received leads, newest first, with all values and who bought them', async () => {
    const answer = await list(seller, '?status=undefined&category=&page=');
    expect(answer.leads.map(({ id, status }) => [id, status])).toEqual([
      ['lead_new', 'PENDING'],
      ['lead_back', 'DISTRIBUTED'],
      ['lead_rivals', 'DISTRIBUTED'],
      ['lead_both', 'DISTRIBUTED'],
      ['lead_test', 'TEST'],
      ['lead_old', 'EXPIRED'],
    ]);
    expect(answer.pagination).toEqual({ page: 1, limit: 50, total: 6, pages: 1 });
    expect(answer.leads[3]).toMatchObject({
      campaignId,
      categoryId,
      supplierId: null,
      data: { roof: 'tile', firstName: 'Ann', phone: '+13055550142' },
      state: 'FL',
      quality: 'HOT',
      receivedAt: '2026-11-01T12:00:00.000Z',
      distributedAt: '2026-11-01T12:00:05.000Z',
      expiresAt: '2026-11-04T12:00:00.000Z',
      category: { id: categoryId, name: 'Solar' },
      campaign: { id: campaignId, name: 'Solar Florida', pricePerLead: 25 },
      supplier: null,
      assignments: [
        { buyerId: buyer.buyerId, price: 25, status: 'VIEWED', buyer: { user: { name: 'Bo Buyer' } } },
        { buyerId: rival.buyerId, status: 'DELIVERED', buyer: { companyName: 'Rival LLC' } },
      ],
    });
  });

  it.each([
    ['?status=PENDING', ['lead_new']],
    ['?status=EXPIRED', ['lead_old']],
    ['?status=REJECTED', []],
    ['?status=TEST', ['lead_test']],
    ['?status=DISTRIBUTED&category=solar&endDate=2026-11-01', ['lead_both']],
    ['?status=DISTRIBUTED&category=Roofs', []],
    ['?status=DISTRIBUTED&limit=1&page=3', ['lead_both']],
    ['?category=solar&limit=1', ['lead_new']],
    ['?category=Roofs', []],
    // 3:30 UTC is the evening before in New York, the seller's zone.
    ['?startDate=2026-01-30&endDate=2026-01-30', ['lead_old']],
    ['?startDate=2026-02-01&endDate=2026-10-31', []],
    ['?startDate=2026-01-31&endDate=2026-10-31', ['lead_test']],
    ['?startDate=2026-11-01T12:00:00Z&endDate=2026-11-02T12:00:00.000Z', ['lead_rivals', 'lead_both']],
  ])('%s', async (query, ids) => {
    expect(idsOf(await list(seller, query))).toEqual(ids);
  });

  it.each([
    ['?status=SOLD', 'Invalid status'],
    ['?startDate=yesterday', 'Invalid startDate'],
    ['?endDate=2026-02-30', 'Invalid endDate'],
    ['?endDate=0000-01-01', 'Invalid endDate'],
    ['?limit=201', 'Invalid limit'],
    ['?page=0', 'Invalid page'],
  ])('%s is refused: %s', async (query, error) => {
    const answer = await send(seller, 'GET', `/api/leads${query}`);
    expect([answer.statusCode, answer.json().error]).toEqual([400, error]);
  });

  it('records once for the page who was shown the locked values', async () => {
    const rows = () =>
      api.rows<{ actor: string; after: { lead_ids: string[] } }>(
        `SELECT actor, after FROM audit_log WHERE action = 'leads.contacts_read' AND organization_id = $1 ORDER BY id`,
        [seller.organizationId],
      );
    const before = await rows();
    await list(seller, '?status=DISTRIBUTED');
    await list(seller, '?status=PENDING');
    const noted = (await rows()).slice(before.length);
    expect(noted.map(({ actor, after }) => [actor, after.lead_ids.length])).toEqual([[seller.userId, 3]]);
  });

  it('shows no lead of another seller, and none of another channel', async () => {
    const other = await makeSeller(api);
    expect(idsOf(await list(other))).toEqual([]);
    await api.lead();
    const demo = await api.json('GET', '/api/leads');
    expect(demo.json().leads).toHaveLength(1);
    expect(demo.body).not.toContain('lead_both');
  });
});

describe('GET /api/leads of a buyer', () => {
  it('[S22] lists what he bought and says nothing of other buyers', async () => {
    const answer = await send(buyer, 'GET', '/api/leads');
    expect(idsOf(answer.json())).toEqual(['lead_back', 'lead_both']);
    expect(answer.body).not.toContain('rival');
    expect(answer.body).not.toContain(rival.buyerId);
    expect(answer.json().leads[1]).toEqual({
      id: 'lead_both',
      assignmentId: expect.any(String),
      category: { id: categoryId, name: 'Solar', description: null },
      campaign: { id: campaignId, name: 'Solar Florida', pricePerLead: 25 },
      data: { roof: 'tile', firstName: 'Ann', phone: '+13055550142' },
      state: 'FL',
      quality: 'HOT',
      price: 25,
      assignedAt: '2026-11-01T12:00:05.000Z',
      deliveredAt: null,
      viewedAt: '2026-11-01T12:00:05.000Z',
      status: 'VIEWED',
    });
  });

  it('a refunded lead is locked again', async () => {
    expect((await list(buyer, '?status=REFUNDED')).leads).toMatchObject([
      { id: 'lead_back', data: { roof: 'tile' }, status: 'REFUNDED' },
    ]);
    expect((await list(buyer, '?status=REFUNDED')).leads[0]!.data).not.toHaveProperty('phone');
  });

  it.each([
    ['?status=VIEWED', ['lead_both']],
    ['?status=DELIVERED', []],
    ['?endDate=2026-11-01', ['lead_both']],
    ['?category=Solar&startDate=2026-11-02', ['lead_back']],
  ])('%s', async (query, ids) => {
    expect(idsOf(await list(buyer, query))).toEqual(ids);
  });

  it('the statuses of a seller are none of his', async () => {
    const answer = await send(buyer, 'GET', '/api/leads?status=PENDING');
    expect(answer.json()).toMatchObject({ status: 400, error: 'Invalid status' });
  });
});

describe('the credential decides which family answers, before the query is judged', () => {
  const ask = (headers: Record<string, string>, query = '?cursor=broken') =>
    api.app.inject({ method: 'GET', url: `/api/leads${query}`, headers, remoteAddress: '203.0.113.9' });

  it('an API key has its own list and refusals, also beside a cookie', async () => {
    const kinds: Record<string, string>[] = [
      { authorization: `Bearer ${api.key}` },
      { 'x-api-key': api.key },
      { 'x-api-key': api.key, cookie: seller.cookie },
      { authorization: `Bearer ${api.key}`, cookie: seller.cookie },
    ];
    for (const headers of kinds) {
      const refused = await ask(headers);
      expect(refused.json()).toMatchObject({ status: 400, code: 'invalid_input' });
      expect(refused.json()).not.toHaveProperty('error');
      expect((await ask(headers, '')).json()).toHaveProperty('next_cursor');
    }
  });

  it('a session has the list of the marketplace, by cookie and by Bearer', async () => {
    const kinds: Record<string, string>[] = [seller.as, { cookie: seller.cookie }];
    for (const headers of kinds) expect((await ask(headers)).json()).toHaveProperty('pagination');
  });

  it('an unknown key and no key are refused as before, an unknown session by the contract', async () => {
    expect((await ask({ 'x-api-key': 'nonsense' })).json()).toMatchObject({ code: 'key_invalid' });
    expect((await ask({ authorization: 'Bearer lg_nonsense' })).json()).toMatchObject({
      code: 'key_invalid',
    });
    expect((await ask({})).json()).toMatchObject({ code: 'key_required' });
    const kinds: Record<string, string>[] = [
      { authorization: 'Bearer nonsense' },
      { cookie: 'leadgate.session_token=nonsense' },
    ];
    for (const headers of kinds) {
      const refused = await ask(headers);
      expect([refused.statusCode, refused.json().error]).toEqual([401, 'Unauthorized']);
    }
  });

  it('a foreign Bearer beside a good cookie is no session', async () => {
    const headers = { authorization: 'Bearer nonsense', cookie: seller.cookie };
    expect((await ask(headers)).statusCode).toBe(401);
  });
});
