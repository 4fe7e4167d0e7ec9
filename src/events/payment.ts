import { z } from 'zod';
import { id, unlock } from './fields.ts';

export const paymentEvents = {
  /** A Checkout Session was opened: poll it in case its webhook does not arrive. */
  'checkout.opened': z.object({ ...unlock, sessionId: z.string() }),
  /** A session ended unpaid at Stripe. */
  'checkout.ended': z.object({ ...unlock, sessionId: z.string() }),
  /** Stripe reported a payment: fetch, verify and book it, either kept or to be refunded. */
  'payment.reported': z.object({ ...unlock, sessionId: z.string() }),
  /** Verified and booked: reveal. */
  'payment.captured': z.object({ ...unlock, paymentId: id }),
  /** A payment that must be refunded in full. */
  'payment.unwanted': z.object({ ...unlock, paymentId: id, reason: z.string() }),
  /** Stripe reported a refund or dispute: fetch the payment and book its state. */
  'payment.changed': z.object({ paymentIntent: z.string() }),
  'payment.refunded': z.object({ ...unlock, paymentId: id, amount: z.number().int() }),
  'payment.disputed': z.object({ ...unlock, paymentId: id }),
  /** A paid session does not match the request: nothing is revealed until an operator has reviewed it. */
  'payment.quarantined': z.object({ ...unlock, sessionId: z.string(), reason: z.string() }),
} as const;
