import { loadConfig } from '../../src/config.ts';
import { createPasswords } from '../../src/usecases/account/passwords.ts';
import type { System } from '../attack/system.ts';
import type { Tenant } from '../attack/target.ts';
import { askAt, taken } from '../chaos/market/client.ts';
import { type MadeBuyer, makeBuyer, makePerson, newInviteCode, type Seated } from '../harness/market.ts';

/** What a seller has. `kept` is what the callers need all along: no request of the seller changes it. */
export type Shop = {
  seller: Seated;
  buyer: MadeBuyer;
  supplierKey: string;
  kept: Things;
  spare: Things;
  leads: string[];
  cards: string[];
  topUps: string[];
  invitations: string[];
};

/** Ids, and the addresses of the buyers. */
type Things = {
  categories: string[];
  campaigns: string[];
  subscriptions: string[];
  suppliers: string[];
  buyers: string[];
  emails: string[];
  users: string[];
};

const fields = [
  { name: 'firstName', type: 'text', required: true },
  { name: 'email', type: 'email', required: true },
  { name: 'phone', type: 'phone', required: false },
  { name: 'roofAge', type: 'number', required: false },
  { name: 'roof', type: 'select', required: false, options: ['tile', 'metal'] },
  { name: 'since', type: 'date', required: false },
];
const logics = ['ROUND_ROBIN', 'BROADCAST', 'WATERFALL'];

/** Makes a tenant a seller: a catalog, buyers with money, suppliers, leads that were sold, people. */
export async function openShop({ target, db }: System, { organizationId, slug }: Tenant): Promise<Shop> {
  const config = loadConfig({});
  // Of a person without one, the forms of the second factor ask for none: they would end the sessions of the run.
  const passwordHash = await createPasswords(config).hash(`a password of ${slug}`);
  const hasPassword = async ({ userId }: Seated) =>
    db.query(
      `INSERT INTO accounts (id, user_id, account_id, provider_id, password) VALUES (gen_random_uuid(), $1::uuid, $1::text, 'credential', $2)`,
      [userId, passwordHash],
    );
  const installation = {
    runtime: { config },
    rows: <R>(text: string, values?: unknown[]) => db.query<R>(text, values),
  };
  const ask = askAt(target.url, () => true);
  const person = (name: string) =>
    makePerson(installation, { name, email: `${name.toLowerCase()}@${slug}-market.example` });
  const joins = async ({ userId }: Seated) =>
    db.query(`INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')`, [
      organizationId,
      userId,
    ]);
  const make = async <T>({ as }: Seated, path: string, member: string, body: unknown): Promise<T> =>
    (await taken(ask(as, 'POST', path, body)))[member] as T;
  await db.query(
    `INSERT INTO sellers (organization_id, contact_name, invite_code, time_zone, trial_ends_at)
     VALUES ($1, 'Sue', $2, 'America/New_York', now() + interval '14 days')`,
    [organizationId, newInviteCode()],
  );
  const seller = await person('Sue');
  await joins(seller);
  await hasPassword(seller);

  const things = async (name: string) => {
    const { id: categoryId } = await make<Made>(seller, '/api/categories', 'category', { name, fields });
    const campaigns: string[] = [];
    for (const distributionLogic of logics) {
      const body = {
        name: `${name} ${distributionLogic}`,
        categoryId,
        pricePerLead: 5,
        distributionLogic,
        allowStateSelection: true,
      };
      campaigns.push((await make<Made>(seller, '/api/campaigns', 'campaign', body)).id);
    }
    const supplier = await make<Made & { apiKey: string }>(seller, '/api/suppliers', 'supplier', {
      name,
      email: `${name}@${slug}-supplier.example`,
      categories: [categoryId],
    });
    await taken(ask(seller.as, 'PUT', `/api/suppliers/${supplier.id}`, { testMode: false }));
    const buyer = await makeBuyer(installation, { organizationId }, { name: `Bo ${name}` });
    for (const paymentMethodId of ['pm_card_visa', 'pm_card_mastercard', 'pm_card_amex'])
      await taken(ask(buyer.as, 'POST', '/api/payments/methods', { paymentMethodId }));
    await taken(ask(buyer.as, 'POST', '/api/payments/wallet', { amount: 50 }));
    const path = '/api/campaigns/subscribe';
    const subscriptions: string[] = [];
    for (const campaignId of campaigns.slice(0, 2))
      subscriptions.push((await make<Made>(buyer, path, 'subscription', { campaignId })).id);
    await hasPassword(buyer);
    const { email, buyerId, userId } = buyer;
    const made: Things = {
      categories: [categoryId],
      campaigns,
      subscriptions,
      suppliers: [supplier.id],
      buyers: [buyerId],
      emails: [email],
      users: [userId],
    };
    return { made, buyer, supplierKey: supplier.apiKey };
  };
  const { made: kept, buyer, supplierKey } = await things('Kept');
  const { made: spare } = await things('Spare');
  for (const name of ['Pat', 'Pam', 'Pia', 'Pru']) {
    const partner = await person(name);
    await joins(partner);
    spare.users.push(partner.userId);
  }

  const leads: string[] = [];
  for (const [index, campaignId] of kept.campaigns.entries()) {
    const data = { firstName: 'Ann', email: `ann${index}@people.example`, roofAge: index, roof: 'tile' };
    const body = { campaignId, categoryId: kept.categories[0], state: 'FL', data };
    const { leadId } = await taken(ask({ 'x-api-key': supplierKey }, 'POST', '/api/leads/ingest', body));
    leads.push(leadId as string);
  }
  const invitations: string[] = [];
  for (const name of ['ina', 'ira', 'ivo', 'ida']) {
    const invitation = { email: `${name}@${slug}-market.example`, role: 'SELLER' };
    invitations.push(await make<string>(seller, '/api/members/invitations', 'id', invitation));
  }
  const idsOf = async (table: 'payment_methods' | 'top_ups') =>
    (await db.query<Made>(`SELECT id FROM ${table} WHERE buyer_id = $1 ORDER BY id`, [buyer.buyerId])).map(
      ({ id }) => id,
    );
  return {
    seller,
    buyer,
    supplierKey,
    kept,
    spare,
    leads,
    cards: await idsOf('payment_methods'),
    topUps: await idsOf('top_ups'),
    invitations,
  };
}

type Made = { id: string };
