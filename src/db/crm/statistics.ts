import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** What became of a company's leads in its CRM. `pending`: stored, and nobody has begun. */
export type CompanyStatistics = {
  total: number;
  pending: number;
  processing: number;
  success: number;
  failed: number;
  cancelled: number;
  /** Brought into the CRM within the last minute. */
  perMinute: number;
  /** Of the newest thousand failures, the most recent reasons. */
  lastErrors: { error: string; leads: number; lastAt: Date | null }[];
};

type Row = { total: number; perMinute: number; counts: Record<string, number>; errors: ErrorRow[] };
type ErrorRow = { error: string; leads: number; lastAt: string };

/** Counts by narrow indexes; of a company with a million leads it takes tenths of a second: keep the answer a moment. */
export async function companyStatistics(db: Queryable, organizationId: string): Promise<CompanyStatistics> {
  const [row] = await run<Row>(
    db,
    sql`SELECT
      (SELECT count(*)::int FROM leads WHERE organization_id = ${organizationId}::uuid AND channel = 'crm_upload') AS total,
      (SELECT count(*)::int FROM lead_syncs WHERE organization_id = ${organizationId}::uuid AND status = 'success'
        AND updated_at > now() - interval '1 minute') AS "perMinute",
      (SELECT coalesce(json_object_agg(status, n), '{}') FROM (SELECT status, count(*)::int AS n FROM lead_syncs
        WHERE organization_id = ${organizationId}::uuid GROUP BY status) by_status) AS counts,
      (SELECT coalesce(json_agg(reasons), '[]') FROM (SELECT error, count(*)::int AS leads, max(updated_at) AS "lastAt" FROM (
          SELECT coalesce(error, error_code, 'unknown') AS error, updated_at FROM lead_syncs
          WHERE organization_id = ${organizationId}::uuid AND status = 'failed' ORDER BY updated_at DESC LIMIT 1000) newest
        GROUP BY error ORDER BY max(updated_at) DESC LIMIT 5) reasons) AS errors`,
  );
  const { total, perMinute, counts, errors } = row!;
  const of = (status: string) => counts[status] ?? 0;
  const [processing, success, failed, cancelled] = ['processing', 'success', 'failed', 'cancelled'].map(
    of,
  ) as [number, number, number, number];
  return {
    ...{ total, pending: Math.max(0, total - processing - success - failed - cancelled) },
    ...{ processing, success, failed, cancelled, perMinute },
    lastErrors: errors.map(({ error, leads, lastAt }) => ({ error, leads, lastAt: new Date(lastAt) })),
  };
}
