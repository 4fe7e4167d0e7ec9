import type Stripe from 'stripe';
import { PermanentError } from '../../domain/errors.ts';
import type { DisputeAtStripe, PaymentGateway, RefundAtStripe } from '../payments.ts';
import { asked } from './errors.ts';
import { oneOf, pageSize } from './objects.ts';

const mostReversals = 1_000;

export async function refund(
  stripe: Stripe,
  request: Parameters<PaymentGateway['refund']>[0],
): Promise<RefundAtStripe> {
  const { paymentIntent, idempotencyKey, amount } = request;
  const params: Stripe.RefundCreateParams = {
    payment_intent: paymentIntent,
    // Stripe's `reason` allows three values only; ours is stored as metadata, with the key, which Stripe itself forgets.
    reason: 'requested_by_customer',
    metadata: { reason: request.reason, key: idempotencyKey },
    ...(amount !== undefined && { amount }),
  };
  try {
    return refundFrom(await asked(stripe.refunds.create(params, { idempotencyKey })));
  } catch (error) {
    if (!(error instanceof PermanentError) || error.vendorCode !== 'charge_already_refunded') throw error;
    const { refunds } = await retrieveReversals(stripe, paymentIntent);
    const standing = refunds.find(({ status }) => status !== 'failed' && status !== 'canceled');
    if (!standing) throw error;
    return standing;
  }
}

export async function retrieveReversals(stripe: Stripe, payment_intent: string) {
  const ofPayment = { payment_intent, limit: pageSize };
  const all = { limit: mostReversals };
  const [refunds, disputes] = await Promise.all([
    asked(stripe.refunds.list(ofPayment).autoPagingToArray(all)),
    asked(stripe.disputes.list(ofPayment).autoPagingToArray(all)),
  ]);
  return { refunds: refunds.map(refundFrom), disputes: disputes.map(disputeFrom) };
}

function refundFrom({
  id,
  amount,
  currency,
  status,
  failure_reason,
  metadata,
}: Stripe.Refund): RefundAtStripe {
  return {
    id,
    amount,
    currency,
    // A status that Stripe may add later must not be read as money that went back.
    status: oneOf(['requires_action', 'succeeded', 'failed', 'canceled'] as const, status) ?? 'pending',
    failure: failure_reason ?? null,
    key: metadata?.key ?? null,
  };
}

function disputeFrom(dispute: Stripe.Dispute): DisputeAtStripe {
  const { id, amount, currency, status, reason, balance_transactions: movements } = dispute;
  const taken = -movements.reduce((sum, movement) => sum + movement.amount, 0);
  // An account that settles in another currency is told amounts converted at the rates of their days.
  const converted = movements.some((movement) => movement.currency !== currency);
  const isOut = movements.reduce((sum, movement) => sum - Math.sign(movement.amount), 0) > 0;
  const withdrawn = converted ? (isOut ? amount : 0) : Math.max(taken, 0);
  return { id, amount, withdrawn, status, reason };
}
