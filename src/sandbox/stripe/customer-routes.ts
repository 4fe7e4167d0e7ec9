import type { Answer, Params, Route, VendorRequest } from '../vendor.ts';
import { causeOf } from './answers.ts';
import {
  cardsNamed,
  cardsOfCustomer,
  createCustomer,
  deleteCustomer,
  findCustomer,
  updateCustomer,
} from './customers.ts';
import { answeringDeclines } from './declined-answer.ts';
import { keyOf } from './idempotency.ts';
import {
  attachPaymentMethod,
  createPaymentMethod,
  detachPaymentMethod,
  findPaymentMethod,
  updatePaymentMethod,
} from './payment-methods.ts';
import type { StripeStore } from './store.ts';

export type RouteTools = {
  store: StripeStore;
  answer(value: Record<string, unknown>, params: Params): Answer;
  collection(
    path: string,
    items: Iterable<{ id: string; created: number }>,
    request: VendorRequest,
    params: Params,
  ): Answer;
};

type Call = Parameters<Route['run']>[0];

/** Customers and their cards. */
export function customerRoutes({ store, answer, collection }: RouteTools): Route[] {
  const change = (
    operation: string,
    pattern: RegExp,
    make: (call: Call) => Record<string, unknown> & { id: string },
    method = 'POST',
  ): Route => ({
    method,
    pattern,
    operation,
    run: answeringDeclines(operation, (call) => {
      const made = make(call);
      const owner = made.object === 'customer' ? made.id : made.customer;
      return {
        ...answer(made, call.params),
        record: {
          operation,
          params: call.params,
          vendorId: made.id,
          reference: typeof owner === 'string' ? owner : null,
          idempotencyKey: keyOf(call.request),
        },
      };
    }),
  });
  const customerPath = /^\/v1\/customers\/([^/]+)$/;
  const methodPath = /^\/v1\/payment_methods\/([^/]+)$/;
  return [
    change('customer.create', /^\/v1\/customers$/, ({ params, request }) =>
      createCustomer(store, params, causeOf(request)),
    ),
    change('customer.update', customerPath, ({ id, params, request }) =>
      updateCustomer(store, id, params, causeOf(request)),
    ),
    change(
      'customer.delete',
      customerPath,
      ({ id, request }) => deleteCustomer(store, id, causeOf(request)),
      'DELETE',
    ),
    {
      method: 'GET',
      pattern: customerPath,
      operation: 'customer.retrieve',
      run: ({ id, params }) => answer(findCustomer(store, id), params),
    },
    {
      method: 'GET',
      pattern: /^\/v1\/customers$/,
      operation: 'customer.list',
      run: ({ request, params }) => collection('/v1/customers', store.customers.values(), request, params),
    },
    {
      method: 'GET',
      pattern: /^\/v1\/customers\/([^/]+)\/payment_methods$/,
      operation: 'customer.list_payment_methods',
      run: ({ id, request, params }) => collection(request.path, cardsOfCustomer(store, id), request, params),
    },
    change('payment_method.create', /^\/v1\/payment_methods$/, ({ params }) =>
      createPaymentMethod(store, params),
    ),
    change('payment_method.attach', /^\/v1\/payment_methods\/([^/]+)\/attach$/, ({ id, params, request }) =>
      attachPaymentMethod(store, id, params, causeOf(request)),
    ),
    change('payment_method.detach', /^\/v1\/payment_methods\/([^/]+)\/detach$/, ({ id, request }) =>
      detachPaymentMethod(store, id, causeOf(request)),
    ),
    change('payment_method.update', methodPath, ({ id, params, request }) =>
      updatePaymentMethod(store, id, params, causeOf(request)),
    ),
    {
      method: 'GET',
      pattern: methodPath,
      operation: 'payment_method.retrieve',
      run: ({ id, params }) => answer(findPaymentMethod(store, id), params),
    },
    {
      method: 'GET',
      pattern: /^\/v1\/payment_methods$/,
      operation: 'payment_method.list',
      run: ({ request, params }) =>
        collection('/v1/payment_methods', cardsNamed(store, params), request, params),
    },
  ];
}
