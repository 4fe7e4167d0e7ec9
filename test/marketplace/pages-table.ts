import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { ApiTest } from '../harness/api-app.ts';
import { makePerson, type Seated } from '../harness/market.ts';
import type { makeStrangers, Things } from './tenancy-table.ts';

/** What belongs to the seller and to the owner, on pages. */
export type PageThings = Things & {
  /** A charge of the owner's card that was credited. */
  topUpId: string;
  /** A further seller of the organization. */
  partnerId: string;
};

/** Who asks for those things, in the order of the answers. Those who may change something come last. */
export const visitors = [
  'otherSeller',
  'otherBuyer',
  /** Another buyer of the same seller. */
  'buyer',
  'supplierMember',
  'companyMember',
  'anonymous',
  'owner',
  'seller',
] as const;
export type Visitor = (typeof visitors)[number];

/** With neither `form` nor `csv` a POST has an empty form. */
type PageRequest = { url: string; form?: Record<string, string>; csv?: string };
export type MarketPage = {
  ask: (things: PageThings) => PageRequest;
  /**
   * The status of each of the visitors, in their order. 401: sent to sign in. 404: not theirs, or unknown. 403: not by their
   * role. 400: a form that names what is not theirs, or unknown. 303: done.
   */
  answers: string;
};

const at =
  (url: string, form?: Record<string, string>): MarketPage['ask'] =>
  () => ({ url, form });
const sellersAlone = '200 403 403 403 403 401 403 200';
const sellersForm = '303 403 403 403 403 401 403 303';
const ofOneSeller = '404 403 403 403 403 401 403 200';
const formOfOneSeller = '404 403 403 403 403 401 403 303';
const buyersAlone = '403 200 200 403 403 401 200 403';
const buyersForm = '403 303 303 403 403 401 303 403';
const ofOneBuyer = '403 404 404 403 403 401 200 403';
const formOfOneBuyer = '403 404 404 403 403 401 303 403';
const ofBuyersOfOneSeller = '403 404 200 403 403 401 200 403';
/** The buyer has no subscription of its own. */
const formOfOneSubscription = '403 404 404 403 403 401 303 403';

const campaign = { name: 'Mine', pricePerLead: '5', distributionLogic: 'BROADCAST' };
const solar = { 'field-0-name': 'firstName', 'field-0-type': 'text', 'field-0-required': 'on' };

