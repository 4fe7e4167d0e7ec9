import { randomUUID } from 'node:crypto';
import type { ApiTest } from '../harness/api-app.ts';
import {
  type MadeBuyer,
  type MadeSeller,
  makeBuyer,
  makePerson,
  makeSeller,
  type Seated,
} from '../harness/market.ts';
import {
  type Ask,
  makeCampaign,
  makeCategory,
  makeSubscription,
  solarFields,
} from '../harness/market-client.ts';
import { storeMarketLead } from '../harness/market-leads.ts';
import { makeWallet } from '../harness/wallets.ts';

/** What belongs to the seller that the others ask for. */
export type Things = {
  seller: MadeSeller;
  /** The buyer of the subscription. */
  owner: MadeBuyer;
  categoryId: string;
  campaignId: string;
  subscriptionId: string;
  supplierId: string;
  invitationId: string;
  leadId: string;
  /** A saved card of the owner. */
  cardId: string;
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
  /** Signed in for a supplier of the same seller. */
  'supplierMember',
  'anonymous',
] as const;
export type Stranger = (typeof strangers)[number];

/** With `csv` the body is a file instead. */
type Request = { url: string; body?: unknown; csv?: string };
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
const onlySellers = '200 403 403 401 403 403 401';
const ofOneSeller = '404 403 403 401 403 403 401';
const ownOfBuyers = '403 200 200 401 403 403 401';
const notOfBuyers = '403 404 404 401 403 403 401';
const methods = '/api/payments/methods';
const newCampaign = { name: 'Mine', pricePerLead: 1, distributionLogic: 'BROADCAST' };

