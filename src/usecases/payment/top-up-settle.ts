import type { Payment } from '../../adapters/payments.ts';
import type { Change } from '../../db/commit.ts';
import { closeSession } from '../../db/payment/sessions.ts';
import { creditWallet } from '../../db/payment/wallet-credit.ts';
import { moveTopUp, stopRecharge, type TopUp } from '../../db/payment/wallet-top-ups.ts';
import { asksForAuthentication } from '../../domain/payment/declines.ts';
import { openTopUpStates } from '../../domain/payment/wallet.ts';
import { afterDecline } from '../../domain/payment/wallet-recharge.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { type Charged, mismatchOf } from './top-up-charge.ts';

/** A change that books what became of a charge. Null when nothing is to be booked. */
export type Settled = { change: Change | null; note: string };

/**
 * Books a payment of a top-up as Stripe has it now, whether it was reported, returned from the bank's page or looked up.
 * Only what succeeded is credited. `sessionId`: of Stripe's page, if it was paid there.
 */
export function settlePayment(
  topUp: TopUp,
  payment: Payment,
  { config, sessionId = null }: { config: Runtime['config']; sessionId?: string | null },
): Settled {
  if (topUp.isBooked) return { change: null, note: 'already booked' };
  switch (payment.status) {
    case 'succeeded':
      return settleCaptured(topUp, payment, /^(?:sk|rk)_live_/.test(config.stripe.secretKey), sessionId);
    case 'canceled':
      return openTopUpStates.some((state) => state === topUp.state)
        ? { change: { guard: moveTopUp(topUp, { state: 'canceled' }) }, note: 'canceled at Stripe' }
        : { change: null, note: 'canceled at Stripe' };
    case 'requires_payment_method':
      // A decline of the charge itself is booked by the run that made it; here, the cardholder did not confirm.
      if (topUp.state !== 'needs_action' || asksAgain(payment)) return { change: null, note: 'not paid' };
      return settleDeclined(topUp, { code: codeOf(payment), paymentIntent: payment.paymentIntent }, 'stop');
    default:
      return { change: null, note: `Stripe says ${payment.status}` };
  }
}

/** Books what became of a charge that Stripe had answered as being processed. */
export function settleProcessed(
  topUp: TopUp,
  payment: Payment,
  deps: { config: Runtime['config'] },
): Settled {
  if (topUp.isBooked || payment.status !== 'requires_payment_method')
    return settlePayment(topUp, payment, deps);
  const { paymentIntent } = payment;
  return settleDeclined(topUp, { code: codeOf(payment), paymentIntent }, payment.decline?.advice ?? 'soft');
}

const codeOf = ({ decline }: Payment) => decline?.declineCode || decline?.code || 'card_declined';
const asksAgain = ({ decline }: Payment) => decline !== null && asksForAuthentication(decline);

function settleCaptured(topUp: TopUp, payment: Payment, live: boolean, sessionId: string | null): Settled {
  const { paymentIntent, amountReceived: amountMinor } = payment;
  const mismatch = mismatchOf(topUp, payment, live);
  if (mismatch) {
    if (topUp.state === 'failed') return { change: null, note: `held: ${mismatch}` };
    const held: EventDraft = {
      ...aboutTopUp(topUp),
      type: 'wallet.payment_held',
      data: { topUpId: topUp.id, buyerId: topUp.buyerId, paymentIntent, reason: mismatch },
    };
    const guard = moveTopUp(topUp, { state: 'failed', declineCode: mismatch });
    return { change: { guard, events: [held] }, note: `held: ${mismatch}` };
  }
  const changed = payment.amountRefunded > 0 || payment.disputed;
  const credit = creditWallet(topUp, { paymentIntent, sessionId, amountMinor }, changed);
  const closed = sessionId === null ? [] : [closeSession(sessionId, 'complete')];
  return { change: { ...credit, writes: [...(credit.writes ?? []), ...closed] }, note: 'credited' };
}

/** Books the answer to a charge that did not succeed. */
export function settleUnpaid(topUp: TopUp, charged: Exclude<Charged, { kind: 'succeeded' }>): Settled {
  const { paymentIntent } = charged;
  switch (charged.kind) {
    case 'processing':
      return { change: null, note: 'being processed at the bank' };
    case 'needs_action': {
      const guard = moveTopUp(topUp, {
        state: 'needs_action',
        counts: topUp.kind === 'recharge',
        paymentIntent,
        declineCode: 'authentication_required',
      });
      const events =
        topUp.kind === 'recharge'
          ? [
              news(topUp, 'wallet.recharge_needs_action'),
              { ...news(topUp, 'wallet.recharge_due'), dueInMs: confirmWithinMs },
            ]
          : [];
      return { change: { guard, events }, note: 'the cardholder must confirm it' };
    }
    case 'declined':
      return settleDeclined(topUp, charged, charged.advice);
  }
}

function settleDeclined(
  topUp: TopUp,
  { code, paymentIntent }: { code: string; paymentIntent: string | null },
  advice: 'hard' | 'soft' | 'stop',
): Settled {
  const facts = { paymentIntent, declineCode: code };
  if (topUp.kind !== 'recharge')
    return { change: { guard: moveTopUp(topUp, { state: 'failed', ...facts }) }, note: `declined: ${code}` };
  const attempts = topUp.attempts + 1;
  const next = advice === 'stop' ? ({ kind: 'stop' } as const) : afterDecline(attempts, advice);
  const counts = advice !== 'stop';
  if (next.kind === 'stop') {
    const guard = moveTopUp(topUp, { state: 'failed', counts, ...facts });
    const writes = [stopRecharge(topUp.buyerId, code)];
    const events = [news(topUp, 'wallet.recharge_stopped')];
    return { change: { guard, writes, events }, note: `declined: ${code}; auto-recharge stopped` };
  }
  const guard = moveTopUp(topUp, { state: 'retrying', counts, retryInMs: next.inMs, ...facts });
  const due: EventDraft = { ...news(topUp, 'wallet.recharge_due'), dueInMs: next.inMs };
  // Told of the first decline; what follows is told when it ends.
  const told = attempts === 1 ? [news(topUp, 'wallet.recharge_declined')] : [];
  return { change: { guard, events: [due, ...told] }, note: `declined: ${code}; to be repeated` };
}

/** How long the cardholder may take to confirm a recharge, before it is given up. */
const confirmWithinMs = 7 * 24 * 3_600_000;

const aboutTopUp = ({ id, organizationId }: TopUp) => ({ organizationId, subject: subjects.top_up(id) });

type News =
  | 'wallet.recharge_declined'
  | 'wallet.recharge_due'
  | 'wallet.recharge_needs_action'
  | 'wallet.recharge_stopped';

const news = (topUp: TopUp, type: News): EventDraft => ({
  ...aboutTopUp(topUp),
  type,
  data: { topUpId: topUp.id, buyerId: topUp.buyerId },
});
