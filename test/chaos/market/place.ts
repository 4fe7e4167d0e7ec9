import { loadConfig } from '../../../src/config.ts';
import { type DistributionLogic, distributionLogics } from '../../../src/domain/marketplace/campaign.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import type { Machine } from '../machine.ts';
import { type Ask, taken } from './client.ts';

/** How a buyer pays and what it wants. Amounts in dollars. */
type Kind = {
  name: string;
  buyers: number;
  card: string;
  /** Added by hand before the load. */
  adds?: number;
  recharges?: { below: number; by: number };
  /** The bank's next answers to charges off session. */
  declines?: { code: string; times: number };
  dailyCap?: number;
  weeklyLimit?: number;
  monthlyLimit?: number;
  states?: string[];
  /** Subscribes also to the campaign whose leads wait for money. */
  isShort?: true;
};

const recharges = { below: 9, by: 20 };
const kinds: readonly Kind[] = [
  { name: 'prepaid', buyers: 4, card: 'visa', adds: 120 },
  { name: 'poor', buyers: 3, card: 'mastercard', adds: 9, isShort: true },
  { name: 'without money', buyers: 1, card: 'visa', isShort: true },
  { name: 'recharged', buyers: 4, card: 'visa', adds: 12, recharges },
  { name: 'recharged without a threshold', buyers: 1, card: 'amex', recharges, isShort: true },
  { name: 'of a card that declines', buyers: 2, card: 'chargeCustomerFail', recharges },
  {
    name: 'of a card that is short of money',
    buyers: 2,
    card: 'visa',
    recharges,
    declines: { code: 'insufficient_funds', times: 2 },
    isShort: true,
  },
  {
    name: 'of a card that stays short of money',
    buyers: 1,
    card: 'visa',
    recharges,
    declines: { code: 'insufficient_funds', times: 12 },
  },
  {
    name: 'of a stolen card',
    buyers: 1,
    card: 'visa',
    recharges,
    declines: { code: 'stolen_card', times: 1 },
  },
  { name: 'whose bank asks', buyers: 2, card: 'authenticationRequired', recharges, isShort: true },
  { name: 'capped', buyers: 2, card: 'visa', adds: 120, dailyCap: 3 },
  { name: 'limited', buyers: 2, card: 'visa', adds: 120, weeklyLimit: 22, monthlyLimit: 90 },
  { name: 'limited and recharged', buyers: 1, card: 'visa', recharges, monthlyLimit: 50 },
  { name: 'of two states', buyers: 2, card: 'visa', adds: 120, states: ['TX', 'FL'] },
];

export type MarketBuyer = MadeBuyer & { kind: Kind; subscriptions: string[] };

export type MarketPlace = {
  seller: MadeSeller;
  categoryId: string;
  campaigns: { id: string; logic: DistributionLogic; isScarce: boolean }[];
  /** Keys of suppliers. */
  suppliers: string[];
  buyers: MarketBuyer[];
};

/** A campaign of buyers who are short of money, so that its leads wait. */
const scarce = ['Scarce', 'ROUND_ROBIN'] as const;

const priceDollars = 4;
/** How many buyers may buy one lead of the broadcast. */
const mostSales = 5;

const fields = [
  { name: 'firstName', type: 'text', required: true },
  { name: 'email', type: 'email', required: true },
  { name: 'phone', type: 'phone', required: false },
  { name: 'roofAge', type: 'number', required: false },
];

