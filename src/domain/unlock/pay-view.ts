import { isPaid, isPayable, type UnlockState } from './machine.ts';

/** What the pay page shows of an unlock. */
export type PayView =
  | { kind: 'payable' }
  /** Stripe sent the buyer back, or its session is complete, and the payment is not booked yet. */
  | { kind: 'confirming' }
  | { kind: 'paid' }
  | { kind: 'closed'; because: 'expired' | 'sold_out' | 'declined' | 'refunded' | 'not_ready' };

export type PayFacts = {
  status: UnlockState;
  reason: string | null;
  ttlLeftMs: number;
  sold: number;
  maxSales: number | null;
  /** Money came and was sent back: too late, or the lead was sold. */
  refunded: boolean;
};

/** Whether this unlock may be paid for now: its link was asked for, its time is not up, and a sale is left. */
export function payView(unlock: PayFacts, returned: boolean): PayView {
  if (isPaid(unlock.status)) return { kind: 'paid' };
  // Money may be under way even though the offer ended meanwhile: the worker decides, the page waits for it.
  if (returned) return { kind: 'confirming' };
  if (unlock.status === 'EXPIRED' || unlock.status === 'OPTED_OUT')
    return { kind: 'closed', because: endOf(unlock) };
  if (unlock.maxSales !== null && unlock.sold >= unlock.maxSales)
    return { kind: 'closed', because: 'sold_out' };
  if (unlock.ttlLeftMs <= 0) return { kind: 'closed', because: 'expired' };
  return isPayable(unlock.status) ? { kind: 'payable' } : { kind: 'closed', because: 'not_ready' };
}

function endOf({ reason, refunded }: PayFacts): 'expired' | 'sold_out' | 'declined' | 'refunded' {
  if (refunded) return 'refunded';
  return reason === 'sold_out' || reason === 'declined' || reason === 'refunded' ? reason : 'expired';
}
