import { randomBytes } from 'node:crypto';
import { ConfigError, loadConfig } from '../../../src/config.ts';
import { holds, type Kind } from '../target.ts';
import { startApi } from './processes.ts';

const random = (bytes: number) => randomBytes(bytes).toString('hex');
const encryptionKey = (id: string, bytes = randomBytes(32)) => `${id}:${bytes.toString('base64')}`;

const production = (databaseUrl: string): Record<string, string> => ({
  NODE_ENV: 'production',
  DATABASE_URL: databaseUrl,
  PUBLIC_URL: 'https://leads.example.com',
  ENCRYPTION_KEYS: encryptionKey('k1'),
  SESSION_SECRET: random(32),
  ALERT_EMAIL: 'alerts@example.com',
  STRIPE_SECRET_KEY: `sk_live_${random(24)}`,
  STRIPE_WEBHOOK_SECRET: `whsec_${random(16)}`,
  TWILIO_ACCOUNT_SID: `AC${random(16)}`,
  TWILIO_AUTH_TOKEN: random(16),
  TWILIO_PHONE_NUMBER: '+13055550111',
  SENDGRID_API_KEY: `SG.${random(11)}.${random(21)}`,
  SENDGRID_FROM_EMAIL: 'leads@example.com',
  SENDGRID_WEBHOOK_PUBLIC_KEY:
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==',
});

/** Values that the repository, a vendor's test mode or a template publishes, or that mean something else than intended. */
const notSecret: Record<string, Record<string, string>> = {
  ENCRYPTION_KEYS: {
    ENCRYPTION_KEYS: encryptionKey('dev', Buffer.alloc(32, 'leadgate-development-only-key!!!')),
  },
  'ENCRYPTION_KEYS of zeros': { ENCRYPTION_KEYS: encryptionKey('k1', Buffer.alloc(32)) },
  'ENCRYPTION_KEYS with one id twice': {
    ENCRYPTION_KEYS: `${encryptionKey('k1')},${encryptionKey('k1')}`,
  },
  SESSION_SECRET: { SESSION_SECRET: 'leadgate-development-session-secret-0000' },
  'SESSION_SECRET of one letter': { SESSION_SECRET: 'a'.repeat(40) },
  STRIPE_SECRET_KEY: { STRIPE_SECRET_KEY: `sk_test_${random(24)}` },
  STRIPE_WEBHOOK_SECRET: { STRIPE_WEBHOOK_SECRET: 'whsec_sandbox_leadgate' },
  TWILIO_AUTH_TOKEN: { TWILIO_AUTH_TOKEN: 'sandbox-twilio-token' },
  SENDGRID_API_KEY: { SENDGRID_API_KEY: 'SG.sandbox.leadgate' },
  'PUBLIC_URL with a path': { PUBLIC_URL: 'https://leads.example.com/leads' },
  'NODE_ENV=prod': { NODE_ENV: 'prod' },
};

/** S39: production that starts with what is not secret. */
export const secrets: Kind = {
  name: 'secrets',
  about: 'Production is started with published keys, test keys and settings of the wrong shape.',
  flood: false,
  async attack({ databaseUrl, folder }) {
    const good = production(databaseUrl);
    const refused = Object.entries(notSecret).map(([what, change]) => {
      const [variable = ''] = what.split(/[ =]/);
      return holds(`${what} is refused by name`, refusedFor({ ...good, ...change }, variable));
    });
    const everything = Object.assign({}, good, ...Object.values(notSecret)) as Record<string, string>;
    const [right, wrong] = await Promise.all([
      startApi(folder, good),
      startApi(folder, { ...everything, NODE_ENV: 'production' }),
    ]);
    right.stop();
    wrong.stop();
    const named = ['SESSION_SECRET', 'STRIPE_SECRET_KEY', 'TWILIO_AUTH_TOKEN', 'PUBLIC_URL'].filter((name) =>
      wrong.output.includes(name),
    );
    return [
      ...refused,
      holds('correct settings start', right.up, right.up ? 'yes' : right.output.slice(0, 300)),
      holds(
        'all wrong settings are named at once',
        !wrong.up && named.length === 4,
        named.join(' ') || 'none',
      ),
    ];
  },
};

function refusedFor(env: Record<string, string>, variable: string): boolean {
  try {
    loadConfig(env);
    return false;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.some((problem) => problem.includes(variable));
  }
}
