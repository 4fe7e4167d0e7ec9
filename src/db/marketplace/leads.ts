import { type SQL, sql } from 'drizzle-orm';
import type { DistributionStatus } from '../../domain/marketplace/distribution.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { type Assignment, assignmentFields, buyerFields, type PartyBuyer } from './buyers.ts';

/** `leads.public` of a lead of the marketplace: the values that are not locked, by the names of the category's fields. */
export type PublicValues = { data: Record<string, unknown> };
/** The plain text of `leads.contact`, which the vault seals: the locked values. */
export type LockedValues = Record<string, unknown>;

type Named = { id: string; name: string };
type LeadRow = {
  /** `lead_…` */
  id: string;
  leadId: string;
  public: PublicValues;
  /** Sealed; null when nothing is locked, and after erasure. */
  contact: string | null;
  state: string | null;
  quality: string | null;
  category: (Named & { description: string | null }) | null;
  campaign: (Named & { priceMinor: number }) | null;
};

export type SellerLead = LeadRow & {
  status: DistributionStatus;
  receivedAt: Date;
  expiresAt: Date;
  /** The first sale; null before. */
  distributedAt: Date | null;
  supplier: Named | null;
  assignments: (Assignment & { buyer: PartyBuyer })[];
};
export type BuyerLead = LeadRow & { assignment: Assignment };

/** A day of the seller's time zone, or a moment. */
export type Bound = { day: string } | { moment: string };
export type LeadFilter = {
  /** Id or name of a category. */
  category: string | null;
  from: Bound | null;
  /** A day is included as a whole. */
  to: Bound | null;
};
type Page = { limit: number; offset: number };

/** Rows of a list are counted up to this number. */
const mostCounted = 100_000;
/** A lead may be sold to every buyer of a broadcast. */
const assignmentsOfEach = 50;

const leadColumns =
  sql.raw(`l.public_id AS id, l.id AS "leadId", l.public, l.contact, l.region AS state, l.quality,
  CASE WHEN c.id IS NULL THEN NULL ELSE json_build_object('id', c.id, 'name', c.name, 'description', c.description) END AS category,
  CASE WHEN k.id IS NULL THEN NULL ELSE json_build_object('id', k.id, 'name', k.name, 'priceMinor', k.price_minor) END AS campaign`);

const refunded = sql.raw(`coalesce(u.reason = 'refunded', false)`);
const buyerStatus = {
  DELIVERED: sql`NOT ${refunded} AND u.viewed_at IS NULL`,
  VIEWED: sql`NOT ${refunded} AND u.viewed_at IS NOT NULL`,
  REJECTED: sql`false`,
  REFUNDED: refunded,
};
export type BuyerLeadStatus = keyof typeof buyerStatus;

function boundOf(organizationId: string, bound: Bound, days: 0 | 1): SQL {
  if ('moment' in bound) return sql`${bound.moment}::text::timestamptz`;
  return sql`(${bound.day}::text::date + ${days}::integer)::timestamp AT TIME ZONE
    (SELECT time_zone FROM sellers WHERE organization_id = ${organizationId}::uuid)`;
}

/** `at`: the time that the list is ordered by. */
function conditions(
  organizationId: string,
  { category, from, to }: LeadFilter,
  at: SQL,
  ofCategory: (named: SQL) => SQL = (named) => sql`l.category_id IN (${named})`,
): SQL[] {
  const where: SQL[] = [];
  if (category !== null)
    where.push(
      ofCategory(sql`SELECT id FROM categories WHERE organization_id = ${organizationId}::uuid
        AND (id::text = ${category}::text OR lower(name) = lower(${category}::text))`),
    );
  if (from !== null) where.push(sql`${at} >= ${boundOf(organizationId, from, 0)}`);
  if (to !== null)
    where.push(
      'day' in to
        ? sql`${at} < ${boundOf(organizationId, to, 1)}`
        : sql`${at} <= ${boundOf(organizationId, to, 0)}`,
    );
  return where;
}

async function pageAndTotal<R>(
  db: Queryable,
  page: SQL,
  counted: SQL,
): Promise<{ rows: R[]; total: number }> {
  const [rows, [count]] = await Promise.all([
    run<R>(db, page),
    run<{ total: number }>(
      db,
      sql`SELECT count(*)::int AS total FROM (SELECT 1 ${counted} LIMIT ${mostCounted}::integer) counted`,
    ),
  ]);
  return { rows, total: count!.total };
}

/** The leads that a seller has received for its campaigns, newest first. */
export async function listSellerLeads(
  db: Queryable,
  organizationId: string,
  filter: LeadFilter & { status: DistributionStatus | null },
  { limit, offset }: Page,
): Promise<{ rows: SellerLead[]; total: number }> {
  // Each of the two orders is an index, which also has what is filtered by.
  const { from, at } = filter.status === null ? ofAnyStatus : ofOneStatus;
  const where = [
    ...conditions(organizationId, filter, sql.raw(at), filter.status === null ? undefined : ofCampaigns),
    filter.status === null
      ? sql`l.organization_id = ${organizationId}::uuid AND l.channel = 'marketplace'`
      : sql`d.organization_id = ${organizationId}::uuid AND d.status = ${filter.status}::text`,
  ];
  const matching = sql`${sql.raw(from)} WHERE ${sql.join(where, sql` AND `)}`;
  const order = sql.raw(`${at} DESC, ${filter.status === null ? 'l.id' : 'd.lead_id'} DESC`);
  const page = sql`WITH chosen AS MATERIALIZED (
      SELECT ${sql.raw(filter.status === null ? 'l.id' : 'd.lead_id AS id')} ${matching} ORDER BY ${order}
      LIMIT ${limit}::integer OFFSET ${offset}::integer)
    ${sellerRows(sql`chosen`)} ORDER BY l.created_at DESC, l.id DESC`;
  return pageAndTotal(db, page, matching);
}

