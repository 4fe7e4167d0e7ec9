import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import type { Checkout } from '../payment/checkout.ts';
import { paidList, payableList } from './states.ts';
import { placeOfLead, serviceOfLead, type UnlockView, unlockView } from './unlocks.ts';

/** The unlock with this token, with what its pay page shows in addition. Returns null when no unlock has it. */
export async function findUnlockByToken(
  db: Queryable,
  tokenHash: string,
): Promise<(UnlockView & PayFigures) | null> {
  const [row] = await run<UnlockView & PayFigures>(
    db,
    sql`SELECT unlock.*, (extract(epoch FROM u.ttl_expires_at - now()) * 1000)::float8 AS "ttlLeftMs", u.viewed_at IS NOT NULL AS viewed,
      g.name AS seller, l.public->>'notes' AS "notesSnippet", l.created_at AS "createdAt",
      (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id AND s.status IN (${paidList})) AS sold,
      (SELECT count(*)::int FROM lead_unlocks s WHERE s.lead_id = l.id) AS offered,
      (SELECT c.state FROM checkout_sessions c WHERE c.purpose = 'unlock' AND c.subject_id = u.id ORDER BY c.number DESC LIMIT 1) AS checkout,
      EXISTS (SELECT 1 FROM checkout_sessions q WHERE q.purpose = 'unlock' AND q.subject_id = u.id AND q.quarantined_at IS NOT NULL) AS held,
      (SELECT CASE WHEN y.kept THEN 'kept' ELSE 'returned' END FROM payments y WHERE y.unlock_id = u.id
        ORDER BY y.kept DESC, y.created_at DESC LIMIT 1) AS payment,
      (SELECT CASE WHEN bool_and(y.refunded_minor + (SELECT coalesce(sum(d.amount_minor), 0) FROM disputes d
              WHERE d.payment_id = y.id AND d.kind = 'lost') >= y.amount_minor) THEN 'returned'
          WHEN bool_and(y.refunded_minor + y.refunding_minor >= y.amount_minor) THEN 'returning'
          WHEN count(*) > 0 THEN 'owed' END
        FROM payments y WHERE y.unlock_id = u.id AND NOT y.kept) AS refund,
      (SELECT coalesce(sum(y.refunded_minor), 0)::int FROM payments y WHERE y.unlock_id = u.id AND y.kept) AS "refundedMinor",
      (SELECT coalesce(sum(y.refunding_minor), 0)::int FROM payments y WHERE y.unlock_id = u.id AND y.kept) AS "refundingMinor"
    FROM (${unlockView} WHERE u.token_hash = ${tokenHash}) unlock JOIN lead_unlocks u ON u.id = unlock.id
      JOIN leads l ON l.id = u.lead_id JOIN organizations g ON g.id = u.organization_id`,
  );
  return row ?? null;
}

/** What the pay page shows in addition to the unlock itself. */
export type PayFigures = {
  /** The organization that sells the lead. */
  seller: string;
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
  /**
   * Where the money of the payments that are not kept is: `returned` when all of it went back, by refunds or lost disputes, `returning` when the rest
   * is on its way, `owed` when a refund is to be made. Null when there is no such payment.
   */
  refund: 'returned' | 'returning' | 'owed' | null;
  /** What of the kept payment went back to the buyer. */
  refundedMinor: number;
  /** What of the kept payment is on its way back. */
  refundingMinor: number;
};

export type OpenOffer = {
  id: string;
  leadId: string;
  serviceType: string | null;
  city: string | null;
  priceMinor: number;
  currency: string;
  tokenVersion: number;
  /** Its pay page is open; otherwise the buyer has not accepted yet. */
  payable: boolean;
};

/**
 * Other offers that this buyer can still take, the one that ends first at the top. Read by the index on the open offers of a
 * conversation; a buyer who is not texted has none.
 */
export async function findOtherOffers(
  db: Queryable,
  unlock: { id: string; buyerId: string; ourNumber: string | null; phone: string | null },
  limit: number,
): Promise<OpenOffer[]> {
  return run(
    db,
    sql`SELECT u.id, l.public_id AS "leadId", ${sql.raw(serviceOfLead)} AS "serviceType", ${sql.raw(placeOfLead)} AS city, u.price_minor AS "priceMinor", u.currency,
      u.token_version AS "tokenVersion", u.token_hash IS NOT NULL AND u.status IN (${payableList}) AS payable
    FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id
    WHERE u.our_number = ${unlock.ourNumber} AND u.phone = ${unlock.phone} AND u.is_open
      AND u.buyer_id = ${unlock.buyerId}::uuid AND u.id <> ${unlock.id}::uuid
      AND u.status <> 'NEW_LEAD' AND u.ttl_expires_at > now()
      AND (l.max_sales IS NULL OR (SELECT count(*) FROM sold_slots s WHERE s.lead_id = l.id) < l.max_sales)
    ORDER BY u.ttl_expires_at, u.id LIMIT ${limit}`,
  );
}

/** Guard: the first view of a paid unlock's details on the page. */
export function markViewed(unlockId: string): (held: SQL) => SQL {
  return (held) => sql`UPDATE lead_unlocks SET viewed_at = now(), updated_at = now()
    WHERE id = ${unlockId}::uuid AND viewed_at IS NULL AND status IN (${paidList}) AND ${held} RETURNING id`;
}
