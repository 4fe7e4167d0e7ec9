import { type CrmConfigs, crmConfigs } from './config/crm.ts';
import {
  environment,
  parseEncryptionKeys,
  parseQuotas,
  type RegistrationMode,
} from './config/environment.ts';
import { liveKeyProblems, productionProblems } from './config/production.ts';
import { readRedisUrl, redisNodes } from './config/redis-url.ts';
import { developmentKey, developmentSessionSecret } from './config/repository-keys.ts';
import { readWebhookKeys } from './config/secrets.ts';
import { databaseUrlFindings } from './config/servers.ts';
import { defaultRetention, defaultTimings, type Retention, type Timings } from './config/timings.ts';
import {
  type GoogleConfig,
  type SendgridConfig,
  type StripeConfig,
  type TextmagicConfig,
  type TwilioConfig,
  vendorConfigs,
} from './config/vendors.ts';

export type { CrmName } from './config/crm.ts';
export { type DatabaseServer, readDatabaseUrl, withDatabase } from './config/database-url.ts';
export { type GhlConfig, ghlLimits } from './config/ghl.ts';
export { readRedisUrl, redisNodes } from './config/redis-url.ts';
export { defaultRetention, defaultTimings, type Retention, type Timings } from './config/timings.ts';
export type { SendgridConfig, StripeConfig, TextmagicConfig, TwilioConfig } from './config/vendors.ts';

/**
 * The only reader of process.env. Every variable is documented in .env.example. An unset vendor is simulated by the
 * sandbox, which production refuses.
 */

/** For composition roots that change some variables before they are parsed. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

export type Config = Readonly<{
  production: boolean;
  http: {
    port: number;
    host: string;
    /** Open connections of a process, in all and from one address. */
    connections: { most: number; mostEach: number };
  };
  sandboxPort: number;
  /** Null for the embedded Postgres. */
  databaseUrl: string | null;
  databaseReplicaUrl: string | null;
  databaseDirectUrl: string | null;
  /** One server, or nodes of a cluster (see redisNodes). Null for BullMQ's PostgreSQL backend on the same database. */
  redisUrl: string | null;
  /** Base of the links in texts and of the URLs that vendors sign, without a trailing slash. */
  publicUrl: string;
  stripe: StripeConfig;
  twilio: TwilioConfig;
  textmagic: TextmagicConfig;
  sendgrid: SendgridConfig;
  crm: CrmConfigs;
  smsProvider: 'twilio' | 'textmagic';
  /** Names of the vendors that the sandbox simulates. */
  sandboxed: readonly string[];
  sandboxUrl: string | null;
  /** In cents. */
  wallet: { mostPerDayMinor: number; mostBalanceMinor: number };
  stripeServiceApiKey: string | null;
  /** The slug of the organization that the holder of this key acts for. Null for the only one with providers. */
  stripeServiceOrganization: string | null;
  workerCount: number;
  alertEmail: string | null;
  /** Newest first: the first encrypts, all decrypt. Each encrypted value is prefixed with its key's id. */
  encryptionKeys: readonly { id: string; key: Buffer }[];
  sessionSecret: string;
  /** Who may register. */
  registration: RegistrationMode;
  /** Null when signing in with Google is switched off. */
  google: GoogleConfig | null;
  maxCsvBytes: number;
  /** How long the answer to a supplier's lead waits for the decision who buys it. */
  ingestWaitMs: number;
  /** Limits that replace those of the table of quotas, by name. */
  quotas: Readonly<Record<string, number>>;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  timings: Timings;
  retention: Retention;
  /** Parts of the environment that are not used, as sentences for the log. */
  notes: readonly string[];
}>;