const ofAnyStatus = { from: 'FROM leads l', at: 'l.created_at' };
const ofOneStatus = { from: 'FROM distributions d', at: 'd.received_at' };

/** A campaign keeps its category, so that this needs nothing of the lead. */
const ofCampaigns = (named: SQL) =>
  sql`d.campaign_id IN (SELECT id FROM campaigns WHERE category_id IN (${named}))`;

/** `chosen`: rows with the `id` of leads. */
const sellerRows = (
  chosen: SQL,
) => sql`SELECT ${leadColumns}, d.status, l.created_at AS "receivedAt", d.expires_at AS "expiresAt",
      d.distributed_at AS "distributedAt",
      CASE WHEN p.id IS NULL THEN NULL ELSE json_build_object('id', p.id, 'name', p.name) END AS supplier, sales.assignments
    FROM ${chosen} JOIN leads l ON l.id = chosen.id JOIN distributions d ON d.lead_id = l.id LEFT JOIN categories c ON c.id = l.category_id
    LEFT JOIN campaigns k ON k.id = l.campaign_id LEFT JOIN suppliers p ON p.id = l.supplier_id
    CROSS JOIN LATERAL (SELECT coalesce(json_agg(s.sale ORDER BY s.paid_at, s.id), '[]') AS assignments FROM (
      SELECT u.paid_at, u.id, json_build_object(${assignmentFields}, 'buyer', json_build_object(${buyerFields})) AS sale
      FROM (SELECT * FROM lead_unlocks WHERE lead_id = l.id AND paid_at IS NOT NULL ORDER BY paid_at, id LIMIT ${assignmentsOfEach}::integer) u
      JOIN buyers b ON b.id = u.buyer_id LEFT JOIN users p ON p.id = b.user_id) s) sales`;

/** One lead of a seller, by the id that clients see. Returns null when the seller has no such lead. */
export async function findSellerLead(
  db: Queryable,
  organizationId: string,
  publicId: string,
): Promise<SellerLead | null> {
  const [row] = await run<SellerLead>(
    db,
    sql`WITH chosen AS (SELECT id FROM leads WHERE organization_id = ${organizationId}::uuid AND public_id = ${publicId}::text
        AND channel = 'marketplace')
      ${sellerRows(sql`chosen`)}`,
  );
  return row ?? null;
}

/** The leads that a buyer has bought through campaigns, the last bought first. Says nothing of other buyers of a lead. */
export async function listBuyerLeads(
  db: Queryable,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
  filter: LeadFilter & { status: BuyerLeadStatus | null },
  { limit, offset }: Page,
): Promise<{ rows: BuyerLead[]; total: number }> {
  const where = [
    // What was paid by card is shown once it was revealed: until then a refund undoes the sale.
    sql`u.buyer_id = ${buyerId}::uuid AND u.organization_id = ${organizationId}::uuid AND u.paid_at IS NOT NULL
      AND (u.paid_by = 'wallet' OR u.revealed_at IS NOT NULL OR u.viewed_at IS NOT NULL)`,
    ...conditions(organizationId, filter, sql`u.paid_at`),
  ];
  if (filter.status !== null) where.push(buyerStatus[filter.status]);
  const from = sql`FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id AND l.channel = 'marketplace' WHERE ${sql.join(where, sql` AND `)}`;
  const page = sql`WITH chosen AS MATERIALIZED (
      SELECT u.id ${from} ORDER BY u.paid_at DESC, u.id DESC LIMIT ${limit}::integer OFFSET ${offset}::integer)
    SELECT ${leadColumns}, json_build_object(${assignmentFields}) AS assignment
    FROM chosen JOIN lead_unlocks u ON u.id = chosen.id JOIN leads l ON l.id = u.lead_id
    LEFT JOIN categories c ON c.id = l.category_id LEFT JOIN campaigns k ON k.id = l.campaign_id
    ORDER BY u.paid_at DESC, u.id DESC`;
  return pageAndTotal(db, page, from);
}

/** Records in one row who was shown the locked values of these leads. */
export async function noteContactsRead(
  db: Queryable,
  organizationId: string,
  leadIds: readonly string[],
  actor: Actor,
): Promise<void> {
  await run(
    db,
    sql`WITH noted AS (${auditPart(
      { organizationId, actor, action: 'leads.contacts_read' },
      {
        subject: sql`'leads'`,
        before: sql`NULL::jsonb`,
        after: sql`jsonb_build_object('lead_ids', ${JSON.stringify(leadIds)}::jsonb)`,
        rows: sql`(SELECT 1) once`,
      },
    )}) SELECT 1`,
  );
}
