import type { Environment } from './environment.ts';
import { type PublicKeyKind, readPublicKey } from './public-key.ts';
import { weaknessOf } from './randomness.ts';
import { repositoryKeys } from './repository-keys.ts';

/** The variables that hold a secret, an account or a key that signs. */
export type SecretName = Extract<
  keyof Environment,
  | `STRIPE_${string}`
  | `TWILIO_${string}`
  | `TEXTMAGIC_${string}`
  | `SENDGRID_${string}`
  | `GHL_${string}KEY`
  | `GHL_CLIENT_${string}`
  | `GOOGLE_${string}`
  | 'SESSION_SECRET'
  | 'ALERT_EMAIL'
>;

type Rule = {
  /** Completes "NAME must be …". */
  shape: string;
  /** Returns what is wrong, or null. */
  judge(value: string): string | null;
  /** What goes wrong with a value that is not the installation's own. */
  why: string;
  /** Separated by commas; each part is judged. */
  list?: true;
  /** Not secret, and possibly the same as another variable. */
  public?: true;
};

const matches = (pattern: RegExp) => (value: string) =>
  pattern.test(value) ? null : 'it is not of that form';

/** A vendor's key: `prefix` and then at least `least` random characters. */
const vendorKey = (prefix: RegExp, rest: RegExp, least: number) => (value: string) => {
  const start = prefix.exec(value)?.[0];
  if (start === undefined || !rest.test(value.slice(start.length))) return 'it is not of that form';
  return weaknessOf(value.slice(start.length), least);
};
const random = (least: number) => (value: string) => weaknessOf(value, least);

const publicKey = (kind: PublicKeyKind) => (value: string) => {
  const read = readPublicKey(value, kind);
  return read.ok ? null : read.wrong;
};

const mailbox = matches(/^[^\s@<>]+@[^\s@<>]+\.(?!example$|test$|invalid$)[a-z0-9-]{2,}$/i);
/** Twilio's numbers for tests are +1 500 555 and four digits. */
const number = matches(/^\+(?!1500555)[1-9][0-9]{6,14}$/);

/**
 * What production requires of every secret and account that is set: its form, and that it looks generated. A new
 * variable of this kind does not compile without a line here. ENCRYPTION_KEYS and the URLs with passwords are judged
 * in production.ts.
 */
export const secretRules: Record<SecretName, Rule> = {
  STRIPE_SECRET_KEY: {
    shape: 'a live key (sk_live_… or rk_live_…)',
    judge: vendorKey(/^(?:sk|rk)_live_/, /^[A-Za-z0-9_]+$/, 16),
    why: 'with a test key no buyer is charged, and contacts are given away',
  },
  STRIPE_SECRET: {
    shape: 'a live key (sk_live_… or rk_live_…)',
    judge: vendorKey(/^(?:sk|rk)_live_/, /^[A-Za-z0-9_]+$/, 16),
    why: 'with a test key no buyer is charged, and contacts are given away',
  },
  STRIPE_WEBHOOK_SECRET: {
    shape: 'a signing secret (whsec_…), or several separated by commas',
    judge: vendorKey(/^whsec_/, /^[A-Za-z0-9+/=_-]+$/, 16),
    why: 'with a known secret anyone can report payments',
    list: true,
  },
  STRIPE_SERVICE_API_KEY: {
    shape: '22 or more random characters',
    judge: random(22),
    why: 'with a known key anyone can use the payment bridge',
  },
  STRIPE_SERVICE_ORGANIZATION: {
    shape: 'the slug of an organization',
    judge: matches(/^[a-z0-9][a-z0-9-]{0,62}$/),
    why: 'the holder of STRIPE_SERVICE_API_KEY acts for it',
    public: true,
  },
  TWILIO_ACCOUNT_SID: {
    shape: 'an account SID (AC and 32 hexadecimal digits)',
    judge: vendorKey(/^AC/, /^[0-9a-f]{32}$/i, 32),
    why: 'texts are sent from this account',
    public: true,
  },
  TWILIO_AUTH_TOKEN: {
    shape: 'an auth token (32 hexadecimal digits)',
    judge: vendorKey(/^/, /^[0-9a-f]{32}$/i, 32),
    why: 'with a known token anyone can send replies of buyers',
  },
  TWILIO_PHONE_NUMBER: {
    shape: 'a number of yours in E.164 form, such as +13055550142',
    judge: number,
    why: 'texts are sent from this number',
    public: true,
  },
  TEXTMAGIC_USERNAME: {
    shape: 'the user name of your account',
    judge: matches(/^\S+$/),
    why: 'texts are sent from this account',
    public: true,
  },
  TEXTMAGIC_API_KEY: {
    shape: 'an API key of TextMagic (16 or more random characters)',
    judge: random(16),
    why: 'texts are sent with this key',
  },
  TEXTMAGIC_FROM_NUMBER: {
    shape: 'a number of yours in E.164 form, such as +13055550142',
    judge: number,
    why: 'texts are sent from this number',
    public: true,
  },
  TEXTMAGIC_WEBHOOK_TOKEN: {
    shape: '22 or more random characters of A-Z, a-z, 0-9, - and _',
    judge: vendorKey(/^/, /^[\w-]+$/, 22),
    why: 'TextMagic signs nothing: this part of the address is the only proof',
  },
  SENDGRID_API_KEY: {
    shape: 'an API key of SendGrid (SG.….…)',
    judge: vendorKey(/^SG\./, /^[\w-]{16,}\.[\w-]{16,}$/, 33),
    why: 'e-mails are sent with this key',
  },
  SENDGRID_FROM_EMAIL: {
    shape: 'an e-mail address of yours',
    judge: mailbox,
    why: 'e-mails are sent from this address',
    public: true,
  },
  SENDGRID_WEBHOOK_PUBLIC_KEY: {
    shape: 'the public key of the signed event webhook, as SendGrid shows it, in PEM, base64 or hexadecimal',
    judge: publicKey('ec'),
    why: 'with an unreadable key every event of SendGrid is refused',
    public: true,
  },
  GHL_API_KEY: {
    shape: 'a token of GoHighLevel (20 or more random characters)',
    judge: random(20),
    why: 'contacts are written with this token',
  },
  GHL_CLIENT_ID: {
    shape: 'the client id of your marketplace app',
    judge: matches(/^\S{8,}$/),
    why: 'companies are asked for consent to this app',
    public: true,
  },
  GHL_CLIENT_SECRET: {
    shape: 'the client secret of your marketplace app (16 or more random characters)',
    judge: random(16),
    why: 'tokens of companies are fetched with this secret',
  },
  GHL_WEBHOOK_PUBLIC_KEY: {
    shape: 'a public Ed25519 key as on GoHighLevel’s marketplace page, in PEM, base64 or hexadecimal',
    judge: publicKey('ed25519'),
    why: 'with an unreadable key every webhook of GoHighLevel is refused',
    public: true,
  },
  SESSION_SECRET: {
    shape: '32 or more random characters',
    judge: random(32),
    why: 'with a known secret anyone can sign in as an operator',
  },
  GOOGLE_CLIENT_ID: {
    shape: 'the client id of your project, which ends in .apps.googleusercontent.com',
    judge: matches(/^\S+\.apps\.googleusercontent\.com$/),
    why: 'operators sign in through this project',
    public: true,
  },
  GOOGLE_CLIENT_SECRET: {
    shape: 'the client secret of your project (16 or more random characters)',
    judge: random(16),
    why: 'operators sign in through this project',
  },
  ALERT_EMAIL: {
    shape: 'an e-mail address that is read',
    judge: mailbox,
    why: 'operators are alerted there',
    public: true,
  },
};

