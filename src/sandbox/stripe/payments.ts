import { Refusal } from '../vendor.ts';
import { CardError } from './card-error.ts';
import { charge } from './charges.ts';
import { close, completePaid, completeSaved } from './completion.ts';
import { findSession } from './lookup.ts';
import type { PaymentIntent, PaymentMethod, Session, SetupIntent } from './objects.ts';
import { newPaymentIntent } from './payment-intents.ts';
import { newPaymentMethod, usableBy } from './payment-methods.ts';
import { save } from './setup-intents.ts';
import { noCause, type StripeStore } from './store.ts';
import { cardNumbered, type Decline } from './test-cards.ts';

export const goodCard = '4242424242424242';

export type PayRequest = {
  /** A number, a token, or a card that the customer has saved. */
  card?: string;
  method?: 'card' | 'delayed';
  /** Whether the customer lets later payment pages offer the card, where the page asks. */
  offerAgain?: boolean;
  /** Overrides what Stripe reports, for tests of the amount, currency, livemode and metadata checks. */
  amount?: number;
  currency?: string;
  livemode?: boolean;
  metadata?: Record<string, string>;
};

export type PayResult = {
  paid: boolean;
  session: Session;
  paymentIntent: PaymentIntent;
  declined: Decline | null;
  /** The page of the bank, where the cardholder must confirm the payment. */
  confirmUrl: string | null;
};

export type SaveResult = {
  saved: boolean;
  session: Session;
  setupIntent: SetupIntent;
  declined: Decline | null;
  confirmUrl: string | null;
};

/** Pays an open session, as on the hosted page. Throws a Refusal when it is not open. */
export function pay(store: StripeStore, id: string, request: PayRequest): PayResult {
  const session = openSession(store, id, 'payment');
  applyOverrides(session, request);
  const payment = paymentOf(store, session);
  const result = { session, paymentIntent: payment, declined: null, confirmUrl: null };
  if (request.method === 'delayed') {
    close(store, session);
    payment.status = 'processing';
    payment.payment_method_types = ['us_bank_account'];
    store.emit('checkout.session.completed', session, noCause);
    return { ...result, paid: false };
  }
  const declined = declinedOr(() => chargeOnPage(store, session, payment, request));
  if (declined) return { ...result, paid: false, declined };
  if (payment.status === 'requires_action')
    return { ...result, paid: false, confirmUrl: confirmUrl(store, payment.id) };
  completePaid(store, session);
  return { ...result, paid: true };
}

/** Saves a card in an open session of mode=setup, as on the hosted page. Throws a Refusal when it is not open. */
export function saveCard(store: StripeStore, id: string, card: string): SaveResult {
  const session = openSession(store, id, 'setup');
  const setup = session.setup_intent ? store.setupIntents.get(session.setup_intent) : undefined;
  if (!setup) throw new Refusal(404, 'resource_missing', `No setup intent of ${id}`);
  const result = { session, setupIntent: setup, declined: null, confirmUrl: null };
  const declined = declinedOr(() =>
    save(store, setup, cardOnPage(store, session, card), session.success_url, noCause),
  );
  if (declined) return { ...result, saved: false, declined };
  if (setup.status === 'requires_action')
    return { ...result, saved: false, confirmUrl: confirmUrl(store, setup.id) };
  completeSaved(store, session, setup);
  return { ...result, saved: true };
}

