import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';
import { paidList } from '../unlock/states.ts';

/** Public fields other than city and service type; already masked. */
export type PublicFields = {
  preferredTimeWindow: string | null;
  budgetRange: string | null;
  notes: string | null;
};

/** The plain text of `leads.contact`, which the vault seals. */
export type SealedContact = {
  name: string | null;
  phone: string | null;
  email: string | null;
  address: string | null;
  notes: string | null;
};

/** Whose leads: those of the organization, or of one of its suppliers only. */
export type LeadOwner = { organizationId: string; supplierId: string | null };

export type NewLead = LeadOwner & {
  id: string;
  publicId: string;
  city: string | null;
  serviceType: string | null;
  public: PublicFields;
  contact: string;
  phoneHash: string | null;
  emailHash: string | null;
  phoneValid: boolean;
  priceMinor: number;
  currency: string;
  ttlMs: number;
  maxSales: number | null;
};

/** Unique per organization: violated by a generated id that exists, or by a sender that reuses its own id. */
export const leadIdConstraint = 'leads_public_id';

/** Leads that are offered to the buyers named in their requests. */
export function insertLeads(leads: readonly NewLead[]): Part {
  const rows = leads.map((lead) => ({
    id: lead.id,
    organization_id: lead.organizationId,
    supplier_id: lead.supplierId,
    public_id: lead.publicId,
    city: lead.city,
    service_type: lead.serviceType,
    public: lead.public,
    contact: lead.contact,
    phone_hash: lead.phoneHash,
    email_hash: lead.emailHash,
    phone_valid: lead.phoneValid,
    price_minor: lead.priceMinor,
    currency: lead.currency,
    ttl_ms: lead.ttlMs,
    max_sales: lead.maxSales,
  }));
  return {
    name: 'leads_stored',
    // In one order, so that two statements with the same ids do not deadlock.
    statement: (
      when,
    ) => sql`INSERT INTO leads (id, organization_id, supplier_id, public_id, city, service_type, public, contact, phone_hash, email_hash,
        phone_valid, channel, price_minor, currency, ttl_ms, max_sales)
      SELECT l.id, l.organization_id, l.supplier_id, l.public_id, l.city, l.service_type, l.public, l.contact, l.phone_hash, l.email_hash,
        l.phone_valid, 'pay_per_unlock', l.price_minor, l.currency, l.ttl_ms, l.max_sales
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS l(id uuid, organization_id uuid, supplier_id uuid, public_id text, city text,
        service_type text, public jsonb, contact text, phone_hash text, email_hash text, phone_valid boolean, price_minor integer,
        currency text, ttl_ms bigint, max_sales integer)
      WHERE ${when} ORDER BY l.organization_id, l.public_id`,
  };
}

export type NewOffer = { unlockId: string; buyerId: string; phone: string; phoneId: string | null };

/** A lead with what it is newly offered for, and to whom. */
export type NewOffers = {
  lead: { id: string; organizationId: string };
  terms: { priceMinor: number; currency: string; ttlMs: number };
  offers: readonly NewOffer[];
};

/** Inserts unlocks in NEW_LEAD. Their TTL starts with this statement, by the database's clock. */
export function insertOffers(offered: readonly NewOffers[], ourNumber: string): Part[] {
  const rows = offered.flatMap(({ lead, terms, offers }) =>
    offers.map((offer) => ({
      id: offer.unlockId,
      lead_id: lead.id,
      organization_id: lead.organizationId,
      buyer_id: offer.buyerId,
      phone: offer.phone,
      price_minor: terms.priceMinor,
      currency: terms.currency,
      ttl_ms: terms.ttlMs,
    })),
  );
  if (rows.length === 0) return [];
  // Sorted, so that two leads for the same new phones do not deadlock.
  const all = offered.flatMap(({ offers }) => offers);
  const unseen = [...new Set(all.filter((o) => o.phoneId === null).map((o) => o.phone))].sort();
  const unlocks: Part = {
    name: 'offers',
    statement: (
      when,
    ) => sql`INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, price_minor, currency,
        ttl_expires_at)
      SELECT o.id, o.lead_id, o.organization_id, o.buyer_id, ${ourNumber}::text, o.phone, 'NEW_LEAD', o.price_minor, o.currency,
        now() + make_interval(secs => o.ttl_ms / 1000)
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS o(id uuid, lead_id uuid, organization_id uuid, buyer_id uuid, phone text,
        price_minor integer, currency text, ttl_ms float8) WHERE ${when}`,
  };
  const conversations: Part = {
    name: 'conversations',
    statement: (when) => sql`INSERT INTO phones (id, our_number, number)
      SELECT gen_random_uuid(), ${ourNumber}::text, number FROM jsonb_array_elements_text(${JSON.stringify(unseen)}::jsonb) AS number
      WHERE ${when} ON CONFLICT (our_number, number) DO NOTHING`,
  };
  return unseen.length > 0 ? [conversations, unlocks] : [unlocks];
}

/** A lead that is sold by unlock. */
export type StoredLead = {
  id: string;
  organizationId: string;
  publicId: string;
  city: string | null;
  serviceType: string | null;
  public: PublicFields;
  contact: string | null;
  phoneValid: boolean;
  priceMinor: number;
  currency: string;
  ttlMs: number;
  maxSales: number | null;
  sold: number;
  createdAt: Date;
  /** The first ones, in the order of their ids. */
  unlocks: StoredUnlock[];
  /** How many there are. */
  unlockCount: number;
};

export type StoredUnlock = {
  id: string;
  providerId: string;
  status: string;
  priceMinor: number;
  currency: string;
  ttlExpiresAt: string;
  paidAt: string | null;
};

