import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { ConfigError, loadConfig } from '../../src/config.ts';

/** Environments that production accepts. Their secrets are generated, because production refuses published ones. */

export const hex = (bytes: number) => randomBytes(bytes).toString('hex');
export const encryptionKey = (id = 'k1') => `${id}:${randomBytes(32).toString('base64')}`;

const sendgridKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ format: 'der', type: 'spki' })
  .toString('base64');

/** The variables a production installation with Twilio must set. */
export const complete = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://leadgate@db/leadgate',
  ENCRYPTION_KEYS: encryptionKey(),
  SESSION_SECRET: hex(20),
  PUBLIC_URL: 'https://leads.example.com',
  ALERT_EMAIL: 'operator@example.com',
  STRIPE_SECRET_KEY: `sk_live_${hex(16)}`,
  STRIPE_WEBHOOK_SECRET: `whsec_${hex(16)}`,
  TWILIO_ACCOUNT_SID: `AC${hex(16)}`,
  TWILIO_AUTH_TOKEN: hex(16),
  TWILIO_PHONE_NUMBER: '+13055550142',
  SENDGRID_API_KEY: `SG.${hex(11)}.${hex(21)}`,
  SENDGRID_FROM_EMAIL: 'leads@example.com',
  SENDGRID_WEBHOOK_PUBLIC_KEY: sendgridKey,
};

const {
  TWILIO_ACCOUNT_SID: _sid,
  TWILIO_AUTH_TOKEN: _token,
  TWILIO_PHONE_NUMBER: _number,
  ...others
} = complete;
export const withTextmagic = {
  ...others,
  SMS_PROVIDER: 'textmagic',
  TEXTMAGIC_USERNAME: 'gold-touch',
  TEXTMAGIC_API_KEY: hex(15),
  TEXTMAGIC_FROM_NUMBER: '+13055550143',
  TEXTMAGIC_WEBHOOK_TOKEN: hex(16),
};

/** Everything else that may be set. */
export const optional = {
  STRIPE_SERVICE_ORGANIZATION: 'gold',
  STRIPE_SERVICE_API_KEY: hex(16),
  GHL_API_KEY: `pit-${hex(16)}`,
  GHL_CLIENT_ID: '6650a1b2c3d4e5f6a7b8c9d0-lx3k9a1b',
  GHL_CLIENT_SECRET: hex(18),
  GHL_WEBHOOK_PUBLIC_KEY: 'MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=',
  GOOGLE_CLIENT_ID: '123-abc.apps.googleusercontent.com',
  GOOGLE_CLIENT_SECRET: `GOCSPX-${hex(14)}`,
  REDIS_URL: 'redis://redis:6379',
};

/** What leadgate says when it does not start in this environment; empty when it starts. */
export function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
