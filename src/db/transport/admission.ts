import { type SQL, sql } from 'drizzle-orm';
import type { WorkerName } from '../../events/routes.ts';
import type { Queryable } from '../client.ts';
import { type PublishRow, run } from '../commit.ts';
import { outboxRow, waitingRow } from './outbox-state.ts';

export type Admission = {
  room: number;
  visibilityMs: number;
  /** Maximum rows of one organization in the queue at once; null for no limit. */
  perOrganization: number | null;
  /** Organizations with rows in line visited per sweep, starting after `after`: its cost does not grow with their number. */
  organizations: number;
  after: string | null;
  /** Weights that differ from 1: an organization of weight 3 gets three rows per turn. */
  weights: ReadonlyMap<string, number>;
};

/** Rows that came due and are admitted from the index by time. */
export const freshRows = 500;
/** Rows that one statement lines up. */
const linedUpTogether = 5_000;

/**
 * Lines up the rows of the workers of which more came due than an admission reads by time: they would hide the due rows of
 * other organizations. Returns how many it moved; 0 when none are left to move.
 */
export async function lineUp(db: Queryable, workers: readonly WorkerName[]): Promise<number> {
  const [moved] = await run<{ rows: number }>(
    db,
    sql`WITH fresh AS MATERIALIZED (
      SELECT r.id FROM unnest(${sql.param(workers)}::text[]) AS w(name) CROSS JOIN LATERAL (
        SELECT id, count(*) OVER () AS rows FROM (SELECT id FROM outbox WHERE worker = w.name AND ${waitingRow.later}
          AND due_at <= now() ORDER BY due_at LIMIT ${linedUpTogether}) due) r WHERE r.rows > ${freshRows}),
    due AS (SELECT id FROM outbox WHERE id = ANY(ARRAY(SELECT id FROM fresh)) AND NOT queued ORDER BY id FOR UPDATE SKIP LOCKED),
    moved AS (UPDATE outbox SET lined_up = true WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING 1)
    SELECT count(*)::int AS rows FROM moved`,
  );
  return moved!.rows;
}

const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * Admits at most `room` waiting rows of one worker to its queue, round-robin between organizations by weight, so that one
 * with a million rows does not starve another with ten. Organizations on hold are skipped. `next`: where the next sweep
 * continues; null when the last organization was visited and it starts over.
 */
