import { isUtf8 } from 'node:buffer';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import Stripe from 'stripe';
import type { StripeConfig } from '../config.ts';
import { PermanentError, TransientError } from '../domain/errors.ts';
import { callTimeoutMs, connectionError, healthTimeoutMs, responseError, retryAfterMs } from './failure.ts';
import {
  BadSignatureError,
  type CheckoutRequest,
  type CheckoutSession,
  type DisputeAtStripe,
  type Payment,
  type PaymentGateway,
  type RefundAtStripe,
  type VerifiedStripeEvent,
} from './payments.ts';

const call = { vendor: 'stripe', kind: 'repeatable' } as const;
/** Applied to past and future timestamps; Stripe's own library accepts any future timestamp. */
const toleranceSeconds = 300;
/** Stripe's limit on `product_data.name`. */
const longestName = 250;
/** Stripe's largest page of a list. */
const pageSize = 100;
const mostReversals = 1_000;
const mostEvents = 10_000;

export function createStripeGateway(
  config: StripeConfig,
  options: { timeoutMs?: number } = {},
): PaymentGateway & { close(): void } {
  const base = config.baseUrl === null ? null : new URL(config.baseUrl);
  const agent =
    base?.protocol === 'http:' ? new Agent({ keepAlive: true }) : new TlsAgent({ keepAlive: true });
  const stripe = new Stripe(config.secretKey, {
    telemetry: false,
    maxNetworkRetries: 0,
    timeout: options.timeoutMs ?? callTimeoutMs,
    httpAgent: agent,
    ...(base && {
      host: base.hostname,
      port: base.port || (base.protocol === 'http:' ? '80' : '443'),
      protocol: base.protocol === 'http:' ? 'http' : 'https',
    }),
  });

  const retrieveCheckout = async (id: string) =>
    sessionFrom(await asked(stripe.checkout.sessions.retrieve(id)));

  return {
    createCheckout: async (request) => {
      const options = { idempotencyKey: request.idempotencyKey };
      return sessionFrom(await asked(stripe.checkout.sessions.create(checkoutParams(request), options)));
    },
    retrieveCheckout,
    expireCheckout: async (id, idempotencyKey) => {
      try {
        return sessionFrom(await asked(stripe.checkout.sessions.expire(id, {}, { idempotencyKey })));
      } catch (error) {
        // Stripe has no error code for a session that is no longer open, so its state is fetched.
        if (!(error instanceof PermanentError) || error.code !== 'bad_request') throw error;
        const session = await retrieveCheckout(id);
        if (session.status === 'open') throw error;
        return session;
      }
    },
    retrievePayment: async (paymentIntent) =>
      paymentFrom(await asked(stripe.paymentIntents.retrieve(paymentIntent, { expand: ['latest_charge'] }))),
    retrieveReversals: (paymentIntent) => retrieveReversals(stripe, paymentIntent),
    refund: (request) => refund(stripe, request),
    listEvents: async (types, since) => {
      const created = { gte: Math.floor(since.getTime() / 1000) };
      const newestFirst = stripe.events.list({ types: [...types], created, limit: pageSize });
      const found = await asked(newestFirst.autoPagingToArray({ limit: mostEvents }));
      return found.reverse().flatMap((event) => eventOf(event) ?? []);
    },
    verifyWebhook: (rawBody, signature, now) =>
      verifyWebhook(stripe, config.webhookSecrets, rawBody, signature, now),
    healthy: async () => {
      try {
        await stripe.balance.retrieve({}, { timeout: healthTimeoutMs });
        return true;
      } catch {
        return false;
      }
    },
    close: () => agent.destroy(),
  };
}

function checkoutParams(request: CheckoutRequest): Stripe.Checkout.SessionCreateParams {
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
      ...(request.receiptEmail && { receipt_email: request.receiptEmail }),
    },
    ...(metadata.unlock_id !== undefined && { client_reference_id: metadata.unlock_id }),
    expires_at: Math.floor(request.expiresAt.getTime() / 1000),
    success_url: request.successUrl,
    cancel_url: request.cancelUrl,
  };
}

