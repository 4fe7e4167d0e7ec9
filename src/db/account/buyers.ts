import { sql } from 'drizzle-orm';
import { StoredQuotaError } from '../../domain/account/quotas.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import { run } from '../commit.ts';
import { optedOutFor } from '../messaging/phones.ts';
import { answerPart, type IdempotencyKey } from '../transport/idempotency.ts';
import { insertCounted } from './stored.ts';

export type Buyer = {
  id: string;
  externalId: string;
  name: string | null;
  phone: string;
  email: string | null;
  language: string | null;
  active: boolean;
  createdAt: Date;
};

export type BuyerFields = Pick<Buyer, 'externalId' | 'name' | 'phone' | 'email' | 'language'>;

/** Unique per organization. */
export const buyerConstraint = 'buyers_external_id';

const columns =
  sql.raw(`b.id, b.external_id AS "externalId", b.name, b.phone, b.email, b.language, b.active = 'active' AS active,
  b.created_at AS "createdAt"`);

/** A buyer without a phone takes no offers by text, so that the pay-per-unlock API does not know it. */
const isProvider = sql.raw('b.phone IS NOT NULL');

/** A named buyer, with anything that prevents an offer of this lead. */
export type Candidate = {
  buyerId: string;
  externalId: string;
  phone: string;
  phoneId: string | null;
  active: boolean;
  optedOut: boolean;
  badNumber: boolean;
  offered: boolean;
};

/** Resolves provider ids within one organization. `leadId` is null for a lead that is not stored yet. */
export async function findCandidates(
  db: Queryable,
  organizationId: string,
  externalIds: readonly string[],
  ourNumber: string,
  leadId: string | null,
): Promise<Candidate[]> {
  return run(
    db,
    sql`SELECT b.id AS "buyerId", b.external_id AS "externalId", b.phone, p.id AS "phoneId", b.active = 'active' AS active,
      coalesce(${sql.raw(optedOutFor('p', 'b.organization_id'))}, false) AS "optedOut", p.bad_number_at IS NOT NULL AS "badNumber",
      EXISTS (SELECT 1 FROM lead_unlocks u WHERE u.lead_id = ${leadId}::uuid AND u.buyer_id = b.id) AS offered
    FROM buyers b LEFT JOIN phones p ON p.our_number = ${ourNumber} AND p.number = b.phone
    WHERE b.organization_id = ${organizationId}::uuid AND b.external_id = ANY(${sql.param(externalIds)}::text[]) AND ${isProvider}`,
  );
}

export type NewBuyer = BuyerFields & {
  id: string;
  organizationId: string;
  idempotencyKey: IdempotencyKey | null;
  /** How many the organization may have. */
  most: number;
};

/**
 * Creates a buyer together with the request's Idempotency-Key, which stores only the buyer's id. Throws the violation of
 * a used Idempotency-Key or external id, and StoredQuotaError.
 */
export async function createBuyer(db: Pick<Database, 'withTx'>, buyer: NewBuyer): Promise<void> {
  const { organizationId, externalId, idempotencyKey: key, most } = buyer;
  const remembered = key
    ? sql`, first_answer AS (${answerPart(key, 201, { external_id: externalId }).statement(sql`EXISTS (SELECT 1 FROM buyer)`)})`
    : sql``;
  const made = await insertCounted(db, { name: 'providers', organizationId }, (tx) =>
    run(
      tx,
      sql`WITH buyer AS (INSERT INTO buyers (id, organization_id, external_id, name, phone, email, language)
        SELECT ${buyer.id}::uuid, ${organizationId}::uuid, ${externalId}::text, ${buyer.name}::text, ${buyer.phone}::text,
          ${buyer.email}::text, ${buyer.language}::text WHERE ${countOf(organizationId)} < ${most}::bigint RETURNING id)${remembered}
      SELECT id FROM buyer`,
    ),
  );
  if (made.length === 0) throw new StoredQuotaError('providers', most);
}

const countOf = (organizationId: string) =>
  sql`(SELECT count(*) FROM buyers b WHERE b.organization_id = ${organizationId}::uuid AND b.user_id IS NULL)`;

/**
 * For a transaction that stores many, after its inserts; it begins with `lockCount`. Throws StoredQuotaError, which rolls
 * them back.
 */
