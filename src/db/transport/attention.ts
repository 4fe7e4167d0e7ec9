import { type SQL, sql } from 'drizzle-orm';
import type { AlertDetails } from '../../domain/messaging/alerts.ts';
import type { WorkerName } from '../../events/routes.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { ofOrganization } from '../organization.ts';
import { releaseSession } from '../payment/sessions.ts';

/**
 * Items that need an operator: parked work, texts without a clear action, alerts. `organizationId` is null for platform
 * operators, who see all organizations.
 */

/** Parked work of one cause: of one worker, event, organization and reason. */
export type ParkedGroup = {
  /** The newest of them, which stands for all. */
  id: number;
  oldestId: number;
  worker: WorkerName;
  eventType: string;
  organizationId: string | null;
  /** Of the newest. */
  subject: string;
  error: string | null;
  attempts: number;
  count: number;
  since: Date;
  latest: Date;
};

export type ParkedFilter = {
  organizationId: string | null;
  /** Only what was parked before this row. */
  before?: number | null;
  unlockId?: string;
};

/** Rows of which groups are made, newest first; the others are on further pages. */
export const parkedScan = 500;

/** Reasons are one cause when they differ in ids only, ours or Stripe's. Codes of vendors tell causes apart. */
const causeOf = sql.raw(
  `regexp_replace(coalesce(o.last_error, ''), '[0-9a-f]{8}-[0-9a-f-]{27}|\\m(cs|pi|ch|py|re|dp|du|evt)_\\w+', '#', 'g')`,
);

/** Parked work by cause, newest first, of the newest `parkedScan` rows. */
export async function listParkedGroups(db: Queryable, filter: ParkedFilter): Promise<ParkedGroup[]> {
  const { organizationId, before = null, unlockId = null } = filter;
  return run(
    db,
    sql`SELECT (array_agg(id ORDER BY parked_at DESC, id DESC))[1] AS id, (array_agg(id ORDER BY parked_at, id))[1] AS "oldestId",
      worker, type AS "eventType", organization_id AS "organizationId", (array_agg(subject ORDER BY parked_at DESC, id DESC))[1] AS subject,
      (array_agg(last_error ORDER BY parked_at DESC, id DESC))[1] AS error, max(attempts) AS attempts, count(*)::int AS count,
      min(parked_at) AS since, max(parked_at) AS latest
    FROM (
      SELECT o.id, o.worker, o.organization_id, o.last_error, o.attempts, o.parked_at, coalesce(e.type, '') AS type,
        coalesce(e.subject, '') AS subject, ${causeOf} AS cause
      FROM outbox o LEFT JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
      WHERE o.parked_at IS NOT NULL AND ${ofOrganization('o.organization_id', organizationId)} AND (${before}::bigint IS NULL OR (o.parked_at, o.id) < (
        SELECT parked_at, id FROM outbox WHERE id = ${before}::bigint))
        AND (${unlockId}::text IS NULL OR e.data->>'unlockId' = ${unlockId}::text)
      ORDER BY o.parked_at DESC, o.id DESC LIMIT ${parkedScan}) parked
    GROUP BY worker, type, organization_id, cause ORDER BY latest DESC, id DESC`,
  );
}

/** Ids of parked work with the same cause as this row, oldest first. Empty when the row is not parked. */
export async function parkedLike(db: Queryable, id: number, limit: number): Promise<number[]> {
  const rows = await run<{ id: number }>(
    db,
    sql`WITH all_parked AS (
      SELECT o.id, o.worker, o.organization_id, e.type, ${causeOf} AS cause FROM outbox o
      LEFT JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at WHERE o.parked_at IS NOT NULL)
    SELECT p.id FROM all_parked p JOIN all_parked one ON one.id = ${id}::bigint AND p.worker = one.worker AND p.cause = one.cause
      AND p.organization_id IS NOT DISTINCT FROM one.organization_id AND p.type IS NOT DISTINCT FROM one.type
    ORDER BY p.id LIMIT ${limit}`,
  );
  return rows.map((row) => row.id);
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

/** Open alerts of one kind that say the same about the same thing. */
export type AlertGroup = {
  /** The newest of them, which stands for all. */
  id: string;
  kind: string;
  organizationId: string | null;
  subject: string;
  text: string;
  details: AlertDetails | null;
  count: number;
  since: Date;
  latest: Date;
};

/** Excludes the alert of a row that is still parked, because the row itself is listed. */
const stillParked = `NOT EXISTS (SELECT 1 FROM outbox p WHERE p.parked_at IS NOT NULL
  AND p.id = CASE WHEN a.key ~ '^parked-[0-9]+-' THEN split_part(a.key, '-', 2)::bigint END)`;

/** Newest first. */
export async function listAlertGroups(
  db: Queryable,
  organizationId: string | null,
  limit: number,
): Promise<AlertGroup[]> {
  return run(
    db,
    sql`SELECT (array_agg(a.id ORDER BY a.created_at DESC))[1] AS id, a.kind, a.organization_id AS "organizationId", a.subject, a.text,
      (array_agg(a.details ORDER BY a.created_at DESC))[1] AS details, count(*)::int AS count, min(a.created_at) AS since,
      max(a.created_at) AS latest
    FROM alerts a
    WHERE a.resolved_at IS NULL AND ${ofOrganization('a.organization_id', organizationId)} AND ${sql.raw(stillParked)}
    GROUP BY a.kind, a.organization_id, a.subject, a.text ORDER BY latest DESC LIMIT ${limit}`,
  );
}

/** Resolves an alert and those that say the same about the same thing. Payments that were held with them are released. */
export function resolveAlert(
  db: Queryable,
  organizationId: string | null,
  id: string,
): Promise<{ id: string }[]> {
  return run(
    db,
    sql`WITH alike AS (
      SELECT a.id FROM alerts a JOIN alerts one ON one.id = ${id}::uuid AND one.resolved_at IS NULL AND a.kind = one.kind
        AND a.subject = one.subject AND a.text = one.text AND a.organization_id IS NOT DISTINCT FROM one.organization_id
      WHERE a.resolved_at IS NULL AND ${ofOrganization('a.organization_id', organizationId)} ORDER BY a.id FOR UPDATE OF a),
    resolved AS (
      UPDATE alerts SET resolved_at = now() FROM alike WHERE alerts.id = alike.id AND resolved_at IS NULL
        RETURNING alerts.id, alerts.key),
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
  (SELECT count(DISTINCT (kind, organization_id, subject, text))::int FROM alerts a WHERE resolved_at IS NULL AND ${mine} AND ${sql.raw(stillParked)}) AS alerts`;
}

/** Returns a version that changes with anything the platform's pages show. Costs a few index lookups. */
export async function pulse(db: Queryable): Promise<string> {
  const [row] = await run<Record<string, unknown>>(
    db,
    sql`SELECT ${countsOf(null)}, (SELECT id FROM events ORDER BY id DESC LIMIT 1) AS event,
      (SELECT id FROM messages ORDER BY id DESC LIMIT 1) AS message, (SELECT max(received_at) FROM inbox) AS received,
      (SELECT row(id, ended_at)::text FROM attempts ORDER BY id DESC LIMIT 1) AS attempt,
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
    FROM (SELECT * FROM attempts ORDER BY id DESC LIMIT 1000) recent GROUP BY worker`,
  );
}
