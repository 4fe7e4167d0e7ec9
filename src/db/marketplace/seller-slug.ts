import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** The id of the seller's organization with this slug. Returns null when there is none, or it sells on no marketplace. */
export async function findSellerId(db: Queryable, slug: string): Promise<string | null> {
  const [row] = await run<{ id: string }>(
    db,
    sql`SELECT o.id FROM organizations o JOIN sellers s ON s.organization_id = o.id WHERE o.slug = ${slug}::text`,
  );
  return row?.id ?? null;
}
