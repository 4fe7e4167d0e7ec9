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

/**
 * The buyers that the pay-per-unlock API lists and offers leads to: those with a phone that the organization has set or
 * confirmed. One that a buyer of the marketplace typed may belong to another person.
 */
const isOffered = sql.raw('b.phone IS NOT NULL AND b.phone_confirmed');
/**
 * Those that it changes: providers that it made, as long as no person signs in for them. Buyers of the marketplace, whose
 * external id is their own id, are changed there, where each change is recorded and wakes their campaigns.
 */
const isProvider = sql.raw('b.user_id IS NULL AND b.external_id <> b.id::text');

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
    WHERE b.organization_id = ${organizationId}::uuid AND b.external_id = ANY(${sql.param(externalIds)}::text[]) AND ${isOffered}`,
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
    sql`SELECT ${columns} FROM buyers b WHERE b.organization_id = ${organizationId}::uuid AND b.external_id = ${externalId} AND ${isOffered}`,
  );
  return row ?? null;
}

/** Ordered by id. */
export async function listBuyers(
  db: Queryable,
  organizationId: string,
  page: { limit: number; after: string | null; active: boolean | null },
): Promise<Buyer[]> {
  const where = [sql`b.organization_id = ${organizationId}::uuid`, isOffered];
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
    sql`SELECT external_id AS id FROM buyers b WHERE b.active = 'active' AND ${isOffered} ORDER BY b.created_at LIMIT ${limit}::integer`,
  );
  return rows.map(({ id }) => id);
}

export type BuyerChange = Partial<Omit<BuyerFields, 'externalId'>> & { active?: boolean };

/** Sets the given fields (null clears one). Returns null when there is no such provider. */
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
    WHERE b.organization_id = ${organizationId}::uuid AND b.external_id = ${externalId} AND b.phone IS NOT NULL AND ${isProvider} RETURNING ${columns}`,
  );
  return row ?? null;
}

/** `taken`: the ids that belong to buyers of the marketplace, which are not changed. */
export type Upserted = { created: number; updated: number; taken: string[] };

/** Creates or updates providers by id; ids must be unique within one call. */
export async function upsertBuyers(
  db: Queryable,
  organizationId: string,
  buyers: readonly BuyerFields[],
): Promise<Upserted> {
  const sorted = [...buyers].sort((a, b) => (a.externalId < b.externalId ? -1 : 1));
  const [row] = await run<Upserted>(
    db,
    sql`WITH given AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(sorted)}::jsonb) AS r("externalId" text, name text, phone text, email text, language text)),
    stored AS (
      INSERT INTO buyers AS b (id, organization_id, external_id, name, phone, email, language)
      SELECT gen_random_uuid(), ${organizationId}::uuid, r."externalId", r.name, r.phone, r.email, r.language
      FROM given r
      ON CONFLICT (organization_id, external_id) DO UPDATE SET name = coalesce(excluded.name, b.name), phone = excluded.phone, phone_confirmed = true,
        email = coalesce(excluded.email, b.email), language = coalesce(excluded.language, b.language), updated_at = now()
      WHERE ${isProvider} RETURNING b.external_id, (xmax = 0) AS created)
    SELECT count(*) FILTER (WHERE created)::int AS created, count(*) FILTER (WHERE NOT created)::int AS updated,
      ARRAY(SELECT "externalId" FROM given EXCEPT SELECT external_id FROM stored) AS taken FROM stored`,
  );
  return row!;
}
