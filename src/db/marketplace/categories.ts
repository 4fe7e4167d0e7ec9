import { sql } from 'drizzle-orm';
import type { CategoryField } from '../../domain/marketplace/category-fields.ts';
import { insertWithin } from '../account/stored.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Database, Queryable } from '../client.ts';
import { run } from '../commit.ts';

export type Category = {
  id: string;
  organizationId: string;
  name: string;
  description: string | null;
  fields: CategoryField[];
  isActive: boolean;
  createdAt: Date;
  updatedAt: Date;
};

/** Unique within an organization, in any case; inactive ones keep their names. */
export const categoryNameConstraint = 'categories_name';

const columns =
  sql.raw(`c.id, c.organization_id AS "organizationId", c.name, c.description, c.fields, c.is_active AS "isActive",
  c.created_at AS "createdAt", c.updated_at AS "updatedAt"`);

/** Active ones by name, or those that were deleted. Their number is limited. */
export async function listCategories(
  db: Queryable,
  organizationId: string,
  { isActive } = { isActive: true },
): Promise<Category[]> {
  return run(
    db,
    sql`SELECT ${columns} FROM categories c WHERE c.organization_id = ${organizationId}::uuid AND c.is_active = ${isActive}::boolean
      ORDER BY lower(c.name)`,
  );
}

/**
 * The active categories that a supplier may send, by name. Returns null when the organization has no such supplier, or it
 * is not active.
 */
export async function listCategoriesOfSupplier(
  db: Queryable,
  { organizationId, supplierId }: { organizationId: string; supplierId: string },
): Promise<Category[] | null> {
  const rows = await run<{ found: Category | null }>(
    db,
    sql`SELECT CASE WHEN c.id IS NULL THEN NULL ELSE json_build_object('id', c.id, 'organizationId', c.organization_id, 'name', c.name,
        'description', c.description, 'fields', c.fields, 'isActive', c.is_active, 'createdAt', c.created_at, 'updatedAt', c.updated_at) END AS found
      FROM suppliers s LEFT JOIN supplier_categories m ON m.supplier_id = s.id
        LEFT JOIN categories c ON c.id = m.category_id AND c.organization_id = s.organization_id AND c.is_active
      WHERE s.organization_id = ${organizationId}::uuid AND s.id = ${supplierId}::uuid AND s.status = 'ACTIVE'
      ORDER BY lower(c.name)`,
  );
  return rows.length === 0 ? null : rows.flatMap(({ found }) => found ?? []);
}

/** Also an inactive one. Returns null when the organization has no such category. */
export async function findCategory(
  db: Queryable,
  organizationId: string,
  by: { id: string } | { name: string },
): Promise<Category | null> {
  const named = 'id' in by ? sql`c.id = ${by.id}::uuid` : sql`lower(c.name) = lower(${by.name}::text)`;
  const [row] = await run<Category>(
    db,
    sql`SELECT ${columns} FROM categories c WHERE c.organization_id = ${organizationId}::uuid AND ${named}`,
  );
  return row ?? null;
}

/** Throws StoredQuotaError when the organization has `most`, and the violation of `categoryNameConstraint`. */
export async function insertCategory(
  db: Queryable & Pick<Database, 'withTx'>,
  organizationId: string,
  category: Pick<Category, 'id' | 'name' | 'description' | 'fields'> & { most: number },
  actor: Actor,
): Promise<Category> {
  const { id, name, description, fields, most } = category;
  const [row] = await insertWithin(db, { name: 'categories', organizationId, most }, (tx) =>
    run<Category>(
      tx,
      sql`WITH c AS (
      INSERT INTO categories (id, organization_id, name, description, fields)
      VALUES (${id}::uuid, ${organizationId}::uuid, ${name}::text, ${description}::text, ${JSON.stringify(fields)}::jsonb) RETURNING *),
    noted AS (${auditPart(
      { organizationId, actor, action: 'category.created' },
      { subject: sql`'category:' || c.id`, before: sql`NULL::jsonb`, after: sql`to_jsonb(c)`, rows: sql`c` },
    )})
    SELECT ${columns} FROM c`,
    ),
  );
  return row!;
}

export type CategoryChange = Partial<Pick<Category, 'name' | 'description' | 'fields' | 'isActive'>>;
export type ChangedCategory = Category | 'unknown' | 'in_use';

/** Changes the given fields. One that active campaigns sell stays active. Throws the violation of `categoryNameConstraint`. */
export async function changeCategory(
  db: Pick<Database, 'withTx'>,
  organizationId: string,
  id: string,
  { isActive, ...change }: CategoryChange,
  actor: Actor,
): Promise<ChangedCategory> {
  const patch = JSON.stringify({ ...change, ...(isActive === undefined ? {} : { is_active: isActive }) });
  return db.withTx(async (tx) => {
    // A statement of its own: the next one sees the campaigns that were committed while this one waited.
    const held = await run(
      tx,
      sql`SELECT 1 FROM categories WHERE organization_id = ${organizationId}::uuid AND id = ${id}::uuid FOR UPDATE`,
    );
    if (held.length === 0) return 'unknown';
    const [row] = await run<Category>(
      tx,
      sql`WITH held AS (SELECT c AS row FROM categories c WHERE c.id = ${id}::uuid),
      wanted AS (
        SELECT n.*, held.row AS was FROM held, jsonb_populate_record(held.row, ${patch}::jsonb) n
        WHERE n.is_active OR NOT EXISTS (SELECT 1 FROM campaigns k WHERE k.category_id = ${id}::uuid AND k.status = 'ACTIVE')),
      c AS (
        UPDATE categories c SET name = w.name, description = w.description, fields = w.fields, is_active = w.is_active, updated_at = now()
        FROM wanted w WHERE c.id = w.id RETURNING c.*, c AS row, w.was),
      noted AS (${auditPart(
        { organizationId, actor, action: isActive === false ? 'category.deleted' : 'category.updated' },
        {
          subject: sql`'category:' || c.id`,
          before: sql`to_jsonb(c.was)`,
          after: sql`to_jsonb(c.row)`,
          rows: sql`c`,
        },
      )})
      SELECT ${columns} FROM c`,
    );
    return row ?? 'in_use';
  });
}
