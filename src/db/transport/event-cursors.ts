import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** Until when a vendor's list of events was read. Returns null when it was never read. */
export async function findCursor(db: Queryable, vendor: string): Promise<Date | null> {
  const [row] = await run<{ readUntil: Date }>(
    db,
    sql`SELECT read_until AS "readUntil" FROM event_cursors WHERE vendor = ${vendor}`,
  );
  return row?.readUntil ?? null;
}

/** Never moves back: two processes may have read the list at once. */
export async function moveCursor(db: Queryable, vendor: string, readUntil: Date): Promise<void> {
  await run(
    db,
    sql`INSERT INTO event_cursors AS known (vendor, read_until) VALUES (${vendor}, ${readUntil}::timestamptz)
      ON CONFLICT (vendor) DO UPDATE SET read_until = greatest(known.read_until, excluded.read_until)`,
  );
}