/** Every route of the marketplace. One that is missing here fails the test. */
export const marketRoutes: Record<string, MarketRoute> = {
  'GET /api/categories': { ask: at('/api/categories'), answers: '200 200 200 200 403 403 401' },
  'POST /api/categories': {
    ask: () => ({ url: '/api/categories', body: { name: randomUUID(), fields: solarFields } }),
    answers: '201 403 403 401 403 403 401',
  },
  'GET /api/categories/:id': {
    ask: ({ categoryId }) => ({ url: `/api/categories/${categoryId}` }),
    answers: '404 404 200 401 403 403 401',
  },
  ...forBoth('/api/categories/:id', {
    ask: ({ categoryId }) => ({ url: `/api/categories/${categoryId}`, body: { name: 'Taken over' } }),
    answers: '404 403 403 401 403 403 401',
  }),
  'DELETE /api/categories/:id': {
    ask: ({ categoryId }) => ({ url: `/api/categories/${categoryId}` }),
    answers: '404 403 403 401 403 403 401',
  },
  'GET /api/campaigns': { ask: at('/api/campaigns'), answers: '200 200 200 401 403 403 401' },
  'POST /api/campaigns': {
    ask: ({ categoryId }) => ({ url: '/api/campaigns', body: { ...newCampaign, categoryId } }),
    answers: '404 403 403 401 403 403 401',
  },
  'GET /api/campaigns/:id': {
    ask: ({ campaignId }) => ({ url: `/api/campaigns/${campaignId}` }),
    answers: '404 404 200 401 403 403 401',
  },
  ...forBoth('/api/campaigns/:id', {
    ask: ({ campaignId }) => ({ url: `/api/campaigns/${campaignId}`, body: { pricePerLead: 1 } }),
    answers: '404 403 403 401 403 403 401',
  }),
  'DELETE /api/campaigns/:id': {
    ask: ({ campaignId }) => ({ url: `/api/campaigns/${campaignId}` }),
    answers: '404 403 403 401 403 403 401',
  },
  'POST /api/campaigns/subscribe': {
    ask: ({ campaignId }) => ({ url: subscribe, body: { campaignId } }),
    answers: '403 403 201 401 403 403 401',
  },
  ...forBoth('/api/campaigns/subscribe', {
    ask: ({ subscriptionId }) => ({ url: subscribe, body: { subscriptionId, status: 'PAUSED' } }),
    answers: '403 404 404 401 403 403 401',
  }),
  'DELETE /api/campaigns/subscribe': {
    ask: ({ subscriptionId }) => ({ url: `${subscribe}?id=${subscriptionId}` }),
    answers: '403 404 404 401 403 403 401',
  },
  'GET /api/payments/methods': { ask: at(methods), answers: ownOfBuyers },
  'POST /api/payments/methods': { ask: at(methods, { paymentMethodId: 'pm_of_none' }), answers: notOfBuyers },
  ...forBoth('/api/payments/methods', {
    ask: ({ cardId }) => ({ url: methods, body: { paymentMethodId: cardId } }),
    answers: notOfBuyers,
  }),
  'DELETE /api/payments/methods': {
    ask: ({ cardId }) => ({ url: `${methods}?id=${cardId}` }),
    answers: notOfBuyers,
  },
  'POST /api/payments/setup-intent': { ask: at('/api/payments/setup-intent'), answers: ownOfBuyers },
  'GET /api/payments/wallet': { ask: at('/api/payments/wallet'), answers: ownOfBuyers },
  'POST /api/payments/wallet': {
    ask: ({ cardId }) => ({ url: '/api/payments/wallet', body: { amount: 50, paymentMethodId: cardId } }),
    answers: notOfBuyers,
  },
  ...forBoth('/api/payments/wallet', { ask: at('/api/payments/wallet', {}), answers: ownOfBuyers }),
  'GET /api/audit': { ask: at('/api/audit'), answers: onlySellers },
  'GET /api/campaigns/subscriptions/export.csv': {
    ask: at('/api/campaigns/subscriptions/export.csv'),
    answers: onlySellers,
  },
  'POST /api/campaigns/subscriptions/import': {
    ask: ({ owner, campaignId }) => ({
      url: '/api/campaigns/subscriptions/import',
      csv: `buyerEmail,campaignId,dailyCap\n${owner.email},${campaignId},1\n`,
    }),
    answers: onlySellers,
  },
  'GET /api/buyers': { ask: at('/api/buyers'), answers: onlySellers },
  'POST /api/buyers': {
    ask: () => ({
      url: '/api/buyers',
      body: { email: `${randomUUID()}@people.example`, password: 'password123', name: 'Bo' },
    }),
    answers: '201 403 403 401 403 403 401',
  },
  'GET /api/buyers/export.csv': { ask: at('/api/buyers/export.csv'), answers: onlySellers },
  'POST /api/buyers/import': {
    ask: ({ owner }) => ({
      url: '/api/buyers/import',
      csv: `email,name,priority\n${owner.email},Taken over,1\n`,
    }),
    answers: onlySellers,
  },
  'GET /api/buyers/:id': {
    ask: ({ owner }) => ({ url: `/api/buyers/${owner.buyerId}` }),
    answers: '404 404 404 401 403 403 401',
  },
  ...forBoth('/api/buyers/:id', {
    ask: ({ owner }) => ({ url: `/api/buyers/${owner.buyerId}`, body: { companyName: 'Taken over' } }),
    answers: '404 404 404 401 403 403 401',
  }),
  'DELETE /api/buyers/:id': {
    ask: ({ owner }) => ({ url: `/api/buyers/${owner.buyerId}` }),
    answers: ofOneSeller,
  },
  'GET /api/suppliers': { ask: at('/api/suppliers'), answers: onlySellers },
  'POST /api/suppliers': {
    ask: ({ categoryId }) => ({
      url: '/api/suppliers',
      body: { name: 'Mine', email: 'mine@supplier.example', categories: [categoryId] },
    }),
    answers: '400 403 403 401 403 403 401',
  },
  'GET /api/suppliers/:id': {
    ask: ({ supplierId }) => ({ url: `/api/suppliers/${supplierId}` }),
    answers: ofOneSeller,
  },
  ...forBoth('/api/suppliers/:id', {
    ask: ({ supplierId }) => ({ url: `/api/suppliers/${supplierId}`, body: { name: 'Taken over' } }),
    answers: ofOneSeller,
  }),
  'DELETE /api/suppliers/:id': {
    ask: ({ supplierId }) => ({ url: `/api/suppliers/${supplierId}` }),
    answers: ofOneSeller,
  },
  'POST /api/suppliers/:id/rotate-key': {
    ask: ({ supplierId }) => ({ url: `/api/suppliers/${supplierId}/rotate-key` }),
    answers: ofOneSeller,
  },
  'GET /api/sellers/me': { ask: at('/api/sellers/me'), answers: onlySellers },
  'POST /api/sellers/invite-code': { ask: at('/api/sellers/invite-code'), answers: onlySellers },
  'GET /api/sellers/settings': { ask: at('/api/sellers/settings'), answers: onlySellers },
  ...forBoth('/api/sellers/settings', {
    ask: at('/api/sellers/settings', { smsMarkup: 99, timeZone: 'America/Denver' }),
    answers: onlySellers,
  }),
  ...forBoth('/api/sellers/security', {
    ask: at('/api/sellers/security', { requireTwoFactor: false }),
    answers: onlySellers,
  }),
  'GET /api/members': { ask: at('/api/members'), answers: onlySellers },
  'DELETE /api/members/:user_id': {
    ask: ({ owner }) => ({ url: `/api/members/${owner.userId}` }),
    answers: ofOneSeller,
  },
  'GET /api/members/invitations': { ask: at('/api/members/invitations'), answers: onlySellers },
  'POST /api/members/invitations': {
    ask: ({ owner }) => ({
      url: '/api/members/invitations',
      body: { email: 'mallory@people.example', role: 'BUYER', buyerId: owner.buyerId },
    }),
    answers: ofOneSeller,
  },
  'DELETE /api/members/invitations/:id': {
    ask: ({ invitationId }) => ({ url: `/api/members/invitations/${invitationId}` }),
    answers: ofOneSeller,
  },
  'POST /api/campaigns/:id/leads/import': {
    ask: ({ campaignId }) => ({
      url: `/api/campaigns/${campaignId}/leads/import`,
      csv: 'firstName,email\nMal,mal@people.example\n',
    }),
    answers: ofOneSeller,
  },
  // Only a supplier's key with the scope opens these; what it opens is asked in the tests of S21.
  'GET /api/leads/ingest': { ask: at('/api/leads/ingest'), answers: '401 401 401 200 401 401 401' },
  'POST /api/leads/ingest': {
    ask: ({ campaignId, categoryId }) => ({
      url: '/api/leads/ingest',
      body: { campaignId, categoryId, data: { firstName: 'Mal', email: 'mal@people.example' } },
    }),
    answers: '401 401 401 403 401 401 401',
  },
  'POST /api/leads/ingest/bulk': {
    ask: ({ campaignId, categoryId }) => ({
      url: '/api/leads/ingest/bulk',
      body: { leads: [{ campaignId, categoryId, data: { firstName: 'Mal', email: 'mal@people.example' } }] },
    }),
    answers: '401 401 401 403 401 401 401',
  },
  // A buyer who was not considered for a lead does not learn that it exists.
  'GET /api/leads/:lead_id/decisions': {
    ask: ({ leadId }) => ({ url: `/api/leads/${leadId}/decisions` }),
    answers: '404 404 404 401 403 403 401',
  },
  // A key is answered by the other family of this address, which lists the leads of its supplier.
  'GET /api/leads': { ask: at('/api/leads'), answers: '200 200 200 200 403 403 401' },
};

