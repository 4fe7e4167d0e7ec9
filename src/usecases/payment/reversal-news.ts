import type { PaymentRow } from '../../db/payment/payments.ts';
import {
  disputedAlert,
  failedRefundAlert,
  inquiryAlert,
  legacyDisputedAlert,
  refundedAlert,
} from '../../domain/messaging/alerts.ts';
import {
  type Dispute,
  disputeKind,
  hasFailed,
  isClosedInquiry,
  isUnderWay,
  lostMinor,
  type Reversals,
  type Sums,
} from '../../domain/payment/reversals.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { buyerNotice } from '../messaging/notify-buyer.ts';

/** What changed in the refunds and disputes of a payment, as events. An object that is known in its state raises none. */
export function reversalEvents(
  payment: PaymentRow,
  known: Reversals,
  now: Reversals,
  sums: Sums,
): EventDraft[] {
  const { organizationId } = payment;
  const about = { organizationId, subject: subjects.unlock(payment.unlockId) };
  const ids = { unlockId: payment.unlockId, paymentId: payment.id };
  const events: EventDraft[] = [];
  // Less than before when a refund failed after it had succeeded: what is left is told.
  if (sums.refundedMinor !== payment.refundedMinor && sums.refundedMinor > 0)
    events.push({ ...about, type: 'payment.refunded', data: { ...ids, amount: sums.refundedMinor } });
  for (const { id: refundId, amountMinor: amount, status, failure } of now.refunds) {
    const before = known.refunds.find(({ id }) => id === refundId)?.status;
    if (hasFailed(status) && !(before && hasFailed(before)))
      events.push({
        ...about,
        type: 'payment.refund_failed',
        data: { ...ids, refundId, amount, code: failure ?? status },
      });
    if (!before && isUnderWay(status))
      events.push({ ...about, type: 'payment.refund_pending', data: { ...ids, refundId, amount, status } });
  }
  for (const dispute of now.disputes) {
    const before = known.disputes.find(({ id }) => id === dispute.id) ?? null;
    const type = newsOf(dispute, before);
    const { id: disputeId, amountMinor: amount, status, reason } = dispute;
    // One that was booked before disputes had rows is no news.
    const isNews =
      type !== 'payment.disputed' || known.disputes.length > 0 || sums.disputedMinor > payment.disputedMinor;
    if (type && isNews) events.push({ ...about, type, data: { ...ids, disputeId, amount, status, reason } });
  }
  return events;
}

function newsOf(
  dispute: Dispute,
  before: Dispute | null,
): 'payment.inquiry' | 'payment.disputed' | 'payment.dispute_closed' | null {
  if (before?.status === dispute.status) return null;
  const [kind, kindBefore] = [disputeKind(dispute), before && disputeKind(before)];
  if (kind === 'won' || isClosedInquiry(dispute)) return 'payment.dispute_closed';
  if (kind === 'lost') return kindBefore === 'open' ? 'payment.dispute_closed' : 'payment.disputed';
  if (kind === kindBefore) return null;
  return kind === 'inquiry' ? 'payment.inquiry' : 'payment.disputed';
}

/** The buyer has all of the payment again, by refunds or by disputes that were lost. */
function hasReturned({ amountMinor }: PaymentRow, { disputes }: Reversals, { refundedMinor }: Sums): boolean {
  return refundedMinor + lostMinor(disputes) >= amountMinor;
}

/** What the buyer of a payment that we refund is told: `refunded` only once all of it went back. */
export function noticesOf(
  payment: PaymentRow,
  reason: string,
  known: Reversals,
  now: Reversals,
  sums: Sums,
): EventDraft[] {
  const unlock = { id: payment.unlockId, organizationId: payment.organizationId };
  if (sums.refundedMinor >= payment.amountMinor)
    return payment.refundedMinor >= payment.amountMinor ? [] : [refundedNotice(payment, reason, now)];
  // The bank has returned it instead.
  if (hasReturned(payment, now, sums)) return [];
  const isNew = (id: string, status: string) =>
    !known.refunds.some((before) => before.id === id && before.status === status);
  return now.refunds
    .filter(({ id, status }) => status !== 'succeeded' && isNew(id, status))
    .map(({ id, status }) =>
      buyerNotice(unlock, {
        notice: hasFailed(status) ? 'refund_failed' : 'refund_pending',
        key: id,
        reason,
      }),
    );
}

/** That all of it went back. Told again when it had been, a refund failed since, and was made good. */
export const refundedNotice = (
  payment: Pick<PaymentRow, 'id' | 'unlockId' | 'organizationId'>,
  reason: string,
  { refunds }: Pick<Reversals, 'refunds'>,
): EventDraft => {
  const failed = refunds.filter(({ status }) => hasFailed(status)).length;
  const key = failed === 0 ? payment.id : `${payment.id}-${failed}`;
  const unlock = { id: payment.unlockId, organizationId: payment.organizationId };
  return buyerNotice(unlock, { notice: 'refunded', key, reason });
};

/**
 * Keys of the alerts whose cause has passed: a won dispute, a closed inquiry, a failed refund that was made good or
 * made again. `repeats`: of the latter, by their ids.
 */
export function alertsPassed(
  payment: PaymentRow,
  now: Reversals,
  sums: Sums,
  repeats: ReadonlyMap<string, string>,
): string[] {
  const isReturned = hasReturned(payment, now, sums);
  // One that was made again and failed again has an alert of its own.
  const hasEnded = (id: string | undefined) =>
    now.refunds.some((refund) => refund.id === id && !isUnderWay(refund.status));
  const madeGood = now.refunds.filter(({ id }) => isReturned || hasEnded(repeats.get(id)));
  return [
    ...(sums.refundedMinor < payment.refundedMinor ? [refundedAlert(payment.id)] : []),
    ...madeGood.map(({ id }) => failedRefundAlert(id)),
    ...now.disputes.flatMap((dispute) => {
      const kind = disputeKind(dispute);
      if (kind === 'won') return [disputedAlert(dispute.id), inquiryAlert(dispute.id)];
      return kind !== 'inquiry' || isClosedInquiry(dispute) ? [inquiryAlert(dispute.id)] : [];
    }),
    ...(sums.disputedMinor === 0 ? [legacyDisputedAlert(payment.id)] : []),
  ];
}
