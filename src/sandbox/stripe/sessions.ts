import { type Params, Refusal } from '../vendor.ts';
import { assertCharged, assertStep, assertTotal } from './currencies.ts';
import { customerNamed, findSession } from './lookup.ts';
import { type LineItem, newId, quietSessionFields, type Session, unixNow } from './objects.ts';
import { metadataFrom, optional } from './params.ts';
import { addSetup, newSetup } from './setup-intents.ts';
import {
  anything,
  check,
  currency,
  integer,
  list,
  metadata,
  object,
  oneOf,
  type Shape,
  text,
  url,
} from './shape.ts';
import { type Cause, noCause, type SessionExtras, type StripeStore } from './store.ts';

const maxAmount = 99_999_999;
const dayInSeconds = 86_400;

/** Parameters that Stripe knows; accepted and ignored here. */
const ignored = [
  'adaptive_pricing',
  'after_expiration',
  'allow_promotion_codes',
  'billing_address_collection',
  'branding_settings',
  'consent_collection',
  'custom_fields',
  'custom_text',
  'excluded_payment_method_types',
  'invoice_creation',
  'name_collection',
  'origin_context',
  'payment_method_options',
  'phone_number_collection',
  'submit_type',
  'wallet_options',
];

const defaultSaving = {
  allow_redisplay_filters: ['always'],
  payment_method_remove: 'disabled',
  payment_method_save: null,
};

const lineItem = object(
  {
    price: text(),
    quantity: integer(1, 999_999),
    price_data: object(
      {
        currency,
        unit_amount: integer(0, maxAmount),
        product_data: object(
          {
            name: text(250),
            description: text(),
            images: list(url, 8),
            metadata,
            tax_code: text(),
            unit_label: text(12),
          },
          ['name'],
        ),
        tax_behavior: oneOf('exclusive', 'inclusive', 'unspecified'),
      },
      ['currency', 'unit_amount', 'product_data'],
    ),
    metadata,
  },
  [],
);

const createShape: Shape = {
  ...Object.fromEntries(ignored.map((name) => [name, anything])),
  mode: oneOf('payment', 'setup', 'subscription'),
  ui_mode: oneOf('hosted_page', 'embedded_page', 'elements', 'form'),
  line_items: list(lineItem),
  currency,
  success_url: url,
  cancel_url: url,
  client_reference_id: text(200),
  customer_email: text(512),
  expires_at: integer(0, 9_999_999_999),
  metadata,
  payment_intent_data: object({
    metadata,
    description: text(1000),
    statement_descriptor: text(22),
    statement_descriptor_suffix: text(22),
    receipt_email: text(512),
    capture_method: oneOf('automatic', 'automatic_async'),
    setup_future_usage: oneOf('off_session', 'on_session'),
  }),
  setup_intent_data: object({ metadata, description: text(1000), on_behalf_of: text() }),
  customer: text(),
  customer_creation: oneOf('always', 'if_required'),
  saved_payment_method_options: object({
    payment_method_save: oneOf('enabled', 'disabled'),
    payment_method_remove: oneOf('enabled', 'disabled'),
    allow_redisplay_filters: list(oneOf('always', 'limited', 'unspecified')),
  }),
  allowed_payment_method_types: list(text(50)),
  locale: text(10),
  expand: list(text(500), 20),
};

