import { type Params, Refusal } from '../vendor.ts';
import { DetailedRefusal } from './card-error.ts';
import { type Attempt, charge } from './charges.ts';
import { assertCharged, assertStep, assertTotal } from './currencies.ts';
import { customerNamed, findPayment, sessionOf } from './lookup.ts';
import { newId, newSecret, type PaymentIntent, unixNow } from './objects.ts';
import { isTrue, metadataFrom, optional } from './params.ts';
import { usableBy } from './payment-methods.ts';
import {
  anything,
  check,
  currency,
  integer,
  list,
  metadata,
  object,
  oneOf,
  type Rule,
  type Shape,
  text,
  url,
} from './shape.ts';
import type { Cause, StripeStore } from './store.ts';

const flag = oneOf('true', 'false');
/** `off_session` may also say whether charges are single or recurring. */
const offSession = oneOf('true', 'false', 'one_off', 'recurring');
const cardOptions = object({
  card: object({
    stored_credential_usage: oneOf('installment', 'recurring', 'unscheduled'),
    setup_future_usage: oneOf('off_session', 'on_session', 'none'),
    request_three_d_secure: oneOf('any', 'automatic', 'challenge'),
  }),
});
const confirmation: Record<string, Rule> = {
  payment_method: text(),
  off_session: offSession,
  return_url: url,
  error_on_requires_action: flag,
  payment_method_options: cardOptions,
  allowed_payment_method_types: list(text(50)),
  excluded_payment_method_types: list(text(50)),
  setup_future_usage: oneOf('off_session', 'on_session', ''),
  receipt_email: text(512),
  mandate: text(),
  mandate_data: anything,
  radar_options: anything,
  shipping: anything,
  use_stripe_sdk: flag,
  expand: list(text(500), 20),
};
const createShape: Shape = {
  ...confirmation,
  amount: integer(1, 99_999_999),
  currency,
  customer: text(),
  confirm: flag,
  description: text(1000),
  metadata,
  transfer_group: text(),
  capture_method: oneOf('automatic', 'automatic_async'),
  confirmation_method: oneOf('automatic', 'manual'),
  automatic_payment_methods: object({ enabled: flag, allow_redirects: oneOf('always', 'never') }, [
    'enabled',
  ]),
  statement_descriptor: text(22),
  statement_descriptor_suffix: text(22),
};
const redirectMessage =
  "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.";
const confirmable = new Set<string>(['requires_payment_method', 'requires_confirmation', 'requires_action']);
const cancelable = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
  'processing',
];

/** POST /v1/payment_intents */
export function createPayment(store: StripeStore, params: Params, cause: Cause): PaymentIntent {
  check(params, createShape, ['amount', 'currency']);
  const code = String(params.currency).toLowerCase();
  assertCharged(code, 'currency');
  assertStep(Number(params.amount), code, 'amount');
  assertTotal(Number(params.amount), code, 'Amount');
  const customer = customerNamed(store, params.customer);
  assertConfirming(params);
  const confirms = isTrue(params.confirm);
  const payment = newPaymentIntent({
    amount: Number(params.amount),
    currency: code,
    customer: customer?.id ?? null,
    livemode: false,
    metadata: metadataFrom(params.metadata),
    description: optional(params.description),
  });
  Object.assign(payment, {
    allowed_payment_method_types: params.allowed_payment_method_types ?? null,
    automatic_payment_methods: automaticMethods(params),
    receipt_email: optional(params.receipt_email),
    setup_future_usage: optional(params.setup_future_usage),
    statement_descriptor: optional(params.statement_descriptor),
    statement_descriptor_suffix: optional(params.statement_descriptor_suffix),
    transfer_group: optional(params.transfer_group),
  });
  const given = optional(params.payment_method);
  const card = given === null ? null : usableBy(store, given, payment.customer);
  if (confirms && !card) throw missingMethod(payment);
  if (confirms) assertReturn(payment, params);
  if (card) Object.assign(payment, { payment_method: card.method.id, status: 'requires_confirmation' });
  store.payments.set(payment.id, payment);
  store.emit('payment_intent.created', payment, cause);
  if (confirms && card) charge(store, payment, card, attemptOf(params), cause);
  return payment;
}

/** POST /v1/payment_intents/:id/confirm */
export function confirmPayment(store: StripeStore, id: string, params: Params, cause: Cause): PaymentIntent {
  check(params, confirmation);
  const payment = findPayment(store, id);
  assertOwn(store, payment, 'confirm');
  if (!confirmable.has(payment.status)) {
    const message =
      payment.status === 'succeeded'
        ? 'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.'
        : `You cannot confirm this PaymentIntent because it has a status of ${payment.status}. Only a PaymentIntent with one of the following statuses may be confirmed: ${[...confirmable].join(', ')}.`;
    throw unexpectedState(payment, message);
  }
  const given = optional(params.payment_method) ?? payment.payment_method;
  if (given === null) throw missingMethod(payment);
  const card = usableBy(store, given, payment.customer);
  assertReturn(payment, params);
  if (params.setup_future_usage !== undefined)
    Object.assign(payment, { setup_future_usage: optional(params.setup_future_usage) });
  charge(store, payment, card, attemptOf(params), cause);
  return payment;
}

