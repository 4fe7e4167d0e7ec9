import type { CheckoutSession, Payment } from '../../adapters/payments.ts';
import { bookPayment } from '../../db/payment/payments.ts';
import { closeSession, holdSession } from '../../db/payment/sessions.ts';
import { slotTaken, takeSlot } from '../../db/payment/slots.ts';
import type { PayingUnlock } from '../../db/payment/subject.ts';
import { moveUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { decide, isOpen } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'payments' | 'config'>;

/**
 * Fetches a session that Stripe reported as paid, verifies it against its unlock, and books the payment: kept when the
 * lead can be sold, to be refunded otherwise. A session that does not match its unlock is quarantined.
 */
export async function capturePayment(
  sessionId: string,
  deps: Deps,
  run: Run<PayingUnlock>,
): Promise<Outcome> {
  const unlock = await run.subject();
  if (!unlock) return skip('no such unlock');
  if (unlock.isBooked) return skip('already booked');
  const session = await deps.payments.retrieveCheckout(sessionId);
  if (session.paymentStatus !== 'paid')
    return skip(`Stripe says ${session.paymentStatus}: waiting for its next event`);
  if (!session.paymentIntent) return snooze(2_000, 'the session has no payment yet');

  const payment = await deps.payments.retrievePayment(session.paymentIntent);
  const live = /^(?:sk|rk)_live_/.test(deps.config.stripe.secretKey);
  const mismatch = findMismatch(unlock, session, payment, live);
  return mismatch ? quarantine(unlock, session, mismatch) : keepOrRefund(unlock, session, payment, run);
}

/** The first property in which session or payment differ from what the unlock asked for; null when all match. */
function findMismatch(
  unlock: UnlockView,
  session: CheckoutSession,
  payment: Payment,
  live: boolean,
): 'metadata' | 'amount' | 'currency' | 'livemode' | null {
  // Both carry it since the session was created: changed on one of them, it could buy another lead.
  for (const { kind, unlock_id: named } of [session.metadata, payment.metadata]) {
    if (kind !== 'unlock' || named !== unlock.id) return 'metadata';
  }
  if (session.amount !== unlock.priceMinor || payment.amountReceived !== unlock.priceMinor) return 'amount';
  if (session.currency !== unlock.currency || payment.currency !== unlock.currency) return 'currency';
  if (session.livemode !== live || payment.livemode !== live) return 'livemode';
  return null;
}

function quarantine(unlock: UnlockView, session: CheckoutSession, reason: string): Outcome {
  const event: EventDraft = {
    type: 'payment.quarantined',
    organizationId: unlock.organizationId,
    subject: subjects.unlock(unlock.id),
    data: { unlockId: unlock.id, sessionId: session.id, reason },
  };
  return finish({ writes: [holdSession(session.id)], events: [event] }, `quarantined: ${reason}`);
}

function keepOrRefund(unlock: PayingUnlock, session: CheckoutSession, payment: Payment, run: Run): Outcome {
  const money = {
    paymentIntent: payment.paymentIntent,
    sessionId: session.id,
    amountMinor: payment.amountReceived,
    currency: payment.currency,
  };
  const paymentId = newId();
  const { organizationId, maxSales } = unlock;
  const subject = subjects.unlock(unlock.id);
  const data = { unlockId: unlock.id, paymentId };
  const booked = (refundReason: string | null) => [
    ...bookPayment(unlock, money, paymentId, refundReason),
    closeSession(session.id, 'complete'),
  ];
  const isLeft =
    unlock.campaignId === null
      ? maxSales === null || unlock.soldSlots < maxSales
      : isOpen(unlock.state) || unlock.isFree;
  const sellable = unlock.contact !== null && isLeft;
  const decision = decide(unlock, { type: 'capture', sellable }, run.now);

  if (decision.kind === 'early' || decision.kind === 'nothing') return snooze(2_000, decision.because);
  if (decision.kind === 'refund' || payment.amountRefunded >= payment.amountReceived) {
    const reason = decision.kind === 'refund' ? decision.because : 'refunded at Stripe before it was booked';
    const unwanted: EventDraft = {
      type: 'payment.unwanted',
      organizationId,
      subject,
      data: { ...data, reason },
    };
    return finish({ writes: booked(reason), events: [unwanted] }, `to be refunded: ${reason}`);
  }
  const captured: EventDraft = { type: 'payment.captured', organizationId, subject, data };
  const { paymentIntent } = payment;
  // Its own report may have come and gone before this booking.
  const changed: EventDraft[] =
    payment.amountRefunded > 0 || payment.disputed
      ? [{ type: 'payment.changed', organizationId, subject, data: { paymentIntent } }]
      : [];
  if (maxSales === null) {
    const change = moveUnlock(unlock, decision, {
      writes: booked(null),
      events: [captured, ...changed],
    });
    return finish(change, 'payment captured');
  }
  const isLast = unlock.soldSlots + 1 >= maxSales;
  const change = moveUnlock(unlock, decision, {
    first: [takeSlot(unlock)],
    also: slotTaken,
    writes: booked(null),
    events: [captured, ...changed, ...(isLast ? [soldOut(unlock)] : [])],
  });
  return finish(change, 'payment captured');
}

const soldOut = ({ organizationId, leadId }: UnlockView): EventDraft => ({
  type: 'lead.sold_out',
  organizationId,
  subject: subjects.lead(leadId),
  data: { leadId },
});
