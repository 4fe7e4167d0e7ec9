import type { System } from '../attack/system.ts';
import type { Caller } from './people.ts';
import type { Dictionary } from './schema.ts';
import { openShop, type Shop } from './shops.ts';

/**
 * A seller, its buyer and its supplier, with a session as cookie, the same as Bearer, and a key. Each knows the ids that it may
 * name. What would shut a caller out for the rest of the run is not among them: a seller changes neither the buyer and the
 * supplier that ask, nor their campaigns, nor itself.
 */
export async function marketCallersOf(system: System): Promise<Caller[]> {
  const { attacker, victim, url } = system.target;
  const own = await openShop(system, attacker);
  const foreign = await openShop(system, victim);
  const origin = new URL(url).origin;
  const [seller, buyer, supplier] = [sellerWords, buyerWords, supplierWords].map((words) => ({
    ...common,
    ...words(own, foreign),
  })) as [Dictionary, Dictionary, Dictionary];
  return [
    {
      name: 'a seller signed in',
      rooms: ['sellers', 'sellers’ pages', 'both', 'account', 'sessions', 'leads'],
      headers: { cookie: own.seller.cookie, origin },
      words: seller,
      home: '/market/campaigns',
    },
    {
      name: 'a seller, as Bearer',
      rooms: ['sellers', 'both', 'sessions', 'leads'],
      headers: own.seller.as,
      words: seller,
      home: '/api/sellers/me',
    },
    {
      name: 'a buyer signed in',
      rooms: ['buyers', 'buyers’ pages', 'both', 'account', 'sessions', 'leads'],
      headers: { cookie: own.buyer.cookie, origin },
      words: buyer,
      home: '/market/wallet',
    },
    {
      name: 'a buyer, as Bearer',
      rooms: ['buyers', 'both', 'sessions', 'leads'],
      headers: own.buyer.as,
      words: buyer,
      home: '/api/payments/wallet',
    },
    {
      name: 'a supplier of the marketplace',
      rooms: ['ingest', 'leads'],
      headers: { 'x-api-key': own.supplierKey },
      words: supplier,
      home: '/api/leads/ingest',
    },
    {
      name: 'the same supplier, as Bearer',
      rooms: ['ingest', 'leads'],
      headers: { authorization: `Bearer ${own.supplierKey}` },
      words: supplier,
      home: '/api/leads/ingest',
    },
  ];
}

/** Values of fields that no id is, valid and at the edge of it. */
const common: Dictionary = {
  status: ['ACTIVE', 'PAUSED', 'ARCHIVED', 'INACTIVE', 'DISTRIBUTED', 'PENDING', 'DELIVERED', 'deleted'],
  distributionLogic: ['ROUND_ROBIN', 'WEIGHTED_ROUND_ROBIN', 'WATERFALL', 'BROADCAST'],
  onShortWallet: ['skip', 'offer'],
  quality: ['HOT', 'WARM', 'COLD'],
  state: ['FL', 'florida', 'TX', 'NY', 'PR', 'XX'],
  states: ['FL', 'TX', 'ny', 'GU', 'ak', 'PR', 'dc', 'CA', 'WA', 'FL, TX'],
  type: ['text', 'number', 'email', 'phone', 'date', 'boolean', 'select', 'state', 'zip', 'url'],
  role: ['SELLER', 'BUYER', 'SUPPLIER', 'COMPANY'],
  pricePerLead: ['25', '0.01', '10000', '10000.01', '1e3'],
  amount: ['0.5', '1', '2.25', '0.01', '1999.99', ''],
  priority: ['1', '10', '11'],
  dailyCap: ['1', '0', '1000000', '1000001'],
  waterfallPriority: ['1', '2', ''],
  maxSales: ['1', '5', ''],
  leadTtlHours: ['1', '72', '8760', '8761'],
  monthlySpendingLimit: ['100', '0.5', '0', '21474836.48'],
  weeklySpendingLimit: ['100', '0', '90071992547409.91'],
  autoRechargeThreshold: ['25', '0', '2000'],
  autoRechargeAmount: ['50', '0.5', '2000'],
  smsMarkup: ['0', '12.5', '1000', '99999'],
  emailMarkup: ['0', '12.5', '1000'],
  timeZone: ['America/New_York', 'Asia/Kathmandu', 'utc', 'Etc/GMT+12', 'EST5EDT'],
  primaryColor: ['#0a7cff', '#FFF'],
  logoUrl: ['https://example.com/logo.png', 'http://example.com', 'https://[::1]/x'],
  allowStateSelection: ['true', 'false'],
  testMode: ['true', 'false'],
  required: ['true', 'false'],
  firstName: ['Ann', 'Bo', '0'],
  roofAge: ['5', '0', '-1', '17.25', '1e308'],
  roof: ['tile', 'tile', 'metal', 'none'],
  since: ['2026-11-27', '1999-01-31', '9999-12-31', '2026-02-29'],
  // The names of the values of a lead, and those that it must have.
  'data.*': ['firstName', 'email', 'phone', 'roofAge', 'roof', 'since', 'more'],
  'data!': ['firstName', 'email'],
  startDate: ['2026-11-27', '2026-11-27T12:00:00Z', '0001-01-01', '9999-12-31', '-271821-04-20'],
  endDate: ['2026-11-28', '2026-11-27T12:00:00Z', '9999-12-31', '+275760-09-13'],
  from: ['2026-11-27', '0001-01-01', '9999-12-31'],
  to: ['2026-11-28', '9999-12-31'],
  page: ['1', '2', '0', '1000000', '1000001', '1e2'],
  limit: ['1', '50', '200', '201', '1000', '1001'],
  notice: ['added', 'card', 'constructor'],
  organization: ['attacker', 'victim', 'none'],
  subject: ['campaign:x', 'seller:', 'buyer'],
  code: ['123456', 'ABCDEFGH', ''],
  inviteCode: ['ABCDEFGH', 'abcdefgh'],
};