/** POST /v1/checkout/sessions */
export function createSession(store: StripeStore, params: Params, cause: Cause): Session {
  check(params, createShape, ['mode']);
  assertMode(params);
  const customer = customerNamed(store, params.customer);
  if (customer && params.customer_email !== undefined) {
    const message = 'You may only specify one of these parameters: customer, customer_email.';
    throw new Refusal(400, 'parameter_invalid_empty', message, 'customer_email');
  }
  const created = unixNow();
  const id = `cs_test_${newId('x').slice(2)}`;
  const session: Session = {
    ...quietSessionFields,
    id,
    object: 'checkout.session',
    amount_subtotal: null,
    amount_total: null,
    currency: optional(params.currency),
    customer: customer?.id ?? null,
    customer_creation: customer || params.mode === 'setup' ? null : 'if_required',
    status: 'open',
    payment_status: 'unpaid',
    payment_intent: null,
    setup_intent: null,
    livemode: false,
    metadata: metadataFrom(params.metadata),
    created,
    expires_at: expiryFrom(params.expires_at, created, store.minSessionSeconds),
    success_url: String(params.success_url).replaceAll('{CHECKOUT_SESSION_ID}', id),
    cancel_url: optional(params.cancel_url),
    url: `${store.baseUrl}/stripe/checkout/${id}`,
    mode: params.mode === 'setup' ? 'setup' : 'payment',
    ui_mode: 'hosted_page',
    allowed_payment_method_types: (params.allowed_payment_method_types as string[] | undefined) ?? null,
    client_reference_id: optional(params.client_reference_id),
    customer_email: optional(params.customer_email),
    customer_details: null,
    locale: optional(params.locale),
    saved_payment_method_options: savingOptions(params, customer !== null),
  };
  const extras =
    session.mode === 'setup' ? addSetupTo(store, session, params, cause) : priced(session, params);
  store.sessions.set(id, session);
  store.extras.set(id, { ...extras, expiry: expiryTimer(store, session) });
  return session;
}

/** Parameters of one mode are refused in the other. */
function assertMode(params: Params): void {
  const { mode } = params;
  if (mode === 'subscription')
    throw new Refusal(400, null, 'The sandbox plays mode=payment and mode=setup only.', 'mode');
  if (params.ui_mode !== undefined && params.ui_mode !== 'hosted_page')
    throw new Refusal(400, null, 'The sandbox plays ui_mode=hosted_page only.', 'ui_mode');
  const foreign = mode === 'setup' ? ['line_items', 'payment_intent_data'] : ['setup_intent_data'];
  for (const name of foreign) {
    if (params[name] === undefined) continue;
    throw new Refusal(400, null, `You can not pass \`${name}\` in \`${String(mode)}\` mode.`, name);
  }
  const needed = [...(mode === 'payment' ? ['line_items'] : []), 'success_url'];
  if (mode === 'setup' && params.allowed_payment_method_types === undefined) needed.push('currency');
  for (const name of needed) {
    if (!(name in params))
      throw new Refusal(400, 'parameter_missing', `Missing required param: ${name}.`, name);
  }
}

function priced(session: Session, params: Params): Omit<SessionExtras, 'expiry'> {
  const items = (params.line_items as Params[]).map(lineItemFrom);
  const code = items[0]?.currency ?? 'usd';
  if (items.some((item) => item.currency !== code))
    throw new Refusal(400, null, 'All line items must have the same currency.', 'line_items');
  const total = items.reduce((sum, item) => sum + item.amount_total, 0);
  assertTotal(total, code, "The Checkout Session's total amount");
  Object.assign(session, { amount_subtotal: total, amount_total: total, currency: code });
  const data = (params.payment_intent_data ?? {}) as Params;
  return {
    lineItems: items,
    paymentMetadata: metadataFrom(data.metadata),
    description: optional(data.description),
    setupFutureUsage: optional(data.setup_future_usage) as SessionExtras['setupFutureUsage'],
  };
}

/** A session that saves a card has its setup intent from the start, and nothing to pay. */
function addSetupTo(
  store: StripeStore,
  session: Session,
  params: Params,
  cause: Cause,
): Omit<SessionExtras, 'expiry'> {
  const data = (params.setup_intent_data ?? {}) as Params;
  const setup = newSetup({
    customer: session.customer,
    usage: 'off_session',
    metadata: metadataFrom(data.metadata),
    allowed: session.allowed_payment_method_types,
  });
  setup.description = optional(data.description);
  Object.assign(session, {
    setup_intent: setup.id,
    payment_status: 'no_payment_required',
    payment_method_collection: 'always',
  });
  store.sessionsByIntent.set(setup.id, session.id);
  addSetup(store, setup, cause);
  return { lineItems: [], paymentMetadata: {}, description: null, setupFutureUsage: null };
}

