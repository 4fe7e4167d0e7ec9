import { findPayment, type PaymentRow } from '../../db/payment/payments.ts';
import { findRefund } from '../../db/payment/reversals.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import { RefusedError } from '../../domain/errors.ts';
import { formatMoney } from '../../domain/money.ts';
import { hasFailed } from '../../domain/payment/reversals.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, skip } from '../../engine/outcome.ts';
import type { Relay } from '../../engine/relay.ts';
import type { Cause } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { buyerNotice } from '../messaging/notify-buyer.ts';
import type { Runtime } from '../runtime.ts';
import { bookCurrent } from './reversals.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'payments'>;

/**
 * Refunds a payment in full at Stripe, and books what became of the refund: Stripe accepts one that is pending, or that
 * has failed already.
 */
export async function refundPayment(
  paymentId: string,
  reason: string,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const payment = await findPayment(deps.db, { id: paymentId });
  if (!payment) return skip('no such payment');
  const unlock = await run.subject();
  if (!unlock) return skip('no such unlock');
  if (payment.refundedMinor >= payment.amountMinor) {
    const notice = buyerNotice(unlock, { notice: 'refunded', key: payment.id, reason });
    return finish({ events: [notice] }, 'already refunded');
  }
  const told = payment.refundReason ?? reason;
  return refundAtStripe(payment, { key: `refund-${payment.paymentIntent}`, reason, told }, deps, run);
}

/** Makes a refund that failed again. Keyed by it, so that it is repeated once, however often that is requested. */
export async function repeatRefund(refundId: string, deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  const refund = await findRefund(deps.db, refundId);
  const payment = refund && (await findPayment(deps.db, { id: refund.paymentId }));
  if (!payment || !hasFailed(refund.status)) return skip('it has not failed');
  if (refund.amountMinor > leftOf(payment)) return skip('its amount went back in another way');
  const told = payment.refundReason;
  const request = {
    key: `refund-again-${refund.id}`,
    reason: told ?? 'repeated',
    told,
    amount: refund.amountMinor,
  };
  return refundAtStripe(payment, request, deps, run);
}

/** Requests that a failed refund is made again. Throws RefusedError when it is unknown or there is nothing to repeat. */
export async function requestRepeat(
  { db, relay }: Pick<Runtime, 'db'> & { relay: Pick<Relay, 'commit'> },
  refundId: string,
  cause: Cause | null,
): Promise<void> {
  const refund = await findRefund(db, refundId);
  const payment = refund && (await findPayment(db, { id: refund.paymentId }));
  if (!payment) throw new RefusedError(404, 'not_found', `There is no refund ${refundId} here.`);
  if (!hasFailed(refund.status) || refund.amountMinor > leftOf(payment))
    throw new RefusedError(
      409,
      'nothing_to_refund',
      hasFailed(refund.status)
        ? `The amount of refund ${refundId} has already gone back in another way. Nothing was changed.`
        : `Refund ${refundId} has not failed: Stripe reports it as ${refund.status}. Nothing was changed.`,
    );
  const { unlockId, organizationId } = payment;
  const data = { unlockId, paymentId: payment.id, refundId };
  await relay.commit(
    {
      events: [
        { type: 'payment.refund_requested', organizationId, subject: subjects.unlock(unlockId), data },
      ],
    },
    { cause },
  );
}

const leftOf = ({ amountMinor, refundedMinor, refundingMinor }: PaymentRow) =>
  amountMinor - refundedMinor - refundingMinor;

/** `told`: the reason that the buyer is told; null for a payment that was kept, whose buyer is told by the seller. */
async function refundAtStripe(
  payment: PaymentRow,
  { key, reason, told, amount }: { key: string; reason: string; told: string | null; amount?: number },
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const sent = await deps.effects.keyed(run.effect, {
    key,
    vendor: 'stripe',
    kind: 'refund',
    organizationId: payment.organizationId,
    subject: subjects.unlock(payment.unlockId),
    call: async (idempotencyKey) => {
      const { paymentIntent } = payment;
      const made = await deps.payments.refund({ paymentIntent, idempotencyKey, reason, amount });
      return { vendorId: made.id, result: { amount: made.amount } };
    },
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') {
    const price = formatMoney(amount ?? leftOf(payment), payment.currency, 'en');
    return park(`Stripe refused to refund ${price} (${sent.code}); return it to the buyer by hand`);
  }
  // The answer may be older than a report that is booked already, so what became of the refund is fetched.
  return bookCurrent(payment, told, deps, run);
}
