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

export type RefundResult = { id: string; amount: number; currency: string; status: string };

/** A verified Stripe event with the fields the ingress needs; `object` is parsed by the caller. */
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
  /** Refunds the remaining amount. Returns the existing refund of a payment that is already refunded. */
  refund(request: { paymentIntent: string; idempotencyKey: string; reason: string }): Promise<RefundResult>;
  /** Verifies the raw bytes against each configured secret. Throws BadSignatureError. */
  verifyWebhook(rawBody: Buffer, signature: string | undefined, now: Date): VerifiedStripeEvent;
  healthy(): Promise<boolean>;
}
