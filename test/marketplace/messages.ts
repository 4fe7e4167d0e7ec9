import { makeLink } from '../../src/db/account/links.ts';
import { accountLinksOf } from '../../src/usecases/account/links.ts';
import { makeBuyer, makePerson } from '../harness/market.ts';
import { makeCampaign, makeCategory, makeSubscription, solarFields } from '../harness/market-client.ts';
import { makeWallet } from '../harness/wallets.ts';
import type { Place, Provocations } from './wordings.ts';

/** How each message of docs/contracts-marketplace.md is answered. A row of the page without one fails. */

const anyone = { as: {} };
let made = 0;
const newEmail = (): string => {
  made += 1;
  return `message${made}@people.example`;
};
const person = (over: Record<string, unknown>) => ({
  ...{ email: newEmail(), password: 'password123', name: 'Pat Person' },
  ...over,
});

/** A person with an unused link of this purpose; returns its token. */
async function linked({ api }: Place, purpose: 'verify_email' | 'reset_password'): Promise<string> {
  const { userId } = await makePerson(api, { name: 'Pat', email: newEmail(), verified: false });
  const id = await makeLink(api.runtime.db, userId, purpose, 1);
  return accountLinksOf(api.config).url(purpose, id).split('/').at(-1)!;
}

const accounts: Provocations = {
  'POST /api/auth/register 201 Seller account created successfully': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/register', person({ role: 'SELLER' })),
  'POST /api/auth/register 201 Buyer account created successfully': ({ ask, seller: { inviteCode } }) =>
    ask(anyone, 'POST', '/api/auth/register', person({ role: 'BUYER', inviteCode })),
  'POST /api/auth/forgot-password 200 If an account with this email exists, a link to reset its password is on its way':
    ({ ask, buyer: { email } }) => ask(anyone, 'POST', '/api/auth/forgot-password', { email }),
  'POST /api/auth/reset-password 200 Password reset successfully': async (place) =>
    place.ask(anyone, 'POST', '/api/auth/reset-password', {
      token: await linked(place, 'reset_password'),
      password: 'password123',
    }),
  'POST /api/auth/verify-email 200 Email verified successfully': async (place) =>
    place.ask(anyone, 'POST', '/api/auth/verify-email', {
      token: await linked(place, 'verify_email'),
      newPassword: 'password123',
    }),
  'POST /api/auth/resend-verification 200 If this email has an account to be verified, a link is on its way':
    ({ ask }) => ask(anyone, 'POST', '/api/auth/resend-verification', { email: newEmail() }),
  'DELETE /api/auth/sessions 200 Other sessions revoked successfully': ({ ask, other }) =>
    ask(other, 'DELETE', '/api/auth/sessions'),
  'DELETE /api/auth/sessions/{id} 200 Session revoked successfully': async ({ api, ask, seller }) => {
    const leaving = await makeBuyer(api, seller);
    return ask(leaving, 'DELETE', `/api/auth/sessions/${leaving.sessionId}`);
  },
  'PUT /api/auth/organization 200 Organization selected successfully': ({ ask, other }) =>
    ask(other, 'PUT', '/api/auth/organization', { organization: other.slug }),
};

const invite = ({ ask, seller }: Place) =>
  ask(seller, 'POST', '/api/members/invitations', { email: newEmail(), role: 'SELLER' });

const members: Provocations = {
  'DELETE /api/members/{user_id} 200 Member removed successfully': async ({ api, ask, seller }) =>
    ask(seller, 'DELETE', `/api/members/${(await makeBuyer(api, seller)).userId}`),
  'POST /api/members/invitations 201 Invitation sent successfully': invite,
  'DELETE /api/members/invitations/{id} 200 Invitation revoked successfully': async (place) =>
    place.ask(place.seller, 'DELETE', `/api/members/invitations/${(await invite(place)).json().id}`),
};

const subscribe = '/api/campaigns/subscribe';
const subscribed = async ({ ask, seller, buyer }: Place) =>
  makeSubscription(ask, buyer, await makeCampaign(ask, seller));

const catalog: Provocations = {
  'POST /api/categories 201 Category created successfully': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/categories', { name: 'Told', fields: solarFields }),
  'PUT /api/categories/{id} 200 Category updated successfully': async ({ ask, seller }) =>
    ask(seller, 'PUT', `/api/categories/${await makeCategory(ask, seller)}`, { description: 'New' }),
  'DELETE /api/categories/{id} 200 Category deleted successfully': async ({ ask, seller }) =>
    ask(seller, 'DELETE', `/api/categories/${await makeCategory(ask, seller)}`),
  'POST /api/campaigns 201 Campaign created successfully': async ({ ask, seller }) =>
    ask(seller, 'POST', '/api/campaigns', {
      ...{ categoryId: await makeCategory(ask, seller), name: 'Told' },
      ...{ pricePerLead: 25, distributionLogic: 'BROADCAST' },
    }),
  'PUT /api/campaigns/{id} 200 Campaign updated successfully': async ({ ask, seller }) =>
    ask(seller, 'PUT', `/api/campaigns/${await makeCampaign(ask, seller)}`, { pricePerLead: 30 }),
  'DELETE /api/campaigns/{id} 200 Campaign archived successfully': async ({ ask, seller }) =>
    ask(seller, 'DELETE', `/api/campaigns/${await makeCampaign(ask, seller)}`),
  'POST /api/campaigns/subscribe 201 Subscribed to campaign successfully': async ({ ask, seller, buyer }) =>
    ask(buyer, 'POST', subscribe, { campaignId: await makeCampaign(ask, seller) }),
  'PUT /api/campaigns/subscribe 200 Subscription updated successfully': async (place) =>
    place.ask(place.buyer, 'PUT', subscribe, { subscriptionId: await subscribed(place), dailyCap: 5 }),
  'DELETE /api/campaigns/subscribe 200 Unsubscribed from campaign successfully': async (place) =>
    place.ask(place.buyer, 'DELETE', `${subscribe}?id=${await subscribed(place)}`),
};

