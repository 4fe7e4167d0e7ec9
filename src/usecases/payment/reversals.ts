import type { PaymentGateway } from '../../adapters/payments.ts';
import { findPayment, type PaymentRow } from '../../db/payment/payments.ts';
import {
  type Booking,
  bookReversals,
  findRepeats,
  findReversals,
  undoSale,
} from '../../db/payment/reversals.ts';
import { resolveAlertsPart } from '../../db/transport/alerts.ts';
import { findReveal } from '../../db/unlock/reveals.ts';
import { findUnlock, moveUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { hasFailed, type Reversals, type Sums, sumsOf } from '../../domain/payment/reversals.ts';
import { decide } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { Runtime } from '../runtime.ts';
import { alertsPassed, noticesOf, reversalEvents } from './reversal-news.ts';

type Deps = Pick<Runtime, 'db' | 'payments'>;

/** How long a refund or dispute may precede our own booking of its payment. */
const bookingGraceMs = 10 * 60_000;

/** Books the refunds and disputes of a payment that Stripe reported as changed. */
export async function bookPaymentChange(
  paymentIntent: string,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const payment = await findPayment(deps.db, { paymentIntent });
  if (payment) return bookCurrent(payment, payment.refundReason, deps, run);
  return isWithinGrace(run)
    ? snooze(3_000, 'the payment is not booked yet')
    : skip('not a payment of this system');
}

/**
 * Fetches every refund and dispute of a payment and books their current states, whichever of them was reported: reports
 * may come in any order, repeatedly or never. `payment` was read before, and the booking requires that none was booked
 * since. `reason`: why we refund it, and tell the buyer; null for a payment that was kept.
 */
export async function bookCurrent(
  payment: PaymentRow,
  reason: string | null,
  { db, payments }: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const known = await findReversals(db, payment.id);
  const { now, sums } = await fetchReversals(payment, payments);
  const repeats = await findRepeats(db, failedIds(now));
  const passed = resolveAlertsPart(alertsPassed(payment, now, sums, repeats));
  // A refund may be reported and booked before the run that made it has noted what it repeats.
  if (isBooked(payment, sums, known, now))
    return finish({ writes: repeats.size > 0 ? [passed] : [] }, 'no change to book');
  const events = [
    ...reversalEvents(payment, known, now, sums),
    ...(reason === null ? [] : noticesOf(payment, reason, known, now, sums)),
  ];

  // Read here: the unlock that came with the run may be older than the booking of this payment.
  const unlock = await findUnlock(db, payment.unlockId);
  const shown = unlock ? await shownDetails(db, unlock) : 'none';
  const back = sums.refundedMinor + sums.refundingMinor;
  const booking: Booking = { now, sums, flagsBuyer: sums.disputedMinor > 0 };
  const undo = unlock && decide(unlock, { type: 'refund_before_reveal' }, run.now);
  if (unlock && undo?.kind === 'move' && payment.kept && back >= payment.amountMinor) {
    if (shown === 'unclear' && isWithinGrace(run)) return snooze(5_000, 'the details may be on their way');
    if (shown === 'none') {
      const { first, also, writes } = undoSale(unlock, payment, booking);
      const change = moveUnlock(unlock, undo, { first, also, writes: [...writes, passed], events });
      return finish(change, 'full refund booked, no details were shown');
    }
  }
  // Details that were shown cannot be recalled: the buyer is flagged for review.
  const flagsBuyer =
    booking.flagsBuyer || (payment.kept && back > 0 && (unlock?.revealedAt != null || shown !== 'none'));
  const { guard, writes } = bookReversals(payment, { ...booking, flagsBuyer });
  return finish({ guard, writes: [...writes, passed], events }, 'refunds and disputes booked');
}

/** The refunds and disputes of a payment as Stripe reports them now. */
export async function fetchReversals(
  { paymentIntent, amountMinor }: { paymentIntent: string; amountMinor: number },
  payments: Pick<PaymentGateway, 'retrieveReversals'>,
): Promise<{ now: Reversals; sums: Sums }> {
  const now = reversalsOf(await payments.retrieveReversals(paymentIntent));
  return { now, sums: sumsOf(amountMinor, now) };
}

const failedIds = ({ refunds }: Reversals) =>
  refunds.filter(({ status }) => hasFailed(status)).map(({ id }) => id);

/** The refund that was made with this key, in the shape of a recorded answer. */
export async function findMade(
  paymentIntent: string,
  key: string,
  { payments }: { payments: Pick<PaymentGateway, 'retrieveReversals'> },
): Promise<{ vendorId: string; result: { amount: number } } | null> {
  const { refunds } = await payments.retrieveReversals(paymentIntent);
  const made = refunds.find((refund) => refund.key === key);
  return made ? { vendorId: made.id, result: { amount: made.amount } } : null;
}

function reversalsOf(found: Awaited<ReturnType<PaymentGateway['retrieveReversals']>>): Reversals {
  return {
    refunds: found.refunds.map(({ id, amount, status, failure }) => ({
      id,
      amountMinor: amount,
      status,
      failure,
    })),
    disputes: found.disputes.map(({ id, amount, withdrawn, status, reason }) => ({
      id,
      amountMinor: amount,
      withdrawnMinor: withdrawn,
      status,
      reason,
    })),
  };
}

/** Every object that Stripe reports is known in its current state. */
export function isBooked(payment: Sums, sums: Sums, known: Reversals, now: Reversals): boolean {
  const states = ({ refunds, disputes }: Reversals) => [
    ...refunds.map(({ id, status, failure }) => `${id} ${status} ${failure}`),
    ...disputes.map(
      ({ id, status, amountMinor, withdrawnMinor }) => `${id} ${status} ${amountMinor} ${withdrawnMinor}`,
    ),
  ];
  const before = new Set(states(known));
  return (
    states(now).every((state) => before.has(state)) &&
    (Object.keys(sums) as (keyof typeof sums)[]).every((sum) => sums[sum] === payment[sum])
  );
}

/** As `findReveal`; details read on the pay page were shown, whatever became of their text. */
const shownDetails = async (db: Runtime['db'], unlock: UnlockView) =>
  unlock.viewedAt ? 'read' : findReveal(db, unlock.id);

export const isWithinGrace = (run: Run) => run.now.getTime() - run.since.getTime() < bookingGraceMs;
