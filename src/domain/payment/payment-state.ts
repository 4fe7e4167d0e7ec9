import type { Moves } from '../moves.ts';

/** The columns of a payment that tell its state. */
export type PaymentFacts = {
  kept: boolean;
  amountMinor: number;
  refundedMinor: number;
  refundingMinor: number;
  disputedAt: Date | null;
};

/**
 * `kept`: the one charge its unlock keeps, also when a part of it was refunded. `refund_due`: a charge that goes back in
 * full, or whose refund failed. `refunding`: all of it is on its way back, which the bank may still refuse. `refunded`:
 * all of it went back.
 */
export const paymentStates = ['kept', 'refund_due', 'refunding', 'disputed', 'refunded'] as const;
export type PaymentState = (typeof paymentStates)[number];

/** Allowed moves: a refund may fail, also after it had succeeded, and a dispute may be won. */
export const paymentMoves = {
  kept: ['refunding', 'disputed', 'refunded'],
  refund_due: ['refunding', 'disputed', 'refunded'],
  refunding: ['kept', 'refund_due', 'disputed', 'refunded'],
  disputed: ['kept', 'refund_due', 'refunding', 'refunded'],
  refunded: ['kept', 'refund_due', 'refunding', 'disputed'],
} as const satisfies Moves<PaymentState>;

export function paymentState(payment: PaymentFacts): PaymentState {
  if (payment.refundedMinor >= payment.amountMinor) return 'refunded';
  if (payment.disputedAt) return 'disputed';
  if (payment.refundedMinor + payment.refundingMinor >= payment.amountMinor) return 'refunding';
  return payment.kept ? 'kept' : 'refund_due';
}