async function refund(
  stripe: Stripe,
  request: Parameters<PaymentGateway['refund']>[0],
): Promise<RefundAtStripe> {
  const { paymentIntent, idempotencyKey, amount } = request;
  const params: Stripe.RefundCreateParams = {
    payment_intent: paymentIntent,
    // Stripe's `reason` allows three values only; ours is stored as metadata.
    reason: 'requested_by_customer',
    metadata: { reason: request.reason },
    ...(amount !== undefined && { amount }),
  };
  try {
    return refundFrom(await asked(stripe.refunds.create(params, { idempotencyKey })));
  } catch (error) {
    if (!(error instanceof PermanentError) || error.vendorCode !== 'charge_already_refunded') throw error;
    const { refunds } = await retrieveReversals(stripe, paymentIntent);
    const standing = refunds.find(({ status }) => status !== 'failed' && status !== 'canceled');
    if (!standing) throw error;
    return standing;
  }
}

async function retrieveReversals(stripe: Stripe, payment_intent: string) {
  const ofPayment = { payment_intent, limit: pageSize };
  const all = { limit: mostReversals };
  const [refunds, disputes] = await Promise.all([
    asked(stripe.refunds.list(ofPayment).autoPagingToArray(all)),
    asked(stripe.disputes.list(ofPayment).autoPagingToArray(all)),
  ]);
  return { refunds: refunds.map(refundFrom), disputes: disputes.map(disputeFrom) };
}

function sessionFrom(session: Stripe.Checkout.Session): CheckoutSession {
  return {
    id: session.id,
    url: session.url,
    // Values that Stripe may add later must not be read as paid or ended.
    status: oneOf(['complete', 'expired'] as const, session.status) ?? 'open',
    paymentStatus: oneOf(['paid', 'no_payment_required'] as const, session.payment_status) ?? 'unpaid',
    amount: session.amount_total,
    currency: session.currency,
    livemode: session.livemode,
    paymentIntent: idOf(session.payment_intent),
    metadata: session.metadata ?? {},
    expiresAt: new Date(session.expires_at * 1000),
  };
}

function oneOf<T extends string>(known: readonly T[], word: string | null): T | undefined {
  return known.find((candidate) => candidate === word);
}

function paymentFrom(intent: Stripe.PaymentIntent): Payment {
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null;
  return {
    paymentIntent: intent.id,
    amountReceived: intent.amount_received,
    amountRefunded: charge?.amount_refunded ?? 0,
    currency: intent.currency,
    livemode: intent.livemode,
    disputed: charge?.disputed ?? false,
    metadata: intent.metadata,
  };
}

function refundFrom({ id, amount, currency, status, failure_reason }: Stripe.Refund): RefundAtStripe {
  return {
    id,
    amount,
    currency,
    // A status that Stripe may add later must not be read as money that went back.
    status: oneOf(['requires_action', 'succeeded', 'failed', 'canceled'] as const, status) ?? 'pending',
    failure: failure_reason ?? null,
  };
}

function disputeFrom(dispute: Stripe.Dispute): DisputeAtStripe {
  const { id, amount, currency, status, reason, balance_transactions: movements } = dispute;
  const taken = -movements.reduce((sum, movement) => sum + movement.amount, 0);
  // An account that settles in another currency is told amounts converted at the rates of their days.
  const converted = movements.some((movement) => movement.currency !== currency);
  const isOut = movements.reduce((sum, movement) => sum - Math.sign(movement.amount), 0) > 0;
  const withdrawn = converted ? (isOut ? amount : 0) : Math.max(taken, 0);
  return { id, amount, withdrawn, status, reason };
}

function idOf(value: string | { id: string } | null): string | null {
  return typeof value === 'object' ? (value?.id ?? null) : value;
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw classified(error);
  }
}

