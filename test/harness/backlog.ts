import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../../src/db/client.ts';
import { commitChange, type PublishRow } from '../../src/db/commit.ts';
import type { WorkerName } from '../../src/events/routes.ts';
import type { TestSystem } from './system.ts';

/** Rows that wait in the outbox, due now. */
export const addWaiting = (
  system: TestSystem,
  worker: WorkerName,
  organizations: readonly (string | null)[],
  rows: number,
) =>
  system.rows(
    `INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
      SELECT gen_random_uuid(), now(), $1, o, now(), false FROM unnest($2::uuid[]) AS o, generate_series(1, $3)`,
    [worker, organizations, rows],
  );

/** Rows that were committed with an event each and are to be published, in the order of their ids. */
export async function committedRows(db: Queryable, count: number): Promise<PublishRow[]> {
  const events = Array.from({ length: count }, () => {
    const leadId = uuidv7();
    const subject = `lead:${leadId}`;
    return { type: 'lead.received' as const, organizationId: null, subject, data: { leadId } };
  });
  const { publish } = await commitChange(db, { events }, { visibilityMs: 60_000 });
  return publish.toSorted((a, b) => a.id - b.id);
}

/** Rows stored an hour ago for a later time, which is `dueIn` from now: negative when it has come. */
export const addLater = (
  system: TestSystem,
  worker: WorkerName,
  organizations: readonly (string | null)[],
  { rows, dueIn, importId = null }: { rows: number; dueIn: string; importId?: string | null },
) =>
  system.rows(
    `INSERT INTO outbox (event_id, event_at, worker, organization_id, import_id, created_at, due_at, queued)
      SELECT gen_random_uuid(), now(), $1, o, $5::uuid, now() - interval '1 hour', now() + $4::interval, false
      FROM unnest($2::uuid[]) AS o, generate_series(1, $3)`,
    [worker, organizations, rows, dueIn, importId],
  );

/** Rows of an organization that should have a job. */
export async function countQueued(system: TestSystem, organizationId: string): Promise<number> {
  const [row] = await system.rows<{ n: number }>(
    'SELECT count(*)::int AS n FROM outbox WHERE organization_id = $1 AND queued',
    [organizationId],
  );
  return row!.n;
}
