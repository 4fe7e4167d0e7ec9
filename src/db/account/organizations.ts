import { sql } from 'drizzle-orm';
import type { PriceFloors } from '../../domain/lead/terms.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

export type NewOrganization = {
  id: string;
  name: string;
  slug: string;
  footer: string;
  supportContact: string;
};

/** Returns false when no organization has this slug. Processes use the new weight within a second. */
export async function setQueueWeight(db: Queryable, slug: string, weight: number): Promise<boolean> {
  const rows = await run(
    db,
    sql`UPDATE organizations SET queue_weight = ${weight} WHERE slug = ${slug} RETURNING id`,
  );
  return rows.length > 0;
}

/** Returns false, and changes nothing, when an organization with this slug already exists. */
export async function createOrganization(db: Queryable, organization: NewOrganization): Promise<boolean> {
  const { id, name, slug, footer, supportContact } = organization;
  const rows = await run(
    db,
    sql`INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES (${id}, ${name}, ${slug}, ${footer}, ${supportContact})
      ON CONFLICT (slug) DO NOTHING RETURNING id`,
  );
  return rows.length > 0;
}

/** An organization that requests act for. */
export type Tenant = { id: string; priceFloors: PriceFloors };

/** The only organization with providers. Returns null when there are several or none. */
export async function findOnlySeller(db: Queryable): Promise<Tenant | null> {
  const rows = await run<Tenant>(
    db,
    sql`SELECT id, price_floors AS "priceFloors" FROM organizations o
      WHERE EXISTS (SELECT 1 FROM buyers b WHERE b.organization_id = o.id AND b.phone IS NOT NULL) LIMIT 2`,
  );
  return rows.length === 1 ? rows[0]! : null;
}

export async function findTenant(db: Queryable, slug: string): Promise<Tenant | null> {
  const [row] = await run<Tenant>(
    db,
    sql`SELECT id, price_floors AS "priceFloors" FROM organizations WHERE slug = ${slug}`,
  );
  return row ?? null;
}

/** Sets the lowest price in this currency, or removes it when null. Returns all of them, or null for an unknown slug. */
export async function setPriceFloor(
  db: Queryable,
  slug: string,
  { currency, minor }: { currency: string; minor: number | null },
): Promise<PriceFloors | null> {
  const floors =
    minor === null
      ? sql`price_floors - ${currency}::text`
      : sql`price_floors || jsonb_build_object(${currency}::text, ${minor}::integer)`;
  const [row] = await run<{ priceFloors: PriceFloors }>(
    db,
    sql`UPDATE organizations SET price_floors = ${floors} WHERE slug = ${slug} RETURNING price_floors AS "priceFloors"`,
  );
  return row?.priceFloors ?? null;
}
