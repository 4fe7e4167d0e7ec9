import { type SQL, sql } from 'drizzle-orm';
import type { CampaignStatus, DistributionLogic } from '../../domain/marketplace/campaign.ts';
import { insertWithin } from '../account/stored.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';
import type { Category } from './categories.ts';
import { wakeCampaigns } from './pending.ts';

export type CampaignFields = {
  name: string;
  description: string | null;
  priceMinor: number;
  distributionLogic: DistributionLogic;
  allowStateSelection: boolean;
  status: CampaignStatus;
  maxSales: number | null;
  leadTtlHours: number;
};

/** With its category, which may be inactive, and counts. Ended subscriptions are not counted. */
export type Campaign = CampaignFields & {
  id: string;
  organizationId: string;
  categoryId: string;
  createdAt: Date;
  updatedAt: Date;
  category: Category;
  subscriptionCount: number;
  /** Counted up to `mostLeadsCounted`. */
  leadCount: number;
};

export const mostLeadsCounted = 10_000;

const columns =
  sql.raw(`c.id, c.organization_id AS "organizationId", c.category_id AS "categoryId", c.name, c.description, c.price_minor AS "priceMinor",
  c.distribution_logic AS "distributionLogic", c.allow_state_selection AS "allowStateSelection", c.status, c.max_sales AS "maxSales",
  c.lead_ttl_hours AS "leadTtlHours", c.created_at AS "createdAt", c.updated_at AS "updatedAt",
  json_build_object('id', g.id, 'organizationId', g.organization_id, 'name', g.name, 'description', g.description, 'fields', g.fields,
    'isActive', g.is_active, 'createdAt', g.created_at, 'updatedAt', g.updated_at) AS category,
  (SELECT count(*)::int FROM subscriptions s WHERE s.campaign_id = c.id AND s.ended_at IS NULL) AS "subscriptionCount",
  (SELECT count(*)::int FROM (SELECT 1 FROM leads l WHERE l.campaign_id = c.id LIMIT ${mostLeadsCounted}) counted) AS "leadCount"`);

/** `c` is the campaign, `g` its category. */
const withCategory = sql.raw('JOIN categories g ON g.id = c.category_id');

/** Whose campaigns: a seller's all, or the ones that a buyer may see. */
export type CampaignViewer = { organizationId: string; buyerId: string | null };
export type CampaignFilter = { status: CampaignStatus | null; limit: number; offset: number };

/** `c` is the campaign. A buyer sees active ones. */
function matching({ organizationId, buyerId }: CampaignViewer, status: CampaignStatus | null): SQL {
  const where = [sql`c.organization_id = ${organizationId}::uuid`];
  if (buyerId !== null) where.push(sql`c.status = 'ACTIVE'`);
  if (status !== null) where.push(sql`c.status = ${status}::text`);
  return sql.join(where, sql` AND `);
}

const newestFirst = sql.raw('ORDER BY c.created_at DESC, c.id DESC');

/** Newest first, and how many there are. A buyer sees active ones. */
export async function listCampaigns(
  db: Queryable,
  viewer: CampaignViewer,
  { status, limit, offset }: CampaignFilter,
): Promise<{ campaigns: Campaign[]; total: number }> {
  const where = matching(viewer, status);
  const [counted] = await run<{ total: number }>(
    db,
    sql`SELECT count(*)::int AS total FROM campaigns c WHERE ${where}`,
  );
  const campaigns = await run<Campaign>(
    db,
    sql`SELECT ${columns} FROM (SELECT * FROM campaigns c WHERE ${where} ${newestFirst}
        LIMIT ${limit}::integer OFFSET ${offset}::bigint) c ${withCategory} ${newestFirst}`,
  );
  return { campaigns, total: counted!.total };
}

/** The next ones of that list after the campaign with this id, which is not moved by what is made between two reads. */
export async function campaignsAfter(
  db: Queryable,
  viewer: CampaignViewer,
  { status, limit, after }: { status: CampaignStatus | null; limit: number; after: string },
): Promise<Campaign[]> {
  return run(
    db,
    sql`SELECT ${columns} FROM (SELECT * FROM campaigns c WHERE ${matching(viewer, status)}
        AND (c.created_at, c.id) < (SELECT k.created_at, k.id FROM campaigns k WHERE k.id = ${after}::uuid) ${newestFirst}
        LIMIT ${limit}::integer) c ${withCategory} ${newestFirst}`,
  );
}

/** Returns null when there is none that the viewer may see: a buyer sees active ones, and those he subscribes to. */
export async function findCampaign(
  db: Queryable,
  { organizationId, buyerId }: CampaignViewer,
  id: string,
): Promise<Campaign | null> {
  const [row] = await run<Campaign>(
    db,
    sql`SELECT ${columns} FROM campaigns c ${withCategory} WHERE c.organization_id = ${organizationId}::uuid AND c.id = ${id}::uuid
      AND (${buyerId}::uuid IS NULL OR c.status = 'ACTIVE' OR EXISTS (SELECT 1 FROM subscriptions s
        WHERE s.campaign_id = c.id AND s.buyer_id = ${buyerId}::uuid AND s.ended_at IS NULL))`,
  );
  return row ?? null;
}

