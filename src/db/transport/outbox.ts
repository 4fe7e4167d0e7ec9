import { type SQL, sql } from 'drizzle-orm';
import type { DomainEvent } from '../../events/envelope.ts';
import { type WorkerName, workerNames } from '../../events/routes.ts';
import { inBatches, perDatabase } from '../batches.ts';
import type { Queryable } from '../client.ts';
import { type AttemptRow, attemptPart, type Fence, type PublishRow, run } from '../commit.ts';
import { outboxRow, waitingRow } from './outbox-state.ts';

/** A stored event before it is parsed: its type and data may come from a version this process does not know. */
export type StoredEvent = Omit<DomainEvent, 'type' | 'data'> & { type: string; data: unknown };

/** The input of a worker's run: its row, the event, the event's subject, and the database's clock. */
export type OpenRun<S = null> = {
  event: StoredEvent;
  subject: S | null;
  worker: WorkerName;
  attempts: number;
  createdAt: Date;
  now: Date;
};

/** The subject that a worker's runs read. `D`: the deps needed to read it. */
export type Subject<S, D = { db: Queryable }> = {
  /** Opens a run in one statement. Returns null when the row with this epoch is finished, parked or was reissued. */
  open(fence: Fence, deps: D): Promise<OpenRun<S> | null>;
  /** Reads the subject again later in the run, for instance after a lost race. */
  look(event: StoredEvent, fence: Fence, deps: D): Promise<S | null>;
};

/** Columns of an opened row in addition to those of the run itself. */
type Columns = Record<string, unknown>;

/** A subject's part of the opening statement, which reads outbox row `o` and its event `e` (null when deleted). */
export type SubjectQuery<S> = {
  columns: SQL;
  join: SQL;
  /** CTEs after `about`, which holds the columns of the row; `results` are selected in addition to them. */
  steps?: { ctes: SQL; results: SQL };
  read(columns: Columns): S | null;
};

type RunColumns = {
  runId: number;
  runEpoch: number;
  runWorker: WorkerName;
  runAttempts: number;
  runSince: Date;
  runNow: Date;
  eventId: string;
  eventType: string;
  eventVersion: number;
  eventAt: Date;
  eventOwner: string | null;
  eventSubject: string;
  correlationId: string;
  causationId: string | null;
  eventData: unknown;
};

const runColumns =
  sql.raw(`o.id AS "runId", o.epoch AS "runEpoch", o.worker AS "runWorker", o.attempts AS "runAttempts", o.created_at AS "runSince", now() AS "runNow",
  o.event_id AS "eventId", coalesce(e.type, 'missing') AS "eventType", coalesce(e.version, 1) AS "eventVersion", o.event_at AS "eventAt",
  o.organization_id AS "eventOwner", coalesce(e.subject, 'event:' || o.event_id) AS "eventSubject",
  coalesce(e.correlation_id, o.event_id) AS "correlationId", e.causation_id AS "causationId", coalesce(e.data, '{}') AS "eventData"`);

/**
 * Opens a run: the row with this epoch, its event, and the subject's columns, in one statement. Returns null when the
 * row is finished, parked or was reissued.
 */
export async function openRun<S = null>(
  db: Queryable,
  fence: Fence,
  about?: SubjectQuery<S>,
): Promise<OpenRun<S> | null> {
  const [row] = await run<RunColumns & Columns>(db, openStatement(fence, about));
  return row ? openedRun(row, about) : null;
}

/** Two statements at a time, so that one that waits does not stop all others. */
const openedTogether = { atOnce: 2, most: 50 };

/**
 * Opens the runs of one subject, which only reads: those asked for while two statements are under way are opened by the
 * next one together.
 */
export function openRuns<S = null>(
  about?: SubjectQuery<S>,
): (db: Queryable, fence: Fence) => Promise<OpenRun<S> | null> {
  const openerOf = perDatabase((db) =>
    inBatches(async (fences: Fence[]): Promise<(OpenRun<S> | null)[]> => {
      const [fence] = fences;
      if (fences.length === 1) return [await openRun(db, fence!, about)];
      const ids = sql.param(fences.map(({ outboxId }) => outboxId));
      const rows = await run<RunColumns & Columns>(db, opening(sql`o.id = ANY(${ids}::bigint[])`, about));
      const byId = new Map(rows.map((row) => [row.runId, row]));
      return fences.map(({ outboxId, epoch }) => {
        const row = byId.get(outboxId);
        return row?.runEpoch === epoch ? openedRun(row, about) : null;
      });
    }, openedTogether),
  );
  return (db, fence) => openerOf(db)(fence);
}

