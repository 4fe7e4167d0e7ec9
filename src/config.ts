import { z } from 'zod';
import { type GhlConfig, ghlConfig, ghlVariables } from './config/ghl.ts';

export { type GhlConfig, ghlLimits } from './config/ghl.ts';

/**
 * The only reader of process.env. Every variable is documented in .env.example; an unset vendor means the sandbox
 * plays that vendor, which production refuses.
 */

const text = z.string().trim().min(1).optional();
const port = z.coerce.number().int().min(0).max(65535);

const environment = z.object({
  NODE_ENV: text,
  PORT: port.default(3000),
  HOST: z.string().default('127.0.0.1'),
  SANDBOX_PORT: port.default(3001),
  DATABASE_URL: text,
  DATABASE_REPLICA_URL: text,
  DATABASE_DIRECT_URL: text,
  REDIS_URL: text,
  PUBLIC_URL: text,
  DOMAIN: text,
  STRIPE_SECRET_KEY: text,
  STRIPE_SECRET: text,
  STRIPE_WEBHOOK_SECRET: text,
  TWILIO_ACCOUNT_SID: text,
  TWILIO_AUTH_TOKEN: text,
  TWILIO_PHONE_NUMBER: text,
  TEXTMAGIC_USERNAME: text,
  TEXTMAGIC_API_KEY: text,
  TEXTMAGIC_FROM_NUMBER: text,
  TEXTMAGIC_WEBHOOK_TOKEN: text,
  SENDGRID_API_KEY: text,
  SENDGRID_FROM_EMAIL: text,
  SENDGRID_WEBHOOK_PUBLIC_KEY: text,
  ...ghlVariables,
  SMS_PROVIDER: z.enum(['twilio', 'textmagic']).default('twilio'),
  SANDBOX_URL: text,
  STRIPE_SERVICE_API_KEY: text,
  WORKER_COUNT: z.coerce.number().int().min(1).max(64).default(1),
  ALERT_EMAIL: text,
  ENCRYPTION_KEYS: text,
  SESSION_SECRET: text,
  GOOGLE_CLIENT_ID: text,
  GOOGLE_CLIENT_SECRET: text,
  RETENTION_EVENTS_MONTHS: z.coerce.number().int().min(2).max(1200).default(25),
  RETENTION_MESSAGES_MONTHS: z.coerce.number().int().min(2).max(1200).default(13),
  RETENTION_INBOX_DAYS: z.coerce.number().int().min(35).max(36500).default(180),
  RETENTION_ATTEMPTS_DAYS: z.coerce.number().int().min(7).max(36500).default(90),
  RETENTION_REJECTS_DAYS: z.coerce.number().int().min(1).max(36500).default(90),
  MAX_CSV_SIZE_MB: z.coerce.number().positive().default(10),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

type Environment = z.infer<typeof environment>;

/** For composition roots that change a part of it before it is parsed. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

/** Durations in milliseconds. Product constants, not environment: tests and the demo pass their own. */
export type Timings = {
  /** First visit of the sweeper to a published outbox row. */
  outboxVisibilityMs: number;
  sweepEveryMs: number;
  /** Age of an open checkout session before Stripe is asked what became of it. */
  reconcileAfterMs: number;
  reconcileEveryMs: number;
  /** Two vendor listings this far apart must lack a message before it is posted again. */
  listingGapMs: number;
  /** How long an unknown outcome waits for the vendor's status callback before listing. */
  callbackGraceMs: number;
  /** A reveal without a failure for this long counts as delivered. */
  assumeDeliveredMs: number;
  /** A company's CRM out of order for this long is told to an operator. */
  unwellAfterMs: number;
  backoffMs: number[];
};

export const defaultTimings: Timings = Object.freeze({
  outboxVisibilityMs: 10_000,
  sweepEveryMs: 1_000,
  reconcileAfterMs: 120_000,
  reconcileEveryMs: 120_000,
  listingGapMs: 60_000,
  callbackGraceMs: 15_000,
  assumeDeliveredMs: 3_600_000,
  unwellAfterMs: 300_000,
  backoffMs: [10_000, 20_000, 40_000, 60_000],
});

/** How long rows are kept that are not business records; db/transport/retention.ts deletes them. */
export type Retention = {
  /** Whole months after the month they were written in. */
  eventsMonths: number;
  messagesMonths: number;
  /** Longer than any vendor repeats itself (Stripe: 30 days), so that a repetition is still known as one. */
  inboxDays: number;
  attemptsDays: number;
  /** Rows of files that were not taken, from the end of their import on. */
  rejectsDays: number;
  /** How long a repeated Idempotency-Key gets its first answer. No variable: clients rely on it. */
  idempotencyDays: number;
};

export const defaultRetention: Retention = Object.freeze({
  eventsMonths: 25,
  messagesMonths: 13,
  inboxDays: 180,
  rejectsDays: 90,
  attemptsDays: 90,
  idempotencyDays: 7,
});

export type StripeConfig = { secretKey: string; webhookSecrets: string[]; baseUrl: string | null };
export type TwilioConfig = {
  accountSid: string;
  authToken: string;
  phoneNumber: string;
  baseUrl: string | null;
};
export type TextmagicConfig = {
  username: string;
  apiKey: string;
  fromNumber: string;
  webhookToken: string;
  baseUrl: string | null;
};
export type SendgridConfig = {
  apiKey: string;
  fromEmail: string;
  webhookPublicKey: string;
  baseUrl: string | null;
};

export type Config = Readonly<{
  production: boolean;
  http: { port: number; host: string };
  sandboxPort: number;
  /** Null: embedded Postgres. */
  databaseUrl: string | null;
  databaseReplicaUrl: string | null;
  databaseDirectUrl: string | null;
  /** One server, or some nodes of a cluster (see redisNodes). Null: BullMQ's PostgreSQL backend on the same database. */
  redisUrl: string | null;
  /** Base of every link we text and of every URL a vendor signs, without a trailing slash. */
  publicUrl: string;
  stripe: StripeConfig;
  twilio: TwilioConfig;
  textmagic: TextmagicConfig;
  sendgrid: SendgridConfig;
  ghl: GhlConfig;
  smsProvider: 'twilio' | 'textmagic';
  /** Names of the vendors played by the sandbox. */
  sandboxed: readonly string[];
  sandboxUrl: string | null;
  stripeServiceApiKey: string | null;
  workerCount: number;
  alertEmail: string | null;
  /** Newest first: the first encrypts, all decrypt. Ids are stored in front of each value. */
  encryptionKeys: readonly { id: string; key: Buffer }[];
  sessionSecret: string;
  google: { clientId: string; clientSecret: string } | null;
  maxCsvBytes: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  timings: Timings;
  retention: Retention;
}>;

/** Every problem at once, each with its fix. */
export class ConfigError extends Error {
  readonly problems: string[];
  constructor(problems: string[]) {
    super(`leadgate cannot start:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Public constants of the vendor simulator; worthless outside it. */
const sandboxKeys = {
  stripe: 'sk_test_sandbox',
  stripeWebhook: 'whsec_sandbox_leadgate',
  twilioSid: `AC${'0'.repeat(31)}1`,
  twilioToken: 'sandbox-twilio-token',
  twilioNumber: '+15005550006',
  textmagicUser: 'sandbox',
  textmagicKey: 'sandbox-textmagic-key',
  textmagicNumber: '+15005550007',
  textmagicToken: 'sandbox-textmagic-webhook-token-0000',
  sendgrid: 'SG.sandbox.leadgate',
  sendgridFrom: 'leads@leadgate.example',
};

const developmentKey = { id: 'dev', key: Buffer.alloc(32, 'leadgate-development-only-key!!!') };

/**
 * Parses the environment into a frozen Config. `overrides` come from composition roots that know more than the
 * environment does (the embedded database's URL, the sandbox's key). Throws ConfigError naming every problem.
 */
export function loadConfig(
  env: NodeJS.ProcessEnv = process.env,
  overrides: Partial<Config> & { sandboxSendgridKey?: string; sandboxGhlKey?: string } = {},
): Config {
  const blanksUnset = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''));
  const parsed = environment.safeParse(blanksUnset);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}. Correct or unset it.`),
    );
  }
  const e = parsed.data;
  const problems: string[] = [];
  const production = e.NODE_ENV === 'production';
  const sandboxUrl = overrides.sandboxUrl ?? e.SANDBOX_URL ?? null;
  const vendors = {
    ...vendorConfigs(e, sandboxUrl, overrides.sandboxSendgridKey ?? ''),
    ghl: ghlConfig(e, production ? null : sandboxUrl, overrides.sandboxGhlKey ?? ''),
  };
  const encryptionKeys = parseEncryptionKeys(e.ENCRYPTION_KEYS, problems);
  const publicUrl = (overrides.publicUrl ?? e.PUBLIC_URL ?? e.DOMAIN ?? `http://127.0.0.1:${e.PORT}`).replace(
    /\/+$/,
    '',
  );
  if (!/^https?:\/\/[^\s/]+/.test(publicUrl))
    problems.push('PUBLIC_URL must be an http(s) URL, such as https://leads.example.com');
  if (e.REDIS_URL && !redisNodes(e.REDIS_URL).every(isRedisUrl))
    problems.push(
      'REDIS_URL must be a redis:// or rediss:// URL, or such URLs of the nodes of one cluster, separated by commas.',
    );
  if (production) problems.push(...productionProblems(e, vendors.sandboxed, publicUrl));
  if (problems.length > 0) throw new ConfigError(problems);

  const { sandboxSendgridKey: _sendgrid, sandboxGhlKey: _ghl, ...direct } = overrides;
  return Object.freeze({
    production,
    http: { port: e.PORT, host: e.HOST },
    sandboxPort: e.SANDBOX_PORT,
    databaseUrl: e.DATABASE_URL ?? null,
    databaseReplicaUrl: e.DATABASE_REPLICA_URL ?? null,
    databaseDirectUrl: e.DATABASE_DIRECT_URL ?? null,
    redisUrl: e.REDIS_URL ?? null,
    smsProvider: e.SMS_PROVIDER,
    ...vendors,
    sandboxUrl,
    stripeServiceApiKey: e.STRIPE_SERVICE_API_KEY ?? null,
    workerCount: e.WORKER_COUNT,
    alertEmail: e.ALERT_EMAIL ?? (production ? null : 'operator@leadgate.example'),
    encryptionKeys: encryptionKeys.length > 0 ? encryptionKeys : [developmentKey],
    sessionSecret: e.SESSION_SECRET ?? 'leadgate-development-session-secret-0000',
    google:
      e.GOOGLE_CLIENT_ID && e.GOOGLE_CLIENT_SECRET
        ? { clientId: e.GOOGLE_CLIENT_ID, clientSecret: e.GOOGLE_CLIENT_SECRET }
        : null,
    maxCsvBytes: Math.round(e.MAX_CSV_SIZE_MB * 1024 * 1024),
    logLevel: e.LOG_LEVEL,
    timings: defaultTimings,
    retention: {
      ...defaultRetention,
      eventsMonths: e.RETENTION_EVENTS_MONTHS,
      messagesMonths: e.RETENTION_MESSAGES_MONTHS,
      inboxDays: e.RETENTION_INBOX_DAYS,
      attemptsDays: e.RETENTION_ATTEMPTS_DAYS,
      rejectsDays: e.RETENTION_REJECTS_DAYS,
    },
    ...direct,
    publicUrl,
  });
}

/** The nodes REDIS_URL names. A comma that no URL follows belongs to a password. */
export const redisNodes = (list: string): string[] => list.split(/\s*,\s*(?=rediss?:\/\/)/);

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return /^rediss?:$/.test(protocol) && /^[^,]+$/.test(hostname);
}

