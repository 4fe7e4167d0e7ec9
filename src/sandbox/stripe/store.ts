import { createHmac } from 'node:crypto';
import type { Settings } from '../options.ts';
import type { Webhooks } from '../webhooks.ts';
import {
  apiVersion,
  type Charge,
  type Dispute,
  type LineItem,
  newId,
  type PaymentIntent,
  type Refund,
  type RefundOutcome,
  type Session,
  type StripeEvent,
  unixNow,
} from './objects.ts';

const maxObjects = 20_000;

export type Cause = { requestId: string | null; idempotencyKey: string | null };
export const noCause: Cause = { requestId: null, idempotencyKey: null };

/** Parameters of a session that are not part of the session object: payment data and line items. */
export type SessionExtras = {
  lineItems: LineItem[];
  paymentMetadata: Record<string, string>;
  description: string | null;
  expiry: NodeJS.Timeout | null;
};

/** A movement of the balance, as the ledger records it. */
export type Movement = {
  operation: 'refund.returned' | 'dispute.withdrawn' | 'dispute.reinstated';
  id: string;
  paymentIntent: string;
  amount: number;
  currency: string;
};

/** A map that evicts its oldest entry, so that memory is limited during benchmarks. */
class Bounded<T> extends Map<string, T> {
  override set(key: string, value: T): this {
    super.set(key, value);
    if (this.size > maxObjects) {
      const oldest = this.keys().next().value;
      if (oldest !== undefined) this.delete(oldest);
    }
    return this;
  }
}

export class StripeStore {
  readonly sessions = new Bounded<Session>();
  readonly extras = new Bounded<SessionExtras>();
  readonly payments = new Bounded<PaymentIntent>();
  readonly charges = new Bounded<Charge>();
  readonly refunds = new Bounded<Refund>();
  readonly disputes = new Bounded<Dispute>();
  readonly events = new Bounded<StripeEvent>();
  /** How a bank takes the refunds of a payment, by payment intent. Without an entry they succeed. */
  readonly refundOutcomes = new Bounded<RefundOutcome>();
  #settings: Settings;
  #webhooks: Webhooks;

  #movement: (movement: Movement) => void;

  constructor(settings: Settings, webhooks: Webhooks, movement: (movement: Movement) => void) {
    this.#settings = settings;
    this.#webhooks = webhooks;
    this.#movement = movement;
  }

  /** Records a movement of the balance that no call causes: money of a refund that came back, or of a dispute. */
  movement(operation: Movement['operation'], object: Refund | Dispute, amount: number): void {
    const { id, payment_intent: paymentIntent, currency } = object;
    this.#movement({ operation, id, paymentIntent, amount, currency });
  }

  /** Returns any object by id, for `expand`. */
  find(id: string): Record<string, unknown> | null {
    for (const store of [this.payments, this.charges, this.sessions, this.refunds, this.disputes]) {
      const found = store.get(id);
      if (found) return found;
    }
    return null;
  }

  /** Records an event with a snapshot of the object and sends it if the endpoint is subscribed. */
  emit(
    type: string,
    object: Record<string, unknown> & { id: string; livemode?: boolean },
    cause: Cause,
    previous?: Record<string, unknown>,
  ): StripeEvent {
    const event: StripeEvent = {
      id: newId('evt'),
      object: 'event',
      api_version: apiVersion,
      created: unixNow(),
      data: { object: structuredClone(object), ...(previous ? { previous_attributes: previous } : {}) },
      livemode: object.livemode ?? false,
      pending_webhooks: 1,
      request: { id: cause.requestId, idempotency_key: cause.idempotencyKey },
      type,
    };
    this.events.set(event.id, event);
    if (this.#subscribed(type)) this.send(event, object.id);
    return event;
  }

  /** Sends an event; a past one is sent again with the same id and a new signature. */
  send(event: StripeEvent, objectId: string): void {
    const body = JSON.stringify(event, null, 2);
    void this.#webhooks.post({
      vendor: 'stripe',
      event: event.type,
      objectId,
      target: () => this.#settings.stripe.webhookUrl,
      retryAfter: (attempt) => this.#settings.retryDelaysMs[attempt - 1] ?? null,
      build: () => ({
        body,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': this.#signature(body),
        },
      }),
    });
  }

  reset(): void {
    for (const { expiry } of this.extras.values()) if (expiry) clearTimeout(expiry);
    for (const store of [
      this.sessions,
      this.extras,
      this.payments,
      this.charges,
      this.refunds,
      this.disputes,
      this.events,
      this.refundOutcomes,
    ]) {
      store.clear();
    }
  }

  #subscribed(type: string): boolean {
    const wanted = this.#settings.stripe.enabledEvents;
    return wanted.includes('*') || wanted.includes(type);
  }

  #signature(body: string): string {
    const time = unixNow();
    const { webhookSecret } = this.#settings.stripe;
    return `t=${time},v1=${createHmac('sha256', webhookSecret).update(`${time}.${body}`, 'utf8').digest('hex')}`;
  }
}