function openedRun<S>(row: RunColumns & Columns, about?: SubjectQuery<S>): OpenRun<S> {
  const {
    runId: _id,
    runEpoch: _epoch,
    runWorker,
    runAttempts,
    runSince,
    runNow,
    eventId,
    eventType,
    eventVersion,
    eventAt,
    ...more
  } = row;
  const { eventOwner, eventSubject, correlationId, causationId, eventData, ...columns } = more;
  return {
    event: {
      id: eventId,
      type: eventType,
      version: eventVersion,
      organizationId: eventOwner,
      occurredAt: eventAt,
      subject: eventSubject,
      correlationId,
      causationId,
      data: eventData,
    },
    subject: about ? about.read(columns) : null,
    worker: runWorker,
    attempts: runAttempts,
    createdAt: runSince,
    now: runNow,
  };
}

function opening<S>(these: SQL, about?: SubjectQuery<S>): SQL {
  const columns = about ? sql`${about.columns}, ${runColumns}` : runColumns;
  return sql`SELECT ${columns}
    FROM outbox o LEFT JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
    ${about?.join ?? sql``}
    WHERE ${these} AND o.parked_at IS NULL`;
}

function openStatement<S>(fence: Fence, about?: SubjectQuery<S>): SQL {
  const row = opening(sql`o.id = ${fence.outboxId} AND o.epoch = ${fence.epoch}`, about);
  if (!about?.steps) return row;
  const { ctes, results } = about.steps;
  return sql`WITH about AS (${row}), ${ctes} SELECT about.*, ${results} FROM about`;
}

/**
 * Reschedules a row: raises the epoch (which invalidates older jobs) and makes it due after `delayMs` by the database's
 * clock. `burn` counts a failed attempt and `resetAttempts` clears earlier ones; `keepPlace` keeps the row's original
 * position among the waiting rows. Returns false, with nothing changed, when the fence was lost.
 */
export async function postpone(
  db: Queryable,
  fence: Fence,
  delayMs: number,
  options: {
    burn: boolean;
    error: string | null;
    attempt: AttemptRow;
    keepPlace?: boolean;
    resetAttempts?: boolean;
  },
): Promise<boolean> {
  const due = options.keepPlace
    ? sql`created_at`
    : sql`now() + make_interval(secs => ${delayMs}::float8 / 1000)`;
  const rows = await run<{ ok: boolean }>(
    db,
    sql`WITH held AS (
      UPDATE outbox SET epoch = epoch + 1, queued = false, lined_up = false, visits = 0, due_at = ${due},
        attempts = ${options.resetAttempts ? sql`0` : sql`attempts + ${options.burn ? 1 : 0}`}, last_error = coalesce(${options.error}::text, last_error)
      WHERE id = ${fence.outboxId} AND epoch = ${fence.epoch} AND parked_at IS NULL RETURNING id),
    attempt AS (${attemptPart(options.attempt, sql`EXISTS (SELECT 1 FROM held)`)})
    SELECT true AS ok FROM held`,
  );
  return rows.length > 0;
}

/**
 * Claims queued rows of these workers past `due_at` and their lease for one of the concurrent sweepers, and schedules the
 * next visit `revisitMs` ahead. There is no id cursor, which would skip rows that commit out of order. The epoch is not changed.
 */
export async function claimOverdue(
  db: Queryable,
  workers: readonly WorkerName[],
  limit: number,
  revisitMs: number,
): Promise<(PublishRow & { visits: number })[]> {
  return run(
    db,
    sql`UPDATE outbox o SET visits = o.visits + 1, due_at = now() + make_interval(secs => ${revisitMs}::float8 / 1000)
    FROM (SELECT id FROM outbox WHERE worker = ANY(${sql.param(workers)}::text[]) AND ${outboxRow.queued} AND due_at <= now()
      AND ${unleased} ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED) due
    WHERE o.id = due.id RETURNING o.id, o.worker, o.epoch, o.organization_id AS "organizationId", o.visits`,
  );
}

/** No run that makes a call holds the row. */
const unleased = sql.raw('(lease_until IS NULL OR lease_until <= now())');

