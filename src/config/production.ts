import type { Environment } from './environment.ts';
import { isLoopback } from './private-host.ts';
import { weaknessOfKey } from './randomness.ts';
import { repositoryKeys } from './repository-keys.ts';
import { type SecretName, sharedSecrets, weakSecrets } from './secrets.ts';
import { serverPasswords, serverProblems } from './servers.ts';

type Keys = readonly { id: string; key: Buffer }[];

/** Returns a sentence with the fix for everything that production requires: what is missing, and what is not secret. */
export function productionProblems(
  e: Environment,
  {
    sandboxed,
    publicUrl,
    encryptionKeys,
  }: { sandboxed: readonly string[]; publicUrl: string; encryptionKeys: Keys },
): string[] {
  return [
    ...missing(e, sandboxed),
    ...halves(e),
    ...publicAddress(publicUrl),
    ...encryption(encryptionKeys),
    ...weakSecrets(e),
    ...serverProblems(e),
    ...sharedSecrets(e, [
      ...encryptionKeys.map(({ key }): [string, string] => ['ENCRYPTION_KEYS', key.toString('base64')]),
      ...serverPasswords(e),
    ]),
  ];
}

/** Outside production the keys of the repository are accepted, which must not protect real payments. */
export function liveKeyProblems(e: Environment): string[] {
  return /^(?:sk|rk)_live_/.test(e.STRIPE_SECRET_KEY ?? e.STRIPE_SECRET ?? '')
    ? [
        'STRIPE_SECRET_KEY is a live key, and NODE_ENV is not production: contacts would be encrypted with a published key. Set NODE_ENV=production, or use a test key (sk_test_…).',
      ]
    : [];
}

const vendorVariables: Record<string, string> = {
  stripe: 'STRIPE_SECRET_KEY',
  twilio: 'TWILIO_ACCOUNT_SID',
  textmagic: 'TEXTMAGIC_API_KEY',
  sendgrid: 'SENDGRID_API_KEY',
};

function missing(e: Environment, sandboxed: readonly string[]): string[] {
  const required: [keyof Environment, string][] = [
    ['DATABASE_URL', 'production does not run on the embedded database.'],
    ['ENCRYPTION_KEYS', 'contact fields must be encrypted with your own key.'],
    ['SESSION_SECRET', 'sessions must be signed with your own secret: 32 or more random characters.'],
    ['ALERT_EMAIL', 'operators must be notified of parked jobs.'],
    ['STRIPE_WEBHOOK_SECRET', 'webhooks cannot be verified.'],
    ['SENDGRID_FROM_EMAIL', 'e-mails need a sender.'],
    ['SENDGRID_WEBHOOK_PUBLIC_KEY', 'webhooks cannot be verified.'],
    ...(e.SMS_PROVIDER === 'twilio' ? twilioRequires : textmagicRequires),
  ];
  return [
    ...required.filter(([name]) => e[name] === undefined).map(([name, why]) => `${name} is missing: ${why}`),
    ...sandboxed.map((vendor) => `${vendorVariables[vendor]} is missing: ${vendor} would be simulated.`),
    ...(e.SANDBOX_URL === undefined
      ? []
      : ['SANDBOX_URL is set: production talks to real vendors only. Unset it.']),
  ];
}
const twilioRequires: [SecretName, string][] = [
  ['TWILIO_AUTH_TOKEN', 'Twilio can neither be called nor verified.'],
  ['TWILIO_PHONE_NUMBER', 'texts need a sending number.'],
];
const textmagicRequires: [SecretName, string][] = [
  ['TEXTMAGIC_USERNAME', 'TextMagic cannot be called.'],
  ['TEXTMAGIC_FROM_NUMBER', 'texts need a sending number.'],
  ['TEXTMAGIC_WEBHOOK_TOKEN', 'callbacks cannot be told from forged ones: 22 or more random characters.'],
];

/** One of a pair alone would switch the feature off without a word. */
function halves(e: Environment): string[] {
  const pairs: [SecretName, SecretName][] = [
    ['GHL_CLIENT_ID', 'GHL_CLIENT_SECRET'],
    ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'],
  ];
  return pairs
    .filter(([id, secret]) => (e[id] === undefined) !== (e[secret] === undefined))
    .map(([id, secret]) => `${id} and ${secret} belong together: set both, or unset both.`);
}

function publicAddress(publicUrl: string): string[] {
  const address = URL.canParse(publicUrl) ? new URL(publicUrl) : null;
  const own = address?.protocol === 'https:' && !isLoopback(address.hostname);
  return own
    ? []
    : ['PUBLIC_URL must be your https:// address, under which buyers and vendors reach this installation.'];
}

/** Only the first key encrypts. Older ones still open what they encrypted, so that a weak one can be replaced. */
function encryption(keys: Keys): string[] {
  return keys.flatMap(({ id, key }, place) => {
    if (key.length !== 32) return [];
    const published = repositoryKeys.has(key.toString('base64'));
    const wrong = published ? 'it is published in leadgate’s repository' : place === 0 && weaknessOfKey(key);
    if (!wrong) return [];
    const next = published
      ? 'Remove it, and use'
      : 'Keep it for what it has encrypted, and put in front of it';
    return [
      `ENCRYPTION_KEYS: the key "${id}" cannot protect contact fields: ${wrong}. ${next} a new key, with an id of its own, made with: node -p "'k2:'+crypto.randomBytes(32).toString('base64')"`,
    ];
  });
}
