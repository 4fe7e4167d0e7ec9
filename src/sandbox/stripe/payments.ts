import { Refusal } from '../vendor.ts';
import { type Charge, newCharge, newPaymentIntent, type PaymentIntent, type Session } from './objects.ts';
import { findSession } from './sessions.ts';
import { noCause, type StripeStore } from './store.ts';

export const goodCard = '4242424242424242';

/** Test cards that are declined, with Stripe's decline codes. */
export const declinedCards: Record<string, { code: string; decline: string; message: string }> = {
  '4000000000000002': {
    code: 'card_declined',
    decline: 'generic_decline',
    message: 'Your card was declined.',
  },
  '4000000000009995': {
    code: 'card_declined',
    decline: 'insufficient_funds',
    message: 'Your card has insufficient funds.',
  },
  '4000000000000069': { code: 'expired_card', decline: 'expired_card', message: 'Your card has expired.' },
};

export type PayRequest = {
  card?: string;
  method?: 'card' | 'delayed';
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
  declined: { code: string; decline: string; message: string } | null;
};

/** Pays an open session, as on the hosted page. Throws a Refusal when it is not open. */
export function pay(store: StripeStore, id: string, request: PayRequest): PayResult {
  const session = findSession(store, id);
  if (session.status !== 'open') throw new Refusal(409, null, `This Checkout Session is ${session.status}.`);
  const card = (request.card ?? goodCard).replace(/[\s-]/g, '');
  const declined = request.method === 'delayed' ? null : (declinedCards[card] ?? null);
  if (!declined) applyOverrides(session, request);
  const payment = paymentOf(store, session);
  if (declined) {
    payment.last_payment_error = {
      type: 'card_error',
      code: declined.code,
      decline_code: declined.decline,
      message: declined.message,
    };
    store.emit('payment_intent.payment_failed', payment, noCause);
    return { paid: false, session, paymentIntent: payment, declined };
  }
  close(store, session);
  if (request.method === 'delayed') {
    payment.status = 'processing';
    payment.payment_method_types = ['us_bank_account'];
    store.emit('checkout.session.completed', session, noCause);
    return { paid: false, session, paymentIntent: payment, declined: null };
  }
  session.payment_status = 'paid';
  capture(store, payment, card);
  store.emit('checkout.session.completed', session, noCause);
  return { paid: true, session, paymentIntent: payment, declined: null };
}

/** Settles a delayed payment as succeeded or failed. */
export function settleDelayed(store: StripeStore, id: string, outcome: 'succeeded' | 'failed'): Session {
  const session = findSession(store, id);
  const payment = session.payment_intent ? store.payments.get(session.payment_intent) : undefined;
  if (payment?.status !== 'processing')
    throw new Refusal(409, null, 'This session has no delayed payment under way.');
  if (outcome === 'succeeded') {
    session.payment_status = 'paid';
    capture(store, payment, goodCard);
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
  const payment =
    known ??
    newPaymentIntent(session, {
      metadata: { ...extras?.paymentMetadata },
      description: extras?.description ?? null,
    });
  Object.assign(payment, {
    amount: session.amount_total,
    currency: session.currency,
    livemode: session.livemode,
  });
  store.payments.set(payment.id, payment);
  session.payment_intent = payment.id;
  return payment;
}

function close(store: StripeStore, session: Session): void {
  session.status = 'complete';
  session.url = null;
  session.customer_details = {
    email: session.customer_email ?? 'buyer@example.com',
    name: 'Sandbox Buyer',
    phone: null,
    address: null,
    tax_exempt: 'none',
    tax_ids: [],
  };
  const timer = store.extras.get(session.id)?.expiry;
  if (timer) clearTimeout(timer);
}

function capture(store: StripeStore, payment: PaymentIntent, card: string): void {
  const charge = newCharge(payment, card);
  store.charges.set(charge.id, charge);
  Object.assign(payment, {
    status: 'succeeded',
    amount_received: payment.amount,
    latest_charge: charge.id,
    last_payment_error: null,
  });
  store.emit('charge.succeeded', charge, noCause);
  store.emit('payment_intent.succeeded', payment, noCause);
}

export function findPayment(store: StripeStore, id: string): PaymentIntent {
  const payment = store.payments.get(id);
  if (!payment) throw new Refusal(404, 'resource_missing', `No such payment_intent: '${id}'`, 'intent');
  return payment;
}

export function chargeOf(store: StripeStore, paymentIntent: string): Charge {
  const payment = findPayment(store, paymentIntent);
  const charge = payment.latest_charge ? store.charges.get(payment.latest_charge) : undefined;
  if (!charge) {
    const message = `This PaymentIntent (${payment.id}) does not have a successful charge to refund.`;
    throw new Refusal(400, 'payment_intent_unexpected_state', message, 'payment_intent');
  }
  return charge;
}
