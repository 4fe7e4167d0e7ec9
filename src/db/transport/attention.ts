import { type SQL, sql } from 'drizzle-orm';
import type { WorkerName } from '../../events/routes.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { ofOrganization } from '../organization.ts';
import { releaseSession } from '../payment/sessions.ts';

/**
 * Items that need an operator: parked work, texts without a clear action, alerts. `organizationId` is null for platform
 * operators, who see all organizations.
 */

export type ParkedRow = {
  id: number;
  worker: WorkerName;
  error: string | null;
  attempts: number;
  parkedAt: Date;
  eventType: string;
  subject: string;
  unlockId: string | null;
  leadId: string | null;
  buyer: string | null;
};

export type ParkedFilter = {
  organizationId: string | null;
  before?: number | null;
  unlockId?: string;
  limit: number;
};

/** Newest failures first. Returns up to `limit` + 1 rows; the extra row means that there are older ones. */
export async function listParked(db: Queryable, filter: ParkedFilter): Promise<ParkedRow[]> {
  const { organizationId, before = null, unlockId = null, limit } = filter;
  return run(
    db,
    sql`SELECT o.id, o.worker, o.last_error AS error, o.attempts, o.parked_at AS "parkedAt", coalesce(e.type, '') AS "eventType",
      coalesce(e.subject, '') AS subject, u.id AS "unlockId", l.public_id AS "leadId", b.external_id AS buyer
    FROM outbox o LEFT JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
      LEFT JOIN lead_unlocks u ON u.id = (e.data->>'unlockId')::uuid
      LEFT JOIN leads l ON l.id = u.lead_id LEFT JOIN buyers b ON b.id = u.buyer_id
    WHERE o.parked_at IS NOT NULL AND ${ofOrganization('o.organization_id', organizationId)} AND (${before}::bigint IS NULL OR (o.parked_at, o.id) < (
      SELECT parked_at, id FROM outbox WHERE id = ${before}::bigint))
      AND (${unlockId}::text IS NULL OR e.data->>'unlockId' = ${unlockId}::text)
    ORDER BY o.parked_at DESC, o.id DESC LIMIT ${limit + 1}`,
  );
}

export type ParkedCause = {
  worker: WorkerName;
  organizationId: string | null;
  subject: string;
  eventId: string;
  correlationId: string;
};

/** The subject of a parked row. Returns null when there is none, or when it is no longer parked. */
export async function findParked(
  db: Queryable,
  organizationId: string | null,
  id: number,
): Promise<ParkedCause | null> {
  const [row] = await run<ParkedCause>(
    db,
    sql`SELECT o.worker, o.organization_id AS "organizationId", e.subject, e.id AS "eventId", e.correlation_id AS "correlationId"
      FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
      WHERE o.id = ${id}::bigint AND o.parked_at IS NOT NULL AND ${ofOrganization('o.organization_id', organizationId)}`,
  );
  return row ?? null;
}

export type InboxRow = {
  id: string;
  source: string;
  kind: string;
  intent: string | null;
  receivedAt: Date;
  unlockId: string | null;
  leadId: string | null;
  /** Sealed. */
  sender: string | null;
  body: string | null;
};

/** Oldest first, so that the longest wait is answered first. */
export async function listInbox(
  db: Queryable,
  organizationId: string | null,
  after: string | null,
  limit: number,
): Promise<InboxRow[]> {
  return run(
    db,
    sql`SELECT i.id, i.source, i.kind, i.intent, i.received_at AS "receivedAt", i.unlock_id AS "unlockId", l.public_id AS "leadId",
      i.sender, i.body
    FROM inbox i LEFT JOIN lead_unlocks u ON u.id = i.unlock_id LEFT JOIN leads l ON l.id = u.lead_id
    WHERE i.needs_operator AND i.handled_at IS NULL AND ${ofOrganization('i.organization_id', organizationId)} AND (${after}::uuid IS NULL OR (i.received_at, i.id) > (
      SELECT received_at, id FROM inbox WHERE id = ${after}::uuid))
    ORDER BY i.received_at, i.id LIMIT ${limit + 1}`,
  );
}

export function markHandled(
  db: Queryable,
  organizationId: string | null,
  id: string,
): Promise<{ id: string }[]> {
  return run(
    db,
    sql`UPDATE inbox SET handled_at = now() WHERE id = ${id}::uuid AND needs_operator AND handled_at IS NULL
      AND ${ofOrganization('organization_id', organizationId)} RETURNING id`,
  );
}

