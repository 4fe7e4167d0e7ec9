import { z } from 'zod';
import { id, unlock } from './fields.ts';

const refund = { ...unlock, paymentId: id, refundId: z.string(), amount: z.number().int() };
const aboutDispute = {
  disputeId: z.string(),
  amount: z.number().int(),
  status: z.string(),
  reason: z.string(),
};
const dispute = { ...unlock, paymentId: id, ...aboutDispute };
/** Events of earlier versions lack them. */
const partialDispute = z.object(aboutDispute).partial().shape;

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
  /** Of all refunds of a payment together, this amount has gone back. */
  'payment.refunded': z.object({ ...unlock, paymentId: id, amount: z.number().int() }),
  /** A refund was made and is on its way: the bank may still refuse it. */
  'payment.refund_pending': z.object({ ...refund, status: z.string() }),
  /** A refund failed or was canceled, at once or later: its amount is ours again. `code`: Stripe's word for why. */
  'payment.refund_failed': z.object({ ...refund, code: z.string() }),
  /** An operator requests that a failed refund is made again. */
  'payment.refund_requested': z.object({ ...unlock, paymentId: id, refundId: z.string() }),
  /** A bank asks about a payment and claims nothing yet. */
  'payment.inquiry': z.object(dispute),
  /** A bank claims the money of a payment. */
  'payment.disputed': z.object({ ...unlock, paymentId: id, ...partialDispute }),
  /** A dispute was won or lost, or an inquiry was closed: see `status`. */
  'payment.dispute_closed': z.object(dispute),
  /** Stripe refuses the Checkout Session of an offer, and would refuse it again. `code`: its word for why. */
  'checkout.refused': z.object({ ...unlock, code: z.string() }),
  /** A paid session does not match the request: nothing is revealed until an operator has reviewed it. */
  'payment.quarantined': z.object({ ...unlock, sessionId: z.string(), reason: z.string() }),
} as const;
