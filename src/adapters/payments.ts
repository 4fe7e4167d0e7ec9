/** Money is integer minor units and a lower-case ISO currency everywhere. */
export type CheckoutRequest = {
  /** Effect key; becomes Stripe's Idempotency-Key. */
  idempotencyKey: string;
  amount: number;
  currency: string;
  /** What the buyer reads on the payment page; public text only. */
  description: string;
  expiresAt: Date;
  successUrl: string;
  cancelUrl: string;
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

/** A signed Stripe event, reduced to what ingress needs; `object` is parsed further by whoever uses it. */
export type VerifiedStripeEvent = {
  id: string;
  type: string;
  livemode: boolean;
  account: string | null;
  created: Date;
  object: Record<string, unknown>;
};

/** Signature wrong, missing, or older than 300 s: answer 400 and store nothing. */
export class BadSignatureError extends Error {}

/**
 * Every writing call is keyed, so repeating it with the same key is safe for 24 hours: outcomes are TransientError
 * (repeat) or PermanentError, never unknown.
 */
export interface PaymentGateway {
  createCheckout(request: CheckoutRequest): Promise<CheckoutSession>;
  retrieveCheckout(id: string): Promise<CheckoutSession>;
  /** Closes an open session. Already complete or expired is no error: the session's present state is returned. */
  expireCheckout(id: string, idempotencyKey: string): Promise<CheckoutSession>;
  retrievePayment(paymentIntent: string): Promise<Payment>;
  /** Refunds in full what is left. Already refunded is no error. */
  refund(request: { paymentIntent: string; idempotencyKey: string; reason: string }): Promise<RefundResult>;
  /** Verifies over the raw bytes against each configured secret. Throws BadSignatureError. */
  verifyWebhook(rawBody: Buffer, signature: string | undefined, now: Date): VerifiedStripeEvent;
  healthy(): Promise<boolean>;
}
