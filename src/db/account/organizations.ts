import { sql } from 'drizzle-orm';
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
