import { type Params, Refusal } from '../vendor.ts';
import { customerNamed, existing } from './lookup.ts';
import { type Customer, newId, unixNow } from './objects.ts';
import { metadataFrom, optional } from './params.ts';
import { detach, paymentMethodsOf } from './payment-methods.ts';
import { anything, check, list, metadata, object, type Rule, type Shape, text } from './shape.ts';
import type { Cause, StripeStore } from './store.ts';

const email: Rule = (value, param) => {
  text(512)(value, param);
  if (value !== '' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(String(value)))
    throw new Refusal(400, 'email_invalid', `Invalid email address: ${String(value)}`, param);
};

const shape: Shape = {
  email,
  name: text(256),
  phone: text(20),
  description: text(350),
  address: anything,
  shipping: anything,
  preferred_locales: list(text(10)),
  invoice_settings: object({ default_payment_method: text(), custom_fields: anything, footer: text() }),
  metadata,
  expand: list(text(500), 20),
};

/** POST /v1/customers */
export function createCustomer(store: StripeStore, params: Params, cause: Cause): Customer {
  check(params, shape);
  const customer = newCustomer();
  apply(store, customer, params);
  store.customers.set(customer.id, customer);
  store.emit('customer.created', customer, cause);
  return customer;
}

/** POST /v1/customers/:id */
export function updateCustomer(store: StripeStore, id: string, params: Params, cause: Cause): Customer {
  check(params, shape);
  const customer = existing(store.customers.get(id), 'customer', id, 'customer');
  const before = structuredClone(customer);
  apply(store, customer, params);
  const changed = Object.entries(before).filter(
    ([name, value]) => JSON.stringify(customer[name]) !== JSON.stringify(value),
  );
  store.emit('customer.updated', customer, cause, Object.fromEntries(changed));
  return customer;
}

/** GET /v1/customers/:id. A deleted customer is still found, as deleted. */
export function findCustomer(store: StripeStore, id: string): Record<string, unknown> {
  return existing(store.customers.get(id) ?? store.deletedCustomers.get(id), 'customer', id, 'customer');
}

/** DELETE /v1/customers/:id. Its cards are detached. */
export function deleteCustomer(store: StripeStore, id: string, cause: Cause) {
  const customer = existing(store.customers.get(id), 'customer', id, 'customer');
  for (const method of [...paymentMethodsOf(store, id)]) detach(store, method, cause);
  store.customers.delete(id);
  const deleted = { id, object: 'customer', deleted: true } as const;
  store.deletedCustomers.set(id, deleted);
  store.emit('customer.deleted', customer, cause);
  return deleted;
}

/** GET /v1/customers/:id/payment_methods */
export function cardsOfCustomer(store: StripeStore, id: string) {
  existing(store.customers.get(id), 'customer', id, 'customer');
  return paymentMethodsOf(store, id);
}

/** GET /v1/payment_methods?customer= */
export function cardsNamed(store: StripeStore, params: Params) {
  const customer = customerNamed(store, params.customer);
  return customer ? paymentMethodsOf(store, customer.id) : [];
}

function apply(store: StripeStore, customer: Customer, params: Params): void {
  for (const name of ['email', 'name', 'phone', 'description'])
    if (params[name] !== undefined) customer[name] = optional(params[name]);
  customer.metadata = metadataFrom(params.metadata, customer.metadata);
  const chosen = (params.invoice_settings as Params | undefined)?.default_payment_method;
  if (chosen === undefined) return;
  const card = chosen === '' ? null : store.paymentMethods.get(String(chosen));
  if (card !== null && card?.customer !== customer.id) {
    const message = `The customer does not have a payment method with the ID ${String(chosen)}. The payment method must be attached to the customer.`;
    throw new Refusal(400, 'resource_missing', message, 'invoice_settings[default_payment_method]');
  }
  customer.invoice_settings.default_payment_method = card?.id ?? null;
}

function newCustomer(): Customer {
  return {
    id: newId('cus'),
    object: 'customer',
    address: null,
    balance: 0,
    created: unixNow(),
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: newId('x').slice(2, 10).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
}
