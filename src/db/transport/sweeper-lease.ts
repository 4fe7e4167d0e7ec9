import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/**
 * Takes the lease of the sweeper for `ms`, or renews it. Returns false, with nothing written, when another process holds
 * it. Times are the database's. A lease that ends later than 2 × `ms` from now is ignored: the clock was set back since, or
 * its holder sweeps less often.
 */
export async function takeSweeperLease(db: Queryable, holder: string, ms: number): Promise<boolean> {
  const after = (leases: number) => sql`now() + make_interval(secs => ${leases * ms}::float8 / 1000)`;
  const rows = await run(
    db,
    sql`INSERT INTO sweeper_lease AS l (holder, until) SELECT ${holder}::uuid, ${after(1)} WHERE NOT EXISTS (
      SELECT 1 FROM sweeper_lease h WHERE h.holder <> ${holder}::uuid AND h.until > now() AND h.until <= ${after(2)})
    ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, until = excluded.until
      WHERE l.holder = excluded.holder OR l.until <= now() OR l.until > ${after(2)} RETURNING true`,
  );
  return rows.length > 0;
}

/** Ends the lease of this holder, so that another process sweeps at its next tick. */
export async function endSweeperLease(db: Queryable, holder: string): Promise<void> {
  await run(db, sql`DELETE FROM sweeper_lease WHERE holder = ${holder}::uuid`);
}
