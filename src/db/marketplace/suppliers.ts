import { type SQL, sql } from 'drizzle-orm';
import type { PartyStatus } from '../../domain/marketplace/party.ts';
import { marketplaceKeyPart } from '../account/api-keys.ts';
import { insertCounted } from '../account/stored.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';

export type Supplier = {
  id: string;
  name: string;
  email: string;
  status: PartyStatus;
  testMode: boolean;
  /** Ids of the categories that it may send, in the order of their names. */
  categories: string[];
  /** The first characters of its key; null when none is active. */
  keyPrefix: string | null;
  leadsDelivered: number;
  lastDeliveryAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

/** Leads of a supplier are counted up to this number. */
export const mostLeadsCounted = 10_000;

const columns = sql`s.id, s.name, s.email, s.status, s.test_mode AS "testMode", s.created_at AS "createdAt", s.updated_at AS "updatedAt",
  ARRAY(SELECT c.id FROM supplier_categories sc JOIN categories c ON c.id = sc.category_id WHERE sc.supplier_id = s.id ORDER BY lower(c.name)) AS categories,
  (SELECT k.prefix FROM api_keys k WHERE k.organization_id = s.organization_id AND k.supplier_id = s.id AND k.revoked_at IS NULL
    ORDER BY k.created_at DESC LIMIT 1) AS "keyPrefix",
  (SELECT count(*)::int FROM (SELECT 1 FROM leads l WHERE l.organization_id = s.organization_id AND l.supplier_id = s.id
    LIMIT ${mostLeadsCounted}::integer) counted) AS "leadsDelivered",
  (SELECT max(l.created_at) FROM leads l WHERE l.organization_id = s.organization_id AND l.supplier_id = s.id) AS "lastDeliveryAt"`;

/** Newest first. Their number is limited. */
export async function listSuppliers(
  db: Queryable,
  organizationId: string,
  status: PartyStatus | null,
): Promise<Supplier[]> {
  return run(
    db,
    sql`SELECT ${columns} FROM suppliers s WHERE s.organization_id = ${organizationId}::uuid
      AND (${status}::text IS NULL OR s.status = ${status}::text) ORDER BY s.created_at DESC, s.id DESC`,
  );
}

/** Returns null when the organization has no such supplier. */
export async function findSupplier(
  db: Queryable,
  organizationId: string,
  id: string,
): Promise<Supplier | null> {
  const [row] = await run<Supplier>(
    db,
    sql`SELECT ${columns} FROM suppliers s WHERE s.organization_id = ${organizationId}::uuid AND s.id = ${id}::uuid`,
  );
  return row ?? null;
}

/** The categories that a supplier may be given, by name; the first ones. */
export async function categoryNames(
  db: Queryable,
  organizationId: string,
): Promise<{ id: string; name: string }[]> {
  return run(
    db,
    sql`SELECT id, name FROM categories WHERE organization_id = ${organizationId}::uuid AND is_active ORDER BY lower(name) LIMIT 200`,
  );
}

/** Unique within an organization, in any case. */
export const supplierEmailConstraint = 'suppliers_email';

export type SupplierFields = {
  name: string;
  email: string;
  status: PartyStatus;
  testMode: boolean;
  categories: readonly string[];
};

/** Its categories, when all of them are the organization's; no rows otherwise. */
const namedPart = (
  organizationId: string,
  ids: readonly string[],
) => sql`SELECT id FROM categories WHERE organization_id = ${organizationId}::uuid
  AND id = ANY(${sql.param([...ids])}::uuid[])`;

/** What of a supplier goes into the audit log. */
const shown = (row: SQL, categories: SQL) =>
  sql`jsonb_set(to_jsonb(${row}), '{categories}', to_jsonb(${categories}))`;

/** Of one supplier as it was when the statement began. */
const categoriesOf = (id: SQL) =>
  sql`ARRAY(SELECT category_id FROM supplier_categories WHERE supplier_id = ${id} ORDER BY category_id)`;

export type MadeSupplier = 'made' | 'unknown_categories' | 'too_many';

/**
 * Stores a supplier with its categories and its key in one statement, with its audit row. Throws the violation of
 * `supplierEmailConstraint`.
 */
export async function insertSupplier(
  db: Pick<Database, 'withTx'>,
  organizationId: string,
  supplier: Pick<SupplierFields, 'name' | 'email' | 'categories'> & { id: string; key: string; most: number },
  actor: Actor,
): Promise<MadeSupplier> {
  const { id, name, email, categories, key, most } = supplier;
  const ids = [...new Set(categories)];
  const [row] = await insertCounted(db, { name: 'suppliers', organizationId }, (tx) =>
    run<{ made: boolean; known: boolean }>(
      tx,
      sql`WITH named AS (${namedPart(organizationId, ids)}),
      made AS (
        INSERT INTO suppliers (id, organization_id, name, email)
        SELECT ${id}::uuid, ${organizationId}::uuid, ${name}::text, ${email}::text
        WHERE (SELECT count(*) FROM named) = ${ids.length}::bigint
          AND (SELECT count(*) FROM suppliers WHERE organization_id = ${organizationId}::uuid) < ${most}::bigint RETURNING suppliers.*),
      own AS (
        INSERT INTO supplier_categories (organization_id, supplier_id, category_id)
        SELECT made.organization_id, made.id, named.id FROM made, named),
      key AS (${marketplaceKeyPart({ key, actor, of: sql`made` })}),
      noted AS (${auditPart(
        { organizationId, actor, action: 'supplier.created' },
        {
          subject: sql`'supplier:' || made.id`,
          before: sql`NULL::jsonb`,
          after: shown(sql`made`, sql`ARRAY(SELECT id FROM named ORDER BY id)`),
          rows: sql`made`,
        },
      )})
      SELECT EXISTS (SELECT 1 FROM made) AS made, (SELECT count(*) FROM named) = ${ids.length}::bigint AS known`,
    ),
  );
  if (row!.made) return 'made';
  return row!.known ? 'too_many' : 'unknown_categories';
}

export type ChangedSupplier = 'changed' | 'unknown' | 'unknown_categories';

/** Changes the given fields; `categories` replaces all of them. Throws the violation of `supplierEmailConstraint`. */
export async function changeSupplier(
  db: Queryable,
  organizationId: string,
  id: string,
  fields: Partial<SupplierFields>,
  { actor, action = 'supplier.updated' }: { actor: Actor; action?: string },
): Promise<ChangedSupplier> {
  const { categories, testMode, ...rest } = fields;
  const patch = JSON.stringify({ ...rest, ...(testMode === undefined ? {} : { test_mode: testMode }) });
  const ids = [...new Set(categories ?? [])];
  const known = sql`(SELECT count(*) FROM named) = ${ids.length}::bigint`;
  const [row] = await run<{ held: boolean; known: boolean }>(
    db,
    sql`WITH held AS (
      SELECT s AS row, ${categoriesOf(sql`s.id`)} AS categories FROM suppliers s
      WHERE s.organization_id = ${organizationId}::uuid AND s.id = ${id}::uuid FOR UPDATE),
    named AS (${namedPart(organizationId, ids)}),
    wanted AS (SELECT n.*, h.row AS was, h.categories AS had FROM held h, jsonb_populate_record(h.row, ${patch}::jsonb) n WHERE ${known}),
    changed AS (
      UPDATE suppliers s SET name = w.name, email = w.email, status = w.status, test_mode = w.test_mode, updated_at = now()
      FROM wanted w WHERE s.id = w.id RETURNING s AS row, w.was, w.had, s.id, s.organization_id),
    dropped AS (
      DELETE FROM supplier_categories c USING changed WHERE c.supplier_id = changed.id AND ${categories !== undefined}::boolean
        AND c.category_id NOT IN (SELECT id FROM named)),
    added AS (
      INSERT INTO supplier_categories (organization_id, supplier_id, category_id)
      SELECT changed.organization_id, changed.id, named.id FROM changed, named ON CONFLICT DO NOTHING),
    noted AS (${auditPart(
      { organizationId, actor, action },
      {
        subject: sql`'supplier:' || changed.id`,
        before: shown(sql`changed.was`, sql`changed.had`),
        after: shown(
          sql`changed.row`,
          sql`CASE WHEN ${categories !== undefined}::boolean THEN ARRAY(SELECT id FROM named ORDER BY id) ELSE changed.had END`,
        ),
        rows: sql`changed`,
      },
    )})
    SELECT EXISTS (SELECT 1 FROM held) AS held, ${known} AS known`,
  );
  if (!row!.held) return 'unknown';
  return row!.known ? 'changed' : 'unknown_categories';
}

/** Replaces the keys of a supplier by this one, from the same moment. Returns false when the organization has no such supplier. */
export async function rotateSupplierKey(
  db: Pick<Database, 'withTx'>,
  organizationId: string,
  id: string,
  { key, actor }: { key: string; actor: Actor },
): Promise<boolean> {
  return db.withTx(async (tx) => {
    // A statement of its own: the next one sees the key that another rotation made while this one waited.
    const held = await run(
      tx,
      sql`SELECT 1 FROM suppliers WHERE organization_id = ${organizationId}::uuid AND id = ${id}::uuid FOR UPDATE`,
    );
    if (held.length > 0) await run(tx, rotation(id, key, actor));
    return held.length > 0;
  });
}

const rotation = (id: string, key: string, actor: Actor) => sql`WITH held AS (
    SELECT id, name, organization_id FROM suppliers WHERE id = ${id}::uuid),
  ended AS (
    UPDATE api_keys k SET revoked_at = now() FROM held WHERE k.organization_id = held.organization_id AND k.supplier_id = held.id
      AND k.revoked_at IS NULL RETURNING k.prefix),
  key AS (${marketplaceKeyPart({ key, actor, of: sql`held` })}),
  noted AS (${auditPart(
    { organizationId: sql`held.organization_id`, actor, action: 'supplier.key_rotated' },
    {
      subject: sql`'supplier:' || held.id`,
      before: sql`jsonb_build_object('keys', to_jsonb(ARRAY(SELECT prefix FROM ended)))`,
      after: sql`jsonb_build_object('keys', to_jsonb(ARRAY(SELECT prefix FROM key)))`,
      rows: sql`held`,
    },
  )})
  SELECT 1 FROM held`;
