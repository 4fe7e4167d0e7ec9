import { type Params, Refusal } from '../vendor.ts';
import { assertCharged, assertStep, assertTotal } from './currencies.ts';
import { type LineItem, type Metadata, newId, quietSessionFields, type Session, unixNow } from './objects.ts';
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
import { type Cause, noCause, type StripeStore } from './store.ts';

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
  'customer_creation',
  'excluded_payment_method_types',
  'invoice_creation',
  'name_collection',
  'origin_context',
  'payment_method_options',
  'phone_number_collection',
  'submit_type',
  'wallet_options',
];

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
  allowed_payment_method_types: list(text(50)),
  locale: text(10),
  expand: list(text(500), 20),
};

/** POST /v1/checkout/sessions */
export function createSession(
  store: StripeStore,
  params: Params,
  place: { baseUrl: string; minSeconds: number },
): Session {
  check(params, createShape, ['mode']);
  if (params.mode !== 'payment') throw new Refusal(400, null, 'The sandbox plays mode=payment only.', 'mode');
  if (params.ui_mode !== undefined && params.ui_mode !== 'hosted_page') {
    throw new Refusal(400, null, 'The sandbox plays ui_mode=hosted_page only.', 'ui_mode');
  }
  for (const name of ['line_items', 'success_url']) {
    if (!(name in params))
      throw new Refusal(400, 'parameter_missing', `Missing required param: ${name}.`, name);
  }
  const items = (params.line_items as Params[]).map(lineItemFrom);
  const code = items[0]?.currency ?? 'usd';
  if (items.some((item) => item.currency !== code)) {
    throw new Refusal(400, null, 'All line items must have the same currency.', 'line_items');
  }
  const total = items.reduce((sum, item) => sum + item.amount_total, 0);
  assertTotal(total, code);
  const created = unixNow();
  const id = `cs_test_${newId('x').slice(2)}`;
  const paymentData = (params.payment_intent_data ?? {}) as Params;
  const session: Session = {
    ...quietSessionFields,
    id,
    object: 'checkout.session',
    amount_subtotal: total,
    amount_total: total,
    currency: code,
    status: 'open',
    payment_status: 'unpaid',
    payment_intent: null,
    livemode: false,
    metadata: metadataFrom(params.metadata),
    created,
    expires_at: expiryFrom(params.expires_at, created, place.minSeconds),
    success_url: String(params.success_url).replaceAll('{CHECKOUT_SESSION_ID}', id),
    cancel_url: optional(params.cancel_url),
    url: `${place.baseUrl}/stripe/checkout/${id}`,
    mode: 'payment',
    ui_mode: 'hosted_page',
    allowed_payment_method_types: (params.allowed_payment_method_types as string[] | undefined) ?? null,
    client_reference_id: optional(params.client_reference_id),
    customer_email: optional(params.customer_email),
    customer_details: null,
    locale: optional(params.locale),
  };
  store.sessions.set(id, session);
  store.extras.set(id, {
    lineItems: items,
    paymentMetadata: metadataFrom(paymentData.metadata),
    description: optional(paymentData.description),
    expiry: expiryTimer(store, session),
  });
  return session;
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
  store.emit('checkout.session.expired', session, cause);
  return session;
}

export function findSession(store: StripeStore, id: string): Session {
  const session = store.sessions.get(id);
  if (!session) throw new Refusal(404, 'resource_missing', `No such checkout.session: '${id}'`, 'session');
  return session;
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

export function metadataFrom(given: unknown): Metadata {
  if (typeof given !== 'object' || given === null) return {};
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')) as Metadata;
}

function optional(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