export async function assertProviders(tx: Tx, organizationId: string, most: number): Promise<void> {
  const [row] = await run<{ full: boolean }>(
    tx,
    sql`SELECT ${countOf(organizationId)} > ${most}::bigint AS full`,
  );
  if (row?.full) throw new StoredQuotaError('providers', most);
}

export async function findBuyer(
  db: Queryable,
  organizationId: string,
  externalId: string,
): Promise<Buyer | null> {
  const [row] = await run<Buyer>(
    db,
    sql`SELECT ${columns} FROM buyers b WHERE b.organization_id = ${organizationId}::uuid AND b.external_id = ${externalId} AND ${isProvider}`,
  );
  return row ?? null;
}

/** Ordered by id. */
export async function listBuyers(
  db: Queryable,
  organizationId: string,
  page: { limit: number; after: string | null; active: boolean | null },
): Promise<Buyer[]> {
  const where = [sql`b.organization_id = ${organizationId}::uuid`, isProvider];
  if (page.after !== null) where.push(sql`b.external_id > ${page.after}::text`);
  if (page.active !== null) where.push(sql`b.active = ${page.active ? 'active' : 'inactive'}::text`);
  return run(
    db,
    sql`SELECT ${columns} FROM buyers b WHERE ${sql.join(where, sql` AND `)} ORDER BY b.external_id LIMIT ${page.limit}::integer`,
  );
}

/** Ids of the installation's first active buyers, for the example on an empty console. */
export async function firstBuyerIds(db: Queryable, limit: number): Promise<string[]> {
  const rows = await run<{ id: string }>(
    db,
    sql`SELECT external_id AS id FROM buyers b WHERE b.active = 'active' AND ${isProvider} ORDER BY b.created_at LIMIT ${limit}::integer`,
  );
  return rows.map(({ id }) => id);
}

export type BuyerChange = Partial<Omit<BuyerFields, 'externalId'>> & { active?: boolean };

/** Sets the given fields (null clears one). Returns null when there is no such buyer. */
export async function changeBuyer(
  db: Queryable,
  organizationId: string,
  externalId: string,
  change: BuyerChange,
): Promise<Buyer | null> {
  const given = (key: keyof BuyerChange) => change[key] !== undefined;
  const [row] = await run<Buyer>(
    db,
    sql`UPDATE buyers b SET
      name = CASE WHEN ${given('name')}::boolean THEN ${change.name ?? null}::text ELSE b.name END,
      phone = coalesce(${change.phone ?? null}::text, b.phone),
      phone_confirmed = b.phone_confirmed OR ${change.phone ?? null}::text IS NOT NULL,
      email = CASE WHEN ${given('email')}::boolean THEN ${change.email ?? null}::text ELSE b.email END,
      language = CASE WHEN ${given('language')}::boolean THEN ${change.language ?? null}::text ELSE b.language END,
      active = CASE ${change.active ?? null}::boolean WHEN true THEN 'active' WHEN false THEN 'inactive' ELSE b.active END,
      updated_at = now()
    WHERE b.organization_id = ${organizationId}::uuid AND b.external_id = ${externalId} AND ${isProvider} RETURNING ${columns}`,
  );
  return row ?? null;
}

/** Creates or updates buyers by id; ids must be unique within one call. Returns the number of new buyers. */
export async function upsertBuyers(
  db: Queryable,
  organizationId: string,
  buyers: readonly BuyerFields[],
): Promise<{ created: number; updated: number }> {
  const sorted = [...buyers].sort((a, b) => (a.externalId < b.externalId ? -1 : 1));
  const [row] = await run<{ created: number; updated: number }>(
    db,
    sql`WITH stored AS (
      INSERT INTO buyers AS b (id, organization_id, external_id, name, phone, email, language)
      SELECT gen_random_uuid(), ${organizationId}::uuid, r."externalId", r.name, r.phone, r.email, r.language
      FROM jsonb_to_recordset(${JSON.stringify(sorted)}::jsonb) AS r("externalId" text, name text, phone text, email text, language text)
      ON CONFLICT (organization_id, external_id) DO UPDATE SET name = coalesce(excluded.name, b.name), phone = excluded.phone, phone_confirmed = true,
        email = coalesce(excluded.email, b.email), language = coalesce(excluded.language, b.language), updated_at = now()
      RETURNING (xmax = 0) AS created)
    SELECT count(*) FILTER (WHERE created)::int AS created, count(*) FILTER (WHERE NOT created)::int AS updated FROM stored`,
  );
  return row!;
}
