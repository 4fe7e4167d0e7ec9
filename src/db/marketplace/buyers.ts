import { type SQL, sql } from 'drizzle-orm';
import type { PartyStatus } from '../../domain/marketplace/party.ts';
import type { ShortWalletChoice } from '../../domain/marketplace/subscription.ts';
import { newId } from '../../events/new-id.ts';
import { insertWithin } from '../account/stored.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { wakeCampaigns } from './pending.ts';

/** What a buyer and its seller set. Amounts in cents; null for no limit, or for what was never set. */
export type BuyerSettings = {
  companyName: string | null;
  priority: number;
  status: PartyStatus;
  phone: string | null;
  /** Whether the seller has set or confirmed the phone. */
  phoneConfirmed: boolean;
  monthlySpendingLimitMinor: number | null;
  weeklySpendingLimitMinor: number | null;
  autoRechargeEnabled: boolean;
  autoRechargeThresholdMinor: number | null;
  autoRechargeAmountMinor: number | null;
};

/** A buyer of the marketplace, or a provider of the pay-per-unlock API: they are the same. */
export type PartyBuyer = BuyerSettings & {
  id: string;
  organizationId: string;
  /** Null when no person signs in for it. */
  userId: string | null;
  user: { id: string; name: string; email: string } | null;
  /** Of its wallet, in cents. */
  balanceMinor: number;
  createdAt: Date;
  updatedAt: Date;
};

export type BuyerSubscription = {
  id: string;
  campaignId: string;
  buyerId: string;
  dailyCap: number | null;
  states: string[];
  status: string;
  waterfallPriority: number | null;
  onShortWallet: ShortWalletChoice;
  lastDistributedAt: string | null;
  createdAt: string;
  updatedAt: string;
  campaign: { id: string; name: string; status: string; categoryId: string; priceMinor: number };
};

/** A paid unlock, as the row of a sale. Times are ISO 8601. */
export type Assignment = {
  id: string;
  leadId: string;
  buyerId: string;
  subscriptionId: string | null;
  priceMinor: number;
  paidAt: string;
  deliveredAt: string | null;
  viewedAt: string | null;
  isRefunded: boolean;
};

export type BuyerRecord = PartyBuyer & {
  purchases: number;
  /** In cents of US dollars. */
  spentMinor: number;
  lastPurchaseAt: Date | null;
  /** Of its wallet: how many there are. */
  transactions: number;
  /** The newest first; the first ones. */
  subscriptions: BuyerSubscription[];
  lastAssignment: Assignment | null;
};

/** Subscriptions of each buyer in a list, and of a buyer that is asked for. */
const subscriptionsOfEach = 20;
const subscriptionsOfOne = 200;

/** A fragment for `json_build_object`; `u` is a paid unlock, `l` its lead. */
export const assignmentFields =
  sql.raw(`'id', u.id, 'leadId', l.public_id, 'buyerId', u.buyer_id, 'subscriptionId', u.subscription_id,
  'priceMinor', u.price_minor, 'paidAt', u.paid_at, 'deliveredAt', coalesce(u.done_at, u.revealed_at), 'viewedAt', u.viewed_at,
  'isRefunded', coalesce(u.reason = 'refunded', false)`);

/** The fields of a buyer for `json_build_object`; `b` is the buyer, `p` its user. */
export const buyerFields = sql.raw(`'id', b.id, 'organizationId', b.organization_id, 'userId', b.user_id,
  'companyName', coalesce(b.company_name, b.name), 'priority', b.priority, 'status', upper(b.active), 'phone', b.phone, 'phoneConfirmed', b.phone_confirmed,
  'monthlySpendingLimitMinor', b.monthly_spending_limit_minor, 'weeklySpendingLimitMinor', b.weekly_spending_limit_minor,
  'autoRechargeEnabled', b.auto_recharge_enabled, 'autoRechargeThresholdMinor', b.auto_recharge_threshold_minor,
  'autoRechargeAmountMinor', b.auto_recharge_amount_minor, 'createdAt', b.created_at, 'updatedAt', b.updated_at,
  'balanceMinor', coalesce((SELECT w.balance_minor FROM wallets w WHERE w.buyer_id = b.id), 0),
  'user', CASE WHEN p.id IS NULL THEN NULL ELSE json_build_object('id', p.id, 'name', p.name, 'email', p.email) END`);

