import { findPayment } from '../../db/payment/payments.ts';
import { findDispute, findRefund, findRepeats, findReversals } from '../../db/payment/reversals.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import {
  alert,
  disputedAlert,
  failedRefundAlert,
  inquiryAlert,
  legacyDisputedAlert,
  refundedAlert,
} from '../../domain/messaging/alerts.ts';
import { formatMoney } from '../../domain/money.ts';
import {
  disputeKind,
  hasFailed,
  isClosedInquiry,
  lostMinor,
  returnable,
} from '../../domain/payment/reversals.ts';
import type { Run } from '../../engine/define.ts';
import { type Outcome, skip } from '../../engine/outcome.ts';
import type { DomainEvent } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { alertOperator, type OperatorAlert } from '../messaging/alert-operator.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'config' | 'effects'>;
type Raised = Pick<OperatorAlert, 'key' | 'kind' | 'text' | 'details'>;

/** Alerts about the money of one sale. One whose cause has passed since is not raised. */
async function alertAboutSale(
  occurredAt: Date,
  raised: (unlock: UnlockView) => Raised,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const unlock = await run.subject();
  if (!unlock) return skip('no such unlock');
  const about = { organizationId: unlock.organizationId, subject: subjects.unlock(unlock.id) };
  const alert = raised(unlock);
  // Each refund and each dispute is a cause of its own.
  return alertOperator({ ...about, ...alert, occurredAt, cause: alert.key }, deps, run);
}

const amountOf = ({ currency }: UnlockView, minor: number) => formatMoney(minor, currency, 'en');

export async function alertRefunded(
  { id, data: { paymentId, amount }, occurredAt }: DomainEvent<'payment.refunded'>,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const payment = await findPayment(deps.db, { id: paymentId });
  if (payment && payment.refundedMinor < amount) return skip('some of it came back since');
  return alertAboutSale(
    occurredAt,
    (unlock) => ({
      key: `${refundedAlert(paymentId)}-${amount}-${id}`,
      ...alert('payment_refunded', {
        amount: amountOf(unlock, amount),
        price: amountOf(unlock, unlock.priceMinor),
      }),
    }),
    deps,
    run,
  );
}

export async function alertRefundFailed(
  { data: { paymentId, refundId, amount, code }, occurredAt }: DomainEvent<'payment.refund_failed'>,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const refund = await findRefund(deps.db, refundId);
  const payment = await findPayment(deps.db, { id: paymentId });
  if (!payment || !refund || !hasFailed(refund.status)) return skip('it has not failed');
  const { disputes } = await findReversals(deps.db, paymentId);
  // While a bank only claims it, it is still owed: the claim may be withdrawn.
  if (refund.amountMinor > returnable({ ...payment, disputedMinor: lostMinor(disputes) }))
    return skip('its amount went back since');
  if ((await findRepeats(deps.db, [refundId])).size > 0) return skip('it was made again since');
  const facts = { refundId, code, kept: payment.kept };
  return alertAboutSale(
    occurredAt,
    (unlock) => ({
      key: failedRefundAlert(refundId),
      ...alert('refund_failed', { amount: amountOf(unlock, amount), ...facts }),
    }),
    deps,
    run,
  );
}

export async function alertInquiry(
  { data: { disputeId, amount, reason }, occurredAt }: DomainEvent<'payment.inquiry'>,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const dispute = await findDispute(deps.db, disputeId);
  if (!dispute || disputeKind(dispute) !== 'inquiry' || isClosedInquiry(dispute))
    return skip('no inquiry any more');
  return alertAboutSale(
    occurredAt,
    (unlock) => ({
      key: inquiryAlert(disputeId),
      ...alert('payment_inquiry', { amount: amountOf(unlock, amount), disputeId, reason }),
    }),
    deps,
    run,
  );
}

export async function alertDisputed(
  {
    id,
    data: { paymentId, disputeId, amount, reason = 'reason not given' },
    occurredAt,
  }: DomainEvent<'payment.disputed'>,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const dispute = disputeId === undefined ? null : await findDispute(deps.db, disputeId);
  if (dispute && disputeKind(dispute) === 'won') return skip('it was won');
  return alertAboutSale(
    occurredAt,
    (unlock) => ({
      key: disputeId === undefined ? legacyDisputedAlert(paymentId) : `${disputedAlert(disputeId)}-${id}`,
      ...alert('payment_disputed', {
        amount: amountOf(unlock, amount ?? unlock.priceMinor),
        disputeId: disputeId ?? paymentId,
        reason,
      }),
    }),
    deps,
    run,
  );
}

/** One alert per cause and day: every buyer of such an offer meets the same refusal. */
export const alertCheckoutRefused = (
  { data, occurredAt, organizationId }: DomainEvent<'checkout.refused'>,
  deps: Deps,
  run: Run<UnlockView>,
) =>
  alertAboutSale(
    occurredAt,
    (unlock) => ({
      key: `checkout-refused-${organizationId}-${data.code}-${unlock.currency}-${occurredAt.toISOString().slice(0, 10)}`,
      ...alert('checkout_refused', { amount: amountOf(unlock, unlock.priceMinor), code: data.code }),
    }),
    deps,
    run,
  );
