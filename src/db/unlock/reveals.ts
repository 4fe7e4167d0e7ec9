import { sql } from 'drizzle-orm';
import { subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/**
 * Whether the details of an unlock were sent. `unclear`: a message with them was claimed and its outcome is unknown, so
 * they may have been sent.
 */
export async function findReveal(db: Queryable, unlockId: string): Promise<'none' | 'unclear' | 'sent'> {
  const rows = await run<{ state: string }>(
    db,
    sql`SELECT state FROM effects WHERE subject = ${subjects.unlock(unlockId)} AND key LIKE 'reveal-%' AND state IN ('claimed', 'unknown', 'accepted')`,
  );
  if (rows.some((row) => row.state === 'accepted')) return 'sent';
  return rows.length > 0 ? 'unclear' : 'none';
}

/** Returns true when the details of an unlock were sent and every message with them has failed. */
export async function hasRevealFailed(db: Queryable, unlockId: string): Promise<boolean> {
  const [row] = await run<{ failed: boolean }>(
    db,
    sql`SELECT coalesce(bool_and(status = 'failed'), false) AS failed FROM messages WHERE subject = ${subjects.unlock(unlockId)} AND purpose = 'reveal'`,
  );
  return row!.failed;
}
