import { createHmac } from 'node:crypto';
import type { Settings } from '../options.ts';
import type { CallRecord } from '../vendor.ts';
import type { Webhooks } from '../webhooks.ts';
import {
  apiVersion,
  type BalanceTransaction,
  type Charge,
  type Customer,
  type Dispute,
  type LineItem,
  newId,
  type PaymentIntent,
  type PaymentMethod,
  type Refund,
  type RefundOutcome,
  type Session,
  type SetupIntent,
  type StripeEvent,
  unixNow,
} from './objects.ts';
import type { Decline } from './test-cards.ts';

const maxObjects = 20_000;

export type Cause = { requestId: string | null; idempotencyKey: string | null };
export const noCause: Cause = { requestId: null, idempotencyKey: null };

/** Parameters of a session that are not part of the session object: payment data and line items. */
export type SessionExtras = {
  lineItems: LineItem[];
  paymentMetadata: Record<string, string>;
  description: string | null;
  setupFutureUsage: 'off_session' | 'on_session' | null;
  expiry: NodeJS.Timeout | null;
};

/** What Stripe knows of a card and does not show. */
export type CardState = {
  number: string;
  /** Its owner has agreed to charges in their absence. */
  setUp: boolean;
  /** Used without a customer, or detached from one: it can never be used again. */
  usedUp: boolean;
};

/** A payment or setup that waits for its cardholder. */
export type Confirmation = { paymentMethod: string; returnUrl: string | null };

/** A movement of the balance, as the ledger records it. */
type Movement = 'refund.returned' | 'dispute.withdrawn' | 'dispute.reinstated';

/** The objects of each kind, by id. */
export type StoreSnapshot = Record<string, [string, unknown][]>;

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
  readonly balanceTransactions = new Bounded<BalanceTransaction>();
  readonly customers = new Bounded<Customer>();
  readonly deletedCustomers = new Bounded<{ id: string; object: 'customer'; deleted: true }>();
  readonly paymentMethods = new Bounded<PaymentMethod>();
  readonly cards = new Bounded<CardState>();
  readonly setupIntents = new Bounded<SetupIntent>();
  /** The session of a payment or setup intent. */
  readonly sessionsByIntent = new Bounded<string>();
  /** By payment or setup intent. */
  readonly confirmations = new Bounded<Confirmation>();
  /** How the next charges of a customer off session are declined. */
  readonly nextDeclines = new Bounded<Decline[]>();
  /** How a bank takes the refunds of a payment, by payment intent. Without an entry they succeed. */
  readonly refundOutcomes = new Bounded<RefundOutcome>();
  readonly #settings: Settings;
  readonly #webhooks: Webhooks;
  readonly #record: (record: CallRecord) => void;
  readonly #baseUrl: () => string;
  readonly #timers = new Set<NodeJS.Timeout>();

  /** `record`: enters into the ledger what happened without a call. */
  constructor(
    settings: Settings,
    webhooks: Webhooks,
    { record, baseUrl }: { record: (record: CallRecord) => void; baseUrl: () => string },
  ) {
    this.#settings = settings;
    this.#webhooks = webhooks;
    this.#record = record;
    this.#baseUrl = baseUrl;
  }

  get baseUrl(): string {
    return this.#baseUrl();
  }

  get minSessionSeconds(): number {
    return this.#settings.stripe.minSessionSeconds;
  }

  /** Records a movement of the balance that no call causes: money of a refund that came back, or of a dispute. */
  movement(operation: Movement, object: Refund | Dispute, amount: number): void {
    const { id, payment_intent, currency } = object;
    const params = { payment_intent };
    this.#record({ operation, params, vendorId: id, reference: payment_intent, amount, currency });
  }

  /** Records a charge, which a call or a cardholder on the payment page caused. */
  charged(charge: Charge, payment: PaymentIntent, session: Session | null): void {
    const { amount, currency, customer } = payment;
    const failed = charge.status === 'failed';
    this.#record({
      operation: failed ? 'charge.failed' : 'payment.capture',
      params: { ...(session && { session: session.id }), customer, payment_method: charge.payment_method },
      vendorId: payment.id,
      reference: customer,
      amount,
      currency,
      ...(failed && {
        error: { code: String(charge.failure_code), message: String(charge.failure_message) },
      }),
    });
  }

  /** Does something after a pause that does not keep the process alive. */
  later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms).unref();
    this.#timers.add(timer);
  }

  /** Returns any object by id, for `expand`. */
  find(id: string): Record<string, unknown> | null {
    const objects = [
      this.payments,
      this.charges,
      this.sessions,
      this.refunds,
      this.disputes,
      this.customers,
      this.deletedCustomers,
      this.paymentMethods,
      this.setupIntents,
      this.balanceTransactions,
    ];
    for (const store of objects) {
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
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const objects of Object.values(this.#kinds())) objects.clear();
  }

  /** All objects, as JSON can hold them. */
  snapshot(): StoreSnapshot {
    const kinds = Object.entries(this.#kinds()).map(([kind, objects]) => [kind, [...objects]] as const);
    const extras = [...this.extras].map(
      ([id, extra]) => [id, { ...extra, expiry: null }] as [string, unknown],
    );
    return { ...Object.fromEntries(kinds), extras };
  }

  /** Takes over a snapshot of an earlier process. Sessions do not expire by themselves until they are given timers. */
  restore(snapshot: StoreSnapshot): void {
    for (const [kind, objects] of Object.entries(this.#kinds()))
      for (const [id, object] of snapshot[kind] ?? []) (objects as Map<string, unknown>).set(id, object);
  }

  #kinds() {
    const { sessions, extras, payments, charges, refunds, disputes, events, balanceTransactions } = this;
    const { customers, deletedCustomers, paymentMethods, cards, setupIntents } = this;
    const { sessionsByIntent, confirmations, nextDeclines, refundOutcomes } = this;
    return {
      sessions,
      extras,
      payments,
      charges,
      refunds,
      disputes,
      events,
      balanceTransactions,
      customers,
      deletedCustomers,
      paymentMethods,
      cards,
      setupIntents,
      sessionsByIntent,
      confirmations,
      nextDeclines,
      refundOutcomes,
    };
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