function vendorConfigs(e: Environment, sandboxUrl: string | null, sandboxSendgridKey: string) {
  const stripeKey = e.STRIPE_SECRET_KEY ?? e.STRIPE_SECRET;
  const sandboxed: string[] = [];
  const simulate = (name: string, real: boolean) => {
    if (!real) sandboxed.push(name);
    return real ? null : sandboxUrl;
  };
  const stripe: StripeConfig = {
    secretKey: stripeKey ?? sandboxKeys.stripe,
    webhookSecrets: (e.STRIPE_WEBHOOK_SECRET ?? (stripeKey ? '' : sandboxKeys.stripeWebhook))
      .split(',')
      .map((s) => s.trim())
      .filter(Boolean),
    baseUrl: simulate('stripe', stripeKey !== undefined),
  };
  const twilio: TwilioConfig = {
    accountSid: e.TWILIO_ACCOUNT_SID ?? sandboxKeys.twilioSid,
    // A public constant must never verify the webhooks of a real account.
    authToken: e.TWILIO_AUTH_TOKEN ?? (e.TWILIO_ACCOUNT_SID ? '' : sandboxKeys.twilioToken),
    phoneNumber: e.TWILIO_PHONE_NUMBER ?? sandboxKeys.twilioNumber,
    baseUrl: null,
  };
  const textmagic: TextmagicConfig = {
    username: e.TEXTMAGIC_USERNAME ?? sandboxKeys.textmagicUser,
    apiKey: e.TEXTMAGIC_API_KEY ?? sandboxKeys.textmagicKey,
    fromNumber: e.TEXTMAGIC_FROM_NUMBER ?? sandboxKeys.textmagicNumber,
    webhookToken: e.TEXTMAGIC_WEBHOOK_TOKEN ?? (e.TEXTMAGIC_API_KEY ? '' : sandboxKeys.textmagicToken),
    baseUrl: null,
  };
  if (e.SMS_PROVIDER === 'twilio') twilio.baseUrl = simulate('twilio', e.TWILIO_ACCOUNT_SID !== undefined);
  else textmagic.baseUrl = simulate('textmagic', e.TEXTMAGIC_API_KEY !== undefined);
  const sendgrid: SendgridConfig = {
    apiKey: e.SENDGRID_API_KEY ?? sandboxKeys.sendgrid,
    fromEmail: e.SENDGRID_FROM_EMAIL ?? sandboxKeys.sendgridFrom,
    webhookPublicKey: e.SENDGRID_WEBHOOK_PUBLIC_KEY ?? (e.SENDGRID_API_KEY ? '' : sandboxSendgridKey),
    baseUrl: simulate('sendgrid', e.SENDGRID_API_KEY !== undefined),
  };
  return { stripe, twilio, textmagic, sendgrid, sandboxed };
}

