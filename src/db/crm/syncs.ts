import { type SQL, sql } from 'drizzle-orm';
import { type SyncStatus, syncMoves } from '../../domain/crm/sync-status.ts';
import { type After, finalStates, statesBefore } from '../../domain/moves.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Database, Queryable } from '../client.ts';
import { type Change, commitChange, type Fence, type Part, run } from '../commit.ts';
import { quoted } from '../schema/columns.ts';
import { type OpenRun, openRun } from '../transport/outbox.ts';
import { type CallLimits, type CallSlot, takingParts } from './call-slots.ts';
import { type CrmConnection, connectionColumns, crmWorker } from './connections.ts';

/** All that a run needs to know of a lead. `begun`: its record says processing now, and a call is taken for it. */
export type OpenedSync = {
  leadId: string;
  organizationId: string;
  importId: string | null;
  /** Sealed; null after erasure. */
  contact: string | null;
  phoneValid: boolean;
  city: string | null;
  tags: string[];
  sourceLabel: string | null;
  fieldMapping: Record<string, string>;
  importCancelled: boolean;
  connection: CrmConnection | null;
  heldBecause: string | null;
  /** As it was before this run. */
  status: SyncStatus | null;
  /** This run's number; null: not begun. */
  attempt: number | null;
  /** The first call; null: not begun, or nothing is limited. */
  slot: CallSlot | null;
  dayFull: boolean;
};

type LeadColumns = Omit<OpenedSync, 'connection'> &
  Omit<CrmConnection, 'organizationId' | 'locationId'> & { locationId: string | null };

export type OpenOptions = {
  /** The process, for the log. */
  worker: string;
  /** Companies without credentials of their own use the installation's key. */
  sharedKey: boolean;
  limits: CallLimits | null;
  /** A call free only later than that is not waited for. */
  aheadMs: number;
};

/**
 * Opens a run in one statement: the row with this epoch and its event, the lead with its company and its CRM, and, if
 * nothing is in the way, the first call of its location's allowance and the record's `processing`. Returns null when
 * the row is finished, parked or was issued again since.
 */
export function openSync(
  db: Queryable,
  fence: Fence,
  options: OpenOptions,
): Promise<OpenRun<OpenedSync> | null> {
  return openRun(db, fence, {
    columns: leadColumns,
    join: leadJoin,
    steps: beginSteps(options),
    read: (columns) => (isLead(columns) ? openedFrom(columns) : null),
  });
}

const leadColumns = sql`l.id AS "leadId", l.organization_id AS "organizationId", l.import_id AS "importId", l.contact, l.phone_valid AS "phoneValid",
    l.city, coalesce(c.tags, '{}') AS tags, c.source_label AS "sourceLabel", coalesce(c.field_mapping, '{}') AS "fieldMapping",
    i.status IS NOT DISTINCT FROM 'cancelled' AS "importCancelled", h.reason AS "heldBecause", s.status, ${connectionColumns}`;

const leadJoin = sql`LEFT JOIN leads l ON e.type IN ('lead.uploaded', 'lead.sync_requested') AND l.id = (e.data->>'leadId')::uuid
    LEFT JOIN companies c ON c.organization_id = l.organization_id
    LEFT JOIN crm_connections k ON k.organization_id = l.organization_id
    LEFT JOIN imports i ON i.id = l.import_id
    LEFT JOIN lead_syncs s ON s.lead_id = l.id
    LEFT JOIN worker_holds h ON h.worker = ${crmWorker} AND h.organization_id = l.organization_id AND h.until > now()`;

function beginSteps({ worker, sharedKey, limits, aheadMs }: OpenOptions): { ctes: SQL; results: SQL } {
  return {
    ctes: sql`ready AS (
      SELECT "leadId" AS lead_id, "organizationId" AS organization_id, "importId" AS import_id, "locationId" AS location_id,
        "rateShare" AS rate_share
      FROM about WHERE contact IS NOT NULL AND NOT "importCancelled" AND "heldBecause" IS NULL AND "pausedAt" IS NULL
        AND coalesce(status, 'pending') NOT IN (${quoted(finalStates(syncMoves))})
        AND (credentials IS NOT NULL OR ("apiVersion" = 'v2' AND ${sharedKey}::boolean)))
    ${limits ? sql`, ${takingParts('ready', limits, aheadMs)}` : sql``},
    sync AS (
      INSERT INTO lead_syncs AS s (lead_id, organization_id, import_id, status, attempts, worker)
      SELECT lead_id, organization_id, import_id, 'processing', 1, ${worker} FROM ready
      ${limits ? sql`WHERE EXISTS (SELECT 1 FROM slot)` : sql``}
      ON CONFLICT (lead_id) DO UPDATE SET status = 'processing', attempts = s.attempts + 1, worker = excluded.worker, updated_at = now()
        WHERE s.status IN (${quoted(statesBefore(syncMoves, 'processing'))}) RETURNING attempts)`,
    results: sql`(SELECT attempts FROM sync) AS attempt,
      ${limits ? sql`(SELECT taken FROM slot)` : sql`NULL::json`} AS slot,
      ${limits ? sql`EXISTS (SELECT 1 FROM day_full)` : sql`false`} AS "dayFull"`,
  };
}

