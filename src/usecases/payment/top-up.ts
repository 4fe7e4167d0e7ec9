import { violatedUnique } from '../../db/constraints.ts';
import {
  beginTopUp,
  endPage,
  findOpenPages,
  findTopUpSession,
  type OverLimit,
  storeSession,
} from '../../db/payment/wallet-begin.ts';
import { findCard } from '../../db/payment/wallet-cards.ts';
import { findTopUp, type NewTopUp, type TopUp } from '../../db/payment/wallet-top-ups.ts';
import type { Wallet } from '../../db/payment/wallets.ts';
import { firstAnswer, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { ContractError, TransientError } from '../../domain/errors.ts';
import { formatMoney } from '../../domain/money.ts';
import { walletCurrency } from '../../domain/payment/wallet.ts';
import { newId } from '../../events/new-id.ts';
import type { Runtime } from '../runtime.ts';
import { noSuchCard } from './cards.ts';
import { chargeTopUp, returnPage } from './top-up-charge.ts';
import { type Settled, settlePayment, settleUnpaid } from './top-up-settle.ts';
import { answered } from './wallet-calls.ts';
import { customerOf, withKnownCustomer } from './wallet-customer.ts';

export type TopUpDeps = Pick<Runtime, 'db' | 'relay' | 'effects' | 'payments' | 'config' | 'selfCheck'>;

/** What became of a top-up by a saved card. `pending`: the bank has not decided, and the wallet is credited once it has. */
export type TopUpResult =
  | { kind: 'credited'; paymentIntent: string }
  | { kind: 'needs_action'; clientSecret: string | null; confirmUrl: string | null }
  | { kind: 'declined'; code: string }
  | { kind: 'pending' };

/**
 * Charges a saved card and credits the wallet. `cardId`: ours or Stripe's; null for the primary one. A repeated key, and a
 * repeated request without a key within seconds, get the answer of the first. Throws the refusals of the contract.
 */
export async function addFunds(
  deps: TopUpDeps,
  wallet: Wallet,
  order: { amountMinor: number; cardId: string | null; key: IdempotencyKey | null },
): Promise<TopUpResult> {
  const known = await keyedTopUp(deps, order.key);
  if (known !== null) return chargeNow(deps, known);
  const card = await findCard(deps.db, wallet.buyerId, order.cardId);
  if (!card && order.cardId !== null) throw noSuchCard();
  if (!card) throw new ContractError(400, 'invalid_input', 'No payment method available');
  const topUp = newTopUp(wallet, 'card', order.amountMinor, card.id);
  return chargeNow(deps, await begin(deps, topUp, order.key));
}

async function keyedTopUp(deps: TopUpDeps, key: IdempotencyKey | null): Promise<string | null> {
  const first = await firstAnswer(deps.db, key);
  return first ? (first.body as { topUpId: string }).topUpId : null;
}

const newTopUp = (
  { organizationId, buyerId }: Wallet,
  kind: NewTopUp['kind'],
  amountMinor: number,
  paymentMethodId: string | null,
): NewTopUp => ({
  id: newId(),
  organizationId,
  buyerId,
  kind,
  amountMinor,
  currency: walletCurrency,
  paymentMethodId,
});

/** Stores the top-up, and returns the id of the one that is to be charged: of two equal requests, the first. */
async function begin(deps: TopUpDeps, topUp: NewTopUp, key: IdempotencyKey | null): Promise<string> {
  const { db, relay, config } = deps;
  const order = { topUp, limits: config.wallet, key, lookUpInMs: config.timings.reconcileAfterMs };
  try {
    let begun = await beginTopUp(db, order, relay.commitOptions());
    if (begun.kind === 'over_limit' && (await closePages(deps, topUp.buyerId)))
      begun = await beginTopUp(db, order, relay.commitOptions());
    if (begun.kind === 'repeated') return begun.topUpId;
    if (begun.kind === 'over_limit') throw overLimit(begun.limit, config);
    relay.publish(begun.publish);
    return topUp.id;
  } catch (error) {
    const first = violatedUnique(error) === null ? null : await keyedTopUp(deps, key);
    if (first === null) throw error;
    return first;
  }
}

/**
 * Closes the pages at Stripe that a buyer left open, because their amounts count against its limits. What was paid on one of
 * them is booked. Returns whether there were any.
 */
async function closePages(deps: TopUpDeps, buyerId: string): Promise<boolean> {
  const pages = await findOpenPages(deps.db, buyerId);
  for (const { topUpId, sessionId } of pages) {
    const { status } = await deps.payments.expireCheckout(sessionId, `expire-page:${topUpId}`);
    const topUp = await findTopUp(deps.db, topUpId);
    if (!topUp) continue;
    if (status !== 'expired') await lookUpTopUp(deps, topUp);
    else await deps.relay.commit(endPage(topUp, sessionId));
  }
  return pages.length > 0;
}

function overLimit(limit: OverLimit, { wallet }: Pick<Runtime['config'], 'wallet'>): ContractError {
  const most = (minor: number) => formatMoney(minor, walletCurrency, 'en');
  const detail =
    limit === 'day'
      ? `At most ${most(wallet.mostPerDayMinor)} can be added in a day. Nothing was charged.`
      : `A wallet holds at most ${most(wallet.mostBalanceMinor)}. Nothing was charged.`;
  return new ContractError(400, 'invalid_input', 'Invalid amount', detail);
}

/** Charges a top-up, or takes up what another request or run began, and books the answer. */
export async function chargeNow(deps: TopUpDeps, topUpId: string): Promise<TopUpResult> {
  const topUp = await findTopUp(deps.db, topUpId);
  if (!topUp) throw new Error('a top-up that was begun is missing');
  if (topUp.state !== 'open') return resultOf(deps, topUp);
  const sent = await answered(() => chargeTopUp(deps, topUp, null));
  if (sent.state === 'refused') {
    const decline = {
      kind: 'declined',
      paymentIntent: null,
      code: sent.code,
      advice: 'hard',
      message: '',
    } as const;
    await commit(deps, settleUnpaid(topUp, decline));
  } else if (sent.result.kind === 'succeeded') {
    const payment = await deps.payments.retrievePayment(sent.result.paymentIntent);
    await commit(deps, settlePayment(topUp, payment, deps));
  } else {
    await commit(deps, settleUnpaid(topUp, sent.result));
  }
  const now = await findTopUp(deps.db, topUpId);
  return resultOf(deps, now ?? topUp);
}

/** A change that matches no row was made by another run: what it left is read afterwards. */
async function commit({ relay }: TopUpDeps, { change }: Settled): Promise<void> {
  if (change) await relay.commit(change);
}

async function resultOf(deps: TopUpDeps, topUp: TopUp): Promise<TopUpResult> {
  switch (topUp.state) {
    case 'paid':
      return { kind: 'credited', paymentIntent: topUp.paymentIntent ?? '' };
    case 'needs_action':
      return confirmationOf(deps, topUp);
    case 'failed':
    case 'canceled':
      return { kind: 'declined', code: topUp.declineCode ?? 'canceled' };
    default:
      return { kind: 'pending' };
  }
}

/** The secret is stored nowhere: Stripe is asked for it. */
async function confirmationOf({ payments }: TopUpDeps, { paymentIntent }: TopUp): Promise<TopUpResult> {
  const confirmation = paymentIntent === null ? null : await payments.retrieveConfirmation(paymentIntent);
  return confirmation ? { kind: 'needs_action', ...confirmation } : { kind: 'pending' };
}

/** Books what became of a payment when the buyer returns from a page of Stripe or of the bank. */
export async function lookUpTopUp(deps: TopUpDeps, topUp: TopUp): Promise<TopUp> {
  if (topUp.isBooked) return topUp;
  const sessionId = topUp.kind === 'checkout' ? await findTopUpSession(deps.db, topUp.id) : null;
  const paymentIntent = sessionId === null ? topUp.paymentIntent : await paidOn(deps, sessionId);
  if (paymentIntent === null) return topUp;
  const payment = await deps.payments.retrievePayment(paymentIntent);
  await commit(deps, settlePayment(topUp, payment, { config: deps.config, sessionId }));
  return (await findTopUp(deps.db, topUp.id)) ?? topUp;
}

/** The payment of Stripe's page. Null before it took money. */
async function paidOn({ payments }: TopUpDeps, sessionId: string): Promise<string | null> {
  const { mode, paymentStatus, paymentIntent } = await payments.retrieveCheckout(sessionId);
  return mode === 'payment' && paymentStatus === 'paid' ? paymentIntent : null;
}

/** The bank's page on which the cardholder confirms a recharge; null when it needs none any more. */
export async function confirmRecharge(deps: TopUpDeps, topUp: TopUp): Promise<string | null> {
  const { id, paymentIntent, card } = topUp;
  if (topUp.state !== 'needs_action' || paymentIntent === null || card === null) return null;
  const result = await deps.payments.confirmCharge({
    idempotencyKey: `confirm:${id}:${newId()}`,
    paymentIntent,
    paymentMethod: card,
    offSession: false,
    returnUrl: returnPage(deps.config, id),
  });
  if (result.kind === 'needs_action') return result.confirmUrl;
  await lookUpTopUp(deps, topUp);
  return null;
}

/** Stripe's page on which the buyer adds money and saves the card that pays. Throws the refusals of the limits. */
export async function openTopUpPage(
  deps: TopUpDeps,
  wallet: Wallet,
  { amountMinor, back }: { amountMinor: number; back: string },
): Promise<string> {
  const customer = await customerOf(deps, wallet);
  const topUp = newTopUp(wallet, 'checkout', amountMinor, null);
  await begin(deps, topUp, null);
  return openSession(deps, topUp, { customer, back });
}

async function openSession(
  { payments, relay, selfCheck }: TopUpDeps,
  topUp: NewTopUp,
  { customer, back }: { customer: string; back: string },
): Promise<string> {
  const session = await withKnownCustomer(() =>
    payments.createCheckout({
      idempotencyKey: `top-up-page:${topUp.id}`,
      amount: topUp.amountMinor,
      currency: topUp.currency,
      description: 'Wallet recharge',
      expiresAt: new Date(selfCheck.now().getTime() + pageLastsMs),
      successUrl: `${back}/top-ups/${topUp.id}`,
      cancelUrl: back,
      customer,
      saveCard: true,
      metadata: { kind: 'top_up', top_up_id: topUp.id, buyer_id: topUp.buyerId },
    }),
  );
  if (!session.url)
    throw new TransientError('the checkout session has no URL', { vendor: 'stripe', code: 'unavailable' });
  await relay.commit({ writes: [storeSession(topUp.id, session)] });
  return session.url;
}

/** Stripe's shortest is 30 minutes. While a page is open, its amount counts against the limits of its wallet. */
const pageLastsMs = 31 * 60_000;
