import { sql } from 'drizzle-orm';
import { type QuotaLimits, type QuotaName, readQuotaLimits } from '../../domain/account/quotas.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** The limits of organizations that have limits of their own, by organization. */
export async function findQuotaLimits(db: Queryable): Promise<Map<string, QuotaLimits>> {
  const rows = await run<{ id: string; quotas: unknown }>(
    db,
    sql`SELECT id, quotas FROM organizations WHERE quotas IS NOT NULL`,
  );
  return new Map(rows.map(({ id, quotas }) => [id, readQuotaLimits(quotas)]));
}

/** Returns null when there is no such organization. */
export async function quotaLimitsOf(db: Queryable, slug: string): Promise<QuotaLimits | null> {
  const [row] = await run<{ quotas: unknown }>(
    db,
    sql`SELECT quotas FROM organizations WHERE slug = ${slug}::text`,
  );
  return row ? readQuotaLimits(row.quotas) : null;
}

/** `limit`: null for the default. Returns false when there is no such organization. */
export async function setQuotaLimit(
  db: Queryable,
  slug: string,
  name: QuotaName,
  limit: number | null,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`UPDATE organizations SET quotas = nullif(CASE WHEN ${limit}::bigint IS NULL THEN coalesce(quotas, '{}') - ${name}::text
      ELSE coalesce(quotas, '{}') || jsonb_build_object(${name}::text, ${limit}::bigint) END, '{}') WHERE slug = ${slug}::text RETURNING id`,
  );
  return rows.length > 0;
}
