import { randomBytes } from 'node:crypto';

export const apiVersion = '2026-10-28.endive';

export type Metadata = Record<string, string>;

export type LineItem = {
  id: string;
  object: 'item';
  amount_discount: number;
  amount_subtotal: number;
  amount_tax: number;
  amount_total: number;
  currency: string;
  description: string;
  price: Record<string, unknown>;
  quantity: number;
};

export type Session = {
  id: string;
  object: 'checkout.session';
  mode: 'payment' | 'setup';
  /** Null in mode=setup, which charges nothing. */
  amount_subtotal: number | null;
  amount_total: number | null;
  /** Null in mode=setup unless it was given. */
  currency: string | null;
  status: 'open' | 'complete' | 'expired';
  payment_status: 'paid' | 'unpaid' | 'no_payment_required';
  payment_intent: string | null;
  setup_intent: string | null;
  customer: string | null;
  livemode: boolean;
  metadata: Metadata;
  created: number;
  expires_at: number;
  success_url: string;
  cancel_url: string | null;
  url: string | null;
  allowed_payment_method_types: string[] | null;
  customer_email: string | null;
  customer_details: {
    email: string | null;
    name: string | null;
    phone: null;
    address: null;
    tax_exempt: string;
    tax_ids: null[];
  } | null;
  [other: string]: unknown;
};

export type PaymentIntent = {
  id: string;
  object: 'payment_intent';
  amount: number;
  amount_received: number;
  currency: string;
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'succeeded'
    | 'canceled';
  customer: string | null;
  payment_method: string | null;
  client_secret: string;
  description: string | null;
  setup_future_usage: 'off_session' | 'on_session' | null;
  next_action: Record<string, unknown> | null;
  latest_charge: string | null;
  last_payment_error: Record<string, unknown> | null;
  metadata: Metadata;
  livemode: boolean;
  created: number;
  [other: string]: unknown;
};

export type Charge = {
  id: string;
  object: 'charge';
  amount: number;
  amount_captured: number;
  amount_refunded: number;
  refunded: boolean;
  disputed: boolean;
  currency: string;
  paid: boolean;
  status: 'succeeded' | 'failed' | 'pending';
  payment_intent: string;
  balance_transaction: string | null;
  metadata: Metadata;
  livemode: boolean;
  created: number;
  [other: string]: unknown;
};

export type Customer = {
  id: string;
  object: 'customer';
  email: string | null;
  name: string | null;
  invoice_settings: { default_payment_method: string | null; [other: string]: unknown };
  metadata: Metadata;
  livemode: boolean;
  created: number;
  [other: string]: unknown;
};

export type PaymentMethod = {
  id: string;
  object: 'payment_method';
  type: 'card';
  customer: string | null;
  allow_redisplay: 'always' | 'limited' | 'unspecified';
  card: { brand: string; exp_month: number; exp_year: number; last4: string; [other: string]: unknown };
  billing_details: Record<string, unknown>;
  metadata: Metadata;
  livemode: boolean;
  created: number;
  [other: string]: unknown;
};

export type SetupIntent = {
  id: string;
  object: 'setup_intent';
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'succeeded'
    | 'canceled';
  usage: 'off_session' | 'on_session';
  customer: string | null;
  payment_method: string | null;
  client_secret: string;
  next_action: Record<string, unknown> | null;
  last_setup_error: Record<string, unknown> | null;
  metadata: Metadata;
  livemode: boolean;
  created: number;
  [other: string]: unknown;
};

export const refundStatuses = ['pending', 'requires_action', 'succeeded', 'failed', 'canceled'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

/** How a bank takes a refund. `failure`: Stripe's word for why it failed. `later`: what becomes of it after a moment. */
export type RefundOutcome = { status: RefundStatus; failure?: string; later?: RefundStatus };

export type Refund = {
  id: string;
  object: 'refund';
  amount: number;
  currency: string;
  charge: string;
  payment_intent: string;
  reason: string | null;
  status: RefundStatus;
  metadata: Metadata;
  created: number;
  [other: string]: unknown;
};

/** `warning_…`: an inquiry, for which no money is withdrawn. */
export const disputeStatuses = [
  'warning_needs_response',
  'warning_under_review',
  'warning_closed',
  'needs_response',
  'under_review',
  'won',
  'lost',
] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

/** A movement of the balance. */
export type BalanceTransaction = {
  id: string;
  object: 'balance_transaction';
  amount: number;
  fee: number;
  net: number;
  currency: string;
  reporting_category: string;
  source: string;
  type: string;
  created: number;
  [other: string]: unknown;
};

export type Dispute = {
  id: string;
  object: 'dispute';
  amount: number;
  currency: string;
  charge: string;
  payment_intent: string;
  status: DisputeStatus;
  balance_transactions: BalanceTransaction[];
  reason: string;
  livemode: boolean;
  created: number;
  metadata: Metadata;
  [other: string]: unknown;
};

export type StripeEvent = {
  id: string;
  object: 'event';
  api_version: string;
  created: number;
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
  livemode: boolean;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
  type: string;
};

/** A secret that lets a browser finish an intent. */
export function newSecret(id: string): string {
  return `${id}_secret_${randomBytes(12).toString('hex')}`;
}

export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString('hex')}`;
}

export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}

/** Fields that every session has and the sandbox never sets. */
export const quietSessionFields = {
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allow_promotion_codes: null,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  billing_address_collection: null,
  client_reference_id: null,
  client_secret: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: {
    after_submit: null,
    shipping_address: null,
    submit: null,
    terms_of_service_acceptance: null,
  },
  customer: null,
  customer_account: null,
  customer_creation: 'if_required',
  discounts: [],
  integration_identifier: null,
  invoice: null,
  invoice_creation: null,
  locale: null,
  managed_payments: null,
  origin_context: null,
  payment_link: null,
  payment_method_collection: 'if_required',
  payment_method_configuration_details: null,
  payment_method_options: {},
  payment_method_types: ['card'],
  permissions: null,
  phone_number_collection: { enabled: false },
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  submit_type: null,
  subscription: null,
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  wallet_options: null,
};
