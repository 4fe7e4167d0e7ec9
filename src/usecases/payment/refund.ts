import { findPayment, type PaymentRow } from '../../db/payment/payments.ts';
import {
  findRefund,
  findRepeats,
  findReversals,
  type RefundRow,
  repeatKey,
} from '../../db/payment/reversals.ts';
import { countRefusals } from '../../db/transport/effects.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import { RefusedError } from '../../domain/errors.ts';
import { formatMoney } from '../../domain/money.ts';
import { disputeKind, hasFailed, returnable } from '../../domain/payment/reversals.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, skip } from '../../engine/outcome.ts';
import type { Relay } from '../../engine/relay.ts';
import type { Cause } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { refundedNotice } from './reversal-news.ts';
import { bookCurrent, fetchReversals, findMade } from './reversals.ts';

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
    const notice = refundedNotice(payment, reason, await findReversals(deps.db, payment.id));
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
  if (refund.amountMinor > returnable(payment)) return skip('its amount went back, or a bank claims it');
  const told = payment.refundReason;
  const request = {
    key: repeatKey(refund.id),
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
  const obstacle = await obstacleTo(refund, payment, db);
  if (obstacle) throw new RefusedError(409, 'nothing_to_refund', `${obstacle} Nothing was changed.`);
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

/** Why a refund cannot be made again. Returns null when it can. */
async function obstacleTo(
  { id, status, amountMinor }: RefundRow,
  payment: PaymentRow,
  db: Runtime['db'],
): Promise<string | null> {
  if (!hasFailed(status)) return `Refund ${id} has not failed: Stripe reports it as ${status}.`;
  const left = returnable({ ...payment, disputedMinor: 0 });
  if (left === 0) return `The amount of refund ${id} has already gone back in another way.`;
  if (amountMinor > left)
    return `A part of refund ${id} has already gone back in another way: at Stripe, ${formatMoney(left, payment.currency, 'en')} can still be refunded.`;
  if (amountMinor > returnable(payment))
    return `A bank claims the payment of refund ${id} in a dispute, or has got it: Stripe refunds nothing of it.`;
  const madeAs = (await findRepeats(db, [id])).get(id);
  return madeAs === undefined
    ? null
    : `Refund ${id} was made again already, as ${madeAs}. If that failed too, repeat it instead.`;
}

/** `told`: the reason that the buyer is told; null for a payment that was kept, whose buyer is told by the seller. */
async function refundAtStripe(
  payment: PaymentRow,
  { key, reason, told, amount }: { key: string; reason: string; told: string | null; amount?: number },
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const subject = subjects.unlock(payment.unlockId);
  // Stripe repeats a refusal to its key for a day, also when its cause was corrected since.
  const refusals = await countRefusals(deps.db, { key, subject });
  const keyAfter = (effectKey: string) => (refusals === 0 ? effectKey : `${effectKey}-${refusals}`);
  const sent = await deps.effects.keyed(run.effect, {
    key,
    vendor: 'stripe',
    kind: 'refund',
    organizationId: payment.organizationId,
    subject,
    call: async (effectKey) => {
      const { paymentIntent } = payment;
      const idempotencyKey = keyAfter(effectKey);
      const made = await deps.payments.refund({ paymentIntent, idempotencyKey, reason, amount });
      return { vendorId: made.id, result: { amount: made.amount } };
    },
    find: (effectKey) => findMade(payment.paymentIntent, keyAfter(effectKey), deps),
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') {
    const words = await owedAfter(sent.code, payment, amount, deps);
    if (words) return park(words);
  }
  // The answer may be older than a report that is booked already, so what became of the refund is fetched.
  return bookCurrent(payment, told, deps, run);
}

/** What an operator reads of a refused refund. Returns null when the money went back, or was lost, in another way. */
async function owedAfter(
  code: string,
  payment: PaymentRow,
  amount: number | undefined,
  { payments }: Deps,
): Promise<string | null> {
  const { now, sums } = await fetchReversals(payment, payments);
  const left = returnable({ ...sums, amountMinor: payment.amountMinor });
  const price = (minor: number) => formatMoney(minor, payment.currency, 'en');
  if (now.disputes.some((dispute) => disputeKind(dispute) === 'open'))
    return `Stripe refunds nothing while the bank claims ${price(sums.disputedMinor)} in a dispute (${code}); resume this if the dispute is won`;
  if (left < (amount ?? 1)) return null;
  return `Stripe refused to refund ${price(amount ?? left)} (${code}); resume this once the cause is corrected, or return it to the buyer by hand`;
}
