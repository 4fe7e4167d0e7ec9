import type Stripe from 'stripe';
import type { CheckoutRequest, CheckoutSession, SetupCheckoutRequest } from '../payments.ts';
import { idOf, oneOf } from './objects.ts';

/** Stripe's limit on `product_data.name`. */
const longestName = 250;

export function checkoutParams(request: CheckoutRequest): Stripe.Checkout.SessionCreateParams {
  const { metadata } = request;
  return {
    mode: 'payment',
    ui_mode: 'hosted_page',
    // Other methods can report `completed` days before the money arrives.
    allowed_payment_method_types: ['card'],
    line_items: [
      {
        quantity: 1,
        price_data: {
          currency: request.currency,
          unit_amount: request.amount,
          product_data: { name: request.description.slice(0, longestName) },
        },
      },
    ],
    metadata,
    // Stripe does not copy the session's metadata to the payment intent and its charge.
    payment_intent_data: {
      metadata,
      ...(request.saveCard && { setup_future_usage: 'off_session' }),
      ...(request.receiptEmail && { receipt_email: request.receiptEmail }),
    },
    ...(request.customer !== undefined && { customer: request.customer }),
    // Only cards with this mark are offered on a later page.
    ...(request.saveCard && {
      saved_payment_method_options: {
        payment_method_save: 'enabled',
        allow_redisplay_filters: ['always'],
      },
    }),
    ...(metadata.unlock_id !== undefined && { client_reference_id: metadata.unlock_id }),
    expires_at: Math.floor(request.expiresAt.getTime() / 1000),
    success_url: request.successUrl,
    cancel_url: request.cancelUrl,
  };
}

export function setupParams(
  request: Omit<SetupCheckoutRequest, 'idempotencyKey'>,
): Stripe.Checkout.SessionCreateParams {
  const { customer, metadata } = request;
  return {
    mode: 'setup',
    ui_mode: 'hosted_page',
    allowed_payment_method_types: ['card'],
    // Without a customer the card would belong to none and could not be charged again.
    customer,
    metadata,
    setup_intent_data: { metadata },
    expires_at: Math.floor(request.expiresAt.getTime() / 1000),
    success_url: request.successUrl,
    cancel_url: request.cancelUrl,
  };
}

export function sessionFrom(session: Stripe.Checkout.Session): CheckoutSession {
  return {
    id: session.id,
    mode: oneOf(['payment', 'setup'] as const, session.mode) ?? 'other',
    url: session.url,
    // Values that Stripe may add later must not be read as paid or ended.
    status: oneOf(['complete', 'expired'] as const, session.status) ?? 'open',
    paymentStatus: oneOf(['paid', 'no_payment_required'] as const, session.payment_status) ?? 'unpaid',
    amount: session.amount_total,
    currency: session.currency,
    livemode: session.livemode,
    paymentIntent: idOf(session.payment_intent),
    setupIntent: idOf(session.setup_intent),
    customer: idOf(session.customer),
    metadata: session.metadata ?? {},
    expiresAt: new Date(session.expires_at * 1000),
  };
}
