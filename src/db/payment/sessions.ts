import { type SQL, sql } from 'drizzle-orm';
import { type After, statesBefore } from '../../domain/moves.ts';
import {
  type CheckoutState,
  checkoutMoves,
  openCheckoutStates,
} from '../../domain/payment/checkout-state.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';
import { quoted } from '../schema/columns.ts';

/** A session in which an unlock is paid for. */
export type SessionRow = {
  unlockId: string;
  number: number;
  id: string | null;
  state: CheckoutState;
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
    WHERE purpose = 'unlock' AND subject_id = ${unlockId}::uuid AND state IN (${quoted(openCheckoutStates)}) ORDER BY number`,
  );
}

/** Books the end of a session at Stripe; `complete` and `expired` are final. */
export function closeSession(sessionId: string, state: After<typeof checkoutMoves, 'open'>): Part {
  return {
    name: 'session',
    statement: (when: SQL) => sql`UPDATE checkout_sessions SET state = ${state}, closed_at = now()
      WHERE id = ${sessionId} AND state IN (${quoted(statesBefore(checkoutMoves, state))}) AND ${when}`,
  };
}

/** Holds the payment of a session for an operator, whichever unlock it names. */
export function holdSession(sessionId: string): Part {
  return {
    name: 'held_session',
    statement: (
      when: SQL,
    ) => sql`UPDATE checkout_sessions SET quarantined_at = coalesce(quarantined_at, now())
      WHERE id = ${sessionId} AND ${when}`,
  };
}