const columns =
  sql.raw(`b.id, b.organization_id AS "organizationId", b.user_id AS "userId", coalesce(b.company_name, b.name) AS "companyName", b.priority,
  upper(b.active) AS status, b.phone, b.phone_confirmed AS "phoneConfirmed", b.monthly_spending_limit_minor AS "monthlySpendingLimitMinor",
  b.weekly_spending_limit_minor AS "weeklySpendingLimitMinor", b.auto_recharge_enabled AS "autoRechargeEnabled",
  b.auto_recharge_threshold_minor AS "autoRechargeThresholdMinor", b.auto_recharge_amount_minor AS "autoRechargeAmountMinor",
  b.created_at AS "createdAt", b.updated_at AS "updatedAt",
  coalesce((SELECT w.balance_minor FROM wallets w WHERE w.buyer_id = b.id), 0)::float8 AS "balanceMinor",
  CASE WHEN p.id IS NULL THEN NULL ELSE json_build_object('id', p.id, 'name', p.name, 'email', p.email) END AS "user"`);

/**
 * The buyers whose ids `chosen` selects, each with what it bought. A buyer belongs to one organization, and so do its sales.
 * Transactions are counted once for all of them: with an array of ids, from the index `wallet_transactions_newest`.
 */
const records = (chosen: SQL, mostSubscriptions: number) => sql`WITH chosen AS MATERIALIZED (${chosen}),
  moved AS MATERIALIZED (SELECT buyer_id, count(*)::int AS transactions FROM wallet_transactions
    WHERE buyer_id = ANY(ARRAY(SELECT id FROM chosen)) GROUP BY buyer_id)
  SELECT ${columns}, sales.purchases, sales."spentMinor", sales."lastPurchaseAt", coalesce(moved.transactions, 0) AS transactions,
    standing.subscriptions, newest."lastAssignment"
  FROM chosen JOIN buyers b ON b.id = chosen.id LEFT JOIN users p ON p.id = b.user_id LEFT JOIN moved ON moved.buyer_id = b.id
  CROSS JOIN LATERAL (SELECT count(*)::int AS purchases, coalesce(sum(price_minor) FILTER (WHERE currency = 'usd'), 0)::float8 AS "spentMinor",
    max(paid_at) AS "lastPurchaseAt" FROM lead_unlocks WHERE buyer_id = b.id AND paid_at IS NOT NULL) sales
  CROSS JOIN LATERAL (SELECT coalesce(json_agg(json_build_object('id', s.id, 'campaignId', s.campaign_id, 'buyerId', s.buyer_id,
      'dailyCap', s.daily_cap, 'states', s.states, 'status', s.status, 'waterfallPriority', s.waterfall_priority,
      'onShortWallet', s.on_short_wallet, 'lastDistributedAt', s.last_distributed_at, 'createdAt', s.created_at, 'updatedAt', s.updated_at,
      'campaign', json_build_object('id', c.id, 'name', c.name, 'status', c.status, 'categoryId', c.category_id, 'priceMinor', c.price_minor))
      ORDER BY s.created_at DESC, s.id DESC), '[]') AS subscriptions
    FROM (SELECT * FROM subscriptions WHERE buyer_id = b.id AND ended_at IS NULL ORDER BY created_at DESC, id DESC LIMIT ${mostSubscriptions}::integer) s
    JOIN campaigns c ON c.id = s.campaign_id) standing
  LEFT JOIN LATERAL (SELECT json_build_object(${assignmentFields}) AS "lastAssignment" FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id
    WHERE u.buyer_id = b.id AND u.paid_at IS NOT NULL ORDER BY u.paid_at DESC, u.id DESC LIMIT 1) newest ON true
  ORDER BY b.created_at DESC, b.id DESC`;

const ofStatus = (status: PartyStatus | null) =>
  status === null ? sql`` : sql` AND active = ${status.toLowerCase()}::text`;