/** POST /v1/payment_intents/:id/cancel */
export function cancelPayment(store: StripeStore, id: string, params: Params, cause: Cause): PaymentIntent {
  check(params, {
    cancellation_reason: oneOf('duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'),
    expand: list(text(500), 20),
  });
  const payment = findPayment(store, id);
  assertOwn(store, payment, 'cancel');
  if (!cancelable.includes(payment.status)) {
    const message = `You cannot cancel this PaymentIntent because it has a status of ${payment.status}. Only a PaymentIntent with one of the following statuses may be canceled: ${cancelable.join(', ')}.`;
    throw unexpectedState(payment, message);
  }
  Object.assign(payment, {
    status: 'canceled',
    canceled_at: unixNow(),
    cancellation_reason: optional(params.cancellation_reason),
    next_action: null,
  });
  store.confirmations.delete(id);
  store.emit('payment_intent.canceled', payment, cause);
  return payment;
}

/** Parameters that Stripe takes with `confirm=true` alone, and those that exclude each other. */
function assertConfirming(params: Params): void {
  const needsConfirm = ['off_session', 'return_url', 'error_on_requires_action', 'mandate_data'];
  for (const name of isTrue(params.confirm) ? [] : needsConfirm) {
    if (params[name] === undefined) continue;
    throw new Refusal(400, null, `You cannot set \`${name}\` unless \`confirm\` is \`true\`.`, name);
  }
  if (params.allowed_payment_method_types && params.automatic_payment_methods) {
    const message =
      'You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types.';
    throw new Refusal(400, 'parameter_invalid_empty', message, 'automatic_payment_methods');
  }
  const options = params.payment_method_options as { card?: Params } | undefined;
  if (options?.card?.stored_credential_usage !== undefined && optional(params.setup_future_usage)) {
    const name = 'payment_method_options[card][stored_credential_usage]';
    throw new Refusal(400, null, `You cannot set \`${name}\` with \`setup_future_usage\`.`, name);
  }
}

/** A method that redirects needs to know where to. Cards alone do not. */
function assertReturn(payment: PaymentIntent, params: Params): void {
  const automatic = payment.automatic_payment_methods as { allow_redirects: string } | null;
  const allowed = (params.allowed_payment_method_types ?? payment.allowed_payment_method_types) as
    | string[]
    | null;
  const onlyCards = allowed?.every((type) => type === 'card');
  if (onlyCards || automatic?.allow_redirects === 'never' || params.return_url !== undefined) return;
  throw new Refusal(400, null, redirectMessage, 'return_url');
}

function attemptOf(params: Params): Attempt {
  const absent = params.off_session !== undefined && params.off_session !== 'false';
  return {
    presence: absent ? 'off_session' : 'on_session',
    returnUrl: optional(params.return_url),
    refusesAction: isTrue(params.error_on_requires_action),
  };
}

/** The payment of a Checkout Session ends with it. */
function assertOwn(store: StripeStore, payment: PaymentIntent, what: string): void {
  if (!sessionOf(store, payment)) return;
  const message = `You cannot ${what} a PaymentIntent that a Checkout Session created. Expire the Checkout Session instead.`;
  throw unexpectedState(payment, message);
}

function missingMethod(payment: PaymentIntent): Refusal {
  const message =
    "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.";
  return unexpectedState(payment, message);
}

function unexpectedState(payment: PaymentIntent, message: string): Refusal {
  return new DetailedRefusal(400, 'payment_intent_unexpected_state', message, { payment_intent: payment });
}

function automaticMethods(params: Params) {
  const given = params.automatic_payment_methods as Params | undefined;
  if (params.allowed_payment_method_types) return null;
  return { allow_redirects: String(given?.allow_redirects ?? 'always'), enabled: true };
}

type NewPayment = Pick<
  PaymentIntent,
  'amount' | 'currency' | 'customer' | 'livemode' | 'metadata' | 'description'
>;

export function newPaymentIntent(given: NewPayment): PaymentIntent {
  const id = newId('pi');
  return {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: given.amount,
    amount_capturable: 0,
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: newSecret(id),
    confirmation_method: 'automatic',
    created: unixNow(),
    currency: given.currency,
    customer: given.customer,
    customer_account: null,
    description: given.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: given.livemode,
    managed_payments: null,
    metadata: given.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  };
}
