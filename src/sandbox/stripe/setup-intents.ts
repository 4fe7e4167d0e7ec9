import { type Params, Refusal } from '../vendor.ts';
import { CardError, DetailedRefusal, declineFields } from './card-error.ts';
import { nextAction } from './charges.ts';
import { customerNamed, findSetup, sessionOf } from './lookup.ts';
import { newId, newSecret, type SetupIntent, unixNow } from './objects.ts';
import { isTrue, metadataFrom, optional } from './params.ts';
import { attach, usableBy } from './payment-methods.ts';
import { anything, check, list, metadata, object, oneOf, type Rule, text, url } from './shape.ts';
import type { Cause, StripeStore } from './store.ts';

const flag = oneOf('true', 'false');
const confirmation: Record<string, Rule> = {
  payment_method: text(),
  return_url: url,
  mandate_data: anything,
  payment_method_options: anything,
  use_stripe_sdk: flag,
  expand: list(text(500), 20),
};
const methods = ['allowed_payment_method_types', 'excluded_payment_method_types'];
const redirectMessage =
  'This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`.';
const confirmable = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

/** POST /v1/setup_intents */
export function createSetup(store: StripeStore, params: Params, cause: Cause): SetupIntent {
  check(params, {
    ...confirmation,
    ...Object.fromEntries(methods.map((name) => [name, list(text(50))])),
    automatic_payment_methods: object({ enabled: flag, allow_redirects: oneOf('always', 'never') }, [
      'enabled',
    ]),
    confirm: flag,
    customer: text(),
    description: text(1000),
    metadata,
    usage: oneOf('off_session', 'on_session'),
    single_use: anything,
  });
  if (params.return_url !== undefined && !isTrue(params.confirm))
    throw new Refusal(400, null, 'You cannot set `return_url` unless `confirm` is `true`.', 'return_url');
  const customer = customerNamed(store, params.customer);
  const setup = newSetup({
    customer: customer?.id ?? null,
    usage: params.usage === 'on_session' ? 'on_session' : 'off_session',
    metadata: metadataFrom(params.metadata),
    allowed: (params.allowed_payment_method_types as string[] | undefined) ?? null,
  });
  setup.description = optional(params.description);
  if (params.automatic_payment_methods) setup.automatic_payment_methods = params.automatic_payment_methods;
  const given = optional(params.payment_method);
  const card = given === null ? null : usableBy(store, given, setup.customer);
  if (isTrue(params.confirm)) assertReady(setup, card?.method.id ?? null, params);
  if (card) Object.assign(setup, { payment_method: card.method.id, status: 'requires_confirmation' });
  addSetup(store, setup, cause);
  if (isTrue(params.confirm) && card) save(store, setup, card, optional(params.return_url), cause);
  return setup;
}

/** Stores a new setup intent, of a call or of a Checkout Session. */
export function addSetup(store: StripeStore, setup: SetupIntent, cause: Cause): void {
  store.setupIntents.set(setup.id, setup);
  store.emit('setup_intent.created', setup, cause);
}

/** POST /v1/setup_intents/:id/confirm */
export function confirmSetup(store: StripeStore, id: string, params: Params, cause: Cause): SetupIntent {
  check(params, confirmation);
  const setup = findSetup(store, id);
  assertOwn(store, setup, 'confirm');
  assertState(setup, 'confirm');
  const given = optional(params.payment_method) ?? setup.payment_method;
  assertReady(setup, given, params);
  const card = usableBy(store, String(given), setup.customer);
  save(store, setup, card, optional(params.return_url), cause);
  return setup;
}

/** POST /v1/setup_intents/:id/cancel */
export function cancelSetup(store: StripeStore, id: string, params: Params, cause: Cause): SetupIntent {
  check(params, {
    cancellation_reason: oneOf('abandoned', 'requested_by_customer', 'duplicate'),
    expand: list(text(500), 20),
  });
  const setup = findSetup(store, id);
  assertOwn(store, setup, 'cancel');
  assertState(setup, 'cancel');
  store.confirmations.delete(id);
  Object.assign(setup, {
    status: 'canceled',
    cancellation_reason: optional(params.cancellation_reason),
    next_action: null,
  });
  store.emit('setup_intent.canceled', setup, cause);
  return setup;
}

