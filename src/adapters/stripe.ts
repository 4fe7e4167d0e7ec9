import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import Stripe from 'stripe';
import type { StripeConfig } from '../config.ts';
import { PermanentError } from '../domain/errors.ts';
import { callTimeoutMs, healthTimeoutMs } from './failure.ts';
import type { PaymentGateway } from './payments.ts';
import { cardCalls } from './stripe/cards.ts';
import { chargeCalls } from './stripe/charges.ts';
import { checkoutParams, sessionFrom, setupParams } from './stripe/checkout.ts';
import { asked } from './stripe/errors.ts';
import { pageSize } from './stripe/objects.ts';
import { refund, retrieveReversals } from './stripe/reversals.ts';
import { eventOf, verifyWebhook } from './stripe/webhooks.ts';

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
    createSetupCheckout: async ({ idempotencyKey, ...request }) =>
      sessionFrom(await asked(stripe.checkout.sessions.create(setupParams(request), { idempotencyKey }))),
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
    ...cardCalls(stripe),
    ...chargeCalls(stripe),
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
