import type { Charge, PaymentIntent, Session } from '../stripe/objects.ts';
import type { StripeStore } from '../stripe/store.ts';
import { price } from './html.ts';

/** Sessions, and charges of saved cards that no session made: the newest first. */
export function paymentsView(store: StripeStore, limit: number) {
  const sessions = [...store.sessions.values()].slice(-limit);
  const charges = [...store.payments.values()]
    .slice(-limit)
    .filter(({ id }) => !store.sessionsByIntent.has(id));
  return [
    ...charges.reverse().map((payment) => chargeView(store, payment)),
    ...sessions.reverse().map((session) => sessionView(store, session)),
  ]
    .sort((one, other) => other.created - one.created)
    .slice(0, limit)
    .map(({ created, ...shown }) => ({ ...shown, at: new Date(created * 1000).toISOString() }));
}

function sessionView(store: StripeStore, session: Session) {
  const payment = session.payment_intent ? store.payments.get(session.payment_intent) : undefined;
  const charge = chargeIn(store, payment);
  const saves = session.mode === 'setup';
  return {
    id: session.id,
    created: session.created,
    title: saves
      ? 'Card for later payments'
      : (store.extras.get(session.id)?.lineItems[0]?.description ?? ''),
    price: saves ? 'Save a card' : price(session.amount_total ?? 0, session.currency ?? 'usd'),
    url: session.url,
    link: saves ? 'Open card page' : 'Open payment page',
    paymentIntent: session.payment_intent,
    state: chargeState(charge) ?? sessionState(session, payment),
    refundable: isRefundable(charge),
  };
}

function chargeView(store: StripeStore, payment: PaymentIntent) {
  const charge = chargeIn(store, payment);
  const waits = payment.status === 'requires_action';
  const state = waits ? 'to confirm' : charge?.status === 'failed' ? 'declined' : payment.status;
  return {
    id: payment.id,
    created: payment.created,
    title: payment.description ?? 'Charge of a saved card',
    price: price(payment.amount, payment.currency),
    url: waits ? `${store.baseUrl}/stripe/confirm/${payment.id}` : null,
    link: "Open the bank's page",
    paymentIntent: payment.id,
    state: chargeState(charge) ?? (payment.status === 'succeeded' ? 'paid' : state),
    refundable: isRefundable(charge),
  };
}

function chargeIn(store: StripeStore, payment: PaymentIntent | undefined): Charge | undefined {
  return payment?.latest_charge ? store.charges.get(payment.latest_charge) : undefined;
}

const isRefundable = (charge: Charge | undefined) =>
  charge?.paid === true && !charge.refunded && !charge.disputed;

function chargeState(charge: Charge | undefined): string | null {
  if (charge?.disputed) return 'disputed';
  if (charge?.refunded) return 'refunded';
  return charge && charge.amount_refunded > 0 ? 'partly refunded' : null;
}

function sessionState(session: Session, payment: PaymentIntent | undefined): string {
  if (session.mode === 'setup') return session.status === 'complete' ? 'saved' : session.status;
  if (session.payment_status === 'paid') return 'paid';
  if (payment?.status === 'processing') return 'processing';
  return session.status === 'complete' ? 'failed' : session.status;
}
