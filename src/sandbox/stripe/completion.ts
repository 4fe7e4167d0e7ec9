import type { Session, SetupIntent } from './objects.ts';
import { noCause, type StripeStore } from './store.ts';

/** Ends a session whose payment succeeded. */
export function completePaid(store: StripeStore, session: Session): void {
  close(store, session);
  session.payment_status = 'paid';
  store.emit('checkout.session.completed', session, noCause);
}

/** Ends a session whose card is saved. It stays `no_payment_required`. */
export function completeSaved(store: StripeStore, session: Session, setup: SetupIntent): void {
  close(store, session);
  const method = setup.payment_method ? store.paymentMethods.get(setup.payment_method) : undefined;
  // The customer saved it on a page of Checkout, which may therefore offer it again.
  if (method) method.allow_redisplay = 'always';
  store.emit('checkout.session.completed', session, noCause);
}

export function close(store: StripeStore, session: Session): void {
  const customer = session.customer === null ? undefined : store.customers.get(session.customer);
  session.status = 'complete';
  session.url = null;
  session.customer_details = {
    email: customer?.email ?? session.customer_email ?? 'buyer@example.com',
    name: customer?.name ?? 'Sandbox Buyer',
    phone: null,
    address: null,
    tax_exempt: 'none',
    tax_ids: [],
  };
  const timer = store.extras.get(session.id)?.expiry;
  if (timer) clearTimeout(timer);
}
