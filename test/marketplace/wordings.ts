import { readFileSync } from 'node:fs';
import type { LightMyRequestResponse } from 'fastify';
import type { ApiTest } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import {
  type Ask,
  makeCampaign,
  makeCategory,
  makeSubscription,
  marketClient,
  solarFields,
} from '../harness/market-client.ts';
import { ofAccounts } from './account-wordings.ts';
import { ofIngest } from './ingest-wordings.ts';
import { ofParties } from './party-wordings.ts';
import { ofWallets } from './wallet-wordings.ts';

/** A row of docs/contracts-marketplace.md: a refusal, or below 400 the message of an answer. */
export type Wording = { route: string; status: number; wording: string };

const page = readFileSync(new URL('../../docs/contracts-marketplace.md', import.meta.url), 'utf8');

const rows: Wording[] = [...page.matchAll(/^\| `([A-Z]+ \/\S*)` \| (\d{3}) \| `(.+)` \|$/gm)].map(
  ([, route, status, wording]) => ({ route: route!, status: Number(status), wording: wording! }),
);
export const refusals = rows.filter(({ status }) => status >= 400);
export const messages = rows.filter(({ status }) => status < 400);

export const nameOf = ({ route, status, wording }: Wording): string => `${route} ${status} ${wording}`;

export type Place = { api: ApiTest; ask: Ask; seller: MadeSeller; buyer: MadeBuyer; other: MadeSeller };

export async function makePlace(api: ApiTest): Promise<Place> {
  const seller = await makeSeller(api);
  const other = await makeSeller(api, { name: 'Other' });
  return { api, ask: marketClient(api), seller, other, buyer: await makeBuyer(api, seller) };
}

type Provoke = (place: Place) => Promise<LightMyRequestResponse>;
/** By route, status and wording. */
export type Provocations = Record<string, Provoke>;

const none = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0aff';
const category = { name: 'Taken', fields: solarFields };
const campaign = { categoryId: none, name: 'C', pricePerLead: 25, distributionLogic: 'BROADCAST' };
const subscribe = '/api/campaigns/subscribe';

async function categoryInUse({ ask, seller }: Place): Promise<string> {
  const id = await makeCategory(ask, seller);
  await makeCampaign(ask, seller, { categoryId: id });
  return id;
}

async function withoutStates({
  ask,
  seller,
  buyer,
}: Place): Promise<{ campaignId: string; subscriptionId: string }> {
  const campaignId = await makeCampaign(ask, seller, { allowStateSelection: false });
  return { campaignId, subscriptionId: await makeSubscription(ask, buyer, campaignId) };
}

const categories: Provocations = {
  'POST /api/categories 400 Name and fields are required': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/categories', { name: 'Solar', fields: [] }),
  'POST /api/categories 400 Category with this name already exists': async ({ ask, seller }) => {
    await ask(seller, 'POST', '/api/categories', category);
    return ask(seller, 'POST', '/api/categories', { ...category, name: 'tAKEN' });
  },
  'POST /api/categories 400 Invalid fields': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/categories', { name: 'Solar', fields: [{ name: 'a', type: 'money' }] }),
  'GET /api/categories 401 Invalid API key': ({ ask }) =>
    ask({ as: { 'x-api-key': `sk_${'a'.repeat(32)}` } }, 'GET', '/api/categories'),
  'GET /api/categories 403 Supplier account is not active': async ({
    api,
    ask,
    seller: { organizationId },
  }) => {
    const key = await api.makeKey(['leads:read'], { owner: 'supplier', organizationId });
    return ask({ as: { 'x-api-key': key } }, 'GET', '/api/categories');
  },
  'GET /api/categories/{id} 404 Category not found': ({ ask, seller }) =>
    ask(seller, 'GET', `/api/categories/${none}`),
  'PUT /api/categories/{id} 400 Category with this name already exists': async ({ ask, seller }) => {
    const [first, second] = [
      await makeCategory(ask, seller),
      await makeCategory(ask, seller, { name: 'Second' }),
    ];
    await ask(seller, 'DELETE', `/api/categories/${second}`);
    return ask(seller, 'PUT', `/api/categories/${first}`, { name: 'second' });
  },
  'PUT /api/categories/{id} 400 Cannot delete category that is used in active campaigns': async (place) =>
    place.ask(place.seller, 'PUT', `/api/categories/${await categoryInUse(place)}`, { isActive: false }),
  'PUT /api/categories/{id} 404 Category not found': async ({ ask, seller, other }) =>
    ask(seller, 'PUT', `/api/categories/${await makeCategory(ask, other)}`, { description: 'Mine' }),
  'DELETE /api/categories/{id} 400 Cannot delete category that is used in active campaigns': async (place) =>
    place.ask(place.seller, 'DELETE', `/api/categories/${await categoryInUse(place)}`),
  'DELETE /api/categories/{id} 404 Category not found': ({ ask, seller }) =>
    ask(seller, 'DELETE', '/api/categories/none'),
};

