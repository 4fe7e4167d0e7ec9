import { Refusal } from '../vendor.ts';
import type { Charge, Customer, PaymentIntent, Session, SetupIntent } from './objects.ts';
import type { StripeStore } from './store.ts';

/** Throws Stripe's 404. */
export function existing<T>(found: T | undefined, kind: string, id: string, param = 'id'): T {
  if (found === undefined) throw new Refusal(404, 'resource_missing', `No such ${kind}: '${id}'`, param);
  return found;
}

/** Throws Stripe's 400 for a parameter that names an object that is not there. */
export function named<T>(found: T | undefined, kind: string, id: string, param: string): T {
  if (found === undefined) throw new Refusal(400, 'resource_missing', `No such ${kind}: '${id}'`, param);
  return found;
}

export const findSession = (store: StripeStore, id: string): Session =>
  existing(store.sessions.get(id), 'checkout.session', id, 'session');

export const findPayment = (store: StripeStore, id: string): PaymentIntent =>
  existing(store.payments.get(id), 'payment_intent', id, 'intent');

export const findSetup = (store: StripeStore, id: string): SetupIntent =>
  existing(store.setupIntents.get(id), 'setupintent', id, 'intent');

/** The customer that a parameter names, if it is given. */
export function customerNamed(store: StripeStore, id: unknown): Customer | null {
  if (typeof id !== 'string' || id === '') return null;
  return named(store.customers.get(id), 'customer', id, 'customer');
}

/** The session that a payment or setup intent belongs to. Returns null for one that a call made. */
export function sessionOf(store: StripeStore, intent: { id: string }): Session | null {
  return store.sessions.get(store.sessionsByIntent.get(intent.id) ?? '') ?? null;
}

/** The charge that succeeded. */
export function chargeOf(store: StripeStore, paymentIntent: string): Charge {
  const payment = findPayment(store, paymentIntent);
  const charge = payment.latest_charge ? store.charges.get(payment.latest_charge) : undefined;
  if (!charge?.paid) {
    const message = `This PaymentIntent (${payment.id}) does not have a successful charge to refund.`;
    throw new Refusal(400, 'payment_intent_unexpected_state', message, 'payment_intent');
  }
  return charge;
}
