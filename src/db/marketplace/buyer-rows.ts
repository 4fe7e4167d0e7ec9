import { sql } from 'drizzle-orm';
import type { PartyStatus } from '../../domain/marketplace/party.ts';
import type { ShortWalletChoice } from '../../domain/marketplace/subscription.ts';
import { newId } from '../../events/new-id.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { wakeCampaigns } from './pending.ts';

/** One row of a file of buyers. What is absent stays as it is. */
export type BuyerRow = {
  email: string;
  name?: string;
  companyName?: string;
  priority?: number;
  phoneNumber?: string;
  status?: PartyStatus;
  /** In cents; null clears it. */
  monthlySpendingLimit?: number | null;
  weeklySpendingLimit?: number | null;
};

/** `full`: beyond what the organization may store. */
export type BuyerRowOutcome = 'created' | 'updated' | 'unchanged' | 'taken' | 'nameless' | 'full';

/** `room`: how many new rows may be stored. */
type StoringRows = { actor: Actor; room: number };

/** Before every other id. */
const firstId = '00000000-0000-0000-0000-000000000000';

const recordset = `r(line int, id uuid, "userId" uuid, email text, name text, patch jsonb)`;

const patchOf = (row: BuyerRow) =>
  Object.fromEntries(
    Object.entries({
      company_name: row.companyName,
      priority: row.priority,
      phone: row.phoneNumber,
      phone_confirmed: row.phoneNumber === undefined ? undefined : true,
      active: row.status?.toLowerCase(),
      monthly_spending_limit_minor: row.monthlySpendingLimit,
      weekly_spending_limit_minor: row.weeklySpendingLimit,
    }).filter(([, value]) => value !== undefined),
  );

/**
 * Makes the buyers that an organization lacks, without a password, and changes those it has, by e-mail address: all in one
 * statement with their audit rows. Returns what became of each row, by its place among `rows`.
 */
export async function storeBuyerRows(
  db: Queryable,
  organizationId: string,
  rows: readonly BuyerRow[],
  { actor, room }: StoringRows,
): Promise<BuyerRowOutcome[]> {
  const given = rows.map((row, line) => ({
    line,
    id: newId(),
    userId: newId(),
    email: row.email.toLowerCase(),
    name: row.name ?? null,
    patch: patchOf(row),
  }));
  const outcomes = await run<{ line: number; outcome: BuyerRowOutcome }>(
    db,
    sql`WITH given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb) AS ${sql.raw(recordset)}),
    known AS (
      SELECT r.line, b AS row, n.* FROM given r JOIN users u ON u.email = r.email
        JOIN buyers b ON b.user_id = u.id AND b.organization_id = ${organizationId}::uuid, jsonb_populate_record(b, r.patch) n
      ORDER BY b.id FOR NO KEY UPDATE OF b),
    changed AS (
      UPDATE buyers b SET company_name = k.company_name, priority = k.priority, active = k.active, phone = k.phone, phone_confirmed = k.phone_confirmed,
        monthly_spending_limit_minor = k.monthly_spending_limit_minor, weekly_spending_limit_minor = k.weekly_spending_limit_minor,
        updated_at = now()
      FROM known k WHERE b.id = k.id AND to_jsonb(k.row) <> to_jsonb(k) - 'line' - 'row'
      RETURNING k.line, b.id, to_jsonb(k.row) AS before, to_jsonb(b) AS after),
    missing AS (
      SELECT r.*, row_number() OVER (ORDER BY r.line) AS place FROM given r
      WHERE r.name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users u WHERE u.email = r.email)),
    people AS (
      INSERT INTO users (id, name, email, role) SELECT r."userId", r.name, r.email, 'member' FROM missing r WHERE r.place <= ${room}::bigint
      ORDER BY r.email ON CONFLICT (email) DO NOTHING RETURNING id),
    made AS (
      INSERT INTO buyers (id, organization_id, external_id, name, email, user_id, company_name, priority, phone, active,
        monthly_spending_limit_minor, weekly_spending_limit_minor)
      SELECT r.id, ${organizationId}::uuid, r.id::text, r.name, r.email, p.id, coalesce(r.patch->>'company_name', r.name),
        coalesce((r.patch->>'priority')::integer, 5), r.patch->>'phone', coalesce(r.patch->>'active', 'active'),
        (r.patch->>'monthly_spending_limit_minor')::bigint, (r.patch->>'weekly_spending_limit_minor')::bigint
      FROM given r JOIN people p ON p.id = r."userId" RETURNING buyers.*),
    member AS (
      INSERT INTO members (organization_id, user_id, role, buyer_id) SELECT organization_id, user_id, 'buyer', id FROM made),
    noted AS (${auditPart(
      { organizationId, actor, action: 'buyer.imported' },
      {
        subject: sql`'buyer:' || touched.id`,
        before: sql`touched.before`,
        after: sql`touched.after`,
        rows: sql`(SELECT id, before, after FROM changed UNION ALL SELECT id, NULL, to_jsonb(made) FROM made) touched`,
      },
    )}),
    woken AS (${wakeCampaigns(
      sql`SELECT s.campaign_id FROM changed c JOIN subscriptions s ON s.buyer_id = c.id AND s.ended_at IS NULL`,
    )})
    SELECT r.line, CASE WHEN EXISTS (SELECT 1 FROM made WHERE made.id = r.id) THEN 'created'
      WHEN EXISTS (SELECT 1 FROM changed c WHERE c.line = r.line) THEN 'updated'
      WHEN EXISTS (SELECT 1 FROM known k WHERE k.line = r.line) THEN 'unchanged'
      WHEN EXISTS (SELECT 1 FROM missing m WHERE m.line = r.line AND m.place > ${room}::bigint) THEN 'full'
      WHEN r.name IS NULL AND NOT EXISTS (SELECT 1 FROM users u WHERE u.email = r.email) THEN 'nameless' ELSE 'taken' END AS outcome
    FROM given r`,
  );
  return outcomes.sort((a, b) => a.line - b.line).map(({ outcome }) => outcome);
}