/** Settles a delayed payment as succeeded or failed. */
export function settleDelayed(store: StripeStore, id: string, outcome: 'succeeded' | 'failed'): Session {
  const session = findSession(store, id);
  const payment = session.payment_intent ? store.payments.get(session.payment_intent) : undefined;
  if (payment?.status !== 'processing')
    throw new Refusal(409, null, 'This session has no delayed payment under way.');
  if (outcome === 'succeeded') {
    session.payment_status = 'paid';
    const debit = usableBy(store, newPaymentMethod(store, cardNumbered(goodCard)).id, payment.customer);
    charge(store, payment, debit, { presence: 'authenticated', returnUrl: null }, noCause);
    store.emit('checkout.session.async_payment_succeeded', session, noCause);
  } else {
    payment.status = 'requires_payment_method';
    payment.last_payment_error = {
      type: 'card_error',
      code: 'payment_intent_payment_attempt_failed',
      message: 'The bank returned the debit.',
    };
    store.emit('payment_intent.payment_failed', payment, noCause);
    store.emit('checkout.session.async_payment_failed', session, noCause);
  }
  return session;
}

/** Cards that the page offers to its customer. */
export function offeredCards(store: StripeStore, session: Session): PaymentMethod[] {
  if (session.customer === null) return [];
  const options = session.saved_payment_method_options as { allow_redisplay_filters: string[] } | null;
  const shown = options?.allow_redisplay_filters ?? ['always'];
  return [...store.paymentMethods.values()]
    .filter(
      ({ customer, allow_redisplay }) => customer === session.customer && shown.includes(allow_redisplay),
    )
    .reverse();
}

function openSession(store: StripeStore, id: string, mode: Session['mode']): Session {
  const session = findSession(store, id);
  if (session.status !== 'open') throw new Refusal(409, null, `This Checkout Session is ${session.status}.`);
  if (session.mode !== mode) throw new Refusal(409, null, `This Checkout Session has mode=${session.mode}.`);
  return session;
}

function chargeOnPage(
  store: StripeStore,
  session: Session,
  payment: PaymentIntent,
  request: PayRequest,
): void {
  const used = cardOnPage(store, session, request.card ?? goodCard);
  const { method } = used;
  if (method.customer === null && session.customer !== null) {
    if (request.offerAgain) {
      method.allow_redisplay = 'always';
      payment.setup_future_usage ??= 'on_session';
    } else method.allow_redisplay = payment.setup_future_usage === null ? 'unspecified' : 'limited';
  }
  charge(store, payment, used, { presence: 'on_session', returnUrl: session.success_url }, noCause);
}

function cardOnPage(store: StripeStore, session: Session, given: string) {
  const id = given.startsWith('pm_') ? given : newPaymentMethod(store, cardNumbered(given)).id;
  return usableBy(store, id, session.customer);
}

function declinedOr(act: () => void): Decline | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof CardError) return error.decline;
    throw error;
  }
}

const confirmUrl = (store: StripeStore, intent: string) => `${store.baseUrl}/stripe/confirm/${intent}`;

function applyOverrides(session: Session, request: PayRequest): void {
  if (request.amount !== undefined) {
    session.amount_total = request.amount;
    session.amount_subtotal = request.amount;
  }
  if (request.currency !== undefined) session.currency = request.currency;
  if (request.livemode !== undefined) session.livemode = request.livemode;
  if (request.metadata !== undefined) session.metadata = request.metadata;
}

/** Created at the first attempt and kept after declines, as Checkout does. */
function paymentOf(store: StripeStore, session: Session): PaymentIntent {
  const extras = store.extras.get(session.id);
  const known = session.payment_intent ? store.payments.get(session.payment_intent) : undefined;
  const current = {
    amount: session.amount_total ?? 0,
    currency: session.currency ?? 'usd',
    livemode: session.livemode,
  };
  if (known) return Object.assign(known, current);
  const payment = newPaymentIntent({
    ...current,
    customer: session.customer,
    metadata: { ...extras?.paymentMetadata },
    description: extras?.description ?? null,
  });
  payment.setup_future_usage = extras?.setupFutureUsage ?? null;
  payment.allowed_payment_method_types = session.allowed_payment_method_types;
  store.payments.set(payment.id, payment);
  session.payment_intent = payment.id;
  store.sessionsByIntent.set(payment.id, session.id);
  store.emit('payment_intent.created', payment, noCause);
  return payment;
}
