import type { Decline } from '../domain/payment/declines.ts';

/** Money is integer minor units and a lower-case ISO currency everywhere. */
export type CheckoutRequest = {
  /** Effect key; becomes Stripe's Idempotency-Key. */
  idempotencyKey: string;
  amount: number;
  currency: string;
  /** Shown on Stripe's payment page; public text only. */
  description: string;
  expiresAt: Date;
  successUrl: string;
  cancelUrl: string;
  /** Where Stripe sends the receipt of the payment; without it none is sent. */
  receiptEmail?: string | null;
  /** Customer that pays. Their saved cards are offered on the page. */
  customer?: string;
  /** Saves the card with the customer for charges in their absence; the page says so. */
  saveCard?: boolean;
  /** `kind`, `unlock_id`, `lead_id`: copied to the session and to its payment intent. */
  metadata: Record<string, string>;
};

/** A page on which a customer saves a card. Nothing is charged. */
export type SetupCheckoutRequest = {
  idempotencyKey: string;
  customer: string;
  expiresAt: Date;
  successUrl: string;
  cancelUrl: string;
  /** Copied to the session and to its setup intent. */
  metadata: Record<string, string>;
};

export type CheckoutSession = {
  id: string;
  /** Only `payment` moves money. A session that saves a card is `no_payment_required` from the start. */
  mode: 'payment' | 'setup' | 'other';
  url: string | null;
  status: 'open' | 'complete' | 'expired';
  paymentStatus: 'paid' | 'unpaid' | 'no_payment_required';
  amount: number | null;
  currency: string | null;
  livemode: boolean;
  paymentIntent: string | null;
  setupIntent: string | null;
  customer: string | null;
  metadata: Record<string, string>;
  expiresAt: Date;
};

/** A status that Stripe may add later is read as `processing`: neither paid nor ended. */
export type PaymentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'requires_capture'
  | 'processing'
  | 'canceled'
  | 'succeeded';

export type Payment = {
  paymentIntent: string;
  status: PaymentStatus;
  /** Null for a payment without a customer. */
  customer: string | null;
  /** The card that pays. Null until one is chosen, and after a decline. */
  paymentMethod: string | null;
  amount: number;
  amountReceived: number;
  amountRefunded: number;
  currency: string;
  livemode: boolean;
  disputed: boolean;
  /** Why the last attempt failed. Null when none has, and once a later attempt succeeded. */
  decline: Decline | null;
  metadata: Record<string, string>;
};

export type SetupIntent = {
  id: string;
  /** Lets the browser finish the setup. Given to its customer only; never stored or logged. */
  clientSecret: string | null;
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'canceled'
    | 'succeeded';
  customer: string | null;
  /** The saved card. Null until the setup has succeeded. */
  paymentMethod: string | null;
  metadata: Record<string, string>;
};

export type Card = {
  id: string;
  /** Null for a card that is not attached, and for one that was detached: it cannot be charged. */
  customer: string | null;
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  /** The same for the same card number in this Stripe account. */
  fingerprint: string | null;
};

/** A charge of a saved card. Without `offSession` the customer is present and may be asked to confirm it. */
export type CardCharge = {
  /** Names one attempt: Stripe replays a decline too. A retry after a lost answer repeats the key. */
  idempotencyKey: string;
  amount: number;
  currency: string;
  customer: string;
  paymentMethod: string;
  offSession: boolean;
  /** Shown to the customer by Stripe; public text only. */
  description: string;
  metadata: Record<string, string>;
  /** Where the bank's page leads back to. Without it Stripe gives no `confirmUrl`. */
  returnUrl?: string;
};

/** How the cardholder confirms a payment. Kept out of what is stored; `retrieveConfirmation` gives it again. */
export type Confirmation = {
  /** As SetupIntent.clientSecret. */
  clientSecret: string | null;
  /** The bank's page. Null off session and without `returnUrl`. */
  confirmUrl: string | null;
};

/**
 * A decline is a result, not an error. `needs_action`: the bank asks the cardholder to confirm the payment; nothing is
 * charged until they have. `processing`: neither charged nor declined yet; retrieve the payment later.
 */
export type ChargeResult =
  | { kind: 'succeeded'; payment: Payment }
  | ({
      kind: 'needs_action';
      paymentIntent: string;
    } & Confirmation)
  | ({
      kind: 'declined' /** Null when Stripe refused before it made one. */;
      paymentIntent: string | null;
    } & Decline)
  | { kind: 'processing'; paymentIntent: string };