function parseEncryptionKeys(list: string | undefined, problems: string[]): { id: string; key: Buffer }[] {
  if (!list) return [];
  return list.split(',').map((entry) => {
    const [id = '', encoded = ''] = entry.trim().split(':');
    const key = Buffer.from(encoded, 'base64');
    if (!/^[a-z0-9]{1,16}$/i.test(id) || key.length !== 32) {
      problems.push(
        'ENCRYPTION_KEYS must be "id:base64" pairs of 32 bytes, newest first. Make one with: node -p "\'k1:\'+crypto.randomBytes(32).toString(\'base64\')"',
      );
    }
    return { id, key };
  });
}

function productionProblems(e: Environment, sandboxed: readonly string[], publicUrl: string): string[] {
  const problems: string[] = [];
  const need = (ok: boolean, fix: string) => {
    if (!ok) problems.push(fix);
  };
  need(
    e.DATABASE_URL !== undefined,
    'DATABASE_URL is missing: production does not run on the embedded database.',
  );
  need(
    e.ENCRYPTION_KEYS !== undefined,
    'ENCRYPTION_KEYS is missing: contact fields must be encrypted with your own key.',
  );
  need((e.SESSION_SECRET?.length ?? 0) >= 32, 'SESSION_SECRET is missing or shorter than 32 characters.');
  need(publicUrl.startsWith('https://'), 'PUBLIC_URL must be your https:// address.');
  need(e.ALERT_EMAIL !== undefined, 'ALERT_EMAIL is missing: parked work must reach somebody.');
  need(e.SANDBOX_URL === undefined, 'SANDBOX_URL is set: production talks to real vendors only. Unset it.');
  const variables: Record<string, string> = {
    stripe: 'STRIPE_SECRET_KEY',
    twilio: 'TWILIO_ACCOUNT_SID',
    textmagic: 'TEXTMAGIC_API_KEY',
    sendgrid: 'SENDGRID_API_KEY',
  };
  for (const vendor of sandboxed)
    problems.push(`${variables[vendor]} is missing: ${vendor} would be the sandbox.`);
  need(
    e.STRIPE_WEBHOOK_SECRET !== undefined,
    'STRIPE_WEBHOOK_SECRET is missing: payments could not be told from forgeries.',
  );
  if (e.SMS_PROVIDER === 'twilio') {
    need(e.TWILIO_AUTH_TOKEN !== undefined, 'TWILIO_AUTH_TOKEN is missing.');
    need(e.TWILIO_PHONE_NUMBER !== undefined, 'TWILIO_PHONE_NUMBER is missing.');
  } else {
    need(e.TEXTMAGIC_USERNAME !== undefined, 'TEXTMAGIC_USERNAME is missing.');
    need(e.TEXTMAGIC_FROM_NUMBER !== undefined, 'TEXTMAGIC_FROM_NUMBER is missing.');
    need(
      (e.TEXTMAGIC_WEBHOOK_TOKEN?.length ?? 0) >= 22,
      'TEXTMAGIC_WEBHOOK_TOKEN is missing or shorter than 22 characters.',
    );
  }
  need(e.SENDGRID_FROM_EMAIL !== undefined, 'SENDGRID_FROM_EMAIL is missing.');
  need(e.SENDGRID_WEBHOOK_PUBLIC_KEY !== undefined, 'SENDGRID_WEBHOOK_PUBLIC_KEY is missing.');
  return problems;
}

/** What is configured, secrets as booleans only: one line at boot. */
export function describeConfig(config: Config): Record<string, unknown> {
  return {
    production: config.production,
    publicUrl: config.publicUrl,
    database: config.databaseUrl ? 'given' : 'embedded',
    replica: config.databaseReplicaUrl !== null,
    queue: config.redisUrl ? 'redis' : 'postgres',
    sms: config.smsProvider,
    sandboxed: config.sandboxed,
    alertEmail: config.alertEmail !== null,
    encryptionKeys: config.encryptionKeys.map((k) => k.id),
    google: config.google !== null,
  };
}
