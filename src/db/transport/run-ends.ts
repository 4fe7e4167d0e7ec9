import { sql } from 'drizzle-orm';
import type { Cause } from '../../events/envelope.ts';
import type { Queryable } from '../client.ts';
import { type AttemptRow, type Fence, type Part, run } from '../commit.ts';

/** What a transaction needs to end a run beside others. */
export type RunEnding = { fence: Fence; cause: Cause; attempt: (note: string) => AttemptRow };

/**
 * Locks the outbox rows of these runs for the rest of the transaction, by their ids. Returns the ids of those that are
 * still held: of two runs of one row, the second finds none.
 */
export async function lockRuns(tx: Queryable, fences: readonly Fence[]): Promise<Set<number>> {
  const rows = await run<{ id: number }>(
    tx,
    sql`SELECT o.id FROM outbox o JOIN jsonb_to_recordset(${JSON.stringify(fences)}::jsonb) AS f("outboxId" bigint, epoch integer)
      ON o.id = f."outboxId" AND o.epoch = f.epoch WHERE o.parked_at IS NULL ORDER BY o.id FOR UPDATE OF o`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** Ends locked runs in the statement that does their work: their rows, and the record of each. */
export function endRuns(ends: readonly { ending: RunEnding; note: string }[]): Part[] {
  const attempts = ends.map(({ ending, note }) => ending.attempt(note));
  const ids = ends.map(({ ending }) => ending.fence.outboxId);
  return [
    {
      name: 'ends',
      statement: (when) => sql`DELETE FROM outbox WHERE id = ANY(${sql.param(ids)}::bigint[]) AND ${when}`,
    },
    {
      name: 'ended',
      statement: (
        when,
      ) => sql`INSERT INTO attempts (id, outbox_id, event_id, worker, subject, started_at, ended_at, outcome, detail)
        SELECT a.id, a."outboxId", a."eventId", a.worker, a.subject, a."startedAt", a."startedAt" + make_interval(secs => a."durationMs" / 1000),
          a.outcome, a.detail
        FROM jsonb_to_recordset(${JSON.stringify(attempts)}::jsonb) AS a(id uuid, "outboxId" bigint, "eventId" uuid, worker text, subject text,
          "startedAt" timestamptz, "durationMs" float8, outcome text, detail text) WHERE ${when}`,
    },
  ];
}
