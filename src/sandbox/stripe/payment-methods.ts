import { type Params, Refusal } from '../vendor.ts';
import { CardError } from './card-error.ts';
import { customerNamed, existing, named } from './lookup.ts';
import { newId, type PaymentMethod, unixNow } from './objects.ts';
import { metadataFrom } from './params.ts';
import { anything, check, integer, list, metadata, object, oneOf, type Shape, text } from './shape.ts';
import type { CardState, Cause, StripeStore } from './store.ts';
import { cardNumbered, cardOfToken, fingerprintOf, type TestCard } from './test-cards.ts';

const usedUpMessage =
  'This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.';
const year = integer(1970, 2200);
const month = integer(1, 12);
const redisplay = oneOf('always', 'limited', 'unspecified');
const billing = object({ address: anything, email: text(512), name: text(), phone: text(), tax_id: text() });
const expand = list(text(500), 20);

const createShape: Shape = {
  type: oneOf('card'),
  card: object({ number: text(30), exp_month: month, exp_year: year, cvc: text(4), token: text() }),
  billing_details: billing,
  allow_redisplay: redisplay,
  metadata,
  expand,
};

/** POST /v1/payment_methods */
export function createPaymentMethod(store: StripeStore, params: Params): PaymentMethod {
  check(params, createShape, ['type', 'card']);
  const card = params.card as Record<string, string>;
  for (const name of ['number', 'exp_month', 'exp_year']) {
    if (!(name in card))
      throw new Refusal(400, 'parameter_missing', `Missing required param: card[${name}].`, `card[${name}]`);
  }
  const made = newPaymentMethod(store, cardNumbered(card.number ?? ''));
  Object.assign(made.card, { exp_month: Number(card.exp_month), exp_year: Number(card.exp_year) });
  applyChanges(made, params);
  return made;
}

/** POST /v1/payment_methods/:id */
export function updatePaymentMethod(
  store: StripeStore,
  id: string,
  params: Params,
  cause: Cause,
): PaymentMethod {
  const shape = {
    card: object({ exp_month: month, exp_year: year, networks: anything }),
    billing_details: billing,
    allow_redisplay: redisplay,
    metadata,
    expand,
  };
  check(params, shape);
  const method = findPaymentMethod(store, id);
  if (method.customer === null) {
    const message = 'You must save this PaymentMethod to a customer before you can update it.';
    throw new Refusal(400, null, message);
  }
  const { exp_month, exp_year } = method.card;
  const card = (params.card ?? {}) as Record<string, string>;
  if (card.exp_month) method.card.exp_month = Number(card.exp_month);
  if (card.exp_year) method.card.exp_year = Number(card.exp_year);
  applyChanges(method, params);
  store.emit('payment_method.updated', method, cause, { card: { exp_month, exp_year } });
  return method;
}

/** POST /v1/payment_methods/:id/attach */
export function attachPaymentMethod(
  store: StripeStore,
  id: string,
  params: Params,
  cause: Cause,
): PaymentMethod {
  check(params, { customer: text(), expand }, ['customer']);
  const customer = customerNamed(store, params.customer);
  if (!customer) throw new Refusal(400, 'parameter_invalid_empty', 'Invalid customer.', 'customer');
  const { method, card } = usable(store, id, 'path');
  if (method.customer !== null) {
    const message = 'The payment method you provided has already been attached to a customer.';
    throw new Refusal(400, null, message);
  }
  // Stripe asks the bank about a card that is saved.
  if (card.refused) throw new CardError(card.refused, { payment_method: method });
  attach(store, method, customer.id, cause);
  return method;
}

/** POST /v1/payment_methods/:id/detach. It cannot be undone. */
export function detachPaymentMethod(store: StripeStore, id: string, cause: Cause): PaymentMethod {
  const method = findPaymentMethod(store, id);
  if (method.customer === null) {
    const message =
      'The payment method you provided is not attached to a customer so detachment is impossible.';
    throw new Refusal(400, null, message);
  }
  detach(store, method, cause);
  return method;
}

