import { type SQL, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { syncMoves } from '../../domain/crm/sync-status.ts';
import type { After } from '../../domain/moves.ts';
import { recipients } from '../../events/routes.ts';
import type { Queryable } from '../client.ts';
import { type Change, run } from '../commit.ts';
import { importStopped } from '../imports/imports.ts';
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

/** Syncs requested by one statement. */
const requestedTogether = 5_000;

/**
 * Retries failed leads in the organization's CRM; returns how many. Leads of a stopped import are not among them: they
 * would not be sent. Each batch is one statement: after an interruption the rest have still failed and can be requested
 * again. The rows wait in the outbox, where organizations, and the imports of one, take turns.
 */
export async function requestSync(db: Queryable, wanted: SyncRequest): Promise<number> {
  const { leadIds, importId } = wanted;
  const where = [
    sql`s.connection_id = ${ownConnectionId(wanted.organizationId)}`,
    sql`s.status = 'failed'`,
    sql`NOT coalesce((SELECT ${importStopped('i')} FROM imports i WHERE i.id = s.import_id), false)`,
  ];
  if (leadIds) where.push(sql`s.lead_id = ANY(${sql.param([...leadIds])}::uuid[])`);
  if (importId) where.push(sql`s.import_id = ${importId}::uuid`);
  return requestAll(db, wanted.organizationId, sql.join(where, sql` AND `));
}

/**
 * Sends the leads of an import that its stop kept from the CRM; returns how many. Left out are erased leads and, within a
 * `windowMs`, those whose phone was uploaded again since: the newer lead is sent. Ends early when the import is stopped
 * again. In batches, as `requestSync`; `onBatch` is told the size of each.
 */
export async function requestRest(
  db: Queryable,
  rest: { organizationId: string; importId: string; windowMs: number },
  onBatch: (requested: number) => void = () => undefined,
): Promise<number> {
  // A subselect for each row: a join could read all leads.
  const isWanted = sql`(SELECT l.contact IS NOT NULL AND (${rest.windowMs}::float8 = 0 OR NOT EXISTS (
      SELECT 1 FROM known_phones p WHERE p.organization_id = l.organization_id AND p.phone_hash = l.phone_hash AND p.lead_id <> l.id))
    FROM leads l WHERE l.id = s.lead_id)`;
  // Compared so that no index answers it: one would be read for all leads of the company in each batch.
  const own = sql`s.connection_id IS NOT DISTINCT FROM ${ownConnectionId(rest.organizationId)}`;
  const where = sql`s.import_id = ${rest.importId}::uuid AND s.status = 'cancelled' AND ${own} AND EXISTS (SELECT 1 FROM held) AND ${isWanted}`;
  const held = sql`held AS MATERIALIZED (SELECT id FROM imports i
    WHERE i.id = ${rest.importId}::uuid AND NOT ${importStopped('i')} FOR SHARE), `;
  return requestAll(db, rest.organizationId, where, { held, onBatch });
}

async function requestAll(
  db: Queryable,
  organizationId: string,
  where: SQL,
  { held = sql``, onBatch }: { held?: SQL; onBatch?: (requested: number) => void } = {},
): Promise<number> {
  for (let total = 0; ; ) {
    const [row] = await run<{ requested: number }>(db, requestStatement(organizationId, where, held));
    const { requested } = row!;
    onBatch?.(requested);
    total += requested;
    if (requested < requestedTogether) return total;
  }
}

/** `lead.sync_requested` of the catalog for each chosen sync; completing thousands of events one by one would be slow. */
function requestStatement(organizationId: string, where: SQL, held: SQL): SQL {
  const msecs = Date.now();
  const ids = Array.from({ length: requestedTogether }, () => uuidv7({ msecs }));
  const at = sql`${new Date(msecs)}::timestamptz`;
  const workers = recipients('lead.sync_requested', undefined).map(({ worker }) => worker);
  const connection = ownConnectionId(organizationId);
  return sql`WITH ${held}ids AS MATERIALIZED (
      SELECT id::uuid, n FROM unnest(string_to_array(${ids.join()}::text, ',')) WITH ORDINALITY AS g(id, n)),
    chosen AS MATERIALIZED (
      SELECT lead_id, import_id, row_number() OVER () AS n FROM (
        SELECT s.lead_id, s.import_id FROM lead_syncs s WHERE ${where}
        LIMIT ${requestedTogether}::integer FOR UPDATE OF s SKIP LOCKED) c),
    moved AS (
      UPDATE lead_syncs SET status = 'pending', error_code = NULL, error = NULL, updated_at = now()
      WHERE connection_id = ${connection} AND lead_id = ANY(ARRAY(SELECT lead_id FROM chosen))),
    facts AS (
      INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
      SELECT ids.id, ${at}, 'lead.sync_requested', 1, ${organizationId}::uuid, 'lead:' || c.lead_id, ids.id,
        jsonb_build_object('leadId', c.lead_id) FROM chosen c JOIN ids USING (n)),
    tasks AS (
      INSERT INTO outbox (event_id, event_at, worker, organization_id, import_id, due_at, queued)
      SELECT ids.id, ${at}, worker, ${organizationId}::uuid, c.import_id, now(), false
      FROM chosen c JOIN ids USING (n) CROSS JOIN unnest(${sql.param(workers)}::text[]) AS worker)
    SELECT count(*)::int AS requested FROM chosen`;
}
