import type { Queryable } from '../src/db/client.ts';
import type { EventType } from '../src/events/catalog.ts';
import type { WorkerName } from '../src/events/routes.ts';

export type OutboxRows = {
  worker: WorkerName;
  type: EventType;
  /** SQL for the event's data. Its ids need not exist: the run is skipped then. */
  data: string;
  count: number;
  /** Whether the rows are marked as having a job in the queue. */
  queued: boolean;
  /** Seconds until the rows are due. */
  dueIn: number;
  /** The number of organizations among which the rows alternate. */
  organizations: number;
};

/** Inserts open work directly: an event and an outbox row each. */
export async function insertOutboxRows(db: Queryable, rows: OutboxRows): Promise<void> {
  await db.query(
    `WITH tenants AS (SELECT array_agg(gen_random_uuid()) AS ids FROM generate_series(1, $2::integer)),
    fresh AS MATERIALIZED (SELECT n, uuidv7() AS id FROM generate_series(1, $1::integer) AS n),
    made AS (
      INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
      SELECT id, now(), $3, 1, tenants.ids[1 + n % $2], 'unlock:' || id, id, ${rows.data}
      FROM tenants, fresh
      RETURNING id, occurred_at, organization_id)
    INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
    SELECT id, occurred_at, $4, organization_id, now() + make_interval(secs => $5::float8), $6 FROM made`,
    [rows.count, rows.organizations, rows.type, rows.worker, rows.dueIn, rows.queued],
  );
}