/** Saves the card, or leaves the setup waiting for its cardholder. Throws a CardError when the bank refuses it. */
export function save(
  store: StripeStore,
  setup: SetupIntent,
  used: ReturnType<typeof usableBy>,
  returnUrl: string | null,
  cause: Cause,
): void {
  const { method, card } = used;
  setup.payment_method = method.id;
  setup.latest_attempt = newId('setatt');
  store.confirmations.delete(setup.id);
  if (card.refused) {
    failSetup(
      store,
      setup,
      { ...declineFields(card.refused), payment_method: method, type: 'card_error' },
      cause,
    );
    throw new CardError(card.refused, { payment_method: method, setup_intent: setup });
  }
  if (card.authenticates === undefined || card.authenticates === 'on_session') {
    finishSetup(store, setup, used, cause);
    return;
  }
  store.confirmations.set(setup.id, { paymentMethod: method.id, returnUrl });
  Object.assign(setup, {
    status: 'requires_action',
    last_setup_error: null,
    next_action: nextAction(store, setup.id, returnUrl),
  });
  store.emit('setup_intent.requires_action', setup, cause);
}

/** The card belongs to the customer and may be charged in their absence. */
export function finishSetup(
  store: StripeStore,
  setup: SetupIntent,
  { method, state }: ReturnType<typeof usableBy>,
  cause: Cause,
): void {
  if (setup.usage === 'off_session') state.setUp = true;
  Object.assign(setup, { status: 'succeeded', next_action: null, last_setup_error: null });
  if (setup.customer !== null && method.customer === null) attach(store, method, setup.customer, cause);
  store.emit('setup_intent.succeeded', setup, cause);
}

/** The setup may be tried again with another card. */
export function failSetup(store: StripeStore, setup: SetupIntent, error: object, cause: Cause): void {
  Object.assign(setup, {
    status: 'requires_payment_method',
    payment_method: null,
    next_action: null,
    last_setup_error: structuredClone(error),
  });
  store.emit('setup_intent.setup_failed', setup, cause);
}

function assertReady(setup: SetupIntent, method: string | null, params: Params): void {
  if (method === null) {
    const message =
      "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method and then confirm it again.";
    throw unexpectedState(setup, message);
  }
  const automatic = setup.automatic_payment_methods as { allow_redirects?: string } | null;
  const allowed = setup.allowed_payment_method_types as string[] | null;
  const onlyCards = allowed?.every((type) => type === 'card');
  if (!onlyCards && automatic?.allow_redirects !== 'never' && params.return_url === undefined)
    throw new Refusal(400, null, redirectMessage, 'return_url');
}

function assertState(setup: SetupIntent, what: string): void {
  if (confirmable.includes(setup.status)) return;
  const message = `You cannot ${what} this SetupIntent because it has a status of ${setup.status}. Only a SetupIntent with one of the following statuses may be ${what}ed: ${confirmable.join(', ')}.`;
  throw unexpectedState(setup, message);
}

function assertOwn(store: StripeStore, setup: SetupIntent, what: string): void {
  if (!sessionOf(store, setup)) return;
  const message = `You cannot ${what} the SetupIntent of a Checkout Session. Expire the Checkout Session instead.`;
  throw unexpectedState(setup, message);
}

function unexpectedState(setup: SetupIntent, message: string): Refusal {
  return new DetailedRefusal(400, 'setup_intent_unexpected_state', message, { setup_intent: setup });
}

type NewSetup = Pick<SetupIntent, 'customer' | 'usage' | 'metadata'> & { allowed: string[] | null };

export function newSetup({ customer, usage, metadata, allowed }: NewSetup): SetupIntent {
  const id = newId('seti');
  return {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: allowed,
    application: null,
    automatic_payment_methods: allowed ? null : { allow_redirects: 'always', enabled: true },
    cancellation_reason: null,
    client_secret: newSecret(id),
    created: unixNow(),
    customer,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage,
  };
}