export type ExportedBuyer = {
  id: string;
  email: string | null;
  name: string | null;
  companyName: string | null;
  priority: number;
  phoneNumber: string | null;
  status: PartyStatus;
  monthlySpendingLimitMinor: number | null;
  weeklySpendingLimitMinor: number | null;
};

/** A download takes any time, so that it reads page by page and keeps no connection between them. */
const exportPage = 1_000;

async function* byPages<R extends { id: string }>(
  pageAfter: (last: R | null) => Promise<R[]>,
): AsyncGenerator<R[]> {
  for (let last: R | null = null; ; ) {
    const rows: R[] = await pageAfter(last);
    if (rows.length > 0) yield rows;
    if (rows.length < exportPage) return;
    last = rows.at(-1)!;
  }
}

/** All buyers of an organization, by their ids, in pages. */
export const buyersByPages = (db: Queryable, organizationId: string) =>
  byPages<ExportedBuyer>((last) =>
    run(
      db,
      sql`SELECT b.id, coalesce(u.email, b.email) AS email, coalesce(u.name, b.name) AS name, b.company_name AS "companyName", b.priority,
        b.phone AS "phoneNumber", upper(b.active) AS status, b.monthly_spending_limit_minor AS "monthlySpendingLimitMinor",
        b.weekly_spending_limit_minor AS "weeklySpendingLimitMinor"
      FROM buyers b LEFT JOIN users u ON u.id = b.user_id
      WHERE b.organization_id = ${organizationId}::uuid AND b.id > ${last?.id ?? firstId}::uuid ORDER BY b.id LIMIT ${exportPage}::integer`,
    ),
  );

export type ExportedSubscription = {
  id: string;
  buyerEmail: string | null;
  campaignId: string;
  campaign: string;
  status: string;
  dailyCap: number | null;
  states: string[];
  waterfallPriority: number | null;
  onShortWallet: ShortWalletChoice;
};

/** All subscriptions of an organization that have not ended, by campaign, in pages. */
export const subscriptionsByPages = (db: Queryable, organizationId: string) =>
  byPages<ExportedSubscription>((last) =>
    run(
      db,
      sql`SELECT s.id, coalesce(u.email, b.email) AS "buyerEmail", s.campaign_id AS "campaignId", c.name AS campaign, s.status,
        s.daily_cap AS "dailyCap", s.states, s.waterfall_priority AS "waterfallPriority", s.on_short_wallet AS "onShortWallet"
      FROM campaigns c JOIN subscriptions s ON s.campaign_id = c.id AND s.ended_at IS NULL
        JOIN buyers b ON b.id = s.buyer_id LEFT JOIN users u ON u.id = b.user_id
      WHERE c.organization_id = ${organizationId}::uuid AND c.id >= ${last?.campaignId ?? firstId}::uuid
        AND (s.campaign_id, s.id) > (${last?.campaignId ?? firstId}::uuid, ${last?.id ?? firstId}::uuid)
      ORDER BY s.campaign_id, s.id LIMIT ${exportPage}::integer`,
    ),
  );

/** One row of a file of subscriptions. What is absent stays as it is. */
export type SubscriptionRow = {
  buyerEmail: string;
  campaignId: string;
  status?: 'ACTIVE' | 'PAUSED';
  /** Null clears it. */
  dailyCap?: number | null;
  states?: string[];
  waterfallPriority?: number | null;
  onShortWallet?: ShortWalletChoice;
};

export type SubscriptionRowOutcome =
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'no_buyer'
  | 'no_campaign'
  | 'not_active'
  | 'no_states'
  | 'full';

/** Values that are undefined are left out of its JSON. */
const subscriptionPatchOf = (row: SubscriptionRow) => ({
  status: row.status,
  daily_cap: row.dailyCap,
  states: row.states,
  waterfall_priority: row.waterfallPriority,
  on_short_wallet: row.onShortWallet,
});

