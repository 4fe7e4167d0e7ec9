import { type SQL, sql } from 'drizzle-orm';
import { heldPaymentAlert } from '../../domain/messaging/alerts.ts';
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

/** Books the end of a session at Stripe; `complete` and `expired` are final. A booked payment is no longer held. */
export function closeSession(sessionId: string, state: After<typeof checkoutMoves, 'open'>): Part {
  return {
    name: 'session',
    statement: (
      when: SQL,
    ) => sql`UPDATE checkout_sessions SET state = ${state}, closed_at = now(), quarantined_at = NULL
      WHERE id = ${sessionId} AND state IN (${quoted(statesBefore(checkoutMoves, state))}) AND ${when}`,
  };
}

/**
 * Holds the payment of a session for an operator, whichever unlock it names. One that an operator has decided on stays
 * released: it would have no open alert.
 */
export function holdSession(sessionId: string): Part {
  return {
    name: 'held_session',
    statement: (
      when: SQL,
    ) => sql`UPDATE checkout_sessions SET quarantined_at = coalesce(quarantined_at, now())
      WHERE id = ${sessionId} AND ${when}
        AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.key = ${heldPaymentAlert(sessionId)} AND a.resolved_at IS NOT NULL)`,
  };
}

/**
 * Releases the payment of a session whose alert has just been resolved: \`resolved\` is a part of the statement with the
 * alert's key. The session is ended, because it takes no more money and the buyer may pay in another one.
 */
export const releaseSession = (
  resolved: SQL,
): SQL => sql`UPDATE checkout_sessions s SET quarantined_at = NULL,
    state = CASE WHEN s.state IN (${quoted(statesBefore(checkoutMoves, 'expired'))}) THEN 'expired' ELSE s.state END,
    closed_at = coalesce(s.closed_at, now())
  FROM ${resolved} r WHERE s.id = substr(r.key, ${heldPaymentAlert('').length + 1}::integer)
    AND starts_with(r.key, ${heldPaymentAlert('')}::text) AND s.quarantined_at IS NOT NULL`;
