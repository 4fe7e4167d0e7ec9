import { z } from 'zod';
import { crmVariables } from './crm.ts';

const text = z.string().trim().min(1).optional();
const port = z.coerce.number().int().min(0).max(65535);

/** Who may register: anyone, buyers with a seller's invite code alone, or no person. */
export const registrationModes = ['open', 'invite', 'closed'] as const;
export type RegistrationMode = (typeof registrationModes)[number];

/** Every variable, documented in .env.example. Unset and blank variables get the default shown here. */
export const environment = z.object({
  NODE_ENV: z.enum(['production', 'development', 'test']).optional(),
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
  ...crmVariables,
  SMS_PROVIDER: z.enum(['twilio', 'textmagic']).default('twilio'),
  SANDBOX_URL: text,
  STRIPE_SERVICE_API_KEY: text,
  STRIPE_SERVICE_ORGANIZATION: text,
  WORKER_COUNT: z.coerce.number().int().min(1).max(64).default(1),
  ALERT_EMAIL: text,
  ENCRYPTION_KEYS: text,
  SESSION_SECRET: text,
  WALLET_MOST_PER_DAY: z.coerce.number().int().min(1).max(999_999).default(2_000),
  WALLET_MOST_BALANCE: z.coerce.number().int().min(1).max(999_999).default(2_000),
  REGISTRATION: z.enum(registrationModes).default('open'),
  GOOGLE_CLIENT_ID: text,
  GOOGLE_CLIENT_SECRET: text,
  RETENTION_EVENTS_MONTHS: z.coerce.number().int().min(2).max(1200).default(25),
  RETENTION_MESSAGES_MONTHS: z.coerce.number().int().min(2).max(1200).default(13),
  RETENTION_INBOX_DAYS: z.coerce.number().int().min(35).max(36500).default(180),
  RETENTION_ATTEMPTS_DAYS: z.coerce.number().int().min(7).max(36500).default(90),
  RETENTION_REJECTS_DAYS: z.coerce.number().int().min(1).max(36500).default(90),
  RETENTION_AUDIT_DAYS: z.coerce.number().int().min(30).max(36500).default(400),
  RETENTION_INVITATIONS_DAYS: z.coerce.number().int().min(1).max(36500).default(90),
  MAX_CONNECTIONS: z.coerce.number().int().min(10).max(100_000).default(4_000),
  MAX_CONNECTIONS_PER_ADDRESS: z.coerce.number().int().min(1).max(100_000).default(1_000),
  MAX_CSV_SIZE_MB: z.coerce.number().positive().default(10),
  QUOTAS: text,
  INGEST_WAIT_MS: z.coerce.number().int().min(0).max(30_000).default(2_000),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Environment = z.infer<typeof environment>;

/** Parses QUOTAS, `name=limit` pairs. The names are compared with the table of quotas when the process starts. */
export function parseQuotas(list: string | undefined, problems: string[]): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const entry of list?.split(',') ?? []) {
    const [, name, limit] = /^\s*([a-z_]+)\s*=\s*(\d{1,12})\s*$/.exec(entry) ?? [];
    if (name === undefined)
      problems.push(`QUOTAS: "${entry.trim()}" is not name=limit, such as previews=30.`);
    else limits[name] = Number(limit);
  }
  return limits;
}

/** Parses ENCRYPTION_KEYS; adds a sentence to `problems` for each entry that is invalid. */
export function parseEncryptionKeys(
  list: string | undefined,
  problems: string[],
): { id: string; key: Buffer }[] {
  if (!list) return [];
  const keys = list.split(',').map((entry) => {
    const [id = '', encoded = '', ...rest] = entry.trim().split(':');
    const key = Buffer.from(encoded, 'base64');
    // A decoder skips what is not base64, so that a mistyped key would be another key.
    const wellFormed = /^[\w+/-]{43}=?$/.test(encoded) && rest.length === 0;
    if (!/^[a-z0-9]{1,16}$/i.test(id) || key.length !== 32 || !wellFormed) {
      problems.push(
        'ENCRYPTION_KEYS must be "id:base64" pairs of 32 bytes, newest first. Make one with: node -p "\'k1:\'+crypto.randomBytes(32).toString(\'base64\')"',
      );
    }
    return { id, key };
  });
  for (const [at, { id, key }] of keys.entries()) {
    const earlier = keys.slice(0, at);
    if (earlier.some((other) => other.id === id))
      problems.push(
        `ENCRYPTION_KEYS has two keys with the id "${id}": values are decrypted by id, so one of them could never be used. Give each an id of its own; a key that encrypted something keeps its id.`,
      );
    else if (earlier.some((other) => other.key.equals(key)))
      problems.push(`ENCRYPTION_KEYS has the key "${id}" twice, under two ids. Generate one for each.`);
  }
  return keys;
}