export type NewCampaign = CampaignFields & { id: string; categoryId: string };

/** Returns null when the organization has no such active category. Throws StoredQuotaError when it has `most` campaigns. */
export async function insertCampaign(
  db: Queryable & Pick<Database, 'withTx'>,
  organizationId: string,
  campaign: NewCampaign & { most: number },
  actor: Actor,
): Promise<Campaign | null> {
  const { id, categoryId, name, description, priceMinor, distributionLogic } = campaign;
  const { allowStateSelection, status, maxSales, leadTtlHours, most } = campaign;
  const [row] = await insertWithin(db, { name: 'campaigns', organizationId, most }, (tx) =>
    run<Campaign>(
      tx,
      sql`WITH g AS (
      SELECT * FROM categories WHERE organization_id = ${organizationId}::uuid AND id = ${categoryId}::uuid AND is_active FOR SHARE),
    c AS (
      INSERT INTO campaigns (id, organization_id, category_id, name, description, price_minor, distribution_logic,
        allow_state_selection, status, max_sales, lead_ttl_hours)
      SELECT ${id}::uuid, g.organization_id, g.id, ${name}::text, ${description}::text, ${priceMinor}::integer, ${distributionLogic}::text,
        ${allowStateSelection}::boolean, ${status}::text, ${maxSales}::integer, ${leadTtlHours}::integer FROM g RETURNING *),
    noted AS (${auditPart(
      { organizationId, actor, action: 'campaign.created' },
      { subject: sql`'campaign:' || c.id`, before: sql`NULL::jsonb`, after: sql`to_jsonb(c)`, rows: sql`c` },
    )})
    SELECT ${columns} FROM c JOIN g ON g.id = c.category_id`,
    ),
  );
  return row ?? null;
}

export type CampaignChange = Partial<CampaignFields>;
export type ChangedCampaign = Campaign | 'unknown' | 'category_inactive';

const columnOf: Record<keyof CampaignFields, string> = {
  name: 'name',
  description: 'description',
  priceMinor: 'price_minor',
  distributionLogic: 'distribution_logic',
  allowStateSelection: 'allow_state_selection',
  status: 'status',
  maxSales: 'max_sales',
  leadTtlHours: 'lead_ttl_hours',
};

/**
 * Changes the given fields. The row is locked and read in the same statement, so that two changes at once keep each
 * other's fields, and the audit row has what stood before each. One whose category is inactive does not become active.
 */
export async function changeCampaign(
  db: Queryable,
  organizationId: string,
  id: string,
  change: CampaignChange,
  { actor, action = 'campaign.updated' }: { actor: Actor; action?: string },
): Promise<ChangedCampaign> {
  const patch = JSON.stringify(
    Object.fromEntries(
      Object.entries(change).map(([key, value]) => [columnOf[key as keyof CampaignFields], value]),
    ),
  );
  const [row] = await run<{ held: boolean; campaign: Campaign | null } & Campaign>(
    db,
    sql`WITH held AS (
      SELECT c AS row, c.category_id FROM campaigns c WHERE c.organization_id = ${organizationId}::uuid AND c.id = ${id}::uuid FOR NO KEY UPDATE),
    g AS (SELECT k.* FROM held JOIN categories k ON k.id = held.category_id FOR SHARE OF k),
    wanted AS (
      SELECT n.*, held.row AS was FROM held, g, jsonb_populate_record(held.row, ${patch}::jsonb) n
      WHERE g.is_active OR n.status <> 'ACTIVE' OR (held.row).status = 'ACTIVE'),
    c AS (
      UPDATE campaigns c SET ${assignments} FROM wanted w WHERE c.id = w.id RETURNING c.*, c AS row, w.was),
    noted AS (${auditPart(
      { organizationId, actor, action },
      {
        subject: sql`'campaign:' || c.id`,
        before: sql`to_jsonb(c.was)`,
        after: sql`to_jsonb(c.row)`,
        rows: sql`c`,
      },
    )}),
    woken AS (${wakeCampaigns(sql`SELECT id AS campaign_id FROM c`)})
    SELECT EXISTS (SELECT 1 FROM held) AS held, ${columns} FROM (SELECT 1) one LEFT JOIN c ON true LEFT JOIN g ON g.id = c.category_id`,
  );
  if (!row!.held) return 'unknown';
  return row!.id === null ? 'category_inactive' : row!;
}

const assignments: SQL = sql.raw(
  [...Object.values(columnOf).map((column) => `${column} = w.${column}`), 'updated_at = now()'].join(', '),
);
