import { type SQL, sql } from 'drizzle-orm';
import { type After, statesBefore } from '../../domain/moves.ts';
import { type CheckoutState, checkoutMoves } from '../../domain/payment/checkout-state.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';
import { quoted } from '../schema/columns.ts';
import { payableList } from '../unlock/states.ts';

/** The newest Checkout Session of an unlock, with its remaining lifetime by the database's clock. */
export type Checkout = {
  number: number;
  id: string | null;
  state: CheckoutState;
  url: string | null;
  expiresAt: Date;
  leftMs: number;
  /** Its payment is booked, either kept or refunded. */
  booked: boolean;
  /** A payment of the unlock is held for a check, so no other session may be opened. */
  held: boolean;
};

const columns = sql.raw(`number, id, state, url, expires_at AS "expiresAt",
  EXISTS (SELECT 1 FROM payments y WHERE y.unlock_id = checkout_sessions.unlock_id AND y.session_id = checkout_sessions.id) AS booked,
  EXISTS (SELECT 1 FROM checkout_sessions q WHERE q.purpose = 'unlock' AND q.subject_id = checkout_sessions.subject_id
    AND q.quarantined_at IS NOT NULL) AS held,
  (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "leftMs"`);

/** Filters by purpose and subject, to use the index on both. */
const ofUnlock = (unlockId: string) => sql`purpose = 'unlock' AND subject_id = ${unlockId}::uuid`;

export async function findCheckout(db: Queryable, unlockId: string): Promise<Checkout | null> {
  const [row] = await run<Checkout>(
    db,
    sql`SELECT ${columns} FROM checkout_sessions WHERE ${ofUnlock(unlockId)} ORDER BY number DESC LIMIT 1`,
  );
  return row ?? null;
}

/**
 * Inserts the row before the request to Stripe, expiry included: a retry after a crash must send the same value under
 * the same key. Stripe accepts 30 minutes to 24 hours, in whole seconds. Returns null when another request was first,
 * or when the unlock can no longer be paid for.
 */
export async function beginCheckout(
  db: Queryable,
  unlockId: string,
  number: number,
): Promise<Checkout | null> {
  const [row] = await run<Checkout>(
    db,
    sql`INSERT INTO checkout_sessions (purpose, subject_id, unlock_id, number, state, expires_at)
      SELECT 'unlock', id, id, ${number}::integer, 'creating', date_trunc('second',
        least(greatest(ttl_expires_at, now() + interval '30 minutes 20 seconds'), now() + interval '24 hours' - interval '20 seconds'))
      FROM lead_unlocks WHERE id = ${unlockId}::uuid AND ${isPayable}
        AND NOT EXISTS (SELECT 1 FROM checkout_sessions q WHERE q.purpose = 'unlock' AND q.subject_id = lead_unlocks.id
          AND q.quarantined_at IS NOT NULL)
      ON CONFLICT DO NOTHING RETURNING ${columns}`,
  );
  return row ?? null;
}

/** SQL: a row of lead_unlocks can still be paid for (domain/unlock/pay-view.ts). */
const isPayable = sql`lead_unlocks.status IN (${payableList}) AND lead_unlocks.ttl_expires_at > now()
  AND NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = lead_unlocks.lead_id
    AND l.max_sales <= (SELECT count(*) FROM sold_slots s WHERE s.lead_id = l.id))`;

/** Guard: the session is still being created, and with `whilePayable` its unlock can still be paid for. */
export function openCheckout(
  unlockId: string,
  number: number,
  session: { id: string; url: string },
  whilePayable: boolean,
): (held: SQL) => SQL {
  const payable = sql`AND EXISTS (SELECT 1 FROM lead_unlocks WHERE id = ${unlockId}::uuid AND ${isPayable})`;
  return (
    held,
  ) => sql`UPDATE checkout_sessions SET id = ${session.id}::text, url = ${session.url}::text, state = 'open'
    WHERE ${ofUnlock(unlockId)} AND number = ${number}::integer AND state IN (${quoted(statesBefore(checkoutMoves, 'open'))})
      AND ${held} ${whilePayable ? payable : sql``} RETURNING number`;
}

/** Ends a session by its number: one that Stripe refused to create has no id. */
export function endCheckout(
  unlockId: string,
  number: number,
  state: After<typeof checkoutMoves, 'open'>,
): Part {
  return {
    name: 'ended',
    statement: (when) => sql`UPDATE checkout_sessions SET state = ${state}::text, closed_at = now()
      WHERE ${ofUnlock(unlockId)} AND number = ${number}::integer
        AND state IN (${quoted(statesBefore(checkoutMoves, state))}) AND ${when}`,
  };
}