const campaigns: Provocations = {
  'GET /api/campaigns 400 Invalid status': ({ ask, seller }) =>
    ask(seller, 'GET', '/api/campaigns?status=active'),
  'POST /api/campaigns 400 Missing required fields': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/campaigns', { ...campaign, name: ' ' }),
  'POST /api/campaigns 400 Invalid pricePerLead': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/campaigns', { ...campaign, pricePerLead: 0 }),
  'POST /api/campaigns 400 Invalid distributionLogic': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/campaigns', { ...campaign, distributionLogic: 'RANDOM' }),
  'POST /api/campaigns 404 Category not found or does not belong to this seller': async ({
    ask,
    seller,
    other,
  }) => ask(seller, 'POST', '/api/campaigns', { ...campaign, categoryId: await makeCategory(ask, other) }),
  'GET /api/campaigns/{id} 404 Campaign not found': async ({ ask, buyer, other }) =>
    ask(buyer, 'GET', `/api/campaigns/${await makeCampaign(ask, other)}`),
  'PUT /api/campaigns/{id} 400 Invalid status': async ({ ask, seller }) =>
    ask(seller, 'PUT', `/api/campaigns/${await makeCampaign(ask, seller)}`, { status: 'DELETED' }),
  'PUT /api/campaigns/{id} 400 Category is not active': async ({ ask, seller }) => {
    const categoryId = await makeCategory(ask, seller);
    const id = await makeCampaign(ask, seller, { categoryId, status: 'PAUSED' });
    await ask(seller, 'DELETE', `/api/categories/${categoryId}`);
    return ask(seller, 'PUT', `/api/campaigns/${id}`, { status: 'ACTIVE' });
  },
  'PUT /api/campaigns/{id} 404 Campaign not found': async ({ ask, seller, other }) =>
    ask(seller, 'PUT', `/api/campaigns/${await makeCampaign(ask, other)}`, { pricePerLead: 1 }),
  'DELETE /api/campaigns/{id} 404 Campaign not found': ({ ask, seller }) =>
    ask(seller, 'DELETE', `/api/campaigns/${none}`),
};

const subscriptions: Provocations = {
  'POST /api/campaigns/subscribe 400 Campaign ID is required': ({ ask, buyer }) =>
    ask(buyer, 'POST', subscribe, { campaignId: '' }),
  'POST /api/campaigns/subscribe 400 Invalid states': ({ ask, buyer }) =>
    ask(buyer, 'POST', subscribe, { campaignId: none, states: ['Calif.'] }),
  'POST /api/campaigns/subscribe 400 Invalid onShortWallet': ({ ask, buyer }) =>
    ask(buyer, 'POST', subscribe, { campaignId: none, onShortWallet: 'wait' }),
  'POST /api/campaigns/subscribe 404 Campaign not found': ({ ask, buyer }) =>
    ask(buyer, 'POST', subscribe, { campaignId: none }),
  'POST /api/campaigns/subscribe 403 This campaign does not belong to your seller': async ({
    ask,
    buyer,
    other,
  }) => ask(buyer, 'POST', subscribe, { campaignId: await makeCampaign(ask, other) }),
  'POST /api/campaigns/subscribe 400 This campaign is not active': async ({ ask, buyer, seller }) =>
    ask(buyer, 'POST', subscribe, { campaignId: await makeCampaign(ask, seller, { status: 'PAUSED' }) }),
  'POST /api/campaigns/subscribe 400 Already subscribed to this campaign': async ({ ask, buyer, seller }) => {
    const campaignId = await makeCampaign(ask, seller);
    await makeSubscription(ask, buyer, campaignId);
    return ask(buyer, 'POST', subscribe, { campaignId });
  },
  'POST /api/campaigns/subscribe 400 State selection is not allowed for this campaign': async ({
    ask,
    buyer,
    seller,
  }) => {
    const campaignId = await makeCampaign(ask, seller, { allowStateSelection: false });
    return ask(buyer, 'POST', subscribe, { campaignId, states: ['FL'] });
  },
  'PUT /api/campaigns/subscribe 400 Subscription ID is required': ({ ask, buyer }) =>
    ask(buyer, 'PUT', subscribe, { dailyCap: 5 }),
  'PUT /api/campaigns/subscribe 400 State selection is not allowed for this campaign': async (place) => {
    const { subscriptionId } = await withoutStates(place);
    return place.ask(place.buyer, 'PUT', subscribe, { subscriptionId, states: ['FL'] });
  },
  'PUT /api/campaigns/subscribe 404 Subscription not found': ({ ask, buyer }) =>
    ask(buyer, 'PUT', subscribe, { subscriptionId: none, dailyCap: 5 }),
  'DELETE /api/campaigns/subscribe 400 Subscription ID is required': ({ ask, buyer }) =>
    ask(buyer, 'DELETE', `${subscribe}?id=undefined`),
  'DELETE /api/campaigns/subscribe 404 Subscription not found': ({ ask, buyer }) =>
    ask(buyer, 'DELETE', `${subscribe}?id=${none}`),
};

/** How each wording is provoked. A row of the page without one fails. */
export const provocations: Provocations = {
  ...categories,
  ...campaigns,
  ...subscriptions,
  ...ofParties,
  ...ofIngest,
  ...ofAccounts,
  ...ofWallets,
};
