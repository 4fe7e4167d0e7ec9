import type { Route } from '../vendor.ts';
import { causeOf } from './answers.ts';
import type { RouteTools } from './customer-routes.ts';
import { answeringDeclines } from './declined-answer.ts';
import { keyOf } from './idempotency.ts';
import { findSetup } from './lookup.ts';
import type { PaymentIntent, SetupIntent } from './objects.ts';
import { cancelPayment, confirmPayment, createPayment } from './payment-intents.ts';
import { cancelSetup, confirmSetup, createSetup } from './setup-intents.ts';

type Call = Parameters<Route['run']>[0];

/** Charges of saved cards, and setups that save one. */
export function intentRoutes({ store, answer, collection }: RouteTools): Route[] {
  const change = (
    operation: string,
    pattern: RegExp,
    make: (call: Call) => PaymentIntent | SetupIntent,
  ): Route => ({
    method: 'POST',
    pattern,
    operation,
    run: answeringDeclines(operation, (call) => {
      const made = make(call);
      const money = made.object === 'payment_intent' ? (made as PaymentIntent) : null;
      return {
        ...answer(made, call.params),
        record: {
          operation,
          params: call.params,
          vendorId: made.id,
          reference: made.customer,
          amount: money?.amount ?? null,
          currency: money?.currency ?? null,
          idempotencyKey: keyOf(call.request),
        },
      };
    }),
  });
  return [
    change('payment_intent.create', /^\/v1\/payment_intents$/, ({ params, request }) =>
      createPayment(store, params, causeOf(request)),
    ),
    change('payment_intent.confirm', /^\/v1\/payment_intents\/([^/]+)\/confirm$/, ({ id, params, request }) =>
      confirmPayment(store, id, params, causeOf(request)),
    ),
    change('payment_intent.cancel', /^\/v1\/payment_intents\/([^/]+)\/cancel$/, ({ id, params, request }) =>
      cancelPayment(store, id, params, causeOf(request)),
    ),
    change('setup_intent.create', /^\/v1\/setup_intents$/, ({ params, request }) =>
      createSetup(store, params, causeOf(request)),
    ),
    change('setup_intent.confirm', /^\/v1\/setup_intents\/([^/]+)\/confirm$/, ({ id, params, request }) =>
      confirmSetup(store, id, params, causeOf(request)),
    ),
    change('setup_intent.cancel', /^\/v1\/setup_intents\/([^/]+)\/cancel$/, ({ id, params, request }) =>
      cancelSetup(store, id, params, causeOf(request)),
    ),
    {
      method: 'GET',
      pattern: /^\/v1\/setup_intents\/([^/]+)$/,
      operation: 'setup_intent.retrieve',
      run: ({ id, params }) => answer(findSetup(store, id), params),
    },
    {
      method: 'GET',
      pattern: /^\/v1\/setup_intents$/,
      operation: 'setup_intent.list',
      run: ({ request, params }) =>
        collection('/v1/setup_intents', store.setupIntents.values(), request, params),
    },
  ];
}
