import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import type { Checkout } from '../payment/checkout.ts';
import { paidList } from './states.ts';

/** Returns null when no unlock has this token. */
export async function findUnlockByToken(db: Queryable, tokenHash: string): Promise<PayFigures | null> {
  const [row] = await run<PayFigures>(
    db,
    sql`SELECT u.id, (extract(epoch FROM u.ttl_expires_at - now()) * 1000)::float8 AS "ttlLeftMs", u.viewed_at IS NOT NULL AS viewed,
      l.public->>'notes' AS "notesSnippet", l.created_at AS "createdAt",
      (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id AND s.status IN (${paidList})) AS sold,
      (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id) AS offered,
      (SELECT c.state FROM checkout_sessions c WHERE c.purpose = 'unlock' AND c.subject_id = u.id ORDER BY c.number DESC LIMIT 1) AS checkout,
      EXISTS (SELECT 1 FROM checkout_sessions q WHERE q.purpose = 'unlock' AND q.subject_id = u.id AND q.quarantined_at IS NOT NULL) AS held,
      (SELECT CASE WHEN y.kept THEN 'kept' ELSE 'returned' END FROM payments y WHERE y.unlock_id = u.id
        ORDER BY y.kept DESC, y.created_at DESC LIMIT 1) AS payment,
      (SELECT CASE WHEN y.refunded_minor >= y.amount_minor THEN 'returned'
          WHEN y.refunded_minor + y.refunding_minor >= y.amount_minor THEN 'returning' ELSE 'owed' END
        FROM payments y WHERE y.unlock_id = u.id AND NOT y.kept ORDER BY y.created_at DESC LIMIT 1) AS refund
    FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE u.token_hash = ${tokenHash}`,
  );
  return row ?? null;
}

/** What the pay page shows in addition to the unlock itself. */
export type PayFigures = {
  id: string;
  ttlLeftMs: number;
  viewed: boolean;
  notesSnippet: string | null;
  createdAt: Date;
  sold: number;
  offered: number;
  checkout: Checkout['state'] | null;
  /** A payment has arrived, differs from what was asked for, and is held for a check. */
  held: boolean;
  /** Whether a payment is kept, or none of those booked is; null when none is booked. */
  payment: 'kept' | 'returned' | null;
  /** Where the money of the last payment that is not kept is. */
  refund: 'returned' | 'returning' | 'owed' | null;
};

/** Guard: the first view of a paid unlock's details on the page. */
export function markViewed(unlockId: string): (held: SQL) => SQL {
  return (held) => sql`UPDATE lead_unlocks SET viewed_at = now(), updated_at = now()
    WHERE id = ${unlockId}::uuid AND viewed_at IS NULL AND status IN (${paidList}) AND ${held} RETURNING id`;
}
