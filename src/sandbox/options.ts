import { z } from 'zod';
import { type ContactEvent, contactEvents } from './ghl/events.ts';
import type { RateLimit } from './ghl/limits.ts';
import type { OwnKeywords } from './phones.ts';

const url = z.url({ protocol: /^https?$/ });

/** Settings that may change at runtime: the product knows its own port only after the sandbox has started. */
export const targetsSchema = z.strictObject({
  stripe: z
    .strictObject({
      webhookUrl: url.nullable(),
      enabledEvents: z.array(z.string()),
      minSessionSeconds: z.number(),
    })
    .partial()
    .optional(),
  twilio: z
    .strictObject({
      inboundUrl: url.nullable(),
      callbackStatuses: z.array(z.enum(['queued', 'sent', 'delivered'])),
      advancedOptOut: z
        .strictObject({ stop: z.array(z.string()), start: z.array(z.string()), help: z.array(z.string()) })
        .partial()
        .nullable(),
    })
    .partial()
    .optional(),
  textmagic: z
    .strictObject({
      inboundUrl: url.nullable(),
      deliveryUrl: url.nullable(),
      format: z.enum(['multipart', 'urlencoded', 'json']),
    })
    .partial()
    .optional(),
  sendgrid: z.strictObject({ eventsUrl: url.nullable() }).partial().optional(),
  ghl: z
    .strictObject({
      webhookUrl: url.nullable(),
      webhookEvents: z.array(z.enum(contactEvents)),
      rateLimit: z
        .strictObject({
          max: z.number().int().min(1).max(1_000_000),
          intervalMs: z.number().int().min(1).max(3_600_000),
          daily: z.number().int().min(1),
        })
        .nullable(),
      accessTokenSeconds: z.number().int().min(1),
    })
    .partial()
    .optional(),
  google: z
    .strictObject({
      /** The only redirect that is registered; null for any with the path of the callback. */
      redirectUri: url.nullable(),
      /** How long a code is valid. */
      codeSeconds: z.number().int().min(0),
    })
    .partial()
    .optional(),
  /** Delays between attempts of vendors that retry webhooks (Stripe, SendGrid, GoHighLevel on 429), one per retry. */
  retryDelaysMs: z.array(z.number().int().min(0)).max(50).optional(),
});

export type Targets = z.infer<typeof targetsSchema>;

/**
 * All options are optional. The defaults are the public constants that the product uses when a vendor's variables are
 * unset; they have no value outside the sandbox.
 */
export type SandboxOptions = {
  /** Defaults to a free port, as does 0. */
  port?: number;
  host?: string;
  /** Keeps what Stripe knows in this file, for the next start. All state is lost on exit unless given. */
  stateFile?: string;
  /** Refuses to start when true. The caller reads NODE_ENV. */
  production?: boolean;
  stripe?: {
    secretKey?: string;
    webhookSecret?: string;
    webhookUrl?: string | null;
    enabledEvents?: string[];
    /** Defaults to Stripe's 30 minutes; tests of expiry use less. */
    minSessionSeconds?: number;
  };
  twilio?: {
    accountSid?: string;
    authToken?: string;
    phoneNumber?: string;
    inboundUrl?: string | null;
    callbackStatuses?: ('queued' | 'sent' | 'delivered')[];
    /** Advanced Opt-Out with these keywords beside the default ones; null, the default, is the plain handling. */
    advancedOptOut?: OwnKeywords | null;
  };
  textmagic?: {
    username?: string;
    apiKey?: string;
    fromNumber?: string;
    inboundUrl?: string | null;
    deliveryUrl?: string | null;
    format?: 'multipart' | 'urlencoded' | 'json';
  };
  sendgrid?: {
    apiKey?: string;
    eventsUrl?: string | null;
    /** PKCS#8 PEM of a P-256 key that signs event webhooks; generated when absent. */
    signingKey?: string;
  };
  ghl?: {
    /** Valid for every location, as an agency token is; v2 only. */
    apiKey?: string;
    clientId?: string;
    clientSecret?: string;
    accessTokenSeconds?: number;
    webhookUrl?: string | null;
    webhookEvents?: ContactEvent[];
    /** PKCS#8 PEM of an Ed25519 key that signs webhooks; generated when absent. */
    signingKey?: string;
    /** Per location; null disables the limit and only counts calls. */
    rateLimit?: RateLimit | null;
    maxContacts?: number;
  };
  google?: {
    clientId?: string;
    clientSecret?: string;
    redirectUri?: string | null;
    codeSeconds?: number;
  };
  retryDelaysMs?: number[];
};

