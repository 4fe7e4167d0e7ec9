import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

/** The newest Checkout Session of an unlock, with how long it lives by the database's clock. */
export type Checkout = {
  number: number;
  id: string | null;
  state: 'creating' | 'open' | 'complete' | 'expired';
  url: string | null;
  expiresAt: Date;
  leftMs: number;
  /** What was paid in it is in our books: kept or given back. */
  booked: boolean;
};

const columns = sql.raw(`number, id, state, url, expires_at AS "expiresAt",
  EXISTS (SELECT 1 FROM payments y WHERE y.unlock_id = checkout_sessions.unlock_id AND y.session_id = checkout_sessions.id) AS booked,
  (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "leftMs"`);

export async function findCheckout(db: Queryable, unlockId: string): Promise<Checkout | null> {
  const [row] = await run<Checkout>(
    db,
    sql`SELECT ${columns} FROM checkout_sessions WHERE unlock_id = ${unlockId}::uuid ORDER BY number DESC LIMIT 1`,
  );
  return row ?? null;
}

/**
 * Notes the intent before Stripe is asked, end of life included: a repetition after a crash must send the same value
 * under the same key. Stripe takes 30 minutes to 24 hours, in whole seconds. Null: another request was first, or the
 * unlock may not be paid for any more.
 */
export async function beginCheckout(
  db: Queryable,
  unlockId: string,
  number: number,
): Promise<Checkout | null> {
  const [row] = await run<Checkout>(
    db,
    sql`INSERT INTO checkout_sessions (unlock_id, number, state, expires_at)
      SELECT id, ${number}::integer, 'creating', date_trunc('second',
        least(greatest(ttl_expires_at, now() + interval '30 minutes 20 seconds'), now() + interval '24 hours' - interval '20 seconds'))
      FROM lead_unlocks WHERE id = ${unlockId}::uuid AND status IN ('CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT')
        AND ttl_expires_at > now()
      ON CONFLICT DO NOTHING RETURNING ${columns}`,
  );
  return row ?? null;
}

/** Guard: the row still waits for Stripe's answer. */
export function openCheckout(
  unlockId: string,
  number: number,
  session: { id: string; url: string },
): (held: SQL) => SQL {
  return (
    held,
  ) => sql`UPDATE checkout_sessions SET id = ${session.id}::text, url = ${session.url}::text, state = 'open'
    WHERE unlock_id = ${unlockId}::uuid AND number = ${number}::integer AND state = 'creating' AND ${held} RETURNING number`;
}

/** Closes a session by its number: one that Stripe refused to make has no id. */
export function endCheckout(unlockId: string, number: number, state: 'complete' | 'expired'): Part {
  return {
    name: 'ended',
    statement: (when) => sql`UPDATE checkout_sessions SET state = ${state}::text, closed_at = now()
      WHERE unlock_id = ${unlockId}::uuid AND number = ${number}::integer AND state IN ('creating', 'open') AND ${when}`,
  };
}

/** The id behind a pay link's token. */
export async function findUnlockByToken(db: Queryable, tokenHash: string): Promise<PayFigures | null> {
  const [row] = await run<PayFigures>(
    db,
    sql`SELECT u.id, (extract(epoch FROM u.ttl_expires_at - now()) * 1000)::float8 AS "ttlLeftMs", u.viewed_at IS NOT NULL AS viewed,
      l.public->>'notes' AS "notesSnippet", l.created_at AS "createdAt",
      (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id AND s.status IN ('PAID', 'REVEAL_DETAILS_SENT', 'DONE')) AS sold,
      (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id) AS offered,
      (SELECT c.state FROM checkout_sessions c WHERE c.unlock_id = u.id ORDER BY c.number DESC LIMIT 1) AS checkout,
      (SELECT CASE WHEN y.kept THEN 'kept' ELSE 'returned' END FROM payments y WHERE y.unlock_id = u.id
        ORDER BY y.kept DESC, y.created_at DESC LIMIT 1) AS payment
    FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE u.token_hash = ${tokenHash}`,
  );
  return row ?? null;
}

/** What the pay page shows beside the unlock itself. */
export type PayFigures = {
  id: string;
  ttlLeftMs: number;
  viewed: boolean;
  notesSnippet: string | null;
  createdAt: Date;
  sold: number;
  offered: number;
  checkout: Checkout['state'] | null;
  /** What became of the money: one payment is kept, or all went back. Null: none is booked. */
  payment: 'kept' | 'returned' | null;
};

/** Guard: the first time a paid unlock's details are read on the page. */
export function markViewed(unlockId: string): (held: SQL) => SQL {
  return (held) => sql`UPDATE lead_unlocks SET viewed_at = now(), updated_at = now()
    WHERE id = ${unlockId}::uuid AND viewed_at IS NULL AND status IN ('PAID', 'REVEAL_DETAILS_SENT', 'DONE') AND ${held} RETURNING id`;
}
