import { z } from 'zod';
import { enterCard } from './cardholder.ts';
import { type Address, type Ask, asker, signIn } from './front-end.ts';

/** The calls of the marketplace's API that the story and the seed make, and what they read of the answers. */

const id = z.object({ id: z.string() });

export type NewPerson = { name: string; email: string; password: string; companyName: string };

/** Registers a seller. Returns its invite code. */
export async function registerSeller(address: Address, person: NewPerson): Promise<string> {
  const { user } = await asker(address, {})('POST', '/api/auth/register', {
    body: { ...person, role: 'SELLER' },
    status: 201,
    shape: z.object({ user: z.object({ inviteCode: z.string() }) }),
  });
  return user.inviteCode;
}

export async function readInviteCode(seller: Ask): Promise<string> {
  const shape = z.object({ seller: z.object({ inviteCode: z.string() }) });
  return (await seller('GET', '/api/sellers/me', { shape })).seller.inviteCode;
}

/** Ids by name of what a seller has. */
export async function listNamed(
  seller: Ask,
  what: 'categories' | 'campaigns' | 'suppliers',
): Promise<Map<string, string>> {
  const shape = z.record(z.string(), z.unknown());
  const listed = z.array(id.extend({ name: z.string() }));
  const found = listed.parse((await seller('GET', `/api/${what}`, { shape }))[what]);
  return new Map(found.map((each) => [each.name, each.id]));
}

/** Whose invite code it is. */
export async function invitedBy(address: Address, code: string): Promise<string> {
  const { seller } = await asker(address, {})('GET', `/api/auth/verify-invite?code=${code}`, {
    shape: z.object({ valid: z.literal(true), seller: z.object({ companyName: z.string() }) }),
  });
  return seller.companyName;
}

export async function registerBuyer(address: Address, person: NewPerson, inviteCode: string): Promise<void> {
  await asker(address, {})('POST', '/api/auth/register', {
    body: { ...person, role: 'BUYER', inviteCode },
    status: 201,
    shape: z.object({ message: z.literal('Buyer account created successfully') }),
  });
}

/** Throws when the person cannot sign in. */
export async function signedIn(address: Address, person: { email: string; password: string }): Promise<Ask> {
  const ask = await signIn(address, person);
  if (!ask) throw new Error(`${person.email} cannot sign in`);
  return ask;
}

export type NewField = { name: string; type: string; required: boolean };

export async function makeCategory(seller: Ask, category: { name: string; fields: readonly NewField[] }) {
  const shape = z.object({
    category: id.extend({ fields: z.array(z.object({ name: z.string(), locked: z.boolean() })) }),
  });
  return (await seller('POST', '/api/categories', { body: category, status: 201, shape })).category;
}

export type NewCampaign = {
  categoryId: string;
  name: string;
  pricePerLead: number;
  distributionLogic: 'ROUND_ROBIN' | 'WEIGHTED_ROUND_ROBIN' | 'WATERFALL' | 'BROADCAST';
};

export async function makeCampaign(seller: Ask, campaign: NewCampaign): Promise<string> {
  const shape = z.object({ campaign: id });
  return (await seller('POST', '/api/campaigns', { body: campaign, status: 201, shape })).campaign.id;
}

export type NewOrder = {
  campaignId: string;
  dailyCap?: number;
  states?: string[];
  waterfallPriority?: number;
};

/** Subscribes a buyer to a campaign. Returns the buyer's id. */
export async function subscribe(buyer: Ask, order: NewOrder): Promise<string> {
  const shape = z.object({ subscription: z.object({ buyerId: z.string() }) });
  const { subscription } = await buyer('POST', '/api/campaigns/subscribe', {
    body: order,
    status: 201,
    shape,
  });
  return subscription.buyerId;
}

/** The ids of the campaigns that a buyer has subscribed to. */
export async function subscribedCampaigns(buyer: Ask): Promise<Set<string>> {
  const shape = z.object({ campaigns: z.array(id.extend({ subscriptions: z.array(z.unknown()) })) });
  const { campaigns } = await buyer('GET', '/api/campaigns', { shape });
  return new Set(campaigns.filter(({ subscriptions }) => subscriptions.length > 0).map((each) => each.id));
}

export type NewSupplier = { name: string; email: string; categories: string[] };
const supplier = id.extend({ testMode: z.boolean() });

/** Makes a supplier, which is in test mode. Its key is not shown again. */
export async function makeSupplier(seller: Ask, body: NewSupplier) {
  const shape = z.object({ supplier: supplier.extend({ apiKey: z.string() }) });
  return (await seller('POST', '/api/suppliers', { body, status: 201, shape })).supplier;
}

export async function rotateKey(seller: Ask, supplierId: string): Promise<string> {
  const shape = z.object({ apiKey: z.string() });
  return (await seller('POST', `/api/suppliers/${supplierId}/rotate-key`, { shape })).apiKey;
}

export async function switchLive(seller: Ask, supplierId: string): Promise<void> {
  const shape = z.object({ supplier: supplier.extend({ testMode: z.literal(false) }) });
  await seller('PUT', `/api/suppliers/${supplierId}`, { body: { testMode: false }, shape });
}

