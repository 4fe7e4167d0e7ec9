import { type SQL, sql } from 'drizzle-orm';
import { subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { type Change, run } from '../commit.ts';
import { crmWorker, ownConnectionId } from '../crm/connections.ts';
import { outboxRow, waitingRow } from '../transport/outbox-state.ts';
import { type Import, importStopped } from './imports.ts';

/** Rows ended by one statement. */
const endedTogether = 5_000;
export const stoppedReason = 'Its import was stopped.';

type OfImport = { organizationId: string; importId: string };

/**
 * Stops the sending of an import whose file was read or given up: no run begins for its leads from now on. Its reading
 * time and problem stay. The rows are ended afterwards: see `endStopped`.
 */
export const markStopped = (row: Pick<Import, 'id' | 'organizationId'>, actor: string): Change => ({
  guard:
    () => sql`UPDATE imports i SET status = 'cancelled', stopped_at = now(), resumed_at = NULL, updated_at = now(),
      stopped_from = CASE WHEN status IN ('done', 'failed') THEN status ELSE stopped_from END
    WHERE id = ${row.id}::uuid AND (status IN ('done', 'failed') OR (status = 'cancelled' AND resumed_at IS NOT NULL)) RETURNING id`,
  events: [
    {
      type: 'import.stopped',
      organizationId: row.organizationId,
      subject: subjects.import(row.id),
      data: { importId: row.id, actor },
    },
  ],
});

/** Sends the rest of a stopped import. One that was cancelled while it was read stays cancelled: the rest was not read. */
export const markResumed = (row: Pick<Import, 'id' | 'organizationId'>, actor: string): Change => ({
  guard:
    () => sql`UPDATE imports i SET status = coalesce(stopped_from, status), stopped_from = NULL, stopped_at = NULL,
      resumed_at = now(), updated_at = now()
    WHERE id = ${row.id}::uuid AND ${importStopped('i')} AND created > 0 RETURNING id`,
  events: [
    {
      type: 'import.resumed',
      organizationId: row.organizationId,
      subject: subjects.import(row.id),
      data: { importId: row.id, actor },
    },
  ],
});

/** Returns false for an import that does not exist. */
export async function isImportStopped(db: Queryable, importId: string): Promise<boolean> {
  const [row] = await run<{ stopped: boolean }>(
    db,
    sql`SELECT ${importStopped('i')} AS stopped FROM imports i WHERE i.id = ${importId}::uuid`,
  );
  return row?.stopped ?? false;
}

/**
 * Ends the open work of a stopped import in bounded statements and records its leads as cancelled; returns how many rows
 * it ended. Runs under way are left to themselves: they end at their next step. After an interruption the rest is ended
 * row by row as it comes up. Ends early when the rest of the import is sent.
 */
export async function endStopped(db: Queryable, of: OfImport): Promise<number> {
  for (let total = 0; ; ) {
    const ended = await endBatch(db, endWaiting(of));
    total += ended;
    // Last, because the sweeper may queue rows that wait.
    if (ended < endedTogether) return total + (await endBatch(db, endQueued(of)));
  }
}

async function endBatch(db: Queryable, statement: SQL): Promise<number> {
  const [row] = await run<{ ended: number }>(db, statement);
  return row!.ended;
}

/** Locked first, so that no batch ends rows of an import that is being sent again. */
const held = ({ importId }: OfImport) => sql`held AS MATERIALIZED (
    SELECT id FROM imports i WHERE i.id = ${importId}::uuid AND ${importStopped('i')} FOR SHARE)`;

/** Without a connection a sync cannot be recorded: those rows are ended as they come up. */
const endable = ({ organizationId }: OfImport) =>
  sql`EXISTS (SELECT 1 FROM held) AND ${ownConnectionId(organizationId)} IS NOT NULL`;

const rowsOf = ({ organizationId, importId }: OfImport) =>
  sql`worker = ${crmWorker} AND organization_id = ${organizationId}::uuid AND import_id = ${importId}::uuid`;

/** The lead of each row. By index, whatever the planner expects: the table of events is the largest. */
const leadsOf = (rows: string) => sql`about AS MATERIALIZED (
    SELECT r.id, (e.data->>'leadId')::uuid AS lead_id FROM ${sql.raw(rows)} r CROSS JOIN LATERAL (
      SELECT data FROM events WHERE id = r.event_id AND occurred_at = r.event_at LIMIT 1) e)`;

const cancelled = ({ organizationId, importId }: OfImport, from: readonly string[]) => sql`ended AS (
    INSERT INTO lead_syncs AS s (lead_id, connection_id, organization_id, import_id, status, error)
    SELECT DISTINCT lead_id, ${ownConnectionId(organizationId)}, ${organizationId}::uuid, ${importId}::uuid, 'cancelled', ${stoppedReason}::text
    FROM about WHERE lead_id IS NOT NULL ORDER BY lead_id
    ON CONFLICT (lead_id, connection_id) DO UPDATE SET status = 'cancelled', error_code = NULL, error = excluded.error, updated_at = now()
      WHERE s.status = ANY(${sql.param([...from])}::text[]) RETURNING lead_id)`;

/** No run can be under way for a row that waits, so it is deleted first. */
const endWaiting = (of: OfImport): SQL => sql`WITH ${held(of)},
  gone AS (
    DELETE FROM outbox WHERE id = ANY(ARRAY(
      SELECT id FROM (
        -- Bounded each, so that neither index is read whole.
        (SELECT id, due_at FROM outbox WHERE ${rowsOf(of)} AND ${waitingRow.inLine} ORDER BY due_at LIMIT ${endedTogether}::integer)
        UNION ALL
        (SELECT id, due_at FROM outbox WHERE ${rowsOf(of)} AND ${waitingRow.later} ORDER BY due_at LIMIT ${endedTogether}::integer)) waiting
      WHERE ${endable(of)} ORDER BY due_at LIMIT ${endedTogether}::integer)) AND ${outboxRow.waiting} RETURNING id, event_id, event_at),
  ${leadsOf('gone')}, ${cancelled(of, ['pending', 'processing'])}
  SELECT count(*)::int AS ended FROM gone`;

/**
 * Rows whose lead is being sent keep their row, by which the run records its result. Locks are waited for, in the order of
 * the sweeper's: it holds them for a statement, and a row that was passed over would stay open until its job runs.
 */
const endQueued = (of: OfImport): SQL => sql`WITH ${held(of)},
  open AS MATERIALIZED (
    SELECT id, event_id, event_at FROM outbox WHERE ${rowsOf(of)} AND ${outboxRow.queued} AND ${endable(of)}
    ORDER BY id FOR UPDATE),
  ${leadsOf('open')}, ${cancelled(of, ['pending', 'cancelled'])},
  gone AS (
    DELETE FROM outbox WHERE id = ANY(ARRAY(SELECT id FROM about WHERE lead_id IN (SELECT lead_id FROM ended))) RETURNING id)
  SELECT count(*)::int AS ended FROM gone`;
