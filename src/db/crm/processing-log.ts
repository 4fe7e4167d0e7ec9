import { type SQL, sql } from 'drizzle-orm';
import type { SyncStatus } from '../../domain/crm/sync-status.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { ownConnectionId } from './connections.ts';
import { mergedWith } from './syncs.ts';

/** One uploaded lead and its sync to the company's CRM. */
export type LoggedLead = {
  id: string;
  leadId: string;
  /** Sealed; null after erasure. */
  contact: string | null;
  phoneValid: boolean;
  status: SyncStatus;
  attempts: number;
  worker: string | null;
  contactId: string | null;
  error: string | null;
  remark: string | null;
  /** Public id of another lead that is the same contact in the CRM and was written differently. */
  mergedWith: string | null;
  at: Date;
  /** Cursor of the next page. */
  cursor: string;
};

export type LogQuery = {
  status: LoggedLead['status'] | null;
  importId: string | null;
  /** The search text in each of its possible meanings; null without a search. */
  search: { leadId: string; contactId: string; phoneHash: string | null } | null;
  before: string | null;
  limit: number;
};

/**
 * Newest first: by arrival or, with a `status` other than pending, by when it took that status. Leads of the marketplace
 * are not included.
 */
export async function processingLog(
  db: Queryable,
  organizationId: string,
  query: LogQuery,
): Promise<LoggedLead[]> {
  const { status, importId, search, limit } = query;
  const begun = status !== null && status !== 'pending';
  // Ids are ordered by time.
  const place = begun ? sql.raw('s.updated_at, s.lead_id') : sql.raw('l.id');
  const where: SQL[] = [sql`l.organization_id = ${organizationId}::uuid AND l.channel = 'crm_upload'`];
  if (begun) where.push(sql`s.status = ${status}::text`);
  if (status === 'pending') where.push(sql`coalesce(s.status, 'pending') = 'pending'`);
  if (importId) where.push(sql`l.import_id = ${importId}::uuid`);
  if (search) where.push(found(search, organizationId));
  const before = cursorOf(query.before);
  if (before && begun)
    where.push(
      sql`(${place}) < ('epoch'::timestamptz + ${before.micros}::text::bigint * interval '1 microsecond', ${before.id}::uuid)`,
    );
  if (before && !begun) where.push(sql`l.id < ${before.id}::uuid`);
  return run(
    db,
    sql`SELECT l.id, l.public_id AS "leadId", l.contact, l.phone_valid AS "phoneValid", coalesce(s.status, 'pending') AS status,
        coalesce(s.attempts, 0) AS attempts, s.worker, s.contact_id AS "contactId", s.error,
        s.remark, ${mergedWith} AS "mergedWith", coalesce(s.updated_at, l.created_at) AS at,
        (extract(epoch FROM coalesce(s.updated_at, l.created_at)) * 1000000)::bigint::text || '.' || l.id AS cursor
      FROM leads l ${sql.raw(begun ? 'JOIN' : 'LEFT JOIN')} lead_syncs s ON s.lead_id = l.id
          AND s.connection_id = ${ownConnectionId(organizationId)}
      WHERE ${sql.join(where, sql` AND `)} ORDER BY ${sql.raw(begun ? 's.updated_at DESC, s.lead_id DESC' : 'l.id DESC')} LIMIT ${limit}::integer`,
  );
}

function found(
  { leadId, contactId, phoneHash }: NonNullable<LogQuery['search']>,
  organizationId: string,
): SQL {
  return sql`l.id IN (
    SELECT id FROM leads WHERE organization_id = ${organizationId}::uuid AND public_id = ${leadId}::text
    UNION ALL SELECT id FROM leads WHERE organization_id = ${organizationId}::uuid AND phone_hash = ${phoneHash}::text
    UNION ALL SELECT lead_id FROM lead_syncs WHERE connection_id = ${ownConnectionId(organizationId)} AND contact_id = ${contactId}::text)`;
}

function cursorOf(given: string | null): { micros: string; id: string } | null {
  const parts = /^(\d{1,18})\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/.exec(
    given ?? '',
  );
  return parts ? { micros: parts[1]!, id: parts[2]! } : null;
}

/** Reasons for rejected rows, the most frequent first: a row may have several. */
export async function rejectReasons(
  db: Queryable,
  importId: string,
  limit: number,
): Promise<{ field: string; reason: string; rows: number }[]> {
  return run(
    db,
    sql`SELECT field, reason, count(*)::int AS rows FROM import_rejects, jsonb_each(errors) AS e(field, reasons),
        jsonb_array_elements_text(reasons) AS reason
      WHERE import_id = ${importId}::uuid GROUP BY field, reason ORDER BY count(*) DESC, field, reason LIMIT ${limit}::integer`,
  );
}

/** Returns a version that changes when anything on a company's pages changes. */
export async function companyPulse(db: Queryable, organizationId: string): Promise<string> {
  const [row] = await run<Record<string, unknown>>(
    db,
    sql`SELECT (SELECT id FROM leads WHERE organization_id = ${organizationId}::uuid AND channel = 'crm_upload' ORDER BY id DESC LIMIT 1) AS lead,
      (SELECT max(m.at) FROM unnest('{pending,processing,success,failed,cancelled}'::text[]) AS each(status), LATERAL (
        SELECT updated_at AS at FROM lead_syncs s WHERE s.connection_id = ${ownConnectionId(organizationId)} AND s.status = each.status
        ORDER BY updated_at DESC LIMIT 1) m) AS synced,
      (SELECT json_agg(json_build_array(i.id, i.status, i.next_row, i.chunks)) FROM (SELECT * FROM imports
        WHERE organization_id = ${organizationId}::uuid ORDER BY created_at DESC, id DESC LIMIT 10) i) AS imports,
      (SELECT json_build_array(credentials_version, paused_at) FROM crm_connections WHERE id = ${ownConnectionId(organizationId)}) AS crm`,
  );
  return JSON.stringify(row);
}