/** Newest first. The ids of a page come from the index alone, however far it is from the first one. */
export async function listPartyBuyers(
  db: Queryable,
  organizationId: string,
  { status, limit, offset }: { status: PartyStatus | null; limit: number; offset: number },
): Promise<{ rows: BuyerRecord[]; total: number }> {
  const of = sql`FROM buyers WHERE organization_id = ${organizationId}::uuid${ofStatus(status)}`;
  const chosen = sql`SELECT id ${of} ORDER BY created_at DESC, id DESC LIMIT ${limit}::integer OFFSET ${offset}::integer`;
  const [rows, [counted]] = await Promise.all([
    run<BuyerRecord>(db, records(chosen, subscriptionsOfEach)),
    run<{ total: number }>(db, sql`SELECT count(*)::int AS total ${of}`),
  ]);
  return { rows, total: counted!.total };
}

/** Returns null when the organization has no such buyer. */
export async function findPartyBuyer(
  db: Queryable,
  organizationId: string,
  id: string,
): Promise<BuyerRecord | null> {
  const chosen = sql`SELECT id FROM buyers WHERE organization_id = ${organizationId}::uuid AND id = ${id}::uuid`;
  const [row] = await run<BuyerRecord>(db, records(chosen, subscriptionsOfOne));
  return row ?? null;
}

/** Whether a user signs in with this address, in any case. */
export async function isEmailTaken(db: Queryable, email: string): Promise<boolean> {
  return (await run(db, sql`SELECT 1 FROM users WHERE email = lower(${email}::text)`)).length > 0;
}

/** Unique in the installation: violated when two people take one address at the same time. */
export const emailConstraint = 'users_email_unique';

export type NewPartyBuyer = {
  email: string;
  name: string;
  companyName: string;
  priority: number;
  phone: string | null;
  /** Null for a person who sets a password by a link. */
  passwordHash: string | null;
};

/**
 * Makes a user, its sign-in method, the buyer and its membership in one statement, with its audit row. Throws the
 * violation of `emailConstraint`, and StoredQuotaError when the organization has `most`.
 */
export async function insertPartyBuyer(
  db: Queryable & Pick<Database, 'withTx'>,
  organizationId: string,
  buyer: NewPartyBuyer & { most: number },
  actor: Actor,
): Promise<{ id: string; userId: string; email: string }> {
  const id = newId();
  const email = buyer.email.toLowerCase();
  const [row] = await insertWithin(db, { name: 'buyers', organizationId, most: buyer.most }, (tx) =>
    run<{ id: string; userId: string }>(
      tx,
      sql`WITH person AS (
      INSERT INTO users (id, name, email, role) VALUES (${newId()}::uuid, ${buyer.name}::text, ${email}::text, 'member') RETURNING id),
    credential AS (
      INSERT INTO accounts (id, user_id, account_id, provider_id, password)
      SELECT ${newId()}::uuid, id, id::text, 'credential', ${buyer.passwordHash}::text FROM person WHERE ${buyer.passwordHash}::text IS NOT NULL),
    made AS (
      INSERT INTO buyers (id, organization_id, external_id, name, email, company_name, priority, phone, user_id)
      SELECT ${id}::uuid, ${organizationId}::uuid, ${id}::text, ${buyer.name}::text, ${email}::text, ${buyer.companyName}::text,
        ${buyer.priority}::integer, ${buyer.phone}::text, id FROM person RETURNING buyers.*),
    member AS (
      INSERT INTO members (organization_id, user_id, role, buyer_id) SELECT organization_id, user_id, 'buyer', id FROM made),
    noted AS (${auditPart(
      { organizationId, actor, action: 'buyer.created' },
      {
        subject: sql`'buyer:' || made.id`,
        before: sql`NULL::jsonb`,
        after: sql`to_jsonb(made)`,
        rows: sql`made`,
      },
    )})
    SELECT id, user_id AS "userId" FROM made`,
    ),
  );
  return { ...row!, email };
}

const columnOf = {
  companyName: 'company_name',
  priority: 'priority',
  phone: 'phone',
  phoneConfirmed: 'phone_confirmed',
  monthlySpendingLimitMinor: 'monthly_spending_limit_minor',
  weeklySpendingLimitMinor: 'weekly_spending_limit_minor',
  autoRechargeEnabled: 'auto_recharge_enabled',
  autoRechargeThresholdMinor: 'auto_recharge_threshold_minor',
  autoRechargeAmountMinor: 'auto_recharge_amount_minor',
} as const;

