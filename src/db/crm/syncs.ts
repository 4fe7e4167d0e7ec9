import { sql } from 'drizzle-orm';
import type { syncMoves } from '../../domain/crm/sync-status.ts';
import type { After } from '../../domain/moves.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Database, Queryable } from '../client.ts';
import { type Change, commitChange, run } from '../commit.ts';
import { ownConnectionId } from './connections.ts';

/** One lead in one CRM. */
export type SyncKey = { leadId: string; connectionId: string };

const ofSync = ({ leadId, connectionId }: SyncKey) =>
  sql`lead_id = ${leadId}::uuid AND connection_id = ${connectionId}::uuid`;

/**
 * Public id of another lead that became the same contact as sync `s` and was written differently, or null. Of the first
 * leads of the contact only, because one contact may have thousands.
 */
export const mergedWith = sql.raw(`(SELECT ol.public_id FROM (
    SELECT lead_id, written_hash FROM lead_syncs m WHERE m.connection_id = s.connection_id AND m.contact_id = s.contact_id LIMIT 50) o
  JOIN leads ol ON ol.id = o.lead_id WHERE o.lead_id <> s.lead_id AND o.written_hash IS DISTINCT FROM s.written_hash
  ORDER BY o.lead_id LIMIT 1)`);

export type SyncResult = {
  status: After<typeof syncMoves, 'processing'>;
  contactId?: string | null;
  writtenHash?: string | null;
  dnd?: boolean | null;
  errorCode?: string | null;
  error?: string | null;
  /** What people should know of a lead that is in the CRM. */
  remark?: string | null;
};

/** The result of a run. The fence of its row is the caller's. */
export function recordSync(
  sync: SyncKey & { organizationId: string; importId: string | null },
  worker: string,
  result: SyncResult,
): Change {
  const {
    contactId = null,
    writtenHash = null,
    dnd = null,
    errorCode = null,
    error = null,
    remark = null,
  } = result;
  return {
    guard: (
      held,
    ) => sql`INSERT INTO lead_syncs AS s (lead_id, connection_id, organization_id, import_id, status, worker, error_code, error, remark)
      SELECT ${sync.leadId}::uuid, ${sync.connectionId}::uuid, ${sync.organizationId}::uuid, ${sync.importId}::uuid,
        ${result.status}::text, ${worker}::text, ${errorCode}::text, ${error}::text, ${remark}::text WHERE ${held}
      ON CONFLICT (lead_id, connection_id) DO UPDATE SET status = excluded.status,
        contact_id = coalesce(${contactId}::text, s.contact_id), written_hash = coalesce(${writtenHash}::text, s.written_hash),
        dnd = coalesce(${dnd}::boolean, s.dnd), error_code = excluded.error_code, error = excluded.error, remark = excluded.remark,
        updated_at = now()
      RETURNING lead_id`,
  };
}

/** Stores which contact a lead became before the run ends: updates of that contact find it from now on. */
export async function recordContact(
  db: Queryable,
  sync: SyncKey,
  made: { contactId: string; writtenHash: string; dnd: boolean | null },
): Promise<void> {
  await run(
    db,
    sql`UPDATE lead_syncs SET contact_id = ${made.contactId}::text, written_hash = ${made.writtenHash}::text,
        dnd = coalesce(${made.dnd}::boolean, dnd) WHERE ${ofSync(sync)} AND status = 'processing'`,
  );
}

/** Reschedules the run. `uncounted`: it does not count as an attempt. */
export async function postponeSync(
  db: Queryable,
  sync: SyncKey,
  because: { uncounted: boolean; errorCode?: string | null; error?: string | null },
): Promise<void> {
  await run(
    db,
    sql`UPDATE lead_syncs SET status = 'pending', attempts = greatest(0, attempts - ${because.uncounted ? 1 : 0}),
        error_code = ${because.errorCode ?? null}::text, error = ${because.error ?? null}::text, updated_at = now()
      WHERE ${ofSync(sync)} AND status = 'processing'`,
  );
}

export type SyncRequest = {
  organizationId: string;
  /** Every failed lead when absent. */
  leadIds?: readonly string[];
  importId?: string;
};

const requestBatch = 1_000;

/**
 * Retries failed leads in the organization's CRM; returns how many. Each batch is one transaction: after an
 * interruption the rest have still failed and can be requested again. The rows wait in the outbox, where organizations
 * take turns.
 */
export async function requestSync(db: Database, wanted: SyncRequest): Promise<number> {
  const { organizationId, leadIds, importId } = wanted;
  const connection = sql`connection_id = ${ownConnectionId(organizationId)}`;
  const where = [connection, sql`status = 'failed'`];
  if (leadIds) where.push(sql`lead_id = ANY(${sql.param([...leadIds])}::uuid[])`);
  if (importId) where.push(sql`import_id = ${importId}::uuid`);
  for (let total = 0; ; ) {
    const requested = await db.withTx(async (tx) => {
      const rows = await run<{ leadId: string }>(
        tx,
        sql`UPDATE lead_syncs SET status = 'pending', error_code = NULL, error = NULL, updated_at = now()
          WHERE ${connection} AND lead_id IN (SELECT lead_id FROM lead_syncs WHERE ${sql.join(where, sql` AND `)}
            LIMIT ${requestBatch} FOR UPDATE SKIP LOCKED) RETURNING lead_id AS "leadId"`,
      );
      const events = rows.map(
        ({ leadId }): EventDraft => ({
          type: 'lead.sync_requested',
          organizationId,
          subject: subjects.lead(leadId),
          data: { leadId },
        }),
      );
      // Not queued here: the sweeper admits a bounded number of rows per organization.
      if (events.length > 0) await commitChange(tx, { events }, { visibilityMs: 0, isFull: () => true });
      return rows.length;
    });
    total += requested;
    if (requested < requestBatch) return total;
  }
}