const names = Object.keys(secretRules) as SecretName[];
const partsOf = (name: SecretName, value: string) =>
  secretRules[name].list ? value.split(',').map((part) => part.trim()) : [value];

/** Returns a sentence for every secret that is one of the repository's, not of its form, or not secret. */
export function weakSecrets(e: Environment): string[] {
  return names.flatMap((name) => {
    const value = e[name];
    if (value === undefined) return [];
    const { judge } = secretRules[name];
    const wrong = partsOf(name, value)
      .map((part) => (repositoryKeys.has(part) ? 'it is published in leadgate’s repository' : judge(part)))
      .find((problem) => problem !== null);
    return wrong ? [sentence(name, wrong)] : [];
  });
}

const webhookKeys = { SENDGRID_WEBHOOK_PUBLIC_KEY: 'ec', GHL_WEBHOOK_PUBLIC_KEY: 'ed25519' } as const;
type WebhookKeys = { -readonly [name in keyof typeof webhookKeys]?: string };

/**
 * The public keys of webhooks in the form that the adapters expect, and a sentence for each that cannot be read: with it
 * the process would start and refuse every webhook.
 */
export function readWebhookKeys(e: Environment): { keys: WebhookKeys; problems: string[] } {
  const keys: WebhookKeys = {};
  const problems: string[] = [];
  for (const name of Object.keys(webhookKeys) as (keyof typeof webhookKeys)[]) {
    const value = e[name];
    if (value === undefined) continue;
    const read = readPublicKey(value, webhookKeys[name]);
    if (read.ok) keys[name] = read.spki;
    else problems.push(sentence(name, read.wrong));
  }
  return { keys, problems };
}

const sentence = (name: SecretName, wrong: string): string =>
  `${name} must be ${secretRules[name].shape}: ${wrong}. Set your own, because ${secretRules[name].why}.`;

/** Returns a sentence for every pair of variables with one secret. `others`: secrets within other variables. */
export function sharedSecrets(e: Environment, others: readonly [string, string][]): string[] {
  const all = names.flatMap((name) =>
    secretRules[name].public
      ? []
      : partsOf(name, e[name] ?? '').map((part) => [name as string, part] as const),
  );
  const owners = new Map<string, Set<string>>();
  for (const [name, value] of [...all, ...others])
    if (value !== '') owners.set(value, (owners.get(value) ?? new Set()).add(name));
  return [...owners.values()].flatMap((set) => {
    const shared = [...set].filter((name) => name !== 'STRIPE_SECRET' || !set.has('STRIPE_SECRET_KEY'));
    return shared.length > 1
      ? [`${shared.join(' and ')} are the same: one that leaks opens the other. Generate one for each.`]
      : [];
  });
}
