import { endPage, findTopUpSession } from '../../db/payment/wallet-begin.ts';
import { findCard, type SavedCard } from '../../db/payment/wallet-cards.ts';
import {
  cancelRecharge,
  findTopUp,
  moveTopUp,
  repeatWith,
  type TopUp,
} from '../../db/payment/wallet-top-ups.ts';
import { findWallet } from '../../db/payment/wallets.ts';
import { obstacleToRecharge } from '../../domain/payment/wallet-recharge.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { Runtime } from '../runtime.ts';
import { chargeKey, chargeTopUp } from './top-up-charge.ts';
import { type Settled, settlePayment, settleProcessed, settleUnpaid } from './top-up-settle.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'payments' | 'config'>;

/** Charges the saved card of a recharge: its first attempt, or the next one after a decline. */
export async function chargeRecharge(topUpId: string, deps: Deps, run: Run): Promise<Outcome> {
  const topUp = await findTopUp(deps.db, topUpId);
  if (!topUp) return skip('no such recharge');
  if (topUp.state === 'needs_action') return giveUpConfirming(topUp, deps, run);
  if (topUp.state !== 'open' && topUp.state !== 'retrying') return skip('it has ended');
  const wallet = await findWallet(deps.db, topUp.organizationId, topUp.buyerId);
  const card = await findCard(deps.db, topUp.buyerId, null);
  const obstacle = wallet ? obstacleToRecharge(wallet) : 'there is no wallet';
  if (obstacle !== null || !wallet || !card)
    return finish(cancelRecharge(topUp), obstacle ?? 'there is no card');
  if (topUp.state === 'retrying' && isNoLongerLow(wallet))
    return finish(cancelRecharge(topUp), 'the balance is no longer low');
  return charge(await withCard(topUp, card, deps), deps, run);
}

/** A repeated attempt is made with the present primary card: the one before may have been removed. */
async function withCard(topUp: TopUp, primary: SavedCard, { db }: Deps): Promise<TopUp> {
  if (topUp.state !== 'retrying') return { ...topUp, card: topUp.card ?? primary.stripeId };
  await repeatWith(db, topUp, primary.id, chargeKey(topUp));
  return (await findTopUp(db, topUp.id)) ?? topUp;
}

const isNoLongerLow = ({
  balanceMinor,
  autoRechargeThresholdMinor: threshold,
}: {
  balanceMinor: number;
  autoRechargeThresholdMinor: number | null;
}) => threshold !== null && balanceMinor >= threshold;

async function charge(topUp: TopUp, deps: Deps, run: Run): Promise<Outcome> {
  const sent = await chargeTopUp(deps, topUp, run.effect);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') {
    const decline = {
      kind: 'declined',
      paymentIntent: null,
      code: sent.code,
      advice: 'hard',
      message: '',
    } as const;
    return booked(settleUnpaid(topUp, decline));
  }
  if (sent.result.kind === 'processing') return askAgain(topUp, sent.result.paymentIntent, deps);
  if (sent.result.kind !== 'succeeded') return booked(settleUnpaid(topUp, sent.result));
  return booked(settlePayment(topUp, await deps.payments.retrievePayment(sent.result.paymentIntent), deps));
}

/** The answer to a charge is recorded once: what became of one that the bank was deciding on is asked of Stripe. */
async function askAgain(topUp: TopUp, paymentIntent: string, deps: Deps): Promise<Outcome> {
  const found = settleProcessed(topUp, await deps.payments.retrievePayment(paymentIntent), deps);
  return found.change ? booked(found) : snooze(30_000, found.note);
}

const booked = ({ change, note }: Settled): Outcome => finish(change ?? {}, note);

/** The cardholder had days to confirm it: the payment is closed, unless it was confirmed in the meantime. */
async function giveUpConfirming(topUp: TopUp, deps: Deps, run: Run): Promise<Outcome> {
  if (topUp.paymentIntent === null) return skip('it has no payment');
  const idempotencyKey = `cancel:${topUp.id}:${run.since.getTime()}`;
  const payment = await deps.payments.cancelCharge({ idempotencyKey, paymentIntent: topUp.paymentIntent });
  return booked(settlePayment(topUp, payment, deps));
}

/** Cancels the payment of a recharge that was given up. One that was confirmed all the same is credited. */
export async function cancelPayment(topUpId: string, deps: Deps): Promise<Outcome> {
  const topUp = await findTopUp(deps.db, topUpId);
  if (!topUp || topUp.paymentIntent === null || topUp.isBooked) return skip('there is nothing to cancel');
  const idempotencyKey = `cancel:${topUp.id}`;
  const payment = await deps.payments.cancelCharge({ idempotencyKey, paymentIntent: topUp.paymentIntent });
  return booked(settlePayment(topUp, payment, deps));
}

/** Books a payment of a top-up that Stripe reported. */
export async function bookReported(
  { topUpId, paymentIntent }: { topUpId: string; paymentIntent: string },
  deps: Deps,
): Promise<Outcome> {
  const topUp = await findTopUp(deps.db, topUpId);
  if (!topUp) return skip('no such top-up');
  if (topUp.isBooked) return skip('already booked');
  const sessionId = topUp.kind === 'checkout' ? await findTopUpSession(deps.db, topUpId) : null;
  const payment = await deps.payments.retrievePayment(paymentIntent);
  return booked(settlePayment(topUp, payment, { config: deps.config, sessionId }));
}

/** How long the cardholder may take to confirm a top-up on the bank's page. */
const confirmingMs = 24 * 3_600_000;

/** Looks up a top-up that the buyer began until it has ended: its answer and its event may be lost. */
export async function lookUpOpened(topUpId: string, deps: Deps, run: Run): Promise<Outcome> {
  const topUp = await findTopUp(deps.db, topUpId);
  if (!topUp || (topUp.state !== 'open' && topUp.state !== 'needs_action')) return skip('it has ended');
  if (topUp.kind === 'checkout') return lookUpPage(topUp, deps, run);
  if (topUp.state === 'open') return charge(topUp, deps, run);
  if (topUp.paymentIntent === null) return skip('it has no payment');
  const payment = await deps.payments.retrievePayment(topUp.paymentIntent);
  const found = settlePayment(topUp, payment, deps);
  if (found.change) return booked(found);
  if (run.now.getTime() - topUp.createdAt.getTime() > confirmingMs) return giveUpConfirming(topUp, deps, run);
  return snooze(deps.config.timings.reconcileEveryMs, 'the cardholder has not confirmed it');
}

/** Only a page that took money credits: one that needs none is not a payment. */
async function lookUpPage(topUp: TopUp, deps: Deps, run: Run): Promise<Outcome> {
  const sessionId = await findTopUpSession(deps.db, topUp.id);
  if (sessionId === null)
    return finish({ guard: moveTopUp(topUp, { state: 'canceled' }) }, 'the page was never shown');
  const session = await deps.payments.retrieveCheckout(sessionId);
  if (session.mode === 'payment' && session.paymentStatus === 'paid' && session.paymentIntent !== null)
    return bookReported({ topUpId: topUp.id, paymentIntent: session.paymentIntent }, deps);
  if (session.status === 'expired') return finish(endPage(topUp, sessionId), 'the page has expired');
  return snooze(deps.config.timings.reconcileEveryMs, `still open since ${run.since.toISOString()}`);
}
