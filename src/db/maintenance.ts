import { sql } from 'drizzle-orm';
import type { Queryable } from './client.ts';
import { run } from './commit.ts';

/** Rows removed per statement: a large backlog goes in many short ones. */
const batch = 5_000;

/** What a table keeps no longer than this, and by which column. Business records are not among them. */
const kept = [
  { table: 'idempotency_keys', column: 'created_at', days: 7 },
  { table: 'attempts', column: 'started_at', days: 90 },
] as const;

/** Partitions three months ahead, and old transport rows gone. Safe to run anywhere, any number of times. */
export async function maintain(db: Queryable): Promise<{ removed: number }> {
  await run(db, sql`SELECT ensure_partitions((now() AT TIME ZONE 'UTC')::date, 3)`);
  await run(
    db,
    sql`DELETE FROM sms_counters WHERE day < to_char((now() AT TIME ZONE 'UTC') - interval '7 days', 'YYYY-MM-DD')`,
  );
  let removed = 0;
  for (const { table, column, days } of kept) {
    for (let count = batch; count === batch; removed += count) {
      const rows = await run<{ one: number }>(
        db,
        sql.raw(`DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table}
          WHERE ${column} < now() - interval '${days} days' LIMIT ${batch})) RETURNING 1 AS one`),
      );
      count = rows.length;
    }
  }
  return { removed };
}
