import { type SQL, sql } from 'drizzle-orm';
import type { UnlockMoney } from '../../domain/payment/sale-money.ts';
import type { PaidBy, UnlockState } from '../../domain/unlock/machine.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { optedOutFor } from '../messaging/phones.ts';
import { ofOrganization } from '../organization.ts';
import { moneyOfUnlocks } from '../payment/figures.ts';
import { paidList } from './states.ts';

/**
 * Unlocks as the console lists them. Ids are UUIDv7, so the primary key, or the organization's index, returns the newest
 * first without a sort. `organizationId` is null for platform operators, who see all organizations.
 */

export type UnlockRow = {
  id: string;
  leadId: string;
  service: string | null;
  city: string | null;
  buyer: string;
  buyerName: string | null;
  /** Null for a buyer who is not texted. */
  phone: string | null;
  status: UnlockState;
  reason: string | null;
  paidLate: boolean;
  priceMinor: number;
  currency: string;
  /** Null when nothing was paid at Stripe. */
  money: UnlockMoney | null;
  createdAt: Date;
  updatedAt: Date;
};

export type UnlockFilter = {
  organizationId: string | null;
  states: readonly UnlockState[];
  /** An exact lead id, provider id or phone. */
  search: string | null;
  /** Older than this unlock id. */
  before: string | null;
  limit: number;
};

const columns =
  sql.raw(`u.id, l.public_id AS "leadId", l.service_type AS service, l.city, b.external_id AS buyer, b.name AS "buyerName",
  u.phone, u.status, u.reason, u.paid_late AS "paidLate", u.price_minor AS "priceMinor", u.currency, u.created_at AS "createdAt",
  u.updated_at AS "updatedAt"`);
const joins = sql`JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id`;

/** Reads the money of these rows by the index on a payment's unlock. */
async function withMoney<Row extends { id: string }>(
  db: Queryable,
  rows: readonly Row[],
): Promise<(Row & Pick<UnlockRow, 'money'>)[]> {
  if (rows.length === 0) return [];
  const sums = await moneyOfUnlocks(
    db,
    rows.map(({ id }) => id),
  );
  const byUnlock = new Map(sums.map((money) => [money.unlockId, money]));
  return rows.map((row) => ({ ...row, money: byUnlock.get(row.id) ?? null }));
}

/** Newest first. Returns up to `limit` + 1 rows; the extra row means that there are older ones. */
export async function listUnlocks(db: Queryable, filter: UnlockFilter): Promise<UnlockRow[]> {
  const conditions: SQL[] = [ofOrganization('u.organization_id', filter.organizationId)];
  if (filter.before) conditions.push(sql`u.id < ${filter.before}::uuid`);
  if (filter.states.length > 0)
    conditions.push(sql`u.status = ANY(${sql.param([...filter.states])}::text[])`);
  if (filter.search) conditions.push(matches(filter.search));
  const rows = await run<Omit<UnlockRow, 'money'>>(
    db,
    sql`SELECT ${columns} FROM lead_unlocks u ${joins} WHERE ${sql.join(conditions, sql` AND `)}
      ORDER BY u.id DESC LIMIT ${filter.limit + 1}`,
  );
  return withMoney(db, rows);
}

/** Every condition uses an index: organizations are few, and lead and buyer ids are unique within each. */
function matches(search: string): SQL {
  const digits = search.replace(/[^0-9]/g, '');
  const phones = /^[+0-9 ().-]{7,25}$/.test(search) ? [`+${digits}`, `+1${digits}`] : [];
  const everywhere = sql`organization_id = ANY(ARRAY(SELECT id FROM organizations))`;
  return sql`u.id IN (
    SELECT x.id FROM lead_unlocks x WHERE x.lead_id IN (
      SELECT id FROM leads WHERE ${everywhere} AND public_id = ANY(${sql.param([search, `lead_${search}`])}::text[]))
    UNION SELECT x.id FROM lead_unlocks x WHERE x.buyer_id IN (
      SELECT id FROM buyers WHERE ${everywhere} AND external_id = ${search}
      UNION SELECT id FROM buyers WHERE phone = ANY(${sql.param(phones)}::text[]))
    UNION SELECT x.id FROM lead_unlocks x WHERE (x.our_number, x.phone) IN (
      SELECT our_number, number FROM phones WHERE number = ANY(${sql.param(phones)}::text[])))`;
}

export type DayFigures = {
  offered: number;
  open: number;
  awaitingPayment: number;
  sold: number;
  closed: number;
};

/** Outcomes of the offers made since `first`, the smallest id of that time. */
export async function dayFigures(
  db: Queryable,
  organizationId: string | null,
  first: string,
): Promise<DayFigures> {
  const [row] = await run<DayFigures>(
    db,
    sql`SELECT count(*)::int AS offered, count(*) FILTER (WHERE paid_at IS NULL AND closed_at IS NULL)::int AS open,
      count(*) FILTER (WHERE status IN ('PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'))::int AS "awaitingPayment",
      count(*) FILTER (WHERE status IN (${paidList}))::int AS sold,
      count(*) FILTER (WHERE status IN ('EXPIRED', 'OPTED_OUT'))::int AS closed
    FROM lead_unlocks WHERE id >= ${first}::uuid AND ${ofOrganization('organization_id', organizationId)}`,
  );
  return row!;
}

export type UnlockDetail = UnlockRow & {
  leadUuid: string;
  organizationId: string;
  organization: string;
  ttlExpiresAt: Date;
  slot: number | null;
  maxSales: number | null;
  offeredAt: Date | null;
  paidAt: Date | null;
  paidBy: PaidBy | null;
  revealedAt: Date | null;
  viewedAt: Date | null;
  optedOut: boolean;
  /** When a refund or dispute flagged the buyer for review. */
  flaggedAt: Date | null;
};

/** Returns null when there is none, or when it belongs to another organization. */
export async function findUnlockDetail(
  db: Queryable,
  organizationId: string | null,
  id: string,
): Promise<UnlockDetail | null> {
  const rows = await run<Omit<UnlockDetail, 'money'>>(
    db,
    sql`SELECT ${columns}, l.id AS "leadUuid", o.id AS "organizationId", o.name AS organization, u.ttl_expires_at AS "ttlExpiresAt", s.slot, l.max_sales AS "maxSales",
      u.offered_at AS "offeredAt", u.paid_at AS "paidAt", u.paid_by AS "paidBy", u.revealed_at AS "revealedAt", u.viewed_at AS "viewedAt",
      coalesce(${sql.raw(optedOutFor('p', 'u.organization_id'))}, false) AS "optedOut", b.flagged_at AS "flaggedAt"
    FROM lead_unlocks u ${joins} JOIN organizations o ON o.id = u.organization_id LEFT JOIN sold_slots s ON s.unlock_id = u.id
      LEFT JOIN phones p ON p.our_number = u.our_number AND p.number = u.phone
    WHERE u.id = ${id}::uuid AND ${ofOrganization('u.organization_id', organizationId)}`,
  );
  const [row] = await withMoney(db, rows);
  return row ?? null;
}

/** Offers of the same lead to other buyers. */
export async function listSiblings(db: Queryable, leadUuid: string, limit: number): Promise<UnlockRow[]> {
  const rows = await run<Omit<UnlockRow, 'money'>>(
    db,
    sql`SELECT ${columns} FROM lead_unlocks u ${joins} WHERE u.lead_id = ${leadUuid}::uuid ORDER BY u.id LIMIT ${limit}`,
  );
  return withMoney(db, rows);
}
