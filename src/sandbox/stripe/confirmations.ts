import { Refusal } from '../vendor.ts';
import { CardError } from './card-error.ts';
import { charge } from './charges.ts';
import { completePaid, completeSaved } from './completion.ts';
import { sessionOf } from './lookup.ts';
import type { PaymentIntent, SetupIntent } from './objects.ts';
import { usableBy } from './payment-methods.ts';
import { failSetup, finishSetup } from './setup-intents.ts';
import { noCause, type StripeStore } from './store.ts';

/** What waits for a cardholder. */
export type Waiting = { intent: PaymentIntent | SetupIntent; returnUrl: string | null };

/** Returns null when nothing under this id waits for its cardholder. */
export function waitingFor(store: StripeStore, id: string): Waiting | null {
  const intent = store.payments.get(id) ?? store.setupIntents.get(id);
  const confirmation = store.confirmations.get(id);
  if (intent?.status !== 'requires_action' || !confirmation) return null;
  return { intent, returnUrl: confirmation.returnUrl };
}

/**
 * The cardholder confirms at the page of their bank, or fails to. Returns whether the payment or setup then succeeded: the
 * bank may decline a charge that was confirmed.
 */
export function confirmAtBank(store: StripeStore, id: string, outcome: 'succeeded' | 'failed'): boolean {
  const confirmation = store.confirmations.get(id);
  const waiting = waitingFor(store, id);
  if (!waiting || !confirmation) throw new Refusal(409, null, `${id} does not wait for its cardholder.`);
  const { intent } = waiting;
  store.confirmations.delete(id);
  const used = usableBy(store, confirmation.paymentMethod, intent.customer);
  const session = sessionOf(store, intent);
  if (intent.object === 'setup_intent') {
    const setup = intent as SetupIntent;
    if (outcome === 'failed') {
      failSetup(store, setup, { ...failure('setup_intent'), payment_method: used.method }, noCause);
      return false;
    }
    finishSetup(store, setup, used, noCause);
    if (session) completeSaved(store, session, setup);
    return true;
  }
  const payment = intent as PaymentIntent;
  if (outcome === 'failed') {
    failAuthentication(store, payment, used.method);
    return false;
  }
  try {
    charge(store, payment, used, { presence: 'authenticated', returnUrl: null }, noCause);
  } catch (error) {
    if (!(error instanceof CardError)) throw error;
    return false;
  }
  if (session) completePaid(store, session);
  return true;
}

function failAuthentication(store: StripeStore, payment: PaymentIntent, method: object): void {
  Object.assign(payment, {
    status: 'requires_payment_method',
    payment_method: null,
    next_action: null,
    last_payment_error: { ...failure('payment_intent'), payment_method: structuredClone(method) },
  });
  store.emit('payment_intent.payment_failed', payment, noCause);
}

function failure(kind: 'payment_intent' | 'setup_intent') {
  const code = `${kind}_authentication_failure`;
  const what = kind === 'payment_intent' ? 'PaymentIntent' : 'SetupIntent';
  return {
    code,
    doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`,
    message: `The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this ${what} again.`,
    type: 'invalid_request_error',
  };
}