/** PUT and its alias. */
function forBoth(url: string, route: MarketRoute): Record<string, MarketRoute> {
  return { [`PUT ${url}`]: route, [`PATCH ${url}`]: route };
}

/** Routes of another family whose address answers sessions too. */
export const sharedRoutes = ['GET /api/leads'];

export const isMarketRoute = (url: string): boolean =>
  /^\/api\/(?:categories|campaigns|buyers|suppliers|sellers|members|audit|payments|leads\/ingest|leads\/[:{]lead_id}?\/decisions)(?:\/|$)/.test(
    url,
  );

/** The tables that a stranger must not change for the seller. */
const tables = [
  'categories',
  'campaigns',
  'subscriptions',
  'audit_log',
  'buyers',
  'suppliers',
  'supplier_categories',
  'sellers',
  'members',
  'invitations',
  'api_keys',
  'leads',
  'wallet_transactions',
  'payment_methods',
  'top_ups',
  'distributions',
  'decisions',
];

/** All rows of the seller, without those that a stranger of it may make for itself. */
export async function rowsOfSeller({ rows }: ApiTest, { organizationId }: MadeSeller): Promise<string> {
  const all = tables.map((table) =>
    rows<{ all: string }>(
      `SELECT coalesce(json_agg(to_jsonb(t) - 'last_used_at' ORDER BY t::text)::text, '') AS all FROM ${table} t WHERE organization_id = $1`,
      [organizationId],
    ),
  );
  return (await Promise.all(all)).map(([row]) => row!.all).join('\n');
}

export async function makeThings(api: ApiTest, ask: Ask): Promise<Things> {
  const seller = await makeSeller(api);
  const owner = await makeBuyer(api, seller);
  const categoryId = await makeCategory(ask, seller);
  const campaignId = await makeCampaign(ask, seller, { categoryId });
  const supplier = await made(ask, seller, '/api/suppliers', {
    name: 'Acme Traffic',
    email: 'acme@supplier.example',
    categories: [categoryId],
  });
  const invitation = await made(ask, seller, '/api/members/invitations', {
    email: 'ina@people.example',
    role: 'SELLER',
  });
  return {
    seller,
    owner,
    categoryId,
    campaignId,
    subscriptionId: await makeSubscription(ask, owner, campaignId),
    supplierId: supplier.supplier.id,
    invitationId: invitation.id,
    leadId: (await storeMarketLead(api, { organizationId: seller.organizationId, campaignId })).publicId,
    cardId: (await makeWallet(api, owner)).cardId!,
  };
}

async function made(ask: Ask, seller: MadeSeller, url: string, body: unknown) {
  const answer = await ask(seller, 'POST', url, body);
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.json();
}

type Strangers = Record<Exclude<Stranger, 'supplierKey' | 'anonymous'>, Seated> &
  Record<Stranger, { as: Record<string, string> }>;

export async function makeStrangers(api: ApiTest, { organizationId }: MadeSeller): Promise<Strangers> {
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
  const traffic = await makePerson(api, { name: 'Stan', email: 'stan@supplier.example' });
  await api.rows(
    `INSERT INTO members (organization_id, user_id, role, supplier_id) VALUES ($1, $2, 'supplier', $3)`,
    [organizationId, traffic.userId, supplierId],
  );
  return {
    otherSeller: other,
    otherBuyer: await makeBuyer(api, other),
    buyer: await makeBuyer(api, { organizationId }),
    supplierKey: { as: { 'x-api-key': key } },
    companyMember: member,
    supplierMember: traffic,
    anonymous: { as: {} },
  };
}
