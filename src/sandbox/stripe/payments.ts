import { type Params, Refusal } from '../vendor.ts';
import {
  type Charge,
  type Dispute,
  newCharge,
  newId,
  newPaymentIntent,
  type PaymentIntent,
  type Refund,
  type Session,
  unixNow,
} from './objects.ts';
import { findSession, metadataFrom } from './sessions.ts';
import { anything, check, integer, list, metadata, oneOf, text } from './shape.ts';
import { type Cause, noCause, type StripeStore } from './store.ts';

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

/** POST /v1/refunds */
export function refund(store: StripeStore, params: Params, cause: Cause): Refund {
  check(params, {
    payment_intent: text(),
    charge: text(),
    amount: integer(1, 99_999_999),
    reason: oneOf('duplicate', 'fraudulent', 'requested_by_customer'),
    metadata,
    refund_application_fee: anything,
    reverse_transfer: anything,
    instructions_email: text(),
    expand: list(text(500), 20),
  });
  const charge = chargeToRefund(store, params);
  if (charge.refunded)
    throw new Refusal(400, 'charge_already_refunded', `Charge ${charge.id} has already been refunded.`);
  if (charge.disputed) {
    throw new Refusal(
      400,
      'charge_disputed',
      `Charge ${charge.id} has been charged back; cannot issue a refund.`,
    );
  }
  const left = charge.amount - charge.amount_refunded;
  const amount = params.amount === undefined ? left : Number(params.amount);
  if (amount > left) {
    const message = `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`;
    throw new Refusal(400, null, message, 'amount');
  }
  const before = { amount_refunded: charge.amount_refunded, refunded: charge.refunded };
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount;
  const made: Refund = {
    id: newId('re'),
    object: 'refund',
    amount,
    balance_transaction: newId('txn'),
    charge: charge.id,
    created: unixNow(),
    currency: charge.currency,
    destination_details: { type: 'card', card: { type: 'refund' } },
    metadata: metadataFrom(params.metadata),
    payment_intent: charge.payment_intent,
    reason: typeof params.reason === 'string' ? params.reason : null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  };
  store.refunds.set(made.id, made);
  store.emit('refund.created', made, cause);
  store.emit(
    'charge.refunded',
    charge,
    cause,
    charge.refunded ? before : { amount_refunded: before.amount_refunded },
  );
  return made;
}

/** Opens a dispute; a later call closes it. */
export function dispute(
  store: StripeStore,
  paymentIntent: string,
  request: { status?: 'needs_response' | 'won' | 'lost'; reason?: string },
): Dispute {
  const charge = chargeOf(store, paymentIntent);
  const open = [...store.disputes.values()].find((candidate) => candidate.charge === charge.id);
  if (!open) {
    const made = newDispute(charge, request.reason ?? 'fraudulent');
    store.disputes.set(made.id, made);
    charge.disputed = true;
    store.emit('charge.dispute.created', made, noCause);
    return request.status && request.status !== 'needs_response'
      ? closeDispute(store, made, request.status)
      : made;
  }
  if (open.status !== 'needs_response')
    throw new Refusal(409, null, `Dispute ${open.id} is already ${open.status}.`);
  return closeDispute(store, open, request.status === 'won' ? 'won' : 'lost');
}

function closeDispute(store: StripeStore, made: Dispute, status: 'won' | 'lost'): Dispute {
  made.status = status;
  store.emit('charge.dispute.closed', made, noCause, { status: 'needs_response' });
  return made;
}

function newDispute(charge: Charge, reason: string): Dispute {
  return {
    id: newId('du'),
    object: 'dispute',
    amount: charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: unixNow(),
    currency: charge.currency,
    evidence: {},
    evidence_details: {
      due_by: unixNow() + 7 * 86_400,
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: false,
    livemode: charge.livemode,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason,
    status: 'needs_response',
  };
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

function chargeOf(store: StripeStore, paymentIntent: string): Charge {
  const payment = findPayment(store, paymentIntent);
  const charge = payment.latest_charge ? store.charges.get(payment.latest_charge) : undefined;
  if (!charge) {
    const message = `This PaymentIntent (${payment.id}) does not have a successful charge to refund.`;
    throw new Refusal(400, 'payment_intent_unexpected_state', message, 'payment_intent');
  }
  return charge;
}

function chargeToRefund(store: StripeStore, params: Params): Charge {
  if (typeof params.payment_intent === 'string') return chargeOf(store, params.payment_intent);
  if (typeof params.charge !== 'string') {
    throw new Refusal(
      400,
      'parameter_missing',
      'One of the following params should be provided: payment_intent or charge.',
    );
  }
  const charge = store.charges.get(params.charge);
  if (!charge) throw new Refusal(404, 'resource_missing', `No such charge: '${params.charge}'`, 'charge');
  return charge;
}