/**
 * Makes the subscriptions that are missing and changes those that exist, by buyer and campaign of the organization, in one
 * statement with their audit rows. Returns what became of each row, by its place among `rows`.
 */
export async function storeSubscriptionRows(
  db: Queryable,
  organizationId: string,
  rows: readonly SubscriptionRow[],
  { actor, room }: StoringRows,
): Promise<SubscriptionRowOutcome[]> {
  const given = rows.map((row, line) => ({
    line,
    id: newId(),
    email: row.buyerEmail.toLowerCase(),
    campaign: row.campaignId,
    patch: subscriptionPatchOf(row),
  }));
  const outcomes = await run<{ line: number; outcome: SubscriptionRowOutcome }>(
    db,
    sql`WITH given AS MATERIALIZED (
      SELECT r.line, r.id, r.patch, b.id AS buyer, c.id AS campaign, c.status AS state,
        jsonb_array_length(coalesce(r.patch->'states', '[]')) > 0 AND NOT c.allow_state_selection AS unwanted
      FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb) AS r(line int, id uuid, email text, campaign uuid, patch jsonb)
      LEFT JOIN users u ON u.email = r.email LEFT JOIN buyers b ON b.user_id = u.id AND b.organization_id = ${organizationId}::uuid
      LEFT JOIN campaigns c ON c.id = r.campaign AND c.organization_id = ${organizationId}::uuid),
    known AS (
      SELECT g.line, g.unwanted, s AS row, n.* FROM given g
        JOIN subscriptions s ON s.campaign_id = g.campaign AND s.buyer_id = g.buyer AND s.ended_at IS NULL, jsonb_populate_record(s, g.patch) n
      ORDER BY s.id FOR UPDATE OF s),
    changed AS (
      UPDATE subscriptions s SET status = k.status, daily_cap = k.daily_cap, states = k.states, waterfall_priority = k.waterfall_priority,
        on_short_wallet = k.on_short_wallet, updated_at = now()
      FROM known k WHERE s.id = k.id AND NOT k.unwanted AND to_jsonb(k.row) <> to_jsonb(k) - 'line' - 'row' - 'unwanted'
      RETURNING k.line, s.id, to_jsonb(k.row) AS before, to_jsonb(s) AS after),
    missing AS (
      SELECT g.*, row_number() OVER (ORDER BY g.line) AS place FROM given g
      WHERE g.buyer IS NOT NULL AND g.state = 'ACTIVE' AND NOT g.unwanted AND NOT EXISTS (SELECT 1 FROM known k WHERE k.line = g.line)),
    made AS (
      INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id, status, daily_cap, states, waterfall_priority, on_short_wallet)
      SELECT g.id, ${organizationId}::uuid, g.campaign, g.buyer, coalesce(g.patch->>'status', 'ACTIVE'), (g.patch->>'daily_cap')::integer,
        ARRAY(SELECT jsonb_array_elements_text(coalesce(g.patch->'states', '[]'))), (g.patch->>'waterfall_priority')::integer,
        coalesce(g.patch->>'on_short_wallet', 'skip')
      FROM missing g WHERE g.place <= ${room}::bigint
      ORDER BY g.campaign, g.buyer ON CONFLICT (campaign_id, buyer_id) WHERE ended_at IS NULL DO NOTHING RETURNING subscriptions.*),
    noted AS (${auditPart(
      { organizationId, actor, action: 'subscription.imported' },
      {
        subject: sql`'subscription:' || touched.id`,
        before: sql`touched.before`,
        after: sql`touched.after`,
        rows: sql`(SELECT id, before, after FROM changed UNION ALL SELECT id, NULL, to_jsonb(made) FROM made) touched`,
      },
    )}),
    woken AS (${wakeCampaigns(
      sql`SELECT s.campaign_id FROM changed c JOIN subscriptions s ON s.id = c.id UNION SELECT campaign_id FROM made`,
    )})
    SELECT g.line, CASE WHEN g.buyer IS NULL THEN 'no_buyer' WHEN g.campaign IS NULL THEN 'no_campaign' WHEN g.unwanted THEN 'no_states'
      WHEN EXISTS (SELECT 1 FROM made WHERE made.id = g.id) THEN 'created'
      WHEN EXISTS (SELECT 1 FROM changed c WHERE c.line = g.line) THEN 'updated'
      WHEN EXISTS (SELECT 1 FROM missing m WHERE m.line = g.line AND m.place > ${room}::bigint) THEN 'full'
      WHEN EXISTS (SELECT 1 FROM known k WHERE k.line = g.line) THEN 'unchanged' WHEN g.state <> 'ACTIVE' THEN 'not_active'
      ELSE 'unchanged' END AS outcome
    FROM given g`,
  );
  return outcomes.sort((a, b) => a.line - b.line).map(({ outcome }) => outcome);
}
