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
  /** `kind`, `unlock_id`, `lead_id`: copied to the session and to its payment intent. */
  metadata: Record<string, string>;
};

export type CheckoutSession = {
  id: string;
  url: string | null;
  status: 'open' | 'complete' | 'expired';
  paymentStatus: 'paid' | 'unpaid' | 'no_payment_required';
  amount: number | null;
  currency: string | null;
  livemode: boolean;
  paymentIntent: string | null;
  metadata: Record<string, string>;
  expiresAt: Date;
};

export type Payment = {
  paymentIntent: string;
  amountReceived: number;
  amountRefunded: number;
  currency: string;
  livemode: boolean;
  disputed: boolean;
  metadata: Record<string, string>;
};

/** As Stripe reports them. `status` of a refund: pending, requires_action, succeeded, failed or canceled. */
export type RefundAtStripe = {
  id: string;
  amount: number;
  currency: string;
  status: 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';
  /** Stripe's word for why it failed. Null unless it did. */
  failure: string | null;
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