function savingOptions(params: Params, hasCustomer: boolean): Record<string, unknown> | null {
  const given = params.saved_payment_method_options as Params | undefined;
  if (given === undefined) return hasCustomer ? { ...defaultSaving } : null;
  if (!hasCustomer && params.customer_creation !== 'always') {
    const message =
      'You can only pass `saved_payment_method_options` with `customer` or with `customer_creation` set to `always`.';
    throw new Refusal(400, null, message, 'saved_payment_method_options');
  }
  return { ...defaultSaving, ...given };
}

/** POST /v1/checkout/sessions/:id/expire */
export function expireSession(store: StripeStore, id: string, cause: Cause): Session {
  const session = findSession(store, id);
  if (session.status !== 'open') {
    throw new Refusal(
      400,
      null,
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
    );
  }
  session.status = 'expired';
  session.url = null;
  const timer = store.extras.get(id)?.expiry;
  if (timer) clearTimeout(timer);
  endIntents(store, session);
  store.emit('checkout.session.expired', session, cause);
  return session;
}

/** A bank's page that is still open leads nowhere then. */
function endIntents(store: StripeStore, session: Session): void {
  const payment = session.payment_intent ? store.payments.get(session.payment_intent) : undefined;
  if (payment) {
    store.confirmations.delete(payment.id);
    Object.assign(payment, { status: 'canceled', canceled_at: unixNow(), next_action: null });
    store.emit('payment_intent.canceled', payment, noCause);
  }
  const setup = session.setup_intent ? store.setupIntents.get(session.setup_intent) : undefined;
  if (!setup) return;
  store.confirmations.delete(setup.id);
  Object.assign(setup, { status: 'canceled', next_action: null });
  store.emit('setup_intent.canceled', setup, noCause);
}

/** Gives the open sessions of an earlier process their timers. */
export function resumeExpiries(store: StripeStore): void {
  for (const session of store.sessions.values()) {
    const extras = store.extras.get(session.id);
    if (extras && session.status === 'open') extras.expiry = expiryTimer(store, session);
  }
}

/** Expires the session by a timer, which does not keep the process alive. */
function expiryTimer(store: StripeStore, session: Session): NodeJS.Timeout {
  const end = () => {
    if (store.sessions.get(session.id)?.status === 'open') expireSession(store, session.id, noCause);
  };
  return setTimeout(end, Math.max(0, session.expires_at * 1000 - Date.now())).unref();
}

function expiryFrom(given: unknown, created: number, minSeconds: number): number {
  if (given === undefined) return created + dayInSeconds;
  const at = Number(given);
  // One second of tolerance, because callers round their clock to whole seconds.
  if (at < created + minSeconds - 1 || at > created + dayInSeconds + 1) {
    const bound = at < created + minSeconds ? 'at least 30 minutes from' : 'less than 24 hours from';
    throw new Refusal(
      400,
      null,
      `The \`expires_at\` timestamp must be ${bound} Checkout Session creation.`,
      'expires_at',
    );
  }
  return at;
}

function lineItemFrom(item: Params, index: number): LineItem {
  if (typeof item.price === 'string') {
    throw new Refusal(
      400,
      'resource_missing',
      `No such price: '${item.price}'`,
      `line_items[${index}][price]`,
    );
  }
  const price = item.price_data as
    | { currency: string; unit_amount: string; product_data: { name: string } }
    | undefined;
  if (!price) {
    throw new Refusal(
      400,
      'parameter_missing',
      'Missing required param: price_data.',
      `line_items[${index}][price_data]`,
    );
  }
  const quantity = Number(item.quantity ?? 1);
  const code = price.currency.toLowerCase();
  const priceParam = `line_items[${index}][price_data]`;
  assertCharged(code, `${priceParam}[currency]`);
  assertStep(Number(price.unit_amount), code, `${priceParam}[unit_amount]`);
  const amount = Number(price.unit_amount) * quantity;
  return {
    id: newId('li'),
    object: 'item',
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: code,
    description: price.product_data.name,
    price: {
      id: newId('price'),
      object: 'price',
      active: false,
      currency: code,
      type: 'one_time',
      unit_amount: Number(price.unit_amount),
      unit_amount_decimal: price.unit_amount,
      metadata: {},
    },
    quantity,
  };
}
