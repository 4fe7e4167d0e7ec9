import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

/** A session in which an unlock is paid for. */
export type SessionRow = {
  unlockId: string;
  number: number;
  id: string | null;
  state: string;
  expiresAt: Date;
};

export async function findSession(db: Queryable, id: string): Promise<SessionRow | null> {
  const [row] = await run<SessionRow>(
    db,
    sql`SELECT unlock_id AS "unlockId", number, id, state, expires_at AS "expiresAt" FROM checkout_sessions WHERE id = ${id} AND purpose = 'unlock'`,
  );
  return row ?? null;
}

/** Returns the sessions of an unlock that may still take money: open, or requested at Stripe with no answer booked yet. */
export async function findOpenSessions(db: Queryable, unlockId: string): Promise<SessionRow[]> {
  return run(
    db,
    sql`SELECT unlock_id AS "unlockId", number, id, state, expires_at AS "expiresAt" FROM checkout_sessions
    WHERE purpose = 'unlock' AND subject_id = ${unlockId}::uuid AND state IN ('creating', 'open') ORDER BY number`,
  );
}

/** Books the end of a session at Stripe; `complete` and `expired` are final. */
export function closeSession(sessionId: string, state: 'complete' | 'expired'): Part {
  return {
    name: 'session',
    statement: (when: SQL) => sql`UPDATE checkout_sessions SET state = ${state}, closed_at = now()
      WHERE id = ${sessionId} AND state IN ('creating', 'open') AND ${when}`,
  };
}