export async function admitWaiting(
  db: Queryable,
  worker: WorkerName,
  { room, visibilityMs, perOrganization, organizations, after, weights }: Admission,
): Promise<{ rows: PublishRow[]; next: string | null }> {
  const leftOf = (organization: string) =>
    perOrganization === null
      ? sql`${room}::integer`
      : sql`${perOrganization}::integer - coalesce((SELECT q.rows FROM queued q
          WHERE q.organization_id IS NOT DISTINCT FROM ${sql.raw(organization)}), 0)`;
  const weightsJson = JSON.stringify(Object.fromEntries(weights));
  const [found] = await run<{ rows: PublishRow[]; next: string | null }>(
    db,
    sql`WITH RECURSIVE tenants AS (
      (SELECT organization_id, 1 AS n FROM outbox WHERE worker = ${worker} AND ${waitingRow.inLine}
        AND organization_id > ${after ?? firstId}::uuid ORDER BY organization_id LIMIT 1)
      UNION ALL
      SELECT (SELECT organization_id FROM outbox WHERE worker = ${worker} AND ${waitingRow.inLine}
        AND organization_id > t.organization_id ORDER BY organization_id LIMIT 1), t.n + 1
      FROM tenants t WHERE t.organization_id IS NOT NULL AND t.n < ${organizations}::integer),
    fresh AS MATERIALIZED (SELECT id, organization_id, import_id, due_at FROM outbox
      WHERE worker = ${worker} AND ${waitingRow.later} AND due_at <= now() ORDER BY due_at LIMIT ${freshRows}),
    fresh_of AS (SELECT organization_id, array_agg(id) AS ids, array_agg(import_id) AS imports, array_agg(due_at) AS times
      FROM fresh WHERE organization_id IS NOT NULL GROUP BY organization_id),
    ${
      perOrganization === null
        ? sql``
        : sql`queued AS (SELECT organization_id, count(*)::integer AS rows FROM outbox
            WHERE worker = ${worker} AND ${outboxRow.queued} GROUP BY organization_id),`
    }
    free AS (SELECT t.organization_id, ${leftOf('t.organization_id')} AS rows,
        coalesce((${weightsJson}::jsonb ->> t.organization_id::text)::integer, 1) AS weight, t.ids, t.imports, t.times
      FROM (SELECT organization_id, ids, imports, times FROM tenants FULL JOIN fresh_of USING (organization_id)) t
      WHERE t.organization_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM worker_holds h WHERE h.worker = ${worker} AND h.organization_id = t.organization_id AND h.until > now())),
    share AS (SELECT greatest(1, ceil(2.0 * ${room}::integer / greatest(1, sum(weight))))::integer AS rows FROM free),
    ready AS (
      SELECT w.id, w.turn FROM (
        SELECT free.*, greatest(0, least(free.rows, free.weight * share.rows)) AS most FROM free, share) t CROSS JOIN LATERAL (
          SELECT o.id, (row_number() OVER (ORDER BY o.place, o.due_at) - 1) / t.weight AS turn
          FROM (${inTurns(worker)} ORDER BY place, random() LIMIT t.most) o) w
      UNION ALL
      (SELECT id, row_number() OVER (ORDER BY due_at) - 1 FROM (
          (SELECT id, due_at FROM outbox WHERE worker = ${worker} AND ${waitingRow.inLine}
            AND due_at <= now() AND organization_id IS NULL ORDER BY due_at LIMIT ${room}::integer)
          UNION ALL SELECT id, due_at FROM fresh WHERE organization_id IS NULL) own ORDER BY due_at
        LIMIT greatest(0, least(${room}::integer, ${leftOf('NULL::uuid')})))),
    -- Who is first among equals must not be the same each time.
    turns AS (SELECT id, row_number() OVER (ORDER BY turn, random()) AS n FROM ready ORDER BY n LIMIT ${room}),
    -- As arrays, so that they are looked up by id whatever the planner expects: the rows due later may be the whole table.
    due AS (SELECT id FROM outbox WHERE id = ANY(ARRAY(SELECT id FROM turns)) AND NOT queued FOR UPDATE SKIP LOCKED),
    admitted AS (
      UPDATE outbox SET queued = true, visits = 0, due_at = now() + make_interval(secs => ${visibilityMs}::float8 / 1000)
      WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING id, worker, epoch, organization_id AS "organizationId")
    SELECT (SELECT coalesce(json_agg(admitted ORDER BY n), '[]') FROM admitted JOIN turns USING (id)) AS rows,
      (SELECT organization_id FROM tenants WHERE n = ${organizations}::integer) AS next`,
  );
  return found!;
}

/** Imports of one organization that take turns in a sweep: the newest, and the oldest so that it always goes on. */
const newestImports = 50;

/**
 * The due rows of organization `t`, with their `place` within their import: its imports take turns, and the rows of none
 * take turns as one more. So a file of two rows does not wait for one of a million. At most `t.most` rows of each.
 */
function inTurns(worker: WorkerName): SQL {
  const ofTenant = sql`worker = ${worker} AND ${waitingRow.inLine} AND organization_id = t.organization_id`;
  const due = (rows: SQL) => sql`(SELECT id, import_id, due_at FROM outbox
      WHERE ${ofTenant} AND ${rows} AND due_at <= now() ORDER BY import_id, due_at LIMIT t.most)`;
  return sql`SELECT id, due_at, row_number() OVER (PARTITION BY import_id ORDER BY due_at) AS place FROM (
    ${due(sql`import_id IS NULL`)}
    UNION ALL
    SELECT * FROM unnest(t.ids, t.imports, t.times)
    UNION ALL
    SELECT r.* FROM (
      WITH RECURSIVE newest AS (
        (SELECT import_id, 1 AS n FROM outbox WHERE ${ofTenant} AND import_id IS NOT NULL ORDER BY import_id DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT import_id FROM outbox WHERE ${ofTenant} AND import_id < newest.import_id ORDER BY import_id DESC LIMIT 1), n + 1
        FROM newest WHERE newest.import_id IS NOT NULL AND n < ${newestImports}::integer)
      SELECT import_id FROM newest WHERE import_id IS NOT NULL
      UNION
      (SELECT import_id FROM outbox WHERE ${ofTenant} AND import_id IS NOT NULL ORDER BY import_id LIMIT 1)
    ) line CROSS JOIN LATERAL ${due(sql`import_id = line.import_id`)} r) each`;
}