/** Every page and form of the marketplace. One that is missing here fails the test. */
export const marketPages: Record<string, MarketPage> = {
  'GET /market': { ask: at('/market'), answers: '303 200 200 403 403 401 200 303' },
  'GET /market/audit': { ask: at('/market/audit'), answers: sellersAlone },
  'GET /market/buyers': { ask: at('/market/buyers'), answers: sellersAlone },
  'GET /market/buyers/new': { ask: at('/market/buyers/new'), answers: sellersAlone },
  'POST /market/buyers': {
    ask: () => ({
      url: '/market/buyers',
      form: { email: `${randomUUID()}@people.example`, password: 'password123', name: 'Bo' },
    }),
    answers: sellersForm,
  },
  'GET /market/buyers/:id': {
    ask: ({ owner }) => ({ url: `/market/buyers/${owner.buyerId}` }),
    answers: ofOneSeller,
  },
  'POST /market/buyers/:id': {
    ask: ({ owner }) => ({ url: `/market/buyers/${owner.buyerId}`, form: { companyName: 'Taken over' } }),
    answers: formOfOneSeller,
  },
  'GET /market/buyers/:id/wallet': {
    ask: ({ owner }) => ({ url: `/market/buyers/${owner.buyerId}/wallet` }),
    answers: ofOneSeller,
  },
  'POST /market/buyers/:id/unflag': {
    ask: ({ owner }) => ({ url: `/market/buyers/${owner.buyerId}/unflag` }),
    answers: formOfOneSeller,
  },
  'POST /market/buyers/:id/wallet/give-back': {
    ask: ({ owner }) => ({ url: `/market/buyers/${owner.buyerId}/wallet/give-back`, form: { amount: '1' } }),
    // The wallet is empty.
    answers: '404 403 403 403 403 401 403 400',
  },
  'GET /market/campaigns': { ask: at('/market/campaigns'), answers: sellersAlone },
  'GET /market/campaigns/new': { ask: at('/market/campaigns/new'), answers: sellersAlone },
  'POST /market/campaigns': {
    ask: ({ categoryId }) => ({ url: '/market/campaigns', form: { ...campaign, categoryId } }),
    answers: '400 403 403 403 403 401 403 303',
  },
  'GET /market/campaigns/:id': {
    ask: ({ campaignId }) => ({ url: `/market/campaigns/${campaignId}` }),
    answers: ofOneSeller,
  },
  'GET /market/campaigns/:id/live': {
    ask: ({ campaignId }) => ({ url: `/market/campaigns/${campaignId}/live` }),
    answers: ofOneSeller,
  },
  'POST /market/campaigns/:id': {
    ask: ({ campaignId }) => ({ url: `/market/campaigns/${campaignId}`, form: { pricePerLead: '6' } }),
    answers: formOfOneSeller,
  },
  'POST /market/campaigns/:id/leads': {
    ask: ({ campaignId }) => ({
      url: `/market/campaigns/${campaignId}/leads`,
      csv: 'firstName,email\nMal,mal@people.example\n',
    }),
    answers: ofOneSeller,
  },
  'POST /market/campaigns/:id/pause': {
    ask: ({ campaignId }) => ({ url: `/market/campaigns/${campaignId}/pause` }),
    answers: formOfOneSeller,
  },
  'POST /market/campaigns/:id/resume': {
    ask: ({ campaignId }) => ({ url: `/market/campaigns/${campaignId}/resume` }),
    answers: formOfOneSeller,
  },
  'GET /market/categories': { ask: at('/market/categories'), answers: sellersAlone },
  'GET /market/categories/new': { ask: at('/market/categories/new'), answers: sellersAlone },
  'POST /market/categories': {
    ask: () => ({ url: '/market/categories', form: { name: randomUUID(), ...solar } }),
    answers: sellersForm,
  },
  'GET /market/categories/:id': {
    ask: ({ categoryId }) => ({ url: `/market/categories/${categoryId}` }),
    answers: ofOneSeller,
  },
  'POST /market/categories/:id': {
    ask: ({ categoryId }) => ({
      url: `/market/categories/${categoryId}`,
      form: { name: 'Taken over', ...solar },
    }),
    answers: formOfOneSeller,
  },
  'GET /market/leads': { ask: at('/market/leads'), answers: sellersAlone },
  'GET /market/leads/:lead_id': {
    ask: ({ leadId }) => ({ url: `/market/leads/${leadId}` }),
    answers: ofOneSeller,
  },
  'GET /market/settings': { ask: at('/market/settings'), answers: sellersAlone },
  'POST /market/settings': { ask: at('/market/settings', { smsMarkup: '9' }), answers: sellersForm },
  'POST /market/settings/invite-code': { ask: at('/market/settings/invite-code'), answers: sellersForm },
  'GET /market/suppliers': { ask: at('/market/suppliers'), answers: sellersAlone },
  'GET /market/suppliers/new': { ask: at('/market/suppliers/new'), answers: sellersAlone },
  'POST /market/suppliers': {
    ask: ({ categoryId }) => ({
      url: '/market/suppliers',
      form: { name: 'Mine', email: 'mine@supplier.example', [`category-${categoryId}`]: 'on' },
    }),
    answers: '400 403 403 403 403 401 403 201',
  },
  'GET /market/suppliers/:id': {
    ask: ({ supplierId }) => ({ url: `/market/suppliers/${supplierId}` }),
    answers: ofOneSeller,
  },
  'POST /market/suppliers/:id': {
    ask: ({ supplierId, categoryId }) => ({
      url: `/market/suppliers/${supplierId}`,
      form: { name: 'Taken over', [`category-${categoryId}`]: 'on' },
    }),
    answers: formOfOneSeller,
  },
  'GET /market/suppliers/:id/test': {
    ask: ({ supplierId }) => ({ url: `/market/suppliers/${supplierId}/test` }),
    answers: ofOneSeller,
  },
  'POST /market/suppliers/:id/test': {
    ask: ({ supplierId, campaignId }) => ({
      url: `/market/suppliers/${supplierId}/test?campaign=${campaignId}`,
      form: { 'data-firstName': 'Mal', 'data-email': 'mal@people.example' },
    }),
    answers: ofOneSeller,
  },
  'POST /market/suppliers/:id/rotate-key': {
    ask: ({ supplierId }) => ({ url: `/market/suppliers/${supplierId}/rotate-key` }),
    answers: ofOneSeller,
  },
  'GET /market/team': { ask: at('/market/team'), answers: sellersAlone },
  'POST /market/team/invitations': {
    ask: ({ owner }) => ({
      url: '/market/team/invitations',
      form: { email: 'mallory@people.example', role: 'BUYER', buyerId: owner.buyerId },
    }),
    answers: '400 403 403 403 403 401 403 303',
  },
  'POST /market/team/invitations/:id/revoke': {
    ask: ({ invitationId }) => ({ url: `/market/team/invitations/${invitationId}/revoke` }),
    answers: formOfOneSeller,
  },
  'POST /market/team/:id/remove': {
    ask: ({ partnerId }) => ({ url: `/market/team/${partnerId}/remove` }),
    answers: formOfOneSeller,
  },
  'GET /market/profile': { ask: at('/market/profile'), answers: buyersAlone },
  'POST /market/profile': { ask: at('/market/profile', { companyName: 'Mine' }), answers: buyersForm },
  'GET /market/subscriptions/:id': {
    ask: ({ campaignId }) => ({ url: `/market/subscriptions/${campaignId}` }),
    answers: ofBuyersOfOneSeller,
  },
  'POST /market/subscriptions/:id/pause': {
    ask: ({ campaignId }) => ({ url: `/market/subscriptions/${campaignId}/pause` }),
    answers: formOfOneSubscription,
  },
  'POST /market/subscriptions/:id/resume': {
    ask: ({ campaignId }) => ({ url: `/market/subscriptions/${campaignId}/resume` }),
    answers: formOfOneSubscription,
  },
  'POST /market/subscriptions/:id/end': {
    ask: ({ campaignId }) => ({ url: `/market/subscriptions/${campaignId}/end` }),
    answers: formOfOneSubscription,
  },
  // It subscribes one who has no subscription.
  'POST /market/subscriptions/:id': {
    ask: ({ campaignId }) => ({ url: `/market/subscriptions/${campaignId}`, form: { dailyCap: '5' } }),
    answers: '403 404 303 403 403 401 303 403',
  },
  'GET /market/wallet': { ask: at('/market/wallet'), answers: buyersAlone },
  'POST /market/wallet/funds': {
    ask: ({ cardId }) => ({ url: '/market/wallet/funds', form: { amount: '50', paymentMethodId: cardId } }),
    // Stripe does not know the owner's card.
    answers: '403 400 400 403 403 401 400 403',
  },
  'POST /market/wallet/cards': {
    ask: at('/market/wallet/cards'),
    // Nor the customer.
    answers: '403 303 303 403 403 401 409 403',
  },
  'POST /market/wallet/cards/:id/primary': {
    ask: ({ cardId }) => ({ url: `/market/wallet/cards/${cardId}/primary` }),
    answers: formOfOneBuyer,
  },
  'POST /market/wallet/settings': { ask: at('/market/wallet/settings'), answers: buyersForm },
  'GET /market/wallet/top-ups/:id': {
    ask: ({ topUpId }) => ({ url: `/market/wallet/top-ups/${topUpId}` }),
    answers: formOfOneBuyer,
  },
  'GET /market/wallet/top-ups/:id/confirm': {
    ask: ({ topUpId }) => ({ url: `/market/wallet/top-ups/${topUpId}/confirm` }),
    answers: ofOneBuyer,
  },
  'POST /market/wallet/top-ups/:id/confirm': {
    ask: ({ topUpId }) => ({ url: `/market/wallet/top-ups/${topUpId}/confirm` }),
    answers: formOfOneBuyer,
  },
  'POST /market/wallet/cards/:id/remove': {
    ask: ({ cardId }) => ({ url: `/market/wallet/cards/${cardId}/remove` }),
    answers: formOfOneBuyer,
  },
  // What ends a campaign and its category comes after all that needs them.
  'POST /market/campaigns/:id/archive': {
    ask: ({ campaignId }) => ({ url: `/market/campaigns/${campaignId}/archive` }),
    answers: formOfOneSeller,
  },
  'POST /market/categories/:id/delete': {
    ask: ({ categoryId }) => ({ url: `/market/categories/${categoryId}/delete` }),
    // The campaign that was made above sells it.
    answers: '404 403 403 403 403 401 403 400',
  },
  'POST /market/categories/:id/restore': {
    ask: ({ categoryId }) => ({ url: `/market/categories/${categoryId}/restore` }),
    answers: formOfOneSeller,
  },
};

