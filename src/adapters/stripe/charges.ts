import Stripe from 'stripe';
import { PermanentError } from '../../domain/errors.ts';
import { asksForAuthentication, type DeclineCodes, declineFrom } from '../../domain/payment/declines.ts';
import type { CardCharge, ChargeResult, Confirmation, Payment, PaymentGateway } from '../payments.ts';
import { asked, classified, declineCodesOf } from './errors.ts';
import { idOf, oneOf, pageSize } from './objects.ts';

type ChargeCalls = Pick<
  PaymentGateway,
  'chargeCard' | 'findCharge' | 'confirmCharge' | 'retrieveConfirmation' | 'cancelCharge' | 'retrievePayment'
>;

const statuses = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'requires_capture',
  'canceled',
  'succeeded',
] as const;
const expand = ['latest_charge'];
const mostCharges = 10_000;
const confirmable = new Set<string>(['requires_payment_method', 'requires_confirmation', 'requires_action']);
/** Stripe's answer to a call that the payment's state does not allow. */
const unexpectedState = 'payment_intent_unexpected_state';

/** Charges of saved cards, and the payments that they are. */
export function chargeCalls(stripe: Stripe): ChargeCalls {
  const retrieve = (id: string) => asked(stripe.paymentIntents.retrieve(id, { expand }));
  return {
    chargeCard: ({ idempotencyKey, ...charge }) =>
      outcomeOf(stripe.paymentIntents.create(chargeParams(charge), { idempotencyKey })),
    findCharge: async ({ customer, metadata, since }) => {
      const created = { gte: Math.floor(since.getTime() / 1_000) };
      const list = stripe.paymentIntents.list({
        customer,
        created,
        limit: pageSize,
        expand: ['data.latest_charge'],
      });
      const ours = Object.entries(metadata);
      const made = (await asked(list.autoPagingToArray({ limit: mostCharges }))).filter((intent) =>
        ours.every(([name, value]) => intent.metadata[name] === value),
      );
      const chosen = made.find(({ status }) => status === 'succeeded') ?? made[0];
      return chosen ? resultFrom(chosen) : null;
    },
    confirmCharge: async ({ idempotencyKey, paymentIntent, paymentMethod, offSession, returnUrl }) => {
      const params: Stripe.PaymentIntentConfirmParams = {
        payment_method: paymentMethod,
        off_session: offSession,
        ...(returnUrl !== undefined && { return_url: returnUrl }),
        expand,
      };
      try {
        return await outcomeOf(stripe.paymentIntents.confirm(paymentIntent, params, { idempotencyKey }));
      } catch (error) {
        if (!isUnexpectedState(error)) throw error;
        const intent = await retrieve(paymentIntent);
        if (intent.status !== 'succeeded' && intent.status !== 'processing') throw error;
        return resultFrom(intent);
      }
    },
    retrieveConfirmation: async (paymentIntent) => {
      const intent = await retrieve(paymentIntent);
      return confirmable.has(intent.status) ? confirmationFrom(intent) : null;
    },
    cancelCharge: async ({ idempotencyKey, paymentIntent }) => {
      const params: Stripe.PaymentIntentCancelParams = { cancellation_reason: 'abandoned', expand };
      try {
        return paymentFrom(
          await asked(stripe.paymentIntents.cancel(paymentIntent, params, { idempotencyKey })),
        );
      } catch (error) {
        if (!isUnexpectedState(error)) throw error;
        return paymentFrom(await retrieve(paymentIntent));
      }
    },
    retrievePayment: async (paymentIntent) => paymentFrom(await retrieve(paymentIntent)),
  };
}

function chargeParams(charge: Omit<CardCharge, 'idempotencyKey'>): Stripe.PaymentIntentCreateParams {
  return {
    amount: charge.amount,
    currency: charge.currency,
    customer: charge.customer,
    payment_method: charge.paymentMethod,
    confirm: true,
    // Methods that redirect would need a return_url.
    allowed_payment_method_types: ['card'],
    ...(charge.offSession && {
      off_session: true,
      payment_method_options: { card: { stored_credential_usage: 'unscheduled' } },
    }),
    ...(charge.returnUrl !== undefined && { return_url: charge.returnUrl }),
    description: charge.description,
    metadata: charge.metadata,
    expand,
  };
}

/** Turns a 402 into a result: the payment exists, and was declined or waits for its cardholder. */
async function outcomeOf(answer: Promise<Stripe.PaymentIntent>): Promise<ChargeResult> {
  try {
    return resultFrom(await answer);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeCardError)) throw classified(error);
    return unpaid(declineCodesOf(error), error.payment_intent ?? null);
  }
}

function resultFrom(intent: Stripe.PaymentIntent): ChargeResult {
  const { id, status, last_payment_error } = intent;
  switch (status) {
    case 'succeeded':
      return { kind: 'succeeded', payment: paymentFrom(intent) };
    case 'requires_action':
      return { kind: 'needs_action', paymentIntent: id, ...confirmationFrom(intent) };
    case 'requires_payment_method':
    case 'requires_confirmation':
    case 'canceled':
      return unpaid(declineCodesOf(last_payment_error ?? {}), intent);
    default:
      return { kind: 'processing', paymentIntent: id };
  }
}

function confirmationFrom({ client_secret, next_action }: Stripe.PaymentIntent): Confirmation {
  return { clientSecret: client_secret, confirmUrl: next_action?.redirect_to_url?.url ?? null };
}

function unpaid(codes: DeclineCodes, intent: Stripe.PaymentIntent | null): ChargeResult {
  if (intent && asksForAuthentication(codes)) {
    return { kind: 'needs_action', paymentIntent: intent.id, ...confirmationFrom(intent) };
  }
  return { kind: 'declined', paymentIntent: intent?.id ?? null, ...declineFrom(codes) };
}

function paymentFrom(intent: Stripe.PaymentIntent): Payment {
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null;
  const failure = intent.last_payment_error;
  return {
    paymentIntent: intent.id,
    status: oneOf(statuses, intent.status) ?? 'processing',
    customer: idOf(intent.customer),
    paymentMethod: idOf(intent.payment_method),
    amount: intent.amount,
    amountReceived: intent.amount_received,
    amountRefunded: charge?.amount_refunded ?? 0,
    currency: intent.currency,
    livemode: intent.livemode,
    disputed: charge?.disputed ?? false,
    decline: failure ? declineFrom(declineCodesOf(failure)) : null,
    metadata: intent.metadata,
  };
}

function isUnexpectedState(error: unknown): boolean {
  return error instanceof PermanentError && error.vendorCode === unexpectedState;
}