/** A lead may have been offered to thousands, so answers carry some unlocks of a lead, and fewer of each lead in a list. */
export const unlocksOfOne = 200;
export const unlocksOfEach = 50;

const unlockFields = sql`json_build_object('id', u.id, 'providerId', b.external_id, 'status', u.status, 'priceMinor', u.price_minor,
      'currency', u.currency, 'ttlExpiresAt', u.ttl_expires_at, 'paidAt', u.paid_at)`;

/** OFFSET 0 selects the lead's unlocks first: the order by id would otherwise make the planner read the whole table by id. */
const leadColumns = (
  mostUnlocks: number,
) => sql`l.id, l.organization_id AS "organizationId", l.public_id AS "publicId", l.city,
  l.service_type AS "serviceType", l.public, l.contact, l.phone_valid AS "phoneValid", l.price_minor AS "priceMinor", l.currency,
  l.ttl_ms::float8 AS "ttlMs", l.max_sales AS "maxSales", l.created_at AS "createdAt",
  (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id AND s.status IN (${paidList})) AS sold,
  (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id) AS "unlockCount",
  (SELECT coalesce(json_agg(${unlockFields} ORDER BY u.id), '[]')
    FROM (SELECT * FROM (SELECT * FROM lead_unlocks WHERE lead_id = l.id OFFSET 0) o ORDER BY id LIMIT ${mostUnlocks}::integer) u
    JOIN buyers b ON b.id = u.buyer_id) AS unlocks`;

/** `l` is the owner's: a supplier sees the leads that its own keys sent. */
const ownedBy = ({ organizationId, supplierId }: LeadOwner): SQL =>
  supplierId === null
    ? sql`l.organization_id = ${organizationId}::uuid`
    : sql`l.organization_id = ${organizationId}::uuid AND l.supplier_id = ${supplierId}::uuid`;

/** Returns null when the owner has no lead with this id that is sold by unlock. */
export async function findLead(
  db: Queryable,
  owner: LeadOwner,
  publicId: string,
): Promise<StoredLead | null> {
  const [row] = await run<StoredLead>(
    db,
    sql`SELECT ${leadColumns(unlocksOfOne)} FROM leads l
      WHERE ${ownedBy(owner)} AND l.public_id = ${publicId} AND l.channel = 'pay_per_unlock'`,
  );
  return row ?? null;
}

/** The unlocks of a lead in the order of their ids, after the one with the id `after`. */
export async function listUnlocksOfLead(
  db: Queryable,
  leadId: string,
  page: { limit: number; after: string | null },
): Promise<StoredUnlock[]> {
  const rows = await run<{ unlock: StoredUnlock }>(
    db,
    sql`SELECT ${unlockFields} AS unlock
      FROM (SELECT * FROM lead_unlocks WHERE lead_id = ${leadId}::uuid AND (${page.after}::uuid IS NULL OR id > ${page.after}::uuid) OFFSET 0) u
      JOIN buyers b ON b.id = u.buyer_id ORDER BY u.id LIMIT ${page.limit}::integer`,
  );
  return rows.map(({ unlock }) => unlock);
}

/** Which of these leads are stored, for a statement with an unknown outcome. */
export async function storedLeads(db: Queryable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await run<{ id: string }>(
    db,
    sql`SELECT id FROM leads WHERE id = ANY(${sql.param([...ids])}::uuid[])`,
  );
  return new Set(rows.map(({ id }) => id));
}

export async function unlockExists(db: Queryable, id: string): Promise<boolean> {
  return (await run(db, sql`SELECT 1 FROM lead_unlocks WHERE id = ${id}::uuid`)).length > 0;
}

export type LeadFilter = {
  status?: string;
  city?: string;
  campaign?: string;
  createdFrom?: string;
  createdTo?: string;
};

/** Leads that are sold by unlock, newest first. `after` is the cursor of the last row of the previous page. */
export async function listLeads(
  db: Queryable,
  owner: LeadOwner,
  filter: LeadFilter,
  page: { limit: number; after: { micros: string; id: string } | null },
): Promise<(StoredLead & { micros: string })[]> {
  const where = [sql`${ownedBy(owner)} AND l.channel = 'pay_per_unlock'`];
  if (filter.city) where.push(sql`lower(l.city) = lower(${filter.city}::text)`);
  if (filter.campaign) where.push(sql`l.campaign_id = ${filter.campaign}::uuid`);
  if (filter.createdFrom) where.push(sql`l.created_at >= ${filter.createdFrom}::text::timestamptz`);
  if (filter.createdTo) where.push(sql`l.created_at < ${filter.createdTo}::text::timestamptz`);
  if (filter.status) {
    where.push(
      sql`EXISTS (SELECT 1 FROM lead_unlocks f WHERE f.lead_id = l.id AND f.status = ${filter.status}::text)`,
    );
  }
  if (page.after) {
    where.push(
      sql`(l.created_at, l.id) < ('epoch'::timestamptz + ${page.after.micros}::text::bigint * interval '1 microsecond', ${page.after.id}::uuid)`,
    );
  }
  return run(
    db,
    sql`SELECT ${leadColumns(unlocksOfEach)}, (extract(epoch FROM l.created_at) * 1000000)::bigint::text AS micros FROM leads l
      WHERE ${sql.join(where, sql` AND `)} ORDER BY l.created_at DESC, l.id DESC LIMIT ${page.limit}::integer`,
  );
}

/** Returns any value sealed by the server, to check that the keys match. */
export async function anySealed(db: Queryable): Promise<string | null> {
  const [row] = await run<{ contact: string }>(
    db,
    sql`SELECT contact FROM leads WHERE contact IS NOT NULL LIMIT 1`,
  );
  return row?.contact ?? null;
}
