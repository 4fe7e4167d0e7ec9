import { randomUUID } from 'node:crypto';
import { newMarketplaceKey } from '../src/db/account/api-keys.ts';
import type { Database } from '../src/db/client.ts';
import { insertSupplier } from '../src/db/marketplace/suppliers.ts';
import type { DistributionLogic } from '../src/domain/marketplace/campaign.ts';

/** A campaign with its buyers, each with a wallet and a subscription. */
export type MarketCampaign = {
  organizationId: string;
  categoryId: string;
  campaignId: string;
  /** A key of a live supplier of the category. */
  supplierKey: string;
};

export type MarketSize = {
  buyers: number;
  logic?: DistributionLogic;
  priceMinor?: number;
  /** In the wallet of each buyer. */
  balanceMinor?: number;
};

const fields = ['firstName', 'email', 'roofAge'].map((name) => ({
  name,
  type: name === 'email' ? 'email' : name === 'roofAge' ? 'number' : 'text',
  required: name !== 'roofAge',
  locked: name !== 'roofAge',
  description: null,
  options: [],
}));

/** Makes a seller of its own with one campaign. Balances have their journals, as after top-ups. */
export async function insertCampaign(
  db: Database,
  { buyers, logic = 'ROUND_ROBIN', priceMinor = 100, balanceMinor = 100_000_000 }: MarketSize,
): Promise<MarketCampaign> {
  const [organizationId, categoryId, campaignId] = [randomUUID(), randomUUID(), randomUUID()];
  const statements: [string, unknown[]][] = [
    [
      `INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES ($1, 'Seller', $2, '', 's@seller.example')`,
      [organizationId, organizationId],
    ],
    [
      `INSERT INTO sellers (organization_id, contact_name, invite_code, trial_ends_at)
       VALUES ($1, 'Sue', $2, now() + interval '14 days')`,
      [organizationId, organizationId.slice(0, 8).toUpperCase()],
    ],
    [
      `INSERT INTO categories (id, organization_id, name, fields) VALUES ($1, $2, 'Solar', $3::jsonb)`,
      [categoryId, organizationId, JSON.stringify(fields)],
    ],
    [
      `INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic) VALUES ($1, $2, $3, 'Roofs', $4, $5)`,
      [campaignId, organizationId, categoryId, priceMinor, logic],
    ],
    [
      `INSERT INTO buyers (id, organization_id, external_id, name)
       SELECT gen_random_uuid(), $1, 'buyer' || n, 'Buyer ' || n FROM generate_series(1, $2::int) n`,
      [organizationId, buyers],
    ],
    [
      `WITH purses AS (
         INSERT INTO wallets (buyer_id, organization_id, currency, balance_minor)
         SELECT id, organization_id, 'usd', $2::bigint FROM buyers WHERE organization_id = $1 RETURNING buyer_id),
       filled AS (SELECT buyer_id, gen_random_uuid() AS id FROM purses WHERE $2::bigint > 0),
       said AS (INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor, balance_after_minor, description)
         SELECT id, $1, buyer_id, 'CREDIT', $2::bigint, 0, $2::bigint, 'Wallet recharge' FROM filled),
       book AS (INSERT INTO journals (id, key, organization_id) SELECT id, 'filled-' || id, $1 FROM filled)
       INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
       SELECT f.id, e.account, e.amount, 'usd' FROM filled f
         CROSS JOIN LATERAL (VALUES ('stripe', $2::bigint), ('wallet:' || f.buyer_id, -$2::bigint)) e(account, amount)`,
      [organizationId, balanceMinor],
    ],
    [
      `INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id)
       SELECT gen_random_uuid(), organization_id, $2, id FROM buyers WHERE organization_id = $1`,
      [organizationId, campaignId],
    ],
  ];
  for (const [text, values] of statements) await db.query(text, values);
  const supplierKey = newMarketplaceKey();
  const supplier = { id: randomUUID(), key: supplierKey, name: 'Acme', email: 'api@acme.example' };
  await insertSupplier(db, organizationId, { ...supplier, categories: [categoryId], most: 10 }, 'bench');
  await db.query('UPDATE suppliers SET test_mode = false WHERE organization_id = $1', [organizationId]);
  return { organizationId, categoryId, campaignId, supplierKey };
}

export type MarketLeads = {
  count: number;
  /** They were decided already, and wait for this reason; null for leads that have just come. */
  waitsFor: string | null;
};

/** Stores leads of a campaign as the ingress does, with one event each and its outbox row. */
export async function insertLeads(
  db: Database,
  { organizationId, categoryId, campaignId }: MarketCampaign,
  { count, waitsFor }: MarketLeads,
): Promise<void> {
  const [type, worker] = waitsFor === null ? ['lead.received', 'distributor'] : ['lead.waiting', 'expirer'];
  await db.query(
    `WITH fresh AS MATERIALIZED (SELECT n, uuidv7() AS id, uuidv7() AS event FROM generate_series(1, $1::integer) n),
     lead AS (INSERT INTO leads (id, organization_id, public_id, channel, campaign_id, category_id, public, contact, quality, email_hash, phone_valid)
       SELECT id, $2::uuid, 'lead_' || id, 'marketplace', $3::uuid, $4::uuid, '{"data":{"roofAge":12}}', repeat('x', 200), 'WARM', 'e' || id, false FROM fresh),
     stand AS (INSERT INTO distributions (lead_id, organization_id, campaign_id, status, received_at, expires_at)
       SELECT id, $2::uuid, $3::uuid, 'PENDING', now() - (($1 - n) * interval '1 ms'), now() + interval '3 days' FROM fresh),
     reason AS (INSERT INTO decisions (lead_id, number, organization_id, considered)
       SELECT f.id, 1, $2::uuid, jsonb_build_array(jsonb_build_object('buyerId', s.buyer_id, 'subscriptionId', s.id, 'rule', $5::text, 'seen', '{}'::jsonb))
       FROM fresh f, (SELECT id, buyer_id FROM subscriptions WHERE campaign_id = $3::uuid LIMIT 1) s WHERE $5::text IS NOT NULL),
     fact AS (INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
       SELECT event, now(), $6::text, 1, $2::uuid, 'lead:' || id, event,
         jsonb_build_object('leadId', id) || CASE WHEN $5::text IS NULL THEN '{}' ELSE jsonb_build_object('campaignId', $3::uuid) END FROM fresh)
     INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
       SELECT event, now(), $7::text, $2::uuid, CASE WHEN $5::text IS NULL THEN now() ELSE now() + interval '3 days' END, false FROM fresh`,
    [count, organizationId, campaignId, categoryId, waitsFor, type, worker],
  );
}

/** How many leads of a campaign are sold, and how often. */
export async function soldOf(
  db: Database,
  { campaignId }: MarketCampaign,
): Promise<{ leads: number; sales: number }> {
  const [row] = await db.query<{ leads: number; sales: number }>(
    `SELECT (SELECT count(*)::int FROM distributions WHERE campaign_id = $1 AND status = 'DISTRIBUTED') AS leads,
       (SELECT coalesce(sum(day_count), 0)::int FROM subscriptions WHERE campaign_id = $1) AS sales`,
    [campaignId],
  );
  return row!;
}