function classified(error: unknown): unknown {
  const { errors } = Stripe;
  if (!(error instanceof errors.StripeError)) return error;
  if (error instanceof errors.StripeConnectionError) return connectionError(call, error);
  const status = error.statusCode ?? 0;
  const vendorCode = error.decline_code ?? error.code ?? (status === 0 ? undefined : String(status));
  if (error instanceof errors.StripeIdempotencyError)
    return responseError(call, { status, vendorCode, code: 'key_reused' });
  if (error instanceof errors.StripeRateLimitError) {
    return responseError(call, {
      status,
      vendorCode,
      code: 'rate_limited',
      retryAfterMs: retryAfterMs(error.headers?.['retry-after']),
    });
  }
  if (status === 409) {
    // The first call with this key is still running; a retry returns its result.
    const details = {
      vendor: 'stripe',
      code: 'conflict' as const,
      vendorCode,
      retryAfterMs: 1_000,
      burnsAttempt: false,
    };
    return new TransientError('stripe is still busy with this key', details);
  }
  // A success response that is not JSON comes from a proxy. A retry with the same key is safe in either case.
  if (error instanceof errors.StripeAPIError)
    return responseError(call, { status: Math.max(status, 500), vendorCode });
  if (error.code === 'charge_disputed') return responseError(call, { status, vendorCode, code: 'conflict' });
  return responseError(call, {
    status,
    vendorCode,
    code: error.code === 'resource_missing' ? 'not_found' : undefined,
  });
}

function verifyWebhook(
  stripe: Stripe,
  secrets: readonly string[],
  rawBody: Buffer,
  signature: string | undefined,
  now: Date,
): VerifiedStripeEvent {
  if (!signature) throw new BadSignatureError('no Stripe-Signature header');
  // The SDK decodes the body before it computes the signature, so that different invalid bytes would verify alike.
  if (!isUtf8(rawBody)) throw new BadSignatureError('body is not UTF-8');
  if (!secrets.some((secret) => signedWith(stripe, secret, rawBody, signature, now))) {
    throw new BadSignatureError('signature does not match');
  }
  const ahead = signedAt(signature) - now.getTime() / 1000;
  if (!(ahead <= toleranceSeconds)) throw new BadSignatureError('timestamp lies in the future');
  return eventFrom(rawBody);
}

/** Verifies in constant time (by the SDK). Returns false when the timestamp is too old. */
function signedWith(stripe: Stripe, secret: string, rawBody: Buffer, signature: string, now: Date): boolean {
  if (secret === '') return false;
  try {
    return (
      stripe.webhooks.signature?.verifyHeader(
        rawBody,
        signature,
        secret,
        toleranceSeconds,
        undefined,
        now.getTime(),
      ) ?? false
    );
  } catch {
    return false;
  }
}

/** Returns the last `t=`, which is the one that the SDK verifies, or NaN when there is none. */
function signedAt(signature: string): number {
  const times = signature.split(',').filter((part) => part.startsWith('t='));
  return Number.parseInt(times.at(-1)?.slice(2) ?? '', 10);
}

function eventFrom(rawBody: Buffer): VerifiedStripeEvent {
  const event = eventOf(parsed(rawBody));
  if (!event) throw new BadSignatureError('body is not a Stripe event');
  return event;
}

function eventOf(value: unknown): VerifiedStripeEvent | null {
  const event = objectOrNull(value);
  const object = objectOrNull(objectOrNull(event?.data)?.object);
  if (
    !event ||
    !object ||
    typeof event.id !== 'string' ||
    typeof event.type !== 'string' ||
    typeof event.created !== 'number'
  ) {
    return null;
  }
  return {
    id: event.id,
    type: event.type,
    livemode: event.livemode === true,
    account: typeof event.account === 'string' ? event.account : null,
    created: new Date(event.created * 1000),
    object,
  };
}

function parsed(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch {
    return null;
  }
}

function objectOrNull(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