/** Lists every problem of the environment at once, each with its fix. */
export class ConfigError extends Error {
  readonly problems: string[];
  constructor(problems: string[]) {
    super(`leadgate cannot start:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Parses the environment into a frozen Config. `overrides` are values that composition roots determine at runtime (the
 * URL of the embedded database, the sandbox's keys). Throws ConfigError with every problem.
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
  const webhookKeys = readWebhookKeys(e);
  problems.push(...webhookKeys.problems);
  const readable = { ...e, ...webhookKeys.keys };
  const vendors = {
    ...vendorConfigs(readable, sandboxUrl, overrides.sandboxSendgridKey ?? ''),
    crm: crmConfigs(readable, production ? null : sandboxUrl, { ghl: overrides.sandboxGhlKey ?? '' }),
  };
  const encryptionKeys = parseEncryptionKeys(e.ENCRYPTION_KEYS, problems);
  const quotas = parseQuotas(e.QUOTAS, problems);
  const publicUrl = publicUrlOf(
    overrides.publicUrl ?? e.PUBLIC_URL ?? e.DOMAIN ?? `http://127.0.0.1:${e.PORT}`,
    problems,
  );
  const queue = (e.REDIS_URL ? redisNodes(e.REDIS_URL) : []).map(readRedisUrl);
  problems.push(...queue.flatMap((read) => (read.ok ? [] : [read.problem])));
  const databases = databaseUrlFindings({
    ...e,
    DATABASE_URL: overrides.databaseUrl ?? e.DATABASE_URL,
    DATABASE_REPLICA_URL: overrides.databaseReplicaUrl ?? e.DATABASE_REPLICA_URL,
    DATABASE_DIRECT_URL: overrides.databaseDirectUrl ?? e.DATABASE_DIRECT_URL,
  });
  problems.push(...databases.problems);
  problems.push(
    ...(production
      ? productionProblems(e, { sandboxed: vendors.sandboxed, publicUrl, encryptionKeys })
      : liveKeyProblems(e)),
  );
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);

  const { sandboxSendgridKey: _sendgrid, sandboxGhlKey: _ghl, ...direct } = overrides;
  return Object.freeze({
    production,
    http: {
      port: e.PORT,
      host: e.HOST,
      connections: { most: e.MAX_CONNECTIONS, mostEach: e.MAX_CONNECTIONS_PER_ADDRESS },
    },
    sandboxPort: e.SANDBOX_PORT,
    databaseUrl: e.DATABASE_URL ?? null,
    databaseReplicaUrl: e.DATABASE_REPLICA_URL ?? null,
    databaseDirectUrl: e.DATABASE_DIRECT_URL ?? null,
    redisUrl: e.REDIS_URL ?? null,
    smsProvider: e.SMS_PROVIDER,
    ...vendors,
    sandboxUrl,
    wallet: {
      mostPerDayMinor: e.WALLET_MOST_PER_DAY * 100,
      mostBalanceMinor: e.WALLET_MOST_BALANCE * 100,
    },
    stripeServiceApiKey: e.STRIPE_SERVICE_API_KEY ?? null,
    stripeServiceOrganization: e.STRIPE_SERVICE_ORGANIZATION ?? null,
    workerCount: e.WORKER_COUNT,
    alertEmail: e.ALERT_EMAIL ?? (production ? null : 'operator@leadgate.example'),
    encryptionKeys: encryptionKeys.length > 0 ? encryptionKeys : [developmentKey],
    sessionSecret: e.SESSION_SECRET ?? developmentSessionSecret,
    registration: e.REGISTRATION,
    maxCsvBytes: Math.round(e.MAX_CSV_SIZE_MB * 1024 * 1024),
    ingestWaitMs: e.INGEST_WAIT_MS,
    quotas,
    logLevel: e.LOG_LEVEL,
    timings: defaultTimings,
    retention: {
      ...defaultRetention,
      eventsMonths: e.RETENTION_EVENTS_MONTHS,
      messagesMonths: e.RETENTION_MESSAGES_MONTHS,
      inboxDays: e.RETENTION_INBOX_DAYS,
      attemptsDays: e.RETENTION_ATTEMPTS_DAYS,
      rejectsDays: e.RETENTION_REJECTS_DAYS,
      auditDays: e.RETENTION_AUDIT_DAYS,
      invitationsDays: e.RETENTION_INVITATIONS_DAYS,
    },
    notes: [...databases.notes, ...new Set(queue.flatMap((read) => (read.ok ? read.notes : [])))],
    ...direct,
    publicUrl,
  });
}

/** Removes slashes at the end; adds a sentence to `problems` unless the rest is scheme, host and port alone. */
function publicUrlOf(given: string, problems: string[]): string {
  const plain = given.trim().replace(/\/+$/, '');
  // Paths of webhooks, sessions and pay links begin at the root: behind a path they would lead elsewhere.
  if (!/^https?:\/\/[^\s/?#@\\]+$/i.test(plain) || !URL.canParse(plain))
    problems.push(
      'PUBLIC_URL must be an http(s) address without a path, query or password, such as https://leads.example.com',
    );
  return plain;
}

/** Summary of the configuration for the boot log, with secrets as booleans. */
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