/** Reissues rows whose jobs ended without finishing them, with a new epoch and job id. Skips rows finished since. */
export async function reissue(db: Queryable, rows: readonly PublishRow[]): Promise<PublishRow[]> {
  const held = JSON.stringify(rows.map(({ id, epoch }) => ({ id, epoch })));
  return run(
    db,
    sql`UPDATE outbox o SET epoch = o.epoch + 1, visits = 0
    FROM (SELECT outbox.id FROM outbox JOIN jsonb_to_recordset(${held}::jsonb) AS lost(id bigint, epoch integer) USING (id, epoch)
      WHERE queued AND parked_at IS NULL ORDER BY id FOR UPDATE OF outbox) ended
    WHERE o.id = ended.id RETURNING o.id, o.worker, o.epoch, o.organization_id AS "organizationId"`,
  );
}

/** Makes all queued rows of this worker due now, after its queue was flushed externally. */
export async function expediteQueued(db: Queryable, worker: WorkerName): Promise<number> {
  const rows = await run<{ id: number }>(
    db,
    sql`UPDATE outbox o SET due_at = now()
    FROM (SELECT id FROM outbox WHERE worker = ${worker} AND ${outboxRow.queued} AND due_at > now() ORDER BY id FOR UPDATE) late
    WHERE o.id = late.id RETURNING o.id`,
  );
  return rows.length;
}

export type OutboxFigures = {
  worker: WorkerName;
  queued: number;
  /** Due, and not in the queue yet. */
  waiting: number;
  /** Due, and on hold until the vendor can be called again. */
  held: number;
  /** Due, and on hold until a person continues it: its CRM connection is paused. */
  paused: number;
  parked: number;
  /** Age of the oldest due row that is not on hold. */
  lagSeconds: number;
};

/** Figures per worker for metrics and the console. */
export async function outboxFigures(db: Queryable): Promise<OutboxFigures[]> {
  return run(
    db,
    // Each count reads the partial index of its rows: those due later may be millions. Holds are few.
    sql`SELECT names.worker, q.queued, w.waiting, w.held, w.paused, p.parked,
      coalesce(extract(epoch FROM now() - least(q.oldest, w.oldest)), 0)::float8 AS "lagSeconds"
    FROM (VALUES ${sql.raw(workerNames.map((name) => `('${name}')`).join(', '))}) AS names(worker),
    LATERAL (SELECT count(*)::int AS queued, min(due_at) FILTER (WHERE due_at <= now() AND ${unleased}) AS oldest
      FROM outbox o WHERE o.worker = names.worker AND o.queued AND o.parked_at IS NULL) q,
    LATERAL (SELECT count(*) FILTER (WHERE h.until IS NULL)::int AS waiting, count(*) FILTER (WHERE h.until < 'infinity')::int AS held,
        count(*) FILTER (WHERE h.until = 'infinity')::int AS paused, min(o.due_at) FILTER (WHERE h.until IS NULL) AS oldest
      FROM (SELECT organization_id, due_at FROM outbox WHERE worker = names.worker AND ${waitingRow.inLine} AND due_at <= now()
          UNION ALL SELECT organization_id, due_at FROM outbox WHERE worker = names.worker AND ${waitingRow.later} AND due_at <= now()) o
        LEFT JOIN worker_holds h ON h.worker = names.worker AND h.organization_id = o.organization_id AND h.until > now()) w,
    LATERAL (SELECT count(*)::int AS parked FROM outbox o WHERE o.worker = names.worker AND o.parked_at IS NOT NULL) p`,
  );
}

/** Parks a row until an operator resumes it. Part of a statement that also records events. */
export function parkRow(fence: Fence, error: string, burn: boolean): SQL {
  return sql`UPDATE outbox SET parked_at = now(), queued = false, last_error = ${error}, attempts = attempts + ${burn ? 1 : 0}
    WHERE id = ${fence.outboxId} AND epoch = ${fence.epoch} AND parked_at IS NULL RETURNING id`;
}

export function resumeRow(outboxId: number): SQL {
  return sql`UPDATE outbox SET parked_at = NULL, attempts = 0, epoch = epoch + 1, visits = 0, queued = false, due_at = now()
    WHERE id = ${outboxId} AND ${outboxRow.parked} RETURNING id`;
}
