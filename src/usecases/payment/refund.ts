import {
  bookDispute,
  bookRefund,
  findPayment,
  flagBuyer,
  type PaymentRow,
  undoSale,
} from '../../db/payment/payments.ts';
import { findReveal } from '../../db/unlock/reveals.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import { findUnlock, moveUnlock } from '../../db/unlock/unlocks.ts';
import { decide } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { buyerNotice } from '../messaging/notify-buyer.ts';
import type { Runtime } from '../runtime.ts';

/** How long a refund or dispute may precede our own booking of its payment. */
const bookingGraceMs = 10 * 60_000;

/** Refunds a payment in full at Stripe, books the refund and notifies the buyer. */
export async function refundPayment(
  paymentId: string,
  reason: string,
  deps: Pick<Runtime, 'db' | 'effects' | 'payments'>,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const payment = await findPayment(deps.db, { id: paymentId });
  if (!payment) return skip('no such payment');
  const unlock = await run.subject();
  if (!unlock) return skip('no such unlock');
  const notice = buyerNotice(unlock, { notice: 'refunded', key: payment.id, reason });
  if (payment.refundedMinor >= payment.amountMinor) return finish({ events: [notice] }, 'already refunded');

  const sent = await deps.effects.keyed(run.effect, {
    key: `refund-${payment.paymentIntent}`,
    vendor: 'stripe',
    kind: 'refund',
    organizationId: payment.organizationId,
    subject: subjects.unlock(payment.unlockId),
    call: async (key) => {
      const result = await deps.payments.refund({
        paymentIntent: payment.paymentIntent,
        idempotencyKey: key,
        reason,
      });
      return { vendorId: result.id, result: { amount: result.amount } };
    },
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused')
    return park(`Stripe refused the refund (${sent.code}); refund the buyer by hand`);
  const change = bookRefund(payment, payment.amountMinor);
  return finish({ ...change, events: [refunded(payment, payment.amountMinor), notice] }, 'refunded in full');
}

/** Fetches a payment that Stripe reported as changed, and books its dispute or refund. */
export async function bookPaymentChange(
  paymentIntent: string,
  deps: Pick<Runtime, 'db' | 'payments'>,
  run: Run<UnlockView>,
): Promise<Outcome> {
  let payment = await findPayment(deps.db, { paymentIntent });
  if (!payment)
    return isWithinGrace(run)
      ? snooze(3_000, 'the payment is not booked yet')
      : skip('not a payment of this system');
  const actual = await deps.payments.retrievePayment(paymentIntent);
  if (actual.disputed && !payment.disputedAt) {
    const change = { ...bookDispute(payment), events: [disputed(payment)] };
    if (!(await run.advance(change))) return snooze(500, 'the payment changed during this run');
    payment = { ...payment, disputedAt: run.now };
  }
  if (actual.amountRefunded <= payment.refundedMinor) return finish({}, 'no change to book');
  return bookRefundMadeAtStripe(payment, actual.amountRefunded, deps, run);
}

/** A full refund before the details were sent or read on the pay page undoes the sale; any other is only booked. */
async function bookRefundMadeAtStripe(
  payment: PaymentRow,
  amount: number,
  { db }: Pick<Runtime, 'db'>,
  run: Run<UnlockView>,
): Promise<Outcome> {
  // Read here: the unlock that came with the run may be older than the booking of this payment.
  const unlock = await findUnlock(db, payment.unlockId);
  const events = [refunded(payment, amount)];
  const decision = unlock && decide(unlock, { type: 'refund_before_reveal' }, run.now);
  const reveal = unlock ? await shownDetails(db, unlock) : 'none';
  if (unlock && decision?.kind === 'move' && payment.kept && amount >= payment.amountMinor) {
    if (reveal === 'unclear' && isWithinGrace(run)) return snooze(5_000, 'the details may be on their way');
    if (reveal === 'none') {
      const change = moveUnlock(unlock, decision, { ...undoSale(unlock, payment), events });
      return finish(change, 'full refund booked, no details were shown');
    }
  }
  // The details cannot be recalled: the buyer is flagged for review.
  const wasRevealed = payment.kept && (unlock?.revealedAt || reveal !== 'none');
  const { guard, writes } = bookRefund(payment, amount);
  const flags = wasRevealed ? [flagBuyer(payment.unlockId)] : [];
  return finish({ guard, writes: [...writes, ...flags], events }, 'refund booked');
}

/** As `findReveal`; details read on the pay page were shown, whatever became of their text. */
const shownDetails = async (db: Runtime['db'], unlock: UnlockView) =>
  unlock.viewedAt ? 'read' : findReveal(db, unlock.id);

const isWithinGrace = (run: Run<UnlockView>) => run.now.getTime() - run.since.getTime() < bookingGraceMs;

const refunded = (payment: PaymentRow, amount: number): EventDraft => ({
  type: 'payment.refunded',
  organizationId: payment.organizationId,
  subject: subjects.unlock(payment.unlockId),
  data: { unlockId: payment.unlockId, paymentId: payment.id, amount },
});

const disputed = (payment: PaymentRow): EventDraft => ({
  type: 'payment.disputed',
  organizationId: payment.organizationId,
  subject: subjects.unlock(payment.unlockId),
  data: { unlockId: payment.unlockId, paymentId: payment.id },
});