/** A seller with a campaign of each logic, its suppliers, and its buyers with cards, wallets and standing orders. */
export async function makeMarketPlace({ db, vendors }: Machine, ask: Ask): Promise<MarketPlace> {
  const installation = {
    runtime: { config: loadConfig({}) },
    rows: <R>(text: string, values?: unknown[]) => db.query<R>(text, values),
  };
  const seller = await makeSeller(installation);
  const category = await taken(ask(seller.as, 'POST', '/api/categories', { name: 'Solar', fields }));
  const categoryId = (category.category as { id: string }).id;
  const campaigns: MarketPlace['campaigns'] = [];
  for (const [name, logic] of [...distributionLogics.map((each) => [each, each] as const), scarce]) {
    const body = { name, categoryId, pricePerLead: priceDollars, distributionLogic: logic };
    const more = logic === 'BROADCAST' ? { maxSales: mostSales } : {};
    const made = await taken(ask(seller.as, 'POST', '/api/campaigns', { ...body, ...more }));
    campaigns.push({ id: (made.campaign as { id: string }).id, isScarce: name === scarce[0], logic });
  }
  const suppliers = [];
  for (const name of ['Acme', 'Bolt']) {
    const body = { name, email: `${name.toLowerCase()}@supplier.example`, categories: [categoryId] };
    const made = (await taken(ask(seller.as, 'POST', '/api/suppliers', body))).supplier as Supplier;
    await taken(ask(seller.as, 'PUT', `/api/suppliers/${made.id}`, { testMode: false }));
    suppliers.push(made.apiKey);
  }
  const all = kinds.flatMap((kind) => Array.from({ length: kind.buyers }, () => kind));
  const buyers: MarketBuyer[] = [];
  for (const [place, kind] of all.entries()) {
    const buyer = await makeBuyer(installation, seller, { name: kind.name });
    await joins({ ask, vendors, seller, buyer, kind, place });
    const subscriptions = [];
    for (const { id: campaignId, isScarce } of campaigns) {
      if (isScarce && !kind.isShort) continue;
      const { dailyCap, states } = kind;
      const order = { campaignId, dailyCap, states, waterfallPriority: 1 + ((place * 7) % all.length) };
      const made = await taken(ask(buyer.as, 'POST', '/api/campaigns/subscribe', order));
      subscriptions.push((made.subscription as { id: string }).id);
    }
    buyers.push({ ...buyer, kind, subscriptions });
  }
  // Signing in again is no part of a run, however long it is.
  await db.query(`UPDATE sessions SET expires_at = now() + interval '7 days'`);
  return { seller, categoryId, campaigns, suppliers, buyers };
}

type Supplier = { id: string; apiKey: string };

type Joining = {
  ask: Ask;
  vendors: Machine['vendors'];
  seller: MadeSeller;
  buyer: MadeBuyer;
  kind: Kind;
  place: number;
};

/** What seller and buyer set, a card, and the first money. */
async function joins({ ask, vendors, seller, buyer, kind, place }: Joining): Promise<void> {
  const { buyerId } = buyer;
  await taken(
    ask(seller.as, 'PUT', `/api/buyers/${buyerId}`, {
      priority: 1 + (place % 10),
      weeklySpendingLimit: kind.weeklyLimit ?? null,
      monthlySpendingLimit: kind.monthlyLimit ?? null,
    }),
  );
  await taken(ask(buyer.as, 'POST', '/api/payments/methods', { paymentMethodId: `pm_card_${kind.card}` }));
  if (kind.adds)
    await taken(
      ask({ ...buyer.as, 'idempotency-key': `first-${buyerId}` }, 'POST', '/api/payments/wallet', {
        amount: kind.adds,
      }),
    );
  if (kind.declines) {
    const customer = await customerOf(ask, buyer);
    await vendors.control('POST', `customers/${customer}/declines`, kind.declines);
  }
  if (kind.recharges)
    await taken(
      ask(buyer.as, 'PUT', '/api/payments/wallet', {
        autoRechargeEnabled: true,
        autoRechargeThreshold: kind.name.includes('without a threshold') ? null : kind.recharges.below,
        autoRechargeAmount: kind.recharges.by,
      }),
    );
}

const customerOf = async (ask: Ask, buyer: MadeBuyer): Promise<string> =>
  (await taken(ask(buyer.as, 'POST', '/api/payments/setup-intent'))).customerId as string;