/** GET /v1/payment_methods and /v1/customers/:id/payment_methods */
export function* paymentMethodsOf(store: StripeStore, customer: string): Generator<PaymentMethod> {
  for (const method of store.paymentMethods.values()) if (method.customer === customer) yield method;
}

/** GET /v1/payment_methods/:id. A token answers with a card made from it. */
export function findPaymentMethod(store: StripeStore, id: string): PaymentMethod {
  const token = cardOfToken(id);
  if (token) return newPaymentMethod(store, token);
  return existing(store.paymentMethods.get(id), 'PaymentMethod', id, 'payment_method');
}

/** A card that may still be used. Throws Stripe's refusal of one that is used up. */
export function usable(
  store: StripeStore,
  id: string,
  place: 'path' | 'param',
): { method: PaymentMethod; state: CardState; card: TestCard } {
  const token = cardOfToken(id);
  const found = token ? newPaymentMethod(store, token) : store.paymentMethods.get(id);
  const method = (place === 'path' ? existing : named)(found, 'PaymentMethod', id, 'payment_method');
  const state = stateOf(store, method);
  if (state.usedUp) throw new Refusal(400, null, usedUpMessage);
  return { method, state, card: cardNumbered(state.number) };
}

/** As `usable`, for a payment or setup of this customer. */
export function usableBy(store: StripeStore, id: string, customer: string | null) {
  const found = usable(store, id, 'param');
  const owner = found.method.customer;
  if (owner !== null && owner !== customer) {
    const message =
      customer === null
        ? `The PaymentMethod ${found.method.id} belongs to a Customer. Please supply the Customer that it belongs to.`
        : `The PaymentMethod ${found.method.id} does not belong to the Customer you supplied (${customer}). Please use this PaymentMethod with the Customer that it belongs to instead.`;
    throw new Refusal(400, null, message, 'payment_method');
  }
  return found;
}

export function stateOf(store: StripeStore, method: PaymentMethod): CardState {
  const known = store.cards.get(method.id);
  if (!known) throw new Error(`payment method ${method.id} has no card`);
  return known;
}

export function attach(store: StripeStore, method: PaymentMethod, customer: string, cause: Cause): void {
  method.customer = customer;
  store.emit('payment_method.attached', method, cause);
}

export function detach(store: StripeStore, method: PaymentMethod, cause: Cause): void {
  const { customer } = method;
  method.customer = null;
  Object.assign(stateOf(store, method), { usedUp: true, setUp: false });
  const owner = customer === null ? undefined : store.customers.get(customer);
  if (owner?.invoice_settings.default_payment_method === method.id)
    owner.invoice_settings.default_payment_method = null;
  store.emit('payment_method.detached', method, cause, { customer });
}

export function newPaymentMethod(store: StripeStore, card: TestCard): PaymentMethod {
  const method: PaymentMethod = {
    id: newId('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: noAddress, email: null, name: null, phone: null, tax_id: null },
    card: {
      brand: card.brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      display_brand: card.brand,
      exp_month: 12,
      exp_year: new Date().getUTCFullYear() + 4,
      fingerprint: fingerprintOf(card.number),
      funding: 'credit',
      generated_from: null,
      last4: card.number.slice(-4),
      networks: { available: [card.brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: unixNow(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: 'card',
  };
  store.paymentMethods.set(method.id, method);
  store.cards.set(method.id, { number: card.number, setUp: false, usedUp: false });
  return method;
}

const noAddress = {
  city: null,
  country: null,
  line1: null,
  line2: null,
  postal_code: null,
  state: null,
};

function applyChanges(method: PaymentMethod, params: Params): void {
  if (params.allow_redisplay !== undefined)
    method.allow_redisplay = params.allow_redisplay as PaymentMethod['allow_redisplay'];
  if (params.billing_details !== undefined)
    method.billing_details = { ...method.billing_details, ...(params.billing_details as object) };
  if (params.metadata !== undefined) method.metadata = metadataFrom(params.metadata, method.metadata);
}
