import { sql } from 'drizzle-orm';
import type { CampaignStatus } from '../../domain/marketplace/campaign.ts';
import type { ShortWalletChoice, SubscriptionStatus } from '../../domain/marketplace/subscription.ts';
import { insertWithin } from '../account/stored.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { buyerFields, type PartyBuyer } from './buyers.ts';
import { wakeCampaigns } from './pending.ts';

export type SubscriptionFields = {
  /** Null for no limit. */
  dailyCap: number | null;
  /** USPS codes; empty for all. */
  states: string[];
  /** Null is last. */
  waterfallPriority: number | null;
  onShortWallet: ShortWalletChoice;
  status: SubscriptionStatus;
};

export type Subscription = SubscriptionFields & {
  id: string;
  campaignId: string;
  buyerId: string;
  lastDistributedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

const fieldsOf = (row: string) =>
  sql.raw(`${row}.id, ${row}.campaign_id AS "campaignId", ${row}.buyer_id AS "buyerId", ${row}.daily_cap AS "dailyCap", ${row}.states,
  ${row}.status, ${row}.last_distributed_at AS "lastDistributedAt", ${row}.waterfall_priority AS "waterfallPriority",
  ${row}.on_short_wallet AS "onShortWallet", ${row}.created_at AS "createdAt", ${row}.updated_at AS "updatedAt"`);

/** With its buyer, for the seller. */
export type SubscriptionOfBuyer = Subscription & { buyer: PartyBuyer };

/** The newest live subscriptions of each of these campaigns, at most `each`. For their seller: a buyer sees no other buyer. */
export async function newestSubscriptions(
  db: Queryable,
  organizationId: string,
  campaignIds: readonly string[],
  each: number,
): Promise<SubscriptionOfBuyer[]> {
  return run(
    db,
    sql`SELECT ${fieldsOf('s')}, json_build_object(${buyerFields}) AS buyer
    FROM unnest(${sql.param([...campaignIds])}::uuid[]) WITH ORDINALITY AS c(id, place)
      CROSS JOIN LATERAL (SELECT * FROM subscriptions s WHERE s.campaign_id = c.id AND s.organization_id = ${organizationId}::uuid
        AND s.ended_at IS NULL ORDER BY s.id DESC LIMIT ${each}::integer) s
      JOIN buyers b ON b.id = s.buyer_id LEFT JOIN users p ON p.id = b.user_id
    ORDER BY c.place, s.id DESC`,
  );
}

/** The live subscriptions of one buyer on these campaigns: at most one on each. */
export async function ownSubscriptions(
  db: Queryable,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
  campaignIds: readonly string[],
): Promise<Subscription[]> {
  return run(
    db,
    sql`SELECT ${fieldsOf('s')} FROM subscriptions s WHERE s.organization_id = ${organizationId}::uuid AND s.buyer_id = ${buyerId}::uuid
      AND s.campaign_id = ANY(${sql.param([...campaignIds])}::uuid[]) AND s.ended_at IS NULL`,
  );
}

export type Subscriber = { organizationId: string; buyerId: string };

export type NewSubscription = Omit<SubscriptionFields, 'status'> & { id: string; campaignId: string };

/**
 * Subscribes an active buyer to an active campaign of its seller. Returns null, and writes nothing, when one of them is
 * not, when the campaign has no choice of states, or when the buyer subscribes already. Throws StoredQuotaError when its
 * seller has `most` live ones.
 */
export async function insertSubscription(
  db: Queryable & Pick<Database, 'withTx'>,
  { organizationId, buyerId }: Subscriber,
  subscription: NewSubscription & { most: number },
  actor: Actor,
): Promise<Subscription | null> {
  const { id, campaignId, dailyCap, states, waterfallPriority, onShortWallet, most } = subscription;
  const [row] = await insertWithin(db, { name: 'subscriptions', organizationId, most }, (tx) =>
    run<Subscription>(
      tx,
      sql`WITH s AS (
      INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id, daily_cap, states, waterfall_priority, on_short_wallet)
      SELECT ${id}::uuid, c.organization_id, c.id, b.id, ${dailyCap}::integer, ${sql.param(states)}::text[], ${waterfallPriority}::integer,
        ${onShortWallet}::text
      FROM campaigns c JOIN buyers b ON b.organization_id = c.organization_id
      WHERE c.organization_id = ${organizationId}::uuid AND c.id = ${campaignId}::uuid AND c.status = 'ACTIVE'
        AND b.id = ${buyerId}::uuid AND b.active = 'active' AND (c.allow_state_selection OR ${states.length === 0}::boolean)
      ON CONFLICT (campaign_id, buyer_id) WHERE ended_at IS NULL DO NOTHING RETURNING *),
    noted AS (${auditPart(
      { organizationId, actor, action: 'subscription.created' },
      {
        subject: sql`'subscription:' || s.id`,
        before: sql`NULL::jsonb`,
        after: sql`to_jsonb(s)`,
        rows: sql`s`,
      },
    )}),
    woken AS (${wakeCampaigns(sql`SELECT campaign_id FROM s`)})
    SELECT ${fieldsOf('s')} FROM s`,
    ),
  );
  return row ?? null;
}

/** What decides whether a buyer may subscribe to a campaign of any organization. */
export type SubscribingState = {
  organizationId: string;
  status: CampaignStatus;
  allowStateSelection: boolean;
  subscribed: boolean;
  buyerActive: boolean;
};

/** Returns null when no organization has such a campaign. */
export async function subscribingState(
  db: Queryable,
  buyerId: string,
  campaignId: string,
): Promise<SubscribingState | null> {
  const [row] = await run<SubscribingState>(
    db,
    sql`SELECT c.organization_id AS "organizationId", c.status, c.allow_state_selection AS "allowStateSelection",
      EXISTS (SELECT 1 FROM subscriptions s WHERE s.campaign_id = c.id AND s.buyer_id = ${buyerId}::uuid AND s.ended_at IS NULL) AS subscribed,
      EXISTS (SELECT 1 FROM buyers b WHERE b.id = ${buyerId}::uuid AND b.active = 'active') AS "buyerActive"
    FROM campaigns c WHERE c.id = ${campaignId}::uuid`,
  );
  return row ?? null;
}

export type ChangedSubscription = Subscription | 'unknown' | 'no_states';

/**
 * Changes the given fields of a live subscription of this buyer, locking it in the statement. States are refused, and
 * nothing is changed, when its campaign has no choice of them.
 */
export async function changeSubscription(
  db: Queryable,
  { organizationId, buyerId }: Subscriber,
  id: string,
  change: Partial<SubscriptionFields>,
  actor: Actor,
): Promise<ChangedSubscription> {
  const { dailyCap, states, status, waterfallPriority, onShortWallet } = change;
  const patch = JSON.stringify({
    daily_cap: dailyCap,
    states,
    status,
    waterfall_priority: waterfallPriority,
    on_short_wallet: onShortWallet,
  });
  const [row] = await run<{ held: boolean } & Subscription>(
    db,
    sql`WITH held AS (
      SELECT s AS row, s.campaign_id FROM subscriptions s WHERE s.organization_id = ${organizationId}::uuid AND s.buyer_id = ${buyerId}::uuid
        AND s.id = ${id}::uuid AND s.ended_at IS NULL FOR UPDATE),
    wanted AS (
      SELECT n.*, held.row AS was FROM held JOIN campaigns c ON c.id = held.campaign_id, jsonb_populate_record(held.row, ${patch}::jsonb) n
      WHERE c.allow_state_selection OR ${(states ?? []).length === 0}::boolean),
    s AS (
      UPDATE subscriptions s SET daily_cap = w.daily_cap, states = w.states, status = w.status,
        waterfall_priority = w.waterfall_priority, on_short_wallet = w.on_short_wallet, updated_at = now()
      FROM wanted w WHERE s.id = w.id RETURNING s.*, s AS row, w.was),
    noted AS (${auditPart(
      { organizationId, actor, action: 'subscription.updated' },
      {
        subject: sql`'subscription:' || s.id`,
        before: sql`to_jsonb(s.was)`,
        after: sql`to_jsonb(s.row)`,
        rows: sql`s`,
      },
    )}),
    woken AS (${wakeCampaigns(sql`SELECT campaign_id FROM s`)})
    SELECT EXISTS (SELECT 1 FROM held) AS held, ${fieldsOf('s')} FROM (SELECT 1) one LEFT JOIN s ON true`,
  );
  if (!row!.held) return 'unknown';
  return row!.id === null ? 'no_states' : row!;
}

/** Its row stays for what was bought by it. Returns false when the buyer has no such live subscription. */
export async function endSubscription(
  db: Queryable,
  { organizationId, buyerId }: Subscriber,
  id: string,
  actor: Actor,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`WITH held AS (
      SELECT s AS row, s.id FROM subscriptions s WHERE s.organization_id = ${organizationId}::uuid AND s.buyer_id = ${buyerId}::uuid
        AND s.id = ${id}::uuid AND s.ended_at IS NULL FOR UPDATE),
    ended AS (
      UPDATE subscriptions s SET ended_at = now(), updated_at = now() FROM held WHERE s.id = held.id RETURNING s.id, held.row AS was),
    noted AS (${auditPart(
      { organizationId, actor, action: 'subscription.ended' },
      {
        subject: sql`'subscription:' || ended.id`,
        before: sql`to_jsonb(ended.was)`,
        after: sql`NULL::jsonb`,
        rows: sql`ended`,
      },
    )})
    SELECT id FROM ended`,
  );
  return rows.length > 0;
}
