import { CardError, declineFields } from './card-error.ts';
import { dispute } from './disputes.ts';
import { sessionOf } from './lookup.ts';
import { type BalanceTransaction, type Charge, newId, type PaymentIntent, unixNow } from './objects.ts';
import { attach, type usable } from './payment-methods.ts';
import type { CardState, Cause, StripeStore } from './store.ts';
import { type Decline, declines, type TestCard } from './test-cards.ts';

/** Where the cardholder is. `authenticated`: on session, and they have confirmed the charge at their bank. */
export type Presence = 'off_session' | 'on_session' | 'authenticated';

type Usable = ReturnType<typeof usable>;

export type Attempt = {
  presence: Presence;
  /** Where the bank's page leads back to. */
  returnUrl: string | null;
  /** Declines the charge where the bank asks the cardholder. */
  refusesAction?: boolean;
};

/** Stripe's fee of a charge: 2.9 % and 30 cents. */
const feeOf = (amount: number) => Math.round(amount * 0.029) + 30;
const availableAfter = 2 * 86_400;

/**
 * Charges a card: captures the payment, or leaves it waiting for the cardholder. Throws a CardError when the card is
 * declined; the payment may then be tried again with another card.
 */
export function charge(
  store: StripeStore,
  payment: PaymentIntent,
  { method, state, card }: Usable,
  attempt: Attempt,
  cause: Cause,
): void {
  payment.payment_method = method.id;
  store.confirmations.delete(payment.id);
  const decision = decide(card, state, attempt.presence, forcedDecline(store, payment, attempt));
  if (decision === 'captured') {
    capture(store, payment, { method, state, card }, cause);
    return;
  }
  if (decision !== 'needs_action') throw failed(store, payment, method, card, decision, cause);
  if (attempt.refusesAction)
    throw failed(store, payment, method, card, declines.authentication_required, cause);
  store.confirmations.set(payment.id, { paymentMethod: method.id, returnUrl: attempt.returnUrl });
  payment.status = 'requires_action';
  payment.last_payment_error = null;
  payment.next_action = nextAction(store, payment.id, attempt.returnUrl);
  store.emit('payment_intent.requires_action', payment, cause);
}

/** How the page of the bank is reached. */
export function nextAction(store: StripeStore, intent: string, returnUrl: string | null) {
  const url = `${store.baseUrl}/stripe/confirm/${intent}`;
  return returnUrl === null
    ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
    : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } };
}

function decide(
  card: TestCard,
  state: CardState,
  presence: Presence,
  forced: Decline | null,
): 'captured' | 'needs_action' | Decline {
  if (forced) return forced;
  if (card.refused) return card.refused;
  if (card.authenticates && presence === 'on_session') return 'needs_action';
  if (presence === 'off_session') {
    if (card.authenticates === 'always') return declines.authentication_required;
    if (card.authenticates === 'until_set_up' && !state.setUp) return declines.authentication_required;
  }
  return card.chargesDeclined ?? 'captured';
}

function forcedDecline(store: StripeStore, payment: PaymentIntent, { presence }: Attempt): Decline | null {
  if (presence !== 'off_session' || payment.customer === null) return null;
  return store.nextDeclines.get(payment.customer)?.shift() ?? null;
}

function capture(
  store: StripeStore,
  payment: PaymentIntent,
  { method, state, card }: Usable,
  cause: Cause,
): void {
  const made = newCharge(payment, method.id, card);
  const moved = balanceTransaction(made, card);
  store.charges.set(made.id, made);
  store.balanceTransactions.set(moved.id, moved);
  Object.assign(payment, {
    status: 'succeeded',
    amount_received: payment.amount,
    latest_charge: made.id,
    last_payment_error: null,
    next_action: null,
  });
  store.charged(made, payment, sessionOf(store, payment));
  keep(store, payment, { method, state, card }, cause);
  store.emit('charge.succeeded', made, cause);
  store.emit('payment_intent.succeeded', payment, cause);
  made.balance_transaction = moved.id;
  store.emit('charge.updated', made, cause, { balance_transaction: null });
  if (card.afterwards === 'refund_fails')
    store.refundOutcomes.set(payment.id, { status: 'succeeded', later: 'failed' });
  if (card.afterwards === 'dispute') dispute(store, payment.id, { reason: 'fraudulent' });
}