/** Addresses that may be new. */
const addresses = Array.from({ length: 300 }, (_, n) => `new${n}@people.example`);

function sellerWords({ kept, spare, leads, invitations }: Shop, foreign: Shop): Dictionary {
  const { kept: theirs } = foreign;
  const campaigns = [...spare.campaigns, theirs.campaigns[0]!];
  const categories = [...spare.categories, ...spare.categories, theirs.categories[0]!];
  const users = [...spare.users, ...theirs.users];
  return {
    ...idsOf({ campaigns, categories, leads: [...leads, ...foreign.leads] }),
    'buyers/id': [...spare.buyers, ...theirs.buyers],
    buyerId: [...spare.buyers, ...theirs.buyers],
    'suppliers/id': [...spare.suppliers, ...spare.suppliers, ...theirs.suppliers],
    supplierId: [...spare.suppliers, ...theirs.suppliers],
    'invitations/id': [...invitations, ...foreign.invitations],
    'team/id': users,
    'members/user_id': users,
    // What only reads them, or adds to them, may name what is kept.
    'campaigns/id/leads': [...kept.campaigns, ...campaigns],
    campaign: [...kept.campaigns, ...campaigns],
    'suppliers/id/test': [...kept.suppliers, ...kept.suppliers, ...theirs.suppliers],
    'buyers/id/wallet': [...kept.buyers, ...spare.buyers, ...theirs.buyers],
    email: [...spare.emails, ...theirs.emails, ...addresses],
    password: ['password123', 'another password', 'short'],
    buyerEmail: [...spare.emails, ...theirs.emails],
  };
}

function buyerWords(own: Shop, foreign: Shop): Dictionary {
  const both = (name: 'campaigns' | 'categories' | 'subscriptions' | 'buyers' | 'suppliers') => [
    ...own.kept[name],
    ...own.spare[name],
    foreign.kept[name][0]!,
  ];
  const cards = [...own.cards, foreign.cards[0]!];
  return {
    ...idsOf({
      campaigns: both('campaigns'),
      categories: both('categories'),
      leads: [...own.leads, ...foreign.leads],
    }),
    'subscriptions/id': both('campaigns'),
    subscriptionId: both('subscriptions'),
    'subscribe/id': both('subscriptions'),
    'buyers/id': [...own.kept.buyers, ...both('buyers')],
    'suppliers/id': both('suppliers'),
    'cards/id/primary': cards,
    // One is never removed.
    'cards/id/remove': cards.filter((id) => id !== own.cards[0]),
    'methods/id': cards.filter((id) => id !== own.cards[0]),
    paymentMethodId: [...cards, 'pm_card_visa', 'pm_card_chargeDeclined', 'pm_of_none', 'page'],
    'top-ups/id': [...own.topUps, ...foreign.topUps],
    email: ['bo@people.example'],
  };
}

function supplierWords(own: Shop, foreign: Shop): Dictionary {
  const campaigns = [...own.kept.campaigns, ...own.kept.campaigns, foreign.kept.campaigns[0]!];
  const categories = [...own.kept.categories, ...own.kept.categories, own.spare.categories[0]!];
  return { ...idsOf({ campaigns, categories, leads: own.leads }), email: ['ann@people.example', 'a@b.co'] };
}

type Ids = { campaigns: string[]; categories: string[]; leads: string[] };

/** Names under which campaigns, categories and leads are mentioned. */
const idsOf = ({ campaigns, categories, leads }: Ids): Dictionary => ({
  'campaigns/id': campaigns,
  campaignId: campaigns,
  campaign: campaigns,
  'categories/id': categories,
  categoryId: categories,
  categories,
  category: [...categories, 'Spare'],
  lead_id: leads,
});