export type AlertRow = {
  id: string;
  kind: string;
  subject: string;
  text: string;
  createdAt: Date;
  unlockId: string | null;
};

/** Excludes the alert of a row that is still parked, because the row itself is listed. */
const stillParked = `NOT EXISTS (SELECT 1 FROM outbox p WHERE p.parked_at IS NOT NULL
  AND p.id = CASE WHEN a.key ~ '^parked-[0-9]+-' THEN split_part(a.key, '-', 2)::bigint END)`;

export async function listAlerts(
  db: Queryable,
  organizationId: string | null,
  limit: number,
): Promise<AlertRow[]> {
  return run(
    db,
    sql`SELECT a.id, a.kind, a.subject, a.text, a.created_at AS "createdAt", u.id AS "unlockId" FROM alerts a
      LEFT JOIN lead_unlocks u ON u.id = CASE WHEN a.subject ~ '^unlock:[0-9a-f-]{36}$' THEN substr(a.subject, 8)::uuid END
      WHERE a.resolved_at IS NULL AND ${ofOrganization('a.organization_id', organizationId)} AND ${sql.raw(stillParked)} ORDER BY a.created_at DESC LIMIT ${limit}`,
  );
}

/** Resolves an alert. A payment that was held with it is released. */
export function resolveAlert(
  db: Queryable,
  organizationId: string | null,
  id: string,
): Promise<{ id: string }[]> {
  return run(
    db,
    sql`WITH resolved AS (
      UPDATE alerts SET resolved_at = now() WHERE id = ${id}::uuid AND resolved_at IS NULL
        AND ${ofOrganization('organization_id', organizationId)} RETURNING id, key),
    released AS (${releaseSession(sql`resolved`)})
    SELECT id FROM resolved`,
  );
}

export type AttentionCounts = { parked: number; inbox: number; alerts: number };

/** Three narrow partial indexes. */
export async function attentionCounts(
  db: Queryable,
  organizationId: string | null,
): Promise<AttentionCounts> {
  const [row] = await run<AttentionCounts>(db, sql`SELECT ${countsOf(organizationId)}`);
  return row!;
}

function countsOf(organizationId: string | null): SQL {
  const mine = ofOrganization('organization_id', organizationId);
  return sql`(SELECT count(*)::int FROM outbox WHERE parked_at IS NOT NULL AND ${mine}) AS parked,
  (SELECT count(*)::int FROM inbox WHERE needs_operator AND handled_at IS NULL AND ${mine}) AS inbox,
  (SELECT count(*)::int FROM alerts a WHERE resolved_at IS NULL AND ${mine} AND ${sql.raw(stillParked)}) AS alerts`;
}

/** Returns a version that changes with anything the platform's pages show. Costs a few index lookups. */
export async function pulse(db: Queryable): Promise<string> {
  const [row] = await run<Record<string, unknown>>(
    db,
    sql`SELECT ${countsOf(null)}, (SELECT id FROM events ORDER BY id DESC LIMIT 1) AS event,
      (SELECT id FROM messages ORDER BY id DESC LIMIT 1) AS message, (SELECT max(received_at) FROM inbox) AS received,
      (SELECT row(id, ended_at)::text FROM attempts ORDER BY started_at DESC LIMIT 1) AS attempt,
      (SELECT id FROM payments ORDER BY id DESC LIMIT 1) AS payment`,
  );
  return JSON.stringify(row);
}

export type WorkerPulse = {
  worker: WorkerName;
  lastRunAt: Date;
  runs: number;
  failures: number;
  medianMs: number | null;
};

/** Statistics of the last thousand runs, to detect a worker that is running but idle. */
export async function workerPulses(db: Queryable): Promise<WorkerPulse[]> {
  return run(
    db,
    sql`SELECT worker, max(started_at) AS "lastRunAt", count(*)::int AS runs,
      count(*) FILTER (WHERE outcome IN ('failed', 'parked'))::int AS failures,
      (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at) * 1000))::float8 AS "medianMs"
    FROM (SELECT * FROM attempts ORDER BY started_at DESC LIMIT 1000) recent GROUP BY worker`,
  );
}