/** As Stripe reports them. `status` of a refund: pending, requires_action, succeeded, failed or canceled. */
export type RefundAtStripe = {
  id: string;
  amount: number;
  currency: string;
  status: 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';
  /** Stripe's word for why it failed. Null unless it did. */
  failure: string | null;
  /** The idempotency key of the call that made it. Null for one made elsewhere. */
  key: string | null;
};

export type DisputeAtStripe = {
  id: string;
  amount: number;
  /** Taken from our balance for it and not given back, in the currency of the payment and without Stripe's fee. */
  withdrawn: number;
  status: string;
  reason: string;
};

/** A Stripe event, verified or fetched from Stripe, with the fields the ingress needs; `object` is parsed by the caller. */
export type VerifiedStripeEvent = {
  id: string;
  type: string;
  livemode: boolean;
  account: string | null;
  created: Date;
  object: Record<string, unknown>;
};

/** The signature is wrong, missing or older than 300 s: respond 400 and store nothing. */
export class BadSignatureError extends Error {}

/**
 * Every write has an idempotency key, so a retry with the same key is safe for 24 hours: calls throw TransientError
 * (retry) or PermanentError, never UnknownOutcomeError.
 */
export interface PaymentGateway {
  createCheckout(request: CheckoutRequest): Promise<CheckoutSession>;
  retrieveCheckout(id: string): Promise<CheckoutSession>;
  /** Expires an open session. Returns the current state of a session that is already complete or expired. */
  expireCheckout(id: string, idempotencyKey: string): Promise<CheckoutSession>;
  /** A page for saving a card, in `mode=setup`. */
  createSetupCheckout(request: SetupCheckoutRequest): Promise<CheckoutSession>;
  createCustomer(request: {
    idempotencyKey: string;
    email: string;
    name: string;
    metadata: Record<string, string>;
  }): Promise<{ id: string }>;
  createSetupIntent(request: {
    idempotencyKey: string;
    customer: string;
    metadata: Record<string, string>;
  }): Promise<SetupIntent>;
  retrieveSetupIntent(id: string): Promise<SetupIntent>;
  /**
   * Returns the card also when this customer has it already. Throws PermanentError when Stripe refuses it: declined
   * (`vendorMessage` may be shown), detached before, or of another customer.
   */
  attachCard(request: { idempotencyKey: string; paymentMethod: string; customer: string }): Promise<Card>;
  /** Returns null for an unknown id, and for a payment method that is not a card. */
  retrieveCard(paymentMethod: string): Promise<Card | null>;
  /** The newest first. */
  listCards(customer: string): Promise<Card[]>;
  /** Final: a detached card cannot be attached again. Does nothing for a card that is detached or unknown. */
  detachCard(request: { idempotencyKey: string; paymentMethod: string }): Promise<void>;
  chargeCard(request: CardCharge): Promise<ChargeResult>;
  /** The charge of a customer that was made with this metadata since then, paid ones first. Null without one. */
  findCharge(request: {
    customer: string;
    metadata: Record<string, string>;
    since: Date;
  }): Promise<ChargeResult | null>;
  /**
   * Tries a payment again that was declined or awaits the customer: the same payment intent, so that it is paid once. Has
   * a new key for each attempt. Returns the result of a payment that has already succeeded.
   */
  confirmCharge(request: {
    idempotencyKey: string;
    paymentIntent: string;
    paymentMethod: string;
    offSession: boolean;
    returnUrl?: string;
  }): Promise<ChargeResult>;
  /** Returns null for a payment that is paid, under way or canceled. */
  retrieveConfirmation(paymentIntent: string): Promise<Confirmation | null>;
  /** Returns the current state of a payment that can no longer be canceled: it may have succeeded. */
  cancelCharge(request: { idempotencyKey: string; paymentIntent: string }): Promise<Payment>;
  retrievePayment(paymentIntent: string): Promise<Payment>;
  /** Every refund and dispute of a payment, in their current states. */
  retrieveReversals(
    paymentIntent: string,
  ): Promise<{ refunds: RefundAtStripe[]; disputes: DisputeAtStripe[] }>;
  /**
   * Refunds this amount, or what remains. Returns the existing refund of a payment that is already refunded. A refund that
   * Stripe accepts may be pending, and may have failed at once.
   */
  refund(request: {
    paymentIntent: string;
    idempotencyKey: string;
    reason: string;
    amount?: number;
  }): Promise<RefundAtStripe>;
  /** Events of these types since then, the oldest first, from Stripe's list of the last 30 days. */
  listEvents(types: readonly string[], since: Date): Promise<VerifiedStripeEvent[]>;
  /** Verifies the raw bytes against each configured secret. Throws BadSignatureError. */
  verifyWebhook(rawBody: Buffer, signature: string | undefined, now: Date): VerifiedStripeEvent;
  healthy(): Promise<boolean>;
}
