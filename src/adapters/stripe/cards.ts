import type Stripe from 'stripe';
import { PermanentError } from '../../domain/errors.ts';
import type { Card, PaymentGateway, SetupIntent } from '../payments.ts';
import { asked } from './errors.ts';
import { idOf, oneOf } from './objects.ts';

/** Stripe's largest page of a list. */
const pageSize = 100;
const mostCards = 500;

type CardCalls = Pick<
  PaymentGateway,
  | 'createCustomer'
  | 'createSetupIntent'
  | 'retrieveSetupIntent'
  | 'attachCard'
  | 'retrieveCard'
  | 'listCards'
  | 'detachCard'
>;

/** Customers and their saved cards. */
export function cardCalls(stripe: Stripe): CardCalls {
  const retrieveCard = async (id: string): Promise<Card | null> => {
    try {
      return cardFrom(await asked(stripe.paymentMethods.retrieve(id)));
    } catch (error) {
      if (error instanceof PermanentError && error.code === 'not_found') return null;
      throw error;
    }
  };
  return {
    createCustomer: async ({ idempotencyKey, ...params }) => {
      const { id } = await asked(stripe.customers.create(params, { idempotencyKey }));
      return { id };
    },
    createSetupIntent: async ({ idempotencyKey, customer, metadata }) => {
      const params: Stripe.SetupIntentCreateParams = {
        customer,
        usage: 'off_session',
        allowed_payment_method_types: ['card'],
        metadata,
      };
      return setupFrom(await asked(stripe.setupIntents.create(params, { idempotencyKey })));
    },
    retrieveSetupIntent: async (id) => setupFrom(await asked(stripe.setupIntents.retrieve(id))),
    retrieveCard,
    attachCard: async ({ idempotencyKey, paymentMethod, customer }) => {
      try {
        const attached = stripe.paymentMethods.attach(paymentMethod, { customer }, { idempotencyKey });
        return cardOf(await asked(attached));
      } catch (error) {
        // Stripe has no error code for a card that is already attached, so its state is fetched.
        if (!(error instanceof PermanentError) || error.code !== 'bad_request') throw error;
        const card = await retrieveCard(paymentMethod);
        if (card?.customer !== customer) throw error;
        return card;
      }
    },
    listCards: async (customer) => {
      const params = { customer, type: 'card', limit: pageSize } as const;
      const found = await asked(stripe.paymentMethods.list(params).autoPagingToArray({ limit: mostCards }));
      return found.flatMap((method) => cardFrom(method) ?? []);
    },
    detachCard: async ({ idempotencyKey, paymentMethod }) => {
      try {
        await asked(stripe.paymentMethods.detach(paymentMethod, {}, { idempotencyKey }));
      } catch (error) {
        if (!(error instanceof PermanentError)) throw error;
        if (error.code !== 'bad_request' && error.code !== 'not_found') throw error;
        const card = await retrieveCard(paymentMethod);
        if (card && card.customer !== null) throw error;
      }
    },
  };
}

function setupFrom(intent: Stripe.SetupIntent): SetupIntent {
  const known = [
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'canceled',
    'succeeded',
  ] as const;
  const status = oneOf(known, intent.status) ?? 'processing';
  return {
    id: intent.id,
    clientSecret: intent.client_secret,
    status,
    customer: idOf(intent.customer),
    paymentMethod: status === 'succeeded' ? idOf(intent.payment_method) : null,
    metadata: intent.metadata ?? {},
  };
}

function cardFrom({ id, customer, card }: Stripe.PaymentMethod): Card | null {
  if (!card) return null;
  return {
    id,
    customer: idOf(customer),
    brand: card.brand,
    last4: card.last4,
    expMonth: card.exp_month,
    expYear: card.exp_year,
    fingerprint: card.fingerprint ?? null,
  };
}

function cardOf(method: Stripe.PaymentMethod): Card {
  const card = cardFrom(method);
  if (!card) {
    const details = {
      vendor: 'stripe',
      code: 'bad_request',
      vendorCode: 'payment_method_not_a_card',
    } as const;
    throw new PermanentError('stripe attached a payment method that is not a card', details);
  }
  return card;
}
