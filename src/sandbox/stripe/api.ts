import type { Settings } from '../options.ts';
import { createVendorApi, type Params, Refusal, type VendorApi, type VendorRequest } from '../vendor.ts';
import { causeOf, ok, rendered } from './answers.ts';
import { customerRoutes } from './customer-routes.ts';
import { parseStripeForm } from './form.ts';
import { IdempotencyKeys, type KeySnapshot, keyOf } from './idempotency.ts';
import { intentRoutes } from './intent-routes.ts';
import { expanded, lineItems, page } from './lists.ts';
import { existing, findPayment, findSession } from './lookup.ts';
import { cancelRefund, refund } from './refunds.ts';
import { createSession, expireSession, resumeExpiries } from './sessions.ts';
import type { StoreSnapshot, StripeStore } from './store.ts';

type Parts = { settings: Settings; store: StripeStore };

/** What is kept of the simulated Stripe from one process to the next. */
export type StripeSnapshot = { objects: StoreSnapshot; keys: KeySnapshot };

type StripeApi = VendorApi & {
  forgetKeys(): void;
  reset(): void;
  snapshot(): StripeSnapshot;
  restore(snapshot: StripeSnapshot): void;
};

/** Simulates the part of Stripe's REST API that payments through Checkout and charges of saved cards use. */
export function createStripeApi({ settings, store }: Parts): StripeApi {
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
      ...customerRoutes({ store, answer, collection }),
      ...intentRoutes({ store, answer, collection }),
      {
        method: 'POST',
        pattern: /^\/v1\/checkout\/sessions$/,
        operation: 'checkout.session.create',
        run: ({ params, request }) => {
          const session = createSession(store, params, causeOf(request));
          return {
            ...answer(session, params),
            record: {
              operation: 'checkout.session.create',
              params,
              vendorId: session.id,
              amount: session.amount_total,
              currency: session.currency,
              reference: String(
                session.metadata.unlock_id ?? session.client_reference_id ?? session.customer ?? '',
              ),
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
        pattern: /^\/v1\/balance_transactions\/([^/]+)$/,
        operation: 'balance_transaction.retrieve',
        run: ({ id, params }) =>
          answer(existing(store.balanceTransactions.get(id), 'balance_transaction', id), params),
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

  return {
    ...api,
    forgetKeys: () => keys.reset(),
    reset: () => keys.reset(),
    snapshot: () => ({ objects: store.snapshot(), keys: keys.snapshot() }),
    restore(snapshot) {
      store.restore(snapshot.objects);
      keys.restore(snapshot.keys);
      resumeExpiries(store);
    },
  };
}
