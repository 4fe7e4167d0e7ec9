import { randomBytes } from 'node:crypto';
import { replaceStoredPassword } from '../db/account/links.ts';
import { countReceived, findStoredPerson } from '../db/demo.ts';
import type { System } from '../system.ts';
import { createPasswords } from '../usecases/account/passwords.ts';
import { type Address, type Ask, signIn } from './front-end.ts';
import * as market from './market-calls.ts';
import type { MarketAccess } from './seed.ts';

const seller = { name: 'Sam Seller', companyName: 'Sunrise Leads', email: 'seller@sunrise.example' };
const ana = { name: 'Ana Alvarez', companyName: 'Alvarez Solar', email: 'ana@alvarez.example' };
const ben = { name: 'Ben Brooks', companyName: 'Brooks Energy', email: 'ben@brooks.example' };
const cleo = { name: 'Cleo Chen', companyName: 'Chen Power', email: 'cleo@chen.example' };

const category = {
  name: 'Solar',
  fields: [
    { name: 'firstName', type: 'text', required: true },
    { name: 'phone', type: 'phone', required: true },
    { name: 'email', type: 'email', required: true },
    { name: 'roofAge', type: 'number', required: false },
  ],
};
const florida = { name: 'Solar Florida', pricePerLead: 25, distributionLogic: 'ROUND_ROBIN' as const };
const texas = { name: 'Solar Texas', pricePerLead: 40, distributionLogic: 'WATERFALL' as const };
const live = { name: 'Acme Traffic', email: 'api@acme-traffic.example' };
const trying = { name: 'Beta Ads', email: 'api@beta-ads.example' };

/** Cleo's money buys one lead of Texas; the others wait until more is added. */
const people: readonly [name: string, state: 'FL' | 'TX'][] = [
  ['Maria', 'FL'],
  ['Noah', 'FL'],
  ['Olivia', 'FL'],
  ['Liam', 'FL'],
  ['Emma', 'TX'],
  ['Lucas', 'TX'],
  ['Sofia', 'TX'],
];

/**
 * Makes a sample marketplace by the public API: a seller, three buyers with funds and subscriptions to two campaigns, a live
 * supplier and one in test mode, leads that are sold and leads that wait. Continues what a start that was interrupted
 * began, and changes nothing of one that is complete. Returns null where cards are not simulated, or registration is not
 * open.
 */
export async function seedMarket(
  system: System,
  stored: MarketAccess | undefined,
): Promise<MarketAccess | null> {
  const { config, sandbox, runtime } = system;
  if (!sandbox || !config.sandboxed.includes('stripe') || config.registration !== 'open') return null;
  if (stored && (await countReceived(runtime.db, seller.email)) >= people.length) return stored;
  const address = { url: `http://127.0.0.1:${config.http.port}`, origin: config.publicUrl };
  const password = stored?.password ?? randomBytes(9).toString('base64url');
  const arrival: Arrival = { system, address, password };
  const shop = await openShop(arrival);
  await buyersJoin(arrival, shop);
  const supplierKey = await supplierFor(shop, live);
  const testSupplierKey = await supplierFor(shop, trying);
  for (const [index, person] of people.entries())
    if (index >= (await countReceived(runtime.db, seller.email)))
      await market.submitLead(address, supplierKey, leadOf(shop, person));
  return {
    seller: seller.email,
    buyers: [ana, ben, cleo].map(({ email }) => email),
    password,
    supplierKey,
    testSupplierKey,
    campaignId: shop.floridaId,
    categoryId: shop.categoryId,
  };
}

type Arrival = { system: System; address: Address; password: string };
type Shop = { ask: Ask; inviteCode: string; categoryId: string; floridaId: string; texasId: string };

/** Signs a person in, who registers first unless an earlier start did. A password that was lost is replaced. */
async function enter(
  { system, address, password }: Arrival,
  person: typeof ana,
  register: (person: market.NewPerson) => Promise<unknown>,
): Promise<Ask> {
  const { db, relay } = system.runtime;
  const known = await findStoredPerson(db, person.email);
  if (!known) await register({ ...person, password });
  const ask = await signIn(address, { email: person.email, password });
  if (ask) return ask;
  if (!known) throw new Error(`${person.email} has registered and cannot sign in`);
  const hash = await createPasswords(system.config).hash(password);
  await relay.commit(replaceStoredPassword(known.userId, known.password, hash));
  return market.signedIn(address, { email: person.email, password });
}

async function openShop(arrival: Arrival): Promise<Shop> {
  const ask = await enter(arrival, seller, (person) => market.registerSeller(arrival.address, person));
  const inviteCode = await market.readInviteCode(ask);
  const categories = await market.listNamed(ask, 'categories');
  const categoryId = categories.get(category.name) ?? (await market.makeCategory(ask, category)).id;
  const campaigns = await market.listNamed(ask, 'campaigns');
  const campaign = async (wanted: typeof florida | typeof texas) =>
    campaigns.get(wanted.name) ?? (await market.makeCampaign(ask, { ...wanted, categoryId }));
  return {
    ask,
    inviteCode,
    categoryId,
    floridaId: await campaign(florida),
    texasId: await campaign(texas),
  };
}

async function buyersJoin(arrival: Arrival, { inviteCode, floridaId, texasId }: Shop): Promise<void> {
  const join = async (person: typeof ana, funds: number, orders: market.NewOrder[]): Promise<Ask> => {
    const ask = await enter(arrival, person, (each) =>
      market.registerBuyer(arrival.address, each, inviteCode),
    );
    const subscribed = await market.subscribedCampaigns(ask);
    for (const order of orders) if (!subscribed.has(order.campaignId)) await market.subscribe(ask, order);
    if ((await market.readWallet(ask)).transactions.length === 0)
      await fill(ask, arrival.system.sandbox!.url, funds);
    return ask;
  };
  await join(ana, 200, [{ campaignId: floridaId }]);
  const ask = await join(ben, 100, [{ campaignId: floridaId, dailyCap: 5, states: ['FL', 'GA'] }]);
  await market.switchRechargeOn(ask, { autoRechargeThreshold: 25, autoRechargeAmount: 100 });
  await join(cleo, 50, [{ campaignId: texasId, waterfallPriority: 1 }]);
}

async function fill(ask: Ask, sandboxUrl: string, amount: number): Promise<void> {
  const { paymentMethodId } = await market.beginCard(ask, sandboxUrl, '4242424242424242');
  await market.keepCard(ask, paymentMethodId);
  await market.addFunds(ask, amount);
}

/** The key of a supplier. One that was made by an interrupted start gets another key, because it is shown once. */
async function supplierFor({ ask, categoryId }: Shop, wanted: typeof live): Promise<string> {
  const id = (await market.listNamed(ask, 'suppliers')).get(wanted.name);
  const made = id
    ? { id, apiKey: await market.rotateKey(ask, id) }
    : await market.makeSupplier(ask, { ...wanted, categories: [categoryId] });
  if (wanted === live) await market.switchLive(ask, made.id);
  return made.apiKey;
}

function leadOf(shop: Shop, [firstName, state]: (typeof people)[number]): market.NewLead {
  const place = people.findIndex(([name]) => name === firstName);
  return {
    campaignId: state === 'FL' ? shop.floridaId : shop.texasId,
    categoryId: shop.categoryId,
    state,
    data: {
      firstName,
      phone: `+1${state === 'FL' ? '305' : '214'}555017${place}`,
      email: `${firstName.toLowerCase()}@people.example`,
      roofAge: 5 + place,
    },
  };
}