export type Settings = {
  stripe: Required<NonNullable<SandboxOptions['stripe']>>;
  twilio: Required<NonNullable<SandboxOptions['twilio']>>;
  textmagic: Required<NonNullable<SandboxOptions['textmagic']>>;
  sendgrid: { apiKey: string; eventsUrl: string | null; signingKey: string | null };
  ghl: Required<Omit<NonNullable<SandboxOptions['ghl']>, 'signingKey'>> & { signingKey: string | null };
  google: Required<NonNullable<SandboxOptions['google']>>;
  retryDelaysMs: number[];
};

/** Events that the endpoint is subscribed to by default; others are only listed by GET /v1/events. */
const subscribedEvents = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.expired',
  'payment_intent.succeeded',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
  'setup_intent.succeeded',
  'setup_intent.setup_failed',
  'setup_intent.canceled',
  'payment_method.attached',
  'payment_method.updated',
  'payment_method.automatically_updated',
  'payment_method.detached',
  'customer.deleted',
  'charge.refunded',
  'charge.refund.updated',
  'refund.updated',
  'refund.failed',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'charge.dispute.closed',
];

export function settingsFrom(options: SandboxOptions): Settings {
  return {
    stripe: {
      secretKey: 'sk_test_sandbox',
      webhookSecret: 'whsec_sandbox_leadgate',
      webhookUrl: null,
      enabledEvents: subscribedEvents,
      minSessionSeconds: 1800,
      ...defined(options.stripe),
    },
    twilio: {
      accountSid: `AC${'0'.repeat(31)}1`,
      authToken: 'sandbox-twilio-token',
      phoneNumber: '+15005550006',
      inboundUrl: null,
      callbackStatuses: ['queued', 'sent', 'delivered'],
      advancedOptOut: null,
      ...defined(options.twilio),
    },
    textmagic: {
      username: 'sandbox',
      apiKey: 'sandbox-textmagic-key',
      fromNumber: '+15005550007',
      inboundUrl: null,
      deliveryUrl: null,
      format: 'multipart',
      ...defined(options.textmagic),
    },
    sendgrid: {
      apiKey: 'SG.sandbox.leadgate',
      eventsUrl: null,
      signingKey: null,
      ...defined(options.sendgrid),
    },
    ghl: {
      apiKey: 'pit-sandbox-leadgate',
      clientId: 'sandbox-ghl-client',
      clientSecret: 'sandbox-ghl-secret',
      accessTokenSeconds: 86_399,
      webhookUrl: null,
      webhookEvents: [...contactEvents],
      signingKey: null,
      rateLimit: { max: 100, intervalMs: 10_000, daily: 200_000 },
      maxContacts: 1_200_000,
      ...defined(options.ghl),
    },
    google: {
      clientId: 'sandbox.apps.googleusercontent.com',
      clientSecret: 'GOCSPX-sandbox-leadgate',
      redirectUri: null,
      codeSeconds: 600,
      ...defined(options.google),
    },
    retryDelaysMs: options.retryDelaysMs ?? [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000],
  };
}

/** Merges in place, because the vendors share the settings object. */
export function applyTargets(settings: Settings, targets: Targets): void {
  Object.assign(settings.stripe, defined(targets.stripe));
  Object.assign(settings.twilio, defined(targets.twilio));
  Object.assign(settings.textmagic, defined(targets.textmagic));
  Object.assign(settings.sendgrid, defined(targets.sendgrid));
  Object.assign(settings.google, defined(targets.google));
  Object.assign(settings.ghl, defined(targets.ghl));
  if (targets.retryDelaysMs) settings.retryDelaysMs = targets.retryDelaysMs;
}

/** Drops `undefined` values, which would overwrite defaults. */
function defined<T extends object>(
  part: T | undefined,
): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(
    Object.entries(part ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<{
    [K in keyof T]: Exclude<T[K], undefined>;
  }>;
}