const card = z.object({ id: z.string(), brand: z.string(), last4: z.string(), isPrimary: z.boolean() });
/** Enters a card on the form of Stripe. It is saved by `keepCard`. */
export async function beginCard(buyer: Ask, sandboxUrl: string, number: string) {
  const { clientSecret, customerId } = await buyer('POST', '/api/payments/setup-intent', {
    shape: z.object({ clientSecret: z.string(), customerId: z.string() }),
  });
  return { customerId, ...(await enterCard(sandboxUrl, clientSecret, number)) };
}

/** Saves a card as the primary one. */
export async function keepCard(buyer: Ask, paymentMethodId: string): Promise<z.infer<typeof card>> {
  const { paymentMethod } = await buyer('POST', '/api/payments/methods', {
    body: { paymentMethodId, setAsPrimary: true },
    status: 201,
    shape: z.object({ paymentMethod: card }),
  });
  return paymentMethod;
}

const transaction = z.object({
  type: z.enum(['CREDIT', 'DEBIT', 'REFUND', 'AUTO_RECHARGE']),
  amount: z.number(),
  balanceBefore: z.number(),
  balanceAfter: z.number(),
  description: z.string(),
  leadAssignmentId: z.string().nullable(),
});
export type Transaction = z.infer<typeof transaction>;

/** Charges the primary card and adds the amount. */
export async function addFunds(buyer: Ask, amount: number) {
  return buyer('POST', '/api/payments/wallet', {
    body: { amount },
    shape: z.object({
      message: z.literal('Funds added successfully'),
      balance: z.number(),
      transaction,
    }),
  });
}

/** The same with a card that the bank asks about. Returns the page of the bank. */
export async function addFundsConfirmed(buyer: Ask, amount: number): Promise<string> {
  const { confirmUrl } = await buyer('POST', '/api/payments/wallet', {
    body: { amount },
    shape: z.object({ message: z.literal('Payment needs confirmation'), confirmUrl: z.string() }),
  });
  return confirmUrl;
}

/** The same with a card that is declined. Returns what the buyer is told. */
export async function addFundsDeclined(buyer: Ask, amount: number) {
  return buyer('POST', '/api/payments/wallet', {
    body: { amount },
    status: 400,
    shape: z.object({ error: z.literal('Payment failed'), detail: z.string(), details: z.string() }),
  });
}

export type RechargeSettings = { autoRechargeThreshold: number; autoRechargeAmount: number };

export async function switchRechargeOn(buyer: Ask, settings: RechargeSettings): Promise<void> {
  await buyer('PUT', '/api/payments/wallet', {
    body: { ...settings, autoRechargeEnabled: true },
    shape: z.object({ autoRechargeEnabled: z.literal(true) }),
  });
}

/** A wallet's balance and its transactions, newest first. */
export async function readWallet(buyer: Ask) {
  return buyer('GET', '/api/payments/wallet', {
    shape: z.object({ balance: z.number(), transactions: z.array(transaction) }),
  });
}

export type NewLead = {
  campaignId: string;
  categoryId: string;
  data: Record<string, string | number>;
  state?: string;
  quality?: 'HOT' | 'WARM' | 'COLD';
};

/** Sends a lead with a supplier's key, and waits for who bought it. */
export async function sendLead(address: Address, apiKey: string, lead: NewLead) {
  return asker(address, { 'x-api-key': apiKey })('POST', '/api/leads/ingest', {
    body: lead,
    status: 201,
    shape: z.object({
      leadId: z.string(),
      distributed: z.boolean(),
      buyersAssigned: z.number(),
      message: z.string(),
      decisions: z.array(z.object({ buyerId: z.string(), outcome: z.string() })).optional(),
    }),
  });
}

/** The same without waiting for the decision. */
export async function submitLead(address: Address, apiKey: string, lead: NewLead): Promise<void> {
  await asker(address, { 'x-api-key': apiKey, prefer: 'respond-async' })('POST', '/api/leads/ingest', {
    body: lead,
    status: 201,
    shape: z.object({ leadId: z.string() }),
  });
}

const values = z.record(z.string(), z.unknown());

/** What a buyer bought, newest first. */
export async function boughtLeads(buyer: Ask) {
  const shape = z.object({
    leads: z.array(z.object({ id: z.string(), assignmentId: z.string(), price: z.number(), data: values })),
  });
  return (await buyer('GET', '/api/leads', { shape })).leads;
}

/** What a seller received, newest first, and who bought it. */
export async function receivedLeads(seller: Ask) {
  const assignment = z.object({ id: z.string(), buyerId: z.string(), price: z.number() });
  const shape = z.object({
    leads: z.array(z.object({ id: z.string(), status: z.string(), assignments: z.array(assignment) })),
  });
  return (await seller('GET', '/api/leads', { shape })).leads;
}

const seen = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/** Why buyers were or were not given a lead. */
export async function readDecisions(ask: Ask, leadId: string) {
  const decision = z.object({
    buyerId: z.string(),
    outcome: z.enum(['ASSIGNED', 'OFFERED', 'REFUSED']),
    rule: z.string().nullable(),
    seen,
  });
  const shape = z.object({ decisions: z.array(decision) });
  return (await ask('GET', `/api/leads/${leadId}/decisions`, { shape })).decisions;
}
