import { randomUUID } from 'node:crypto';
import type { ApiTest } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makePerson, makeSeller } from '../harness/market.ts';
import {
  type Ask,
  makeCampaign,
  makeCategory,
  makeSubscription,
  solarFields,
} from '../harness/market-client.ts';

/** What belongs to the seller that the others ask for. */
export type Things = {
  seller: MadeSeller;
  categoryId: string;
  campaignId: string;
  subscriptionId: string;
};

/** The callers who must not reach those things, or not by this role. */
export const strangers = [
  /** A seller of another organization. */
  'otherSeller',
  /** A buyer of another organization. */
  'otherBuyer',
  /** Another buyer of the same seller. */
  'buyer',
  /** A key of a supplier of the same seller, which may send none of its categories. */
  'supplierKey',
  /** Uploads leads of a company; belongs to no marketplace. */
  'companyMember',
  'anonymous',
] as const;
export type Stranger = (typeof strangers)[number];

type Request = { url: string; body?: unknown };
export type MarketRoute = {
  /** The request for the seller's things; without ids, the request that lists or makes. */
  ask: (things: Things) => Request;
  /**
   * The status of each of the strangers, in their order. 404: the thing is not theirs. 403: not by their role, or seen and
   * not theirs. 401: no session. 200 and 201: lists or makes their own.
   */
  answers: string;
};

const at = (url: string, body?: unknown) => () => ({ url, body });
const subscribe = '/api/campaigns/subscribe';
const newCampaign = { name: 'Mine', pricePerLead: 1, distributionLogic: 'BROADCAST' };

/** Every route of the marketplace. One that is missing here fails the test. */
export const marketRoutes: Record<string, MarketRoute> = {
  'GET /api/categories': { ask: at('/api/categories'), answers: '200 200 200 200 403 401' },
  'POST /api/categories': {
    ask: () => ({ url: '/api/categories', body: { name: randomUUID(), fields: solarFields } }),
    answers: '201 403 403 401 403 401',
  },
  'GET /api/categories/:id': {
    ask: ({ categoryId }) => ({ url: `/api/categories/${categoryId}` }),
    answers: '404 404 200 401 403 401',
  },
  ...forBoth('/api/categories/:id', {
    ask: ({ categoryId }) => ({ url: `/api/categories/${categoryId}`, body: { name: 'Taken over' } }),
    answers: '404 403 403 401 403 401',
  }),
  'DELETE /api/categories/:id': {
    ask: ({ categoryId }) => ({ url: `/api/categories/${categoryId}` }),
    answers: '404 403 403 401 403 401',
  },
  'GET /api/campaigns': { ask: at('/api/campaigns'), answers: '200 200 200 401 403 401' },
  'POST /api/campaigns': {
    ask: ({ categoryId }) => ({ url: '/api/campaigns', body: { ...newCampaign, categoryId } }),
    answers: '404 403 403 401 403 401',
  },
  'GET /api/campaigns/:id': {
    ask: ({ campaignId }) => ({ url: `/api/campaigns/${campaignId}` }),
    answers: '404 404 200 401 403 401',
  },
  ...forBoth('/api/campaigns/:id', {
    ask: ({ campaignId }) => ({ url: `/api/campaigns/${campaignId}`, body: { pricePerLead: 1 } }),
    answers: '404 403 403 401 403 401',
  }),
  'DELETE /api/campaigns/:id': {
    ask: ({ campaignId }) => ({ url: `/api/campaigns/${campaignId}` }),
    answers: '404 403 403 401 403 401',
  },
  'POST /api/campaigns/subscribe': {
    ask: ({ campaignId }) => ({ url: subscribe, body: { campaignId } }),
    answers: '403 403 201 401 403 401',
  },
  ...forBoth('/api/campaigns/subscribe', {
    ask: ({ subscriptionId }) => ({ url: subscribe, body: { subscriptionId, status: 'PAUSED' } }),
    answers: '403 404 404 401 403 401',
  }),
  'DELETE /api/campaigns/subscribe': {
    ask: ({ subscriptionId }) => ({ url: `${subscribe}?id=${subscriptionId}` }),
    answers: '403 404 404 401 403 401',
  },
  'GET /api/audit': { ask: at('/api/audit'), answers: '200 403 403 401 403 401' },
};

/** PUT and its alias. */
function forBoth(url: string, route: MarketRoute): Record<string, MarketRoute> {
  return { [`PUT ${url}`]: route, [`PATCH ${url}`]: route };
}

export const isMarketRoute = (url: string): boolean =>
  /^\/api\/(?:categories|campaigns|buyers|suppliers|sellers|members|audit)(?:\/|$)/.test(url);

/** The tables that a stranger must not change for the seller. */
export const tables = [
  'categories',
  'campaigns',
  'subscriptions',
  'audit_log',
  'buyers',
  'suppliers',
  'members',
];

export async function makeThings(api: ApiTest, ask: Ask): Promise<Things & { owner: MadeBuyer }> {
  const seller = await makeSeller(api);
  const owner = await makeBuyer(api, seller);
  const categoryId = await makeCategory(ask, seller);
  const campaignId = await makeCampaign(ask, seller, { categoryId });
  return {
    seller,
    owner,
    categoryId,
    campaignId,
    subscriptionId: await makeSubscription(ask, owner, campaignId),
  };
}

export async function makeStrangers(
  api: ApiTest,
  { organizationId }: MadeSeller,
): Promise<Record<Stranger, { as: Record<string, string> }>> {
  const other = await makeSeller(api, { name: 'Other' });
  const supplierId = randomUUID();
  await api.rows('INSERT INTO suppliers (id, organization_id, name, email) VALUES ($1, $2, $3, $3)', [
    supplierId,
    organizationId,
    'acme',
  ]);
  const key = await api.makeKey(['leads:read', 'leads:write'], {
    owner: 'supplier',
    organizationId,
    supplierId,
  });
  const member = await makePerson(api, { name: 'Cora', email: 'cora@company.example' });
  await api.rows(`INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'company')`, [
    organizationId,
    member.userId,
  ]);
  return {
    otherSeller: other,
    otherBuyer: await makeBuyer(api, other),
    buyer: await makeBuyer(api, { organizationId }),
    supplierKey: { as: { 'x-api-key': key } },
    companyMember: member,
    anonymous: { as: {} },
  };
}