/** The columns of an outer join are null when the event is about no lead, or the lead is gone. */
const isLead = (columns: Record<string, unknown>): columns is LeadColumns => columns.leadId !== null;

function openedFrom(columns: LeadColumns): OpenedSync {
  const { locationId, apiVersion, kind, credentials, accessExpiresAt, version, ...rest } = columns;
  const { rateShare, pausedAt, pauseReason, ...sync } = rest;
  if (locationId === null) return { ...sync, connection: null };
  const { organizationId } = sync;
  const given = { organizationId, locationId, apiVersion, kind, credentials, accessExpiresAt, version };
  return { ...sync, connection: { ...given, rateShare, pausedAt, pauseReason } };
}

type Recorded = {
  status: After<typeof syncMoves, 'processing'>;
  contactId?: string | null;
  writtenHash?: string | null;
  dnd?: boolean | null;
  errorCode?: string | null;
  error?: string | null;
};

/** What a run came to. The row's fence is the caller's. */
export function recordSync(sync: OpenedSync, worker: string, found: Recorded): Change {
  const { contactId = null, writtenHash = null, dnd = null, errorCode = null, error = null } = found;
  return {
    guard: (
      held,
    ) => sql`INSERT INTO lead_syncs AS s (lead_id, organization_id, import_id, status, worker, error_code, error)
      SELECT ${sync.leadId}::uuid, ${sync.organizationId}::uuid, ${sync.importId}::uuid, ${found.status}::text, ${worker}::text,
        ${errorCode}::text, ${error}::text WHERE ${held}
      ON CONFLICT (lead_id) DO UPDATE SET status = excluded.status, contact_id = coalesce(${contactId}::text, s.contact_id),
        written_hash = coalesce(${writtenHash}::text, s.written_hash), dnd = coalesce(${dnd}::boolean, s.dnd),
        error_code = excluded.error_code, error = excluded.error, updated_at = now()
      RETURNING lead_id`,
  };
}

/** Which contact a lead became, before the rest of its run: news of that contact find it from now on. */
export async function noteContact(
  db: Queryable,
  leadId: string,
  made: { contactId: string; writtenHash: string; dnd: boolean | null },
): Promise<void> {
  await run(
    db,
    sql`UPDATE lead_syncs SET contact_id = ${made.contactId}::text, written_hash = ${made.writtenHash}::text,
        dnd = coalesce(${made.dnd}::boolean, dnd) WHERE lead_id = ${leadId}::uuid AND status = 'processing'`,
  );
}

/** A run that was put off. `undo`: it did not count. */
export async function setBack(
  db: Queryable,
  leadId: string,
  because: { undo: boolean; errorCode?: string | null; error?: string | null },
): Promise<void> {
  await run(
    db,
    sql`UPDATE lead_syncs SET status = 'pending', attempts = greatest(0, attempts - ${because.undo ? 1 : 0}),
        error_code = ${because.errorCode ?? null}::text, error = ${because.error ?? null}::text, updated_at = now()
      WHERE lead_id = ${leadId}::uuid AND status = 'processing'`,
  );
}

export type SyncRequest = {
  organizationId: string;
  /** Absent: whatever failed. */
  leadIds?: readonly string[];
  importId?: string;
};

const requestBatch = 1_000;

/**
 * Failed leads are tried again; answers how many. In batches, each whole: broken off in the middle, what is left has
 * still failed and can be asked for again. Its rows wait in the outbox, where they take turns with those of others.
 */
