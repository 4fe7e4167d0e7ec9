import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { ownConnectionId } from './connections.ts';

/** A company's leads by the state of their sync. `pending`: stored, and the sync has not started. */
export type CompanyStatistics = {
  total: number;
  pending: number;
  processing: number;
  success: number;
  failed: number;
  cancelled: number;
  /** Synced within the last minute. */
  perMinute: number;
  /** The most recent reasons among the newest thousand failures. */
  lastErrors: { error: string; leads: number; lastAt: Date | null }[];
};

type Row = { total: number; perMinute: number; counts: Record<string, number>; errors: ErrorRow[] };
type ErrorRow = { error: string; leads: number; lastAt: string };

/** Counts by narrow indexes. It takes tenths of a second for a million leads, so cache the result briefly. */
export async function companyStatistics(db: Queryable, organizationId: string): Promise<CompanyStatistics> {
  const connection = ownConnectionId(organizationId);
  const [row] = await run<Row>(
    db,
    sql`SELECT
      (SELECT count(*)::int FROM leads WHERE organization_id = ${organizationId}::uuid AND channel = 'crm_upload') AS total,
      (SELECT count(*)::int FROM lead_syncs WHERE connection_id = ${connection} AND status = 'success'
        AND updated_at > now() - interval '1 minute') AS "perMinute",
      (SELECT coalesce(json_object_agg(status, n), '{}') FROM (SELECT status, count(*)::int AS n FROM lead_syncs
        WHERE connection_id = ${connection} GROUP BY status) by_status) AS counts,
      (SELECT coalesce(json_agg(reasons), '[]') FROM (SELECT error, count(*)::int AS leads, max(updated_at) AS "lastAt" FROM (
          SELECT coalesce(error, error_code, 'unknown') AS error, updated_at FROM lead_syncs
          WHERE connection_id = ${connection} AND status = 'failed' ORDER BY updated_at DESC LIMIT 1000) newest
        GROUP BY error ORDER BY max(updated_at) DESC LIMIT 5) reasons) AS errors`,
  );
  const { total, perMinute, counts, errors } = row!;
  const of = (status: string) => counts[status] ?? 0;
  const settled = {
    processing: of('processing'),
    success: of('success'),
    failed: of('failed'),
    cancelled: of('cancelled'),
  };
  const begun = Object.values(settled).reduce((sum, n) => sum + n, 0);
  return {
    total,
    pending: Math.max(0, total - begun),
    ...settled,
    perMinute,
    lastErrors: errors.map(({ error, leads, lastAt }) => ({ error, leads, lastAt: new Date(lastAt) })),
  };
}