/** The given settings by the names of their columns. */
function patchOf({ status, ...settings }: Partial<BuyerSettings>): Record<string, unknown> {
  const named = Object.entries(settings).map(([key, value]) => [
    columnOf[key as keyof typeof columnOf],
    value,
  ]);
  return { ...Object.fromEntries(named), ...(status === undefined ? {} : { active: status.toLowerCase() }) };
}

/** Changes the given settings of a buyer; the same phone stays confirmed. Returns false when the organization has no such buyer. */
export async function changePartyBuyer(
  db: Queryable,
  organizationId: string,
  id: string,
  settings: Partial<BuyerSettings>,
  { actor, action = 'buyer.updated' }: { actor: Actor; action?: string },
): Promise<boolean> {
  const patch = JSON.stringify(patchOf(settings));
  const rows = await run(
    db,
    sql`WITH held AS (
      SELECT b AS row FROM buyers b WHERE b.organization_id = ${organizationId}::uuid AND b.id = ${id}::uuid FOR NO KEY UPDATE),
    wanted AS (SELECT n.*, h.row AS was FROM held h, jsonb_populate_record(h.row, ${patch}::jsonb
      - CASE WHEN ${patch}::jsonb @> '{"phone_confirmed": false}' AND ${patch}::jsonb->>'phone' IS NOT DISTINCT FROM (h.row).phone
        THEN 'phone_confirmed' ELSE '' END) n),
    changed AS (
      UPDATE buyers b SET company_name = w.company_name, priority = w.priority, active = w.active, phone = w.phone, phone_confirmed = w.phone_confirmed,
        monthly_spending_limit_minor = w.monthly_spending_limit_minor, weekly_spending_limit_minor = w.weekly_spending_limit_minor,
        auto_recharge_enabled = w.auto_recharge_enabled, auto_recharge_threshold_minor = w.auto_recharge_threshold_minor,
        auto_recharge_amount_minor = w.auto_recharge_amount_minor, updated_at = now()
      FROM wanted w WHERE b.id = w.id AND to_jsonb(w.was) <> to_jsonb(w) - 'was'
      RETURNING to_jsonb(w.was) AS before, to_jsonb(b) AS after, b.id),
    noted AS (${auditPart(
      { organizationId, actor, action },
      {
        subject: sql`'buyer:' || changed.id`,
        before: sql`changed.before`,
        after: sql`changed.after`,
        rows: sql`changed`,
      },
    )}),
    woken AS (${wakeCampaigns(
      sql`SELECT s.campaign_id FROM changed JOIN subscriptions s ON s.buyer_id = changed.id AND s.ended_at IS NULL`,
    )})
    SELECT 1 FROM held`,
  );
  return rows.length > 0;
}

/** When a refund or a dispute of what the buyer bought flagged it. Null for one that is not flagged, and for an unknown one. */
export async function findFlag(db: Queryable, organizationId: string, id: string): Promise<Date | null> {
  const [row] = await run<{ at: Date | null }>(
    db,
    sql`SELECT flagged_at AS at FROM buyers WHERE organization_id = ${organizationId}::uuid AND id = ${id}::uuid`,
  );
  return row?.at ?? null;
}

/** Takes a flag from a buyer, whom leads may be waiting for. Returns false when the organization has no such buyer. */
export async function clearFlag(
  db: Queryable,
  organizationId: string,
  id: string,
  actor: Actor,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`WITH held AS (
      SELECT id, flagged_at FROM buyers WHERE organization_id = ${organizationId}::uuid AND id = ${id}::uuid FOR NO KEY UPDATE),
    cleared AS (
      UPDATE buyers b SET flagged_at = NULL, flags = 0, updated_at = now() FROM held h
      WHERE b.id = h.id AND h.flagged_at IS NOT NULL RETURNING b.id, h.flagged_at AS was),
    noted AS (${auditPart(
      { organizationId, actor, action: 'buyer.unflagged' },
      {
        subject: sql`'buyer:' || cleared.id`,
        before: sql`jsonb_build_object('flagged_at', cleared.was)`,
        after: sql`jsonb_build_object('flagged_at', NULL)`,
        rows: sql`cleared`,
      },
    )}),
    woken AS (${wakeCampaigns(
      sql`SELECT s.campaign_id FROM cleared JOIN subscriptions s ON s.buyer_id = cleared.id AND s.ended_at IS NULL`,
    )})
    SELECT 1 FROM held`,
  );
  return rows.length > 0;
}
