import { sql } from 'drizzle-orm';
import type { WorkerName } from '../../events/routes.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { outboxRow } from './outbox-state.ts';

/** Rows that should have a job in a queue, per worker and organization, and the weights that differ from 1. */
export type QueueState = {
  queued: { worker: WorkerName; organizationId: string | null; jobs: number }[];
  weights: ReadonlyMap<string, number>;
};

/** Reads the rows that are queued, by their index; the windows of the queues bound their number. */
export async function queueState(db: Queryable): Promise<QueueState> {
  const [row] = await run<{ queued: QueueState['queued']; weights: Record<string, number> }>(
    db,
    sql`SELECT
      (SELECT coalesce(json_agg(q), '[]') FROM (
        SELECT worker, organization_id AS "organizationId", count(*)::int AS jobs FROM outbox
        WHERE ${outboxRow.queued} GROUP BY worker, organization_id) q) AS queued,
      (SELECT coalesce(json_object_agg(id, queue_weight), '{}') FROM organizations WHERE queue_weight <> 1) AS weights`,
  );
  return { queued: row!.queued, weights: new Map(Object.entries(row!.weights)) };
}