export const isMarketPage = (url: string): boolean => /^\/market(?:\/|$)/.test(url);

export async function makePageThings(api: ApiTest, things: Things): Promise<PageThings> {
  const { organizationId } = things.seller;
  const partner = await makePerson(api, { name: 'Pat', email: 'pat@people.example' });
  await api.rows(`INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')`, [
    organizationId,
    partner.userId,
  ]);
  const topUpId = uuidv7();
  await api.rows(
    `INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency, payment_method_id, ended_at)
     VALUES ($1, $2, $3, 'card', 'paid', 5000, 'usd', $4, now())`,
    [topUpId, organizationId, things.owner.buyerId, things.cardId],
  );
  return { ...things, topUpId, partnerId: partner.userId };
}

type People = Awaited<ReturnType<typeof makeStrangers>>;

/** Their cookies. */
export const visitorsOf = (
  people: People,
  { owner, seller }: Things,
): Record<Visitor, Pick<Seated, 'cookie'> | null> => ({
  otherSeller: people.otherSeller,
  otherBuyer: people.otherBuyer,
  buyer: people.buyer,
  supplierMember: people.supplierMember,
  companyMember: people.companyMember,
  anonymous: null,
  owner,
  seller,
});

/** The same things with ids that nothing has. */
export const unknownThings = (things: PageThings): PageThings => ({
  ...things,
  owner: { ...things.owner, buyerId: uuidv7() },
  categoryId: uuidv7(),
  campaignId: uuidv7(),
  subscriptionId: uuidv7(),
  supplierId: uuidv7(),
  invitationId: uuidv7(),
  leadId: `lead_${uuidv7()}`,
  cardId: uuidv7(),
  topUpId: uuidv7(),
  partnerId: uuidv7(),
});
