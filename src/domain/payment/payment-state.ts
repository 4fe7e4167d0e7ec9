import type { Moves } from '../moves.ts';

/** The columns of a payment that tell its state. */
export type PaymentFacts = {
  kept: boolean;
  amountMinor: number;
  refundedMinor: number;
  disputedAt: Date | null;
};

/**
 * `kept`: the one charge its unlock keeps, also when a part of it was refunded. `refund_due`: a charge that goes back in
 * full. `refunded`: all of it went back.
 */
export const paymentStates = ['kept', 'refund_due', 'disputed', 'refunded'] as const;
export type PaymentState = (typeof paymentStates)[number];

/** Allowed moves: what remains of a payment only leaves our books, and a full refund ends it. */
export const paymentMoves = {
  kept: ['disputed', 'refunded'],
  refund_due: ['disputed', 'refunded'],
  disputed: ['refunded'],
  refunded: [],
} as const satisfies Moves<PaymentState>;

export function paymentState(payment: PaymentFacts): PaymentState {
  if (payment.refundedMinor >= payment.amountMinor) return 'refunded';
  if (payment.disputedAt) return 'disputed';
  return payment.kept ? 'kept' : 'refund_due';
}
