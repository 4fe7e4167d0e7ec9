import { isPaid, isPayable, type UnlockState } from './machine.ts';

/** State of an unlock as shown on the pay page. */
export type PayView =
  | { kind: 'payable' }
  /** The buyer returned from Stripe, or the session is complete, and the payment is not recorded yet. */
  | { kind: 'confirming' }
  /** A payment arrived that does not match the offer. An operator decides; paying again would charge twice. */
  | { kind: 'held' }
  | { kind: 'paid' }
  | { kind: 'closed'; because: Ending | 'not_ready' };

/** `refunding`: the money is on its way back. `refund_owed`: it is still here, because its refund is to be made or failed. */
type Ending = 'expired' | 'sold_out' | 'declined' | 'refunded' | 'refunding' | 'refund_owed';

export type PayFacts = {
  status: UnlockState;
  reason: string | null;
  ttlLeftMs: number;
  sold: number;
  maxSales: number | null;
  /** A payment is not kept, because it was late, the lead was sold, or it was refunded before the details were shown. */
  refunded: boolean;
  /** Where the money of the payments that are not kept is. Null when there is none. */
  refund: 'returned' | 'returning' | 'owed' | null;
  /** A payment is held for a check. */
  held: boolean;
};

/**
 * Returns `payable` while the link was requested, the TTL has not expired and a sale is left. `returned`: the buyer
 * came back from Stripe.
 */
export function payView(unlock: PayFacts, returned: boolean): PayView {
  if (isPaid(unlock.status)) return { kind: 'paid' };
  if (unlock.held) return { kind: 'held' };
  // A payment may be in flight although the offer has ended: the worker decides, and the page waits for it.
  if (returned) return { kind: 'confirming' };
  if (unlock.status === 'EXPIRED' || unlock.status === 'OPTED_OUT')
    return { kind: 'closed', because: endOf(unlock) };
  if (unlock.maxSales !== null && unlock.sold >= unlock.maxSales)
    return { kind: 'closed', because: 'sold_out' };
  if (unlock.ttlLeftMs <= 0) return { kind: 'closed', because: 'expired' };
  return isPayable(unlock.status) ? { kind: 'payable' } : { kind: 'closed', because: 'not_ready' };
}

function endOf({ reason, refunded, refund }: PayFacts): Ending {
  if (refunded || reason === 'refunded') return refund ? refundEndings[refund] : 'refunded';
  return reason === 'sold_out' || reason === 'declined' ? reason : 'expired';
}

const refundEndings = { returned: 'refunded', returning: 'refunding', owed: 'refund_owed' } as const;