/** Saves the card with the customer where the payment says so. A card that is not saved is used up. */
function keep(store: StripeStore, payment: PaymentIntent, { method, state }: Usable, cause: Cause): void {
  if (method.customer === null && (payment.customer === null || payment.setup_future_usage === null)) {
    state.usedUp = true;
    return;
  }
  if (payment.setup_future_usage === 'off_session') state.setUp = true;
  if (method.customer === null && payment.customer !== null) attach(store, method, payment.customer, cause);
}

/** Books the failed charge and returns the error of the call. */
function failed(
  store: StripeStore,
  payment: PaymentIntent,
  method: Usable['method'],
  card: TestCard,
  decline: Decline,
  cause: Cause,
): CardError {
  const made = failedCharge(newCharge(payment, method.id, card), card, decline);
  store.charges.set(made.id, made);
  Object.assign(payment, {
    status: 'requires_payment_method',
    payment_method: null,
    latest_charge: made.id,
    next_action: null,
    last_payment_error: {
      ...declineFields(decline, made.id),
      payment_method: structuredClone(method),
      type: 'card_error',
    },
  });
  store.charged(made, payment, sessionOf(store, payment));
  store.emit('charge.failed', made, cause);
  store.emit('payment_intent.payment_failed', payment, cause);
  return new CardError(decline, { charge: made.id, payment_intent: payment, payment_method: method });
}

function failedCharge(made: Charge, card: TestCard, decline: Decline): Charge {
  const blocked = card.blocked === true && decline === card.chargesDeclined;
  return {
    ...made,
    amount_captured: 0,
    captured: false,
    paid: false,
    status: 'failed',
    failure_code: decline.code,
    failure_message: decline.message,
    outcome: {
      advice_code: decline.advice ?? null,
      network_advice_code: decline.network?.advice ?? null,
      network_decline_code: decline.network?.decline ?? null,
      network_status: blocked ? 'not_sent_to_network' : 'declined_by_network',
      reason: blocked ? 'highest_risk_level' : decline.decline || decline.code,
      risk_level: blocked ? 'highest' : 'normal',
      seller_message: blocked
        ? 'Stripe blocked this payment as too risky.'
        : 'The bank did not return any further details with this decline.',
      type: blocked ? 'blocked' : 'issuer_declined',
    },
  };
}

function balanceTransaction(made: Charge, card: TestCard): BalanceTransaction {
  const fee = feeOf(made.amount);
  const atOnce = card.availableAtOnce === true;
  return {
    id: newId('txn'),
    object: 'balance_transaction',
    amount: made.amount,
    available_on: made.created + (atOnce ? 0 : availableAfter),
    balance_type: 'payments',
    created: made.created,
    currency: made.currency,
    description: made.description ?? null,
    exchange_rate: null,
    fee,
    fee_details: [
      {
        amount: fee,
        application: null,
        currency: made.currency,
        description: 'Stripe processing fees',
        type: 'stripe_fee',
      },
    ],
    net: made.amount - fee,
    reporting_category: 'charge',
    source: made.id,
    status: atOnce ? 'available' : 'pending',
    type: 'charge',
  };
}

function newCharge(payment: PaymentIntent, method: string, card: TestCard): Charge {
  return {
    id: newId('ch'),
    object: 'charge',
    amount: payment.amount,
    amount_captured: payment.amount,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: 'SANDBOX',
    captured: true,
    created: unixNow(),
    currency: payment.currency,
    customer: payment.customer,
    description: payment.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: {},
    livemode: payment.livemode,
    metadata: { ...payment.metadata },
    on_behalf_of: null,
    outcome: {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: null,
      network_status: 'approved_by_network',
      reason: null,
      risk_level: 'normal',
      seller_message: 'Payment complete.',
      type: 'authorized',
    },
    paid: true,
    payment_intent: payment.id,
    payment_method: method,
    payment_method_details: {
      type: 'card',
      card: { brand: card.brand, last4: card.number.slice(-4), funding: 'credit' },
    },
    receipt_email: payment.receipt_email ?? null,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'succeeded',
    transfer_data: null,
    transfer_group: payment.transfer_group ?? null,
  };
}