const upload = ({ api, seller }: Place, url: string, payload: string) =>
  api.app.inject({ method: 'POST', url, headers: { ...seller.as, 'content-type': 'text/csv' }, payload });

const makeSupplier = ({ ask, seller }: Place) =>
  ask(seller, 'POST', '/api/suppliers', { name: 'Acme', email: newEmail() });
const ofSupplier = async (place: Place) => `/api/suppliers/${(await makeSupplier(place)).json().supplier.id}`;

const parties: Provocations = {
  'POST /api/buyers 201 Buyer created successfully': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/buyers', person({})),
  'PUT /api/buyers/{id} 200 Buyer updated successfully': ({ ask, seller, buyer }) =>
    ask(seller, 'PUT', `/api/buyers/${buyer.buyerId}`, { priority: 7 }),
  'PUT /api/buyers/{id} 200 Settings updated successfully': ({ ask, buyer }) =>
    ask(buyer, 'PUT', `/api/buyers/${buyer.buyerId}`, { companyName: 'Told Inc' }),
  'DELETE /api/buyers/{id} 200 Buyer deactivated successfully': async ({ api, ask, seller }) =>
    ask(seller, 'DELETE', `/api/buyers/${(await makeBuyer(api, seller)).buyerId}`),
  'POST /api/buyers/import 200 Import finished': (place) =>
    upload(place, '/api/buyers/import', `email,name\n${newEmail()},Pat\n`),
  'POST /api/campaigns/subscriptions/import 200 Import finished': async (place) =>
    upload(
      place,
      '/api/campaigns/subscriptions/import',
      `buyerEmail,campaignId\n${place.buyer.email},${await makeCampaign(place.ask, place.seller)}\n`,
    ),
  'POST /api/campaigns/{id}/leads/import 200 Import finished': async (place) =>
    upload(
      place,
      `/api/campaigns/${await makeCampaign(place.ask, place.seller)}/leads/import`,
      'firstName,email\nAnn,ann@people.example\n',
    ),
  'POST /api/suppliers 201 Supplier created successfully': makeSupplier,
  'PUT /api/suppliers/{id} 200 Supplier updated successfully': async (place) =>
    place.ask(place.seller, 'PUT', await ofSupplier(place), { testMode: false }),
  'DELETE /api/suppliers/{id} 200 Supplier deactivated successfully': async (place) =>
    place.ask(place.seller, 'DELETE', await ofSupplier(place)),
  'POST /api/suppliers/{id}/rotate-key 200 API key rotated successfully': async (place) =>
    place.ask(place.seller, 'POST', `${await ofSupplier(place)}/rotate-key`),
  'PUT /api/sellers/settings 200 Settings updated successfully': ({ ask, seller }) =>
    ask(seller, 'PUT', '/api/sellers/settings', { smsMarkup: 20 }),
  'PUT /api/sellers/security 200 Security settings updated successfully': ({ ask, seller }) =>
    ask(seller, 'PUT', '/api/sellers/security', { requireTwoFactor: false }),
  'POST /api/sellers/invite-code 200 Invite code rotated successfully': ({ ask, other }) =>
    ask(other, 'POST', '/api/sellers/invite-code'),
};

const wallet = '/api/payments/wallet';
const methods = '/api/payments/methods';
async function withCard({ api, ask, seller }: Place, paymentMethodId = 'pm_card_visa') {
  const buyer = await makeBuyer(api, seller);
  const added = await ask(buyer, 'POST', methods, { paymentMethodId });
  return { buyer, added };
}
const ownCard = async ({ api, seller }: Place) => {
  const buyer = await makeBuyer(api, seller);
  return { buyer, id: (await makeWallet(api, buyer)).cardId! };
};

const wallets: Provocations = {
  'POST /api/payments/methods 201 Payment method added successfully': async (place) =>
    (await withCard(place)).added,
  'PUT /api/payments/methods 200 Primary payment method updated successfully': async (place) => {
    const { buyer, id } = await ownCard(place);
    return place.ask(buyer, 'PUT', methods, { paymentMethodId: id });
  },
  'DELETE /api/payments/methods 200 Payment method removed successfully': async (place) => {
    const { buyer, added } = await withCard(place);
    return place.ask(buyer, 'DELETE', `${methods}?id=${added.json().paymentMethod.id}`);
  },
  'POST /api/payments/wallet 200 Funds added successfully': async (place) =>
    place.ask((await withCard(place)).buyer, 'POST', wallet, { amount: 50 }),
  'POST /api/payments/wallet 200 Payment needs confirmation': async (place) => {
    const { buyer } = await withCard(place, 'pm_card_authenticationRequired');
    return place.ask(buyer, 'POST', wallet, { amount: 50 });
  },
  'PUT /api/payments/wallet 200 Auto-recharge settings updated successfully': ({ ask, buyer }) =>
    ask(buyer, 'PUT', wallet, { autoRechargeEnabled: false }),
};

export const answered: Provocations = { ...accounts, ...members, ...catalog, ...parties, ...wallets };