export async function requestSync(db: Database, wanted: SyncRequest): Promise<number> {
  const { organizationId, leadIds, importId } = wanted;
  const where = [sql`organization_id = ${organizationId}::uuid`, sql`status = 'failed'`];
  if (leadIds) where.push(sql`lead_id = ANY(${sql.param([...leadIds])}::uuid[])`);
  if (importId) where.push(sql`import_id = ${importId}::uuid`);
  for (let total = 0; ; ) {
    const asked = await db.withTx(async (tx) => {
      const rows = await run<{ leadId: string }>(
        tx,
        sql`UPDATE lead_syncs SET status = 'pending', error_code = NULL, error = NULL, updated_at = now()
          WHERE lead_id IN (SELECT lead_id FROM lead_syncs WHERE ${sql.join(where, sql` AND `)}
            LIMIT ${requestBatch} FOR UPDATE SKIP LOCKED) RETURNING lead_id AS "leadId"`,
      );
      const events = rows.map(
        ({ leadId }): EventDraft => ({
          ...{
            type: 'lead.sync_requested',
            organizationId,
            subject: subjects.lead(leadId),
            data: { leadId },
          },
        }),
      );
      // Not queued: however many there are, the queue takes a bounded share of them.
      if (events.length > 0) await commitChange(tx, { events }, { visibilityMs: 0, isFull: () => true });
      return rows.length;
    });
    total += asked;
    if (asked < requestBatch) return total;
  }
}

export type ToldContact = {
  leadId: string;
  organizationId: string;
  writtenHash: string | null;
  dnd: boolean | null;
  contact: string | null;
  /** When the CRM said what is the newest we know; null: nothing yet. */
  toldAt: Date | null;
};

/** The leads that are this contact in the company's CRM: several may be one, by phone or by address. */
export async function findByContact(
  db: Queryable,
  organizationId: string,
  contactId: string,
): Promise<ToldContact[]> {
  return run(
    db,
    sql`SELECT s.lead_id AS "leadId", s.organization_id AS "organizationId", s.written_hash AS "writtenHash", s.dnd, l.contact,
        s.told_at AS "toldAt"
      FROM lead_syncs s JOIN leads l ON l.id = s.lead_id
      WHERE s.organization_id = ${organizationId}::uuid AND s.contact_id = ${contactId} ORDER BY s.lead_id LIMIT 50`,
  );
}

export type ContactNews = {
  leadId: string;
  /** Null: the CRM did not say. */
  dnd: boolean | null;
  writtenHash: string;
  /** Sealed, as it is now; null: unchanged. */
  contact: string | null;
  /** As it was read. */
  before: string | null;
  phoneHash: string | null;
  emailHash: string | null;
  phoneValid: boolean;
};

/**
 * Guard: only news that is not older than what was told before, of a lead that is still as it was read. Its row is
 * locked, so that of two at once the second is judged anew.
 */
export function takeNews(news: ContactNews, at: Date): Change {
  return {
    guard: (
      held,
    ) => sql`UPDATE lead_syncs s SET dnd = coalesce(${news.dnd}::boolean, s.dnd), written_hash = ${news.writtenHash}::text,
        told_at = ${at}::timestamptz, updated_at = now()
      FROM (SELECT id FROM leads WHERE id = ${news.leadId}::uuid AND contact IS NOT DISTINCT FROM ${news.before}::text FOR UPDATE) lead
      WHERE s.lead_id = lead.id AND (s.told_at IS NULL OR s.told_at <= ${at}::timestamptz) AND ${held} RETURNING s.lead_id`,
    writes:
      news.contact === null
        ? []
        : [
            {
              name: 'lead',
              statement: (
                when,
              ) => sql`UPDATE leads SET contact = ${news.contact}::text, phone_hash = ${news.phoneHash}::text,
          email_hash = ${news.emailHash}::text, phone_valid = ${news.phoneValid}::boolean
        WHERE id = ${news.leadId}::uuid AND ${when}`,
            },
          ],
  };
}

/** The CRM told of these leads at this moment, and it was as we have it. */
export function noteTold(leads: readonly ToldContact[], at: Date): Part {
  const ids = leads.map(({ leadId }) => leadId);
  return {
    name: 'told',
    statement: (when) => sql`UPDATE lead_syncs SET told_at = ${at}::timestamptz
      WHERE lead_id = ANY(${sql.param(ids)}::uuid[]) AND (told_at IS NULL OR told_at < ${at}::timestamptz) AND ${when}`,
  };
}

/** The contact is gone from the CRM: a new upload of the lead makes it again. */
export function forgetContact(leadIds: readonly string[], contactId: string): Change {
  return {
    writes: [
      {
        name: 'forgotten',
        statement: (
          when,
        ) => sql`UPDATE lead_syncs SET contact_id = NULL, written_hash = NULL, error_code = 'deleted',
          error = 'The contact was deleted in the CRM.', updated_at = now()
        WHERE lead_id = ANY(${sql.param([...leadIds])}::uuid[]) AND contact_id = ${contactId} AND ${when}`,
      },
    ],
  };
}
