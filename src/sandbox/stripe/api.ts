import type { Settings } from '../options.ts';
import {
  type Answer,
  createVendorApi,
  json,
  type Params,
  Refusal,
  type VendorApi,
  type VendorRequest,
} from '../vendor.ts';
import { parseStripeForm } from './form.ts';
import { IdempotencyKeys, keyOf } from './idempotency.ts';
import { apiVersion, newId } from './objects.ts';
import { findPayment } from './payments.ts';
import { cancelRefund, refund } from './refunds.ts';
import { createSession, expireSession, findSession } from './sessions.ts';
import type { StripeStore } from './store.ts';

type Parts = { settings: Settings; store: StripeStore; baseUrl: () => string };

/** Simulates the part of Stripe's REST API that one-off payments through Checkout use. */
export function createStripeApi({ settings, store, baseUrl }: Parts): VendorApi & { reset(): void } {
  const keys = new IdempotencyKeys();
  const answer = (value: Record<string, unknown>, params: Params) => ok(expanded(store, value, params));
  const collection = (
    path: string,
    items: Iterable<{ id: string; created: number }>,
    request: VendorRequest,
    params: Params,
  ) => ok(page(store, path, [...items].reverse(), request.query, params));

  const api = createVendorApi({
    parse: (request) =>
      parseStripeForm(request.method === 'GET' ? request.query.toString() : request.rawBody),
    render: rendered,
    authenticate: ({ headers, path }) => {
      if (headers.authorization !== `Bearer ${settings.stripe.secretKey}`) {
        throw new Refusal(401, null, `Invalid API Key provided on ${path}`);
      }
    },
    around: (request, run) => keys.once(request, run),
    routes: [
      {
        method: 'POST',
        pattern: /^\/v1\/checkout\/sessions$/,
        operation: 'checkout.session.create',
        run: ({ params, request }) => {
          const place = { baseUrl: baseUrl(), minSeconds: settings.stripe.minSessionSeconds };
          const session = createSession(store, params, place);
          return {
            ...answer(session, params),
            record: {
              operation: 'checkout.session.create',
              params,
              vendorId: session.id,
              amount: session.amount_total,
              currency: session.currency,
              reference: String(session.metadata.unlock_id ?? session.client_reference_id ?? ''),
              idempotencyKey: keyOf(request),
            },
          };
        },
      },
      {
        method: 'POST',
        pattern: /^\/v1\/checkout\/sessions\/([^/]+)\/expire$/,
        operation: 'checkout.session.expire',
        run: ({ id, params, request }) => {
          const session = expireSession(store, id, causeOf(request));
          return {
            ...answer(session, params),
            record: {
              operation: 'checkout.session.expire',
              params,
              vendorId: id,
              idempotencyKey: keyOf(request),
            },
          };
        },
      },
      {
        method: 'GET',
        pattern: /^\/v1\/checkout\/sessions\/([^/]+)\/line_items$/,
        operation: 'checkout.session.line_items',
        run: ({ id, request }) => {
          findSession(store, id);
          return ok(lineItems(store, id, request.path));
        },
      },
      {
        method: 'GET',
        pattern: /^\/v1\/checkout\/sessions\/([^/]+)$/,
        operation: 'checkout.session.retrieve',
        run: ({ id, params }) => answer(findSession(store, id), params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/checkout\/sessions$/,
        operation: 'checkout.session.list',
        run: ({ request, params }) =>
          collection('/v1/checkout/sessions', store.sessions.values(), request, params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/payment_intents\/([^/]+)$/,
        operation: 'payment_intent.retrieve',
        run: ({ id, params }) => answer(findPayment(store, id), params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/payment_intents$/,
        operation: 'payment_intent.list',
        run: ({ request, params }) =>
          collection('/v1/payment_intents', store.payments.values(), request, params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/charges\/([^/]+)$/,
        operation: 'charge.retrieve',
        run: ({ id, params }) => answer(existing(store.charges.get(id), 'charge', id), params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/charges$/,
        operation: 'charge.list',
        run: ({ request, params }) => collection('/v1/charges', store.charges.values(), request, params),
      },
      {
        method: 'POST',
        pattern: /^\/v1\/refunds$/,
        operation: 'refund.create',
        run: ({ params, request }) => {
          const made = refund(store, params, causeOf(request));
          return {
            ...answer(made, params),
            record: {
              operation: 'refund.create',
              params,
              vendorId: made.id,
              amount: made.amount,
              currency: made.currency,
              reference: made.payment_intent,
              idempotencyKey: keyOf(request),
            },
          };
        },
      },
      {
        method: 'POST',
        pattern: /^\/v1\/refunds\/([^/]+)\/cancel$/,
        operation: 'refund.cancel',
        run: ({ id, params }) => answer(cancelRefund(store, id), params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/refunds\/([^/]+)$/,
        operation: 'refund.retrieve',
        run: ({ id, params }) => answer(existing(store.refunds.get(id), 'refund', id), params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/refunds$/,
        operation: 'refund.list',
        run: ({ request, params }) => collection('/v1/refunds', store.refunds.values(), request, params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/disputes\/([^/]+)$/,
        operation: 'dispute.retrieve',
        run: ({ id, params }) => answer(existing(store.disputes.get(id), 'dispute', id), params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/disputes$/,
        operation: 'dispute.list',
        run: ({ request, params }) => collection('/v1/disputes', store.disputes.values(), request, params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/events\/([^/]+)$/,
        operation: 'event.retrieve',
        run: ({ id }) => ok(existing(store.events.get(id), 'event', id)),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/events$/,
        operation: 'event.list',
        run: ({ request, params }) => collection('/v1/events', store.events.values(), request, params),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/balance$/,
        operation: 'balance.retrieve',
        run: () => ok({ object: 'balance', available: [], pending: [], livemode: false }),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/account$/,
        operation: 'account.retrieve',
        run: () =>
          ok({
            id: 'acct_sandbox',
            object: 'account',
            charges_enabled: true,
            payouts_enabled: true,
            metadata: {},
          }),
      },
    ],
  });

  return { ...api, reset: () => keys.reset() };
}

function ok(value: unknown): Answer {
  return json(200, value, { 'request-id': newId('req'), 'stripe-version': apiVersion });
}

function rendered(refusal: Refusal): Answer {
  const byStatus: Record<number, string> = {
    402: 'card_error',
    500: 'api_error',
    502: 'api_error',
    503: 'api_error',
  };
  return json(
    refusal.status,
    {
      error: {
        ...(refusal.code === null
          ? {}
          : { code: refusal.code, doc_url: `https://stripe.com/docs/error-codes/${refusal.code}` }),
        message: refusal.message,
        ...(refusal.param === null ? {} : { param: refusal.param }),
        type: refusal.type ?? byStatus[refusal.status] ?? 'invalid_request_error',
      },
    },
    { 'request-id': newId('req'), 'stripe-version': apiVersion },
  );
}

function causeOf(request: VendorRequest) {
  return { requestId: newId('req'), idempotencyKey: keyOf(request) };
}

function existing<T>(found: T | undefined, kind: string, id: string): T {
  if (!found) throw new Refusal(404, 'resource_missing', `No such ${kind}: '${id}'`, 'id');
  return found;
}

function lineItems(store: StripeStore, id: string, path: string) {
  return { object: 'list', data: store.extras.get(id)?.lineItems ?? [], has_more: false, url: path };
}

/** Returns a copy with ids replaced by objects along each `expand` path. */
function expanded(
  store: StripeStore,
  value: Record<string, unknown>,
  params: Params,
): Record<string, unknown> {
  const paths = Array.isArray(params.expand) ? params.expand.map(String) : [];
  if (paths.length === 0) return value;
  const copy = structuredClone(value);
  for (const path of paths) expandOne(store, copy, path.split('.'), path);
  return copy;
}

function expandOne(store: StripeStore, target: Record<string, unknown>, path: string[], whole: string): void {
  const [name = '', ...rest] = path;
  if (name === 'line_items' && target.object === 'checkout.session') {
    target.line_items = lineItems(
      store,
      String(target.id),
      `/v1/checkout/sessions/${String(target.id)}/line_items`,
    );
    return;
  }
  if (!Object.hasOwn(target, name)) {
    throw new Refusal(400, null, `This property cannot be expanded (${whole}).`, 'expand');
  }
  const current = target[name];
  if (current === null) return;
  if (typeof current === 'string') target[name] = structuredClone(store.find(current) ?? current);
  const next = target[name];
  if (rest.length > 0 && typeof next === 'object' && next !== null) {
    expandOne(store, next as Record<string, unknown>, rest, whole);
  }
}

const notFilters = new Set([
  'limit',
  'starting_after',
  'ending_before',
  'expand',
  'created',
  'type',
  'types',
  'delivery_success',
]);

/** Lists newest first, paged by id. Other parameters filter on the field of the same name. */
function page(
  store: StripeStore,
  url: string,
  newestFirst: { id: string; created: number }[],
  query: URLSearchParams,
  params: Params,
) {
  const size = Math.min(100, Math.max(1, Number(query.get('limit') ?? 10) || 10));
  const found = newestFirst.filter((item) => listed(item, params));
  const position = (name: string) => found.findIndex((item) => item.id === query.get(name));
  const start = query.has('starting_after') ? position('starting_after') + 1 : 0;
  const end = query.has('ending_before') ? position('ending_before') : found.length;
  const window = found.slice(start, Math.max(start, end));
  const part = query.has('ending_before') ? window.slice(-size) : window.slice(0, size);
  const inner = Array.isArray(params.expand)
    ? params.expand.map((path) => String(path).replace(/^data\./, ''))
    : [];
  const data = part.map((item) => expanded(store, item, { expand: inner }));
  return { object: 'list', url, has_more: window.length > part.length, data };
}

function listed(item: { created: number; [field: string]: unknown }, params: Params): boolean {
  if (typeof params.type === 'string' && !new RegExp(`^${glob(params.type)}$`).test(String(item.type)))
    return false;
  if (Array.isArray(params.types) && !params.types.includes(item.type)) return false;
  if (!createdWithin(item.created, params.created)) return false;
  return Object.entries(params).every(([name, value]) => notFilters.has(name) || item[name] === value);
}

function glob(pattern: string): string {
  return pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
}

function createdWithin(created: number, range: unknown): boolean {
  if (typeof range === 'string') return created === Number(range);
  if (typeof range !== 'object' || range === null) return true;
  const { gt, gte, lt, lte } = range as Partial<Record<string, string>>;
  return (
    (gt === undefined || created > Number(gt)) &&
    (gte === undefined || created >= Number(gte)) &&
    (lt === undefined || created < Number(lt)) &&
    (lte === undefined || created <= Number(lte))
  );
}
