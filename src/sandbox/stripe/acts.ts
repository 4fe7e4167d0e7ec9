import { z } from 'zod';
import type { Ledger } from '../ledger.ts';
import { Refusal } from '../vendor.ts';
import { CardError } from './card-error.ts';
import { confirmAtBank } from './confirmations.ts';
import { dispute } from './disputes.ts';
import { existing, findSetup } from './lookup.ts';
import { disputeStatuses, refundStatuses } from './objects.ts';
import { findPaymentMethod, newPaymentMethod, usableBy } from './payment-methods.ts';
import { pay, saveCard, settleDelayed } from './payments.ts';
import { refund, settleRefund } from './refunds.ts';
import { expireSession } from './sessions.ts';
import { save } from './setup-intents.ts';
import { noCause, type StripeStore } from './store.ts';
import { cardNumbered, declineNamed } from './test-cards.ts';

const cardName = z.string().min(1);
export const paySchema = z.strictObject({
  card: cardName.optional(),
  method: z.enum(['card', 'delayed']).optional(),
  offerAgain: z.boolean().optional(),
  amount: z.number().int().optional(),
  currency: z
    .string()
    .regex(/^[a-z]{3}$/)
    .optional(),
  livemode: z.boolean().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
/** A number, a token (`pm_card_visa`), or the id of a payment method. */
export const cardSchema = z.strictObject({ card: cardName.default('4242424242424242') });
export const asyncSchema = z.strictObject({ outcome: z.enum(['succeeded', 'failed']) });
export const outcomeSchema = z.strictObject({
  status: z.enum(refundStatuses),
  failure: z.string().optional(),
});
export const refundSchema = z.strictObject({
  amount: z.number().int().positive().optional(),
  status: z.enum(refundStatuses).optional(),
});
export const disputeSchema = z.strictObject({
  status: z.enum(disputeStatuses).optional(),
  reason: z.string().optional(),
  settled: z.strictObject({ currency: z.string(), rate: z.number().positive() }).optional(),
});
/** `times`: how many charges off session are declined. */
export const declineSchema = z.strictObject({
  code: z.string().regex(/^[a-z_]{1,60}$/),
  times: z.number().int().min(1).max(100).default(1),
});
export const renewalSchema = z.strictObject({
  expMonth: z.number().int().min(1).max(12).optional(),
  expYear: z.number().int().min(1970).max(2200).optional(),
  last4: z
    .string()
    .regex(/^\d{4}$/)
    .optional(),
});

type Recorder = Pick<Ledger, 'append'>;

/** Actions of cardholders, their banks and the operator of Stripe's dashboard. */
export function createStripeActs(store: StripeStore, ledger: Recorder) {
  return {
    pay: (session: string, given: z.infer<typeof paySchema> = {}) =>
      pay(store, session, paySchema.parse(given)),
    settle: (session: string, outcome: 'succeeded' | 'failed') =>
      settleDelayed(store, session, asyncSchema.parse({ outcome }).outcome),
    expire: (session: string) => expireSession(store, session, noCause),
    /** Saves a card on the page of a session in mode=setup. */
    saveCard: (session: string, given: z.input<typeof cardSchema> = {}) =>
      saveCard(store, session, cardSchema.parse(given).card),
    /** Confirms a setup intent in the browser of its customer, as a front end with the client secret does. */
    confirmSetup(id: string, given: z.input<typeof cardSchema> = {}) {
      const { card } = cardSchema.parse(given);
      const setup = findSetup(store, id);
      if (!['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(setup.status))
        throw new Refusal(409, null, `Setup intent ${id} is ${setup.status}.`);
      const method = card.startsWith('pm_') ? card : newPaymentMethod(store, cardNumbered(card)).id;
      try {
        save(store, setup, usableBy(store, method, setup.customer), null, noCause);
        return { setupIntent: setup, declined: null };
      } catch (error) {
        if (!(error instanceof CardError)) throw error;
        return { setupIntent: setup, declined: error.decline };
      }
    },
    /** The cardholder confirms a payment or setup at the page of their bank, or fails to. */
    confirmAtBank(intent: string, outcome: 'succeeded' | 'failed') {
      const succeeded = confirmAtBank(store, intent, asyncSchema.parse({ outcome }).outcome);
      return { succeeded, intent: store.find(intent) };
    },
    /** Makes the next charges of a customer off session decline with this code. */
    declineNext(customer: string, given: z.input<typeof declineSchema>) {
      existing(store.customers.get(customer), 'customer', customer);
      const { code, times } = declineSchema.parse(given);
      const waiting = store.nextDeclines.get(customer) ?? [];
      store.nextDeclines.set(customer, [
        ...waiting,
        ...Array.from({ length: times }, () => declineNamed(code)),
      ]);
      return { customer, waiting: waiting.length + times };
    },
    /** The network renews a saved card without its owner's doing. */
    renewCard(id: string, given: z.infer<typeof renewalSchema>) {
      const { expMonth, expYear, last4 } = renewalSchema.parse(given);
      const method = findPaymentMethod(store, id);
      const before = structuredClone(method.card);
      Object.assign(method.card, {
        exp_month: expMonth ?? before.exp_month,
        exp_year: expYear ?? before.exp_year,
        last4: last4 ?? before.last4,
      });
      store.emit('payment_method.automatically_updated', method, noCause, { card: before });
      return method;
    },
    /** Refunds a payment, as from Stripe's dashboard. */
    refund(paymentIntent: string, given: z.infer<typeof refundSchema> = {}) {
      const { amount, status } = refundSchema.parse(given);
      const usual = store.refundOutcomes.get(paymentIntent);
      if (status) store.refundOutcomes.set(paymentIntent, { status });
      const params = {
        payment_intent: paymentIntent,
        ...(amount === undefined ? {} : { amount: String(amount) }),
      };
      try {
        const made = refund(store, params, noCause);
        const { id: vendorId, amount: returned, currency } = made;
        const record = { operation: 'payment.refund', params, vendorId, amount: returned, currency };
        ledger.append('stripe', record, { outcome: 'accepted', status: null, fault: null });
        return made;
      } finally {
        if (status && usual) store.refundOutcomes.set(paymentIntent, usual);
        else if (status) store.refundOutcomes.delete(paymentIntent);
      }
    },
    /** How the bank takes all further refunds of a payment, the product's own included. */
    refundsOf(paymentIntent: string, given: z.infer<typeof outcomeSchema>) {
      const outcome = outcomeSchema.parse(given);
      store.refundOutcomes.set(paymentIntent, outcome);
      return outcome;
    },
    /** What becomes of a refund later: a bank may confirm or refuse it after weeks. */
    settleRefund: (refundId: string, given: z.infer<typeof outcomeSchema>) =>
      settleRefund(store, refundId, outcomeSchema.parse(given)),
    dispute: (paymentIntent: string, given: z.infer<typeof disputeSchema> = {}) =>
      dispute(store, paymentIntent, disputeSchema.parse(given)),
    /** Sends a past event again: same id, new signature, as a separate webhook. */
    resend(eventId: string) {
      const event = store.events.get(eventId);
      if (!event) throw new Refusal(404, 404, `No such event: ${eventId}`);
      store.send(event, String(event.data.object.id));
      return event;
    },
  };
}
