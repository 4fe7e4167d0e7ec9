import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { weaknessOf, weaknessOfKey } from '../../src/config/randomness.ts';
import { developmentKey, repositoryKeys } from '../../src/config/repository-keys.ts';
import { secretRules } from '../../src/config/secrets.ts';
import { loadConfig } from '../../src/config.ts';
import {
  complete,
  encryptionKey,
  hex,
  optional,
  problemsOf,
  withTextmagic,
} from '../harness/production-env.ts';

const everything = { ...complete, ...withTextmagic, ...optional, SMS_PROVIDER: 'twilio' };
const bytes = (key: Buffer | number[]) => `k1:${Buffer.from(key).toString('base64')}`;
const textKey = bytes(Buffer.from('my very own key of thirty-two ch'));
const same = randomBytes(32).toString('base64');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
const rsaKey = rsa.export({ format: 'der', type: 'spki' }).toString('base64');

/** Expects one problem, which names the variable and says what to do. */
function refused(change: Record<string, string>, name = Object.keys(change)[0]!) {
  const problems = problemsOf({ ...everything, ...change });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(name);
  expect(problems[0]!.length).toBeGreaterThan(name.length + 30);
  for (const value of Object.values(change))
    if (value.length > 12 && !/^[\w.]*(?:URL|ENV)/.test(name)) expect(problems[0]).not.toContain(value);
}

describe('[S39] production refuses what is not secret', () => {
  it('a configuration with every variable set to a generated value is accepted', () => {
    expect(problemsOf(everything)).toEqual([]);
  });

  it('spaces around a secret are not part of it', () => {
    const spaced = Object.fromEntries(
      Object.entries(everything).map(([name, value]) => [name, ` ${value}\n`]),
    );
    const { NODE_ENV, SMS_PROVIDER } = everything;
    const config = loadConfig({ ...spaced, NODE_ENV, SMS_PROVIDER });
    expect(config.sessionSecret).toBe(everything.SESSION_SECRET);
    expect(config.stripe.secretKey).toBe(everything.STRIPE_SECRET_KEY);
  });

  it.each(Object.keys(secretRules))('%s is refused when it is one of the repository’s own keys', (name) => {
    for (const key of repositoryKeys) {
      const problems = problemsOf({ ...everything, [name]: key });
      expect(problems.filter((text) => text.includes(name)).join(), key).not.toBe('');
    }
  });

  it.each([
    ['the development key', bytes(developmentKey.key)],
    ['the development key as the older one', `${encryptionKey('k2')},${bytes(developmentKey.key)}`],
    ['text', textKey],
    ['text before a generated key', `${textKey},${encryptionKey('k2')}`],
    ['one repeated byte', bytes(Buffer.alloc(32, 7))],
    ['half of it twice', bytes(Buffer.alloc(32, randomBytes(16)))],
    ['a sequence', bytes(Array.from({ length: 32 }, (_, at) => at * 5))],
    ['a key of 31 bytes', bytes(randomBytes(31))],
    ['a key that is not base64', `k1:${'*'.repeat(43)}=`],
    ['two keys of one id', `${encryptionKey('k1')},${encryptionKey('k1')}`],
    ['one key under two ids', ['k1', 'k2'].map((id) => `${id}:${same}`).join()],
  ])('ENCRYPTION_KEYS: %s', (_what, value) => refused({ ENCRYPTION_KEYS: value }));

  it.each<[string, string]>([
    ['STRIPE_SECRET_KEY', `sk_test_${hex(16)}`],
    ['STRIPE_SECRET_KEY', `rk_test_${hex(16)}`],
    ['STRIPE_SECRET_KEY', `pk_live_${hex(16)}`],
    ['STRIPE_SECRET_KEY', 'sk_live_1234'],
    ['STRIPE_SECRET_KEY', `"sk_live_${hex(16)}"`],
    ['STRIPE_SECRET_KEY', `sk_live_${'a'.repeat(24)}`],
    ['STRIPE_WEBHOOK_SECRET', hex(16)],
    ['STRIPE_WEBHOOK_SECRET', `whsec_${hex(16)},whsec_test`],
    ['STRIPE_WEBHOOK_SECRET', `whsec_${hex(16)},`],
    ['STRIPE_SERVICE_API_KEY', 'bridge-key'],
    ['STRIPE_SERVICE_API_KEY', 'changeme-changeme-changeme'],
    ['TWILIO_ACCOUNT_SID', `SK${hex(16)}`],
    ['TWILIO_ACCOUNT_SID', `AC${'0'.repeat(31)}2`],
    ['TWILIO_AUTH_TOKEN', `${hex(15)}zz`],
    ['TWILIO_AUTH_TOKEN', '0123456789abcdef0123456789abcdef'],
    ['TWILIO_PHONE_NUMBER', '305-555-0142'],
    ['TWILIO_PHONE_NUMBER', '+15005550006'],
    ['TEXTMAGIC_API_KEY', 'your-textmagic-api-key'],
    ['TEXTMAGIC_FROM_NUMBER', '13055550142'],
    ['TEXTMAGIC_WEBHOOK_TOKEN', 'guess'],
    ['TEXTMAGIC_WEBHOOK_TOKEN', 'abababababababababababab'],
    ['TEXTMAGIC_WEBHOOK_TOKEN', `${hex(16)}/..`],
    ['SENDGRID_API_KEY', hex(32)],
    ['SENDGRID_FROM_EMAIL', 'leads'],
    ['SENDGRID_FROM_EMAIL', 'leads@leadgate.example'],
    ['SENDGRID_WEBHOOK_PUBLIC_KEY', 'MFkw'],
    ['SENDGRID_WEBHOOK_PUBLIC_KEY', rsaKey],
    ['GHL_API_KEY', 'pit-token'],
    ['GHL_CLIENT_SECRET', 'client-secret-of-the-app'],
    ['GHL_WEBHOOK_PUBLIC_KEY', rsaKey],
    ['GOOGLE_CLIENT_ID', 'google'],
    ['GOOGLE_CLIENT_SECRET', 'xxxxxxxxxxxxxxxxxxxx'],
    ['SESSION_SECRET', 'short'],
    ['SESSION_SECRET', 'a-session-secret-of-32-characters'],
    ['SESSION_SECRET', 'a'.repeat(40)],
    ['SESSION_SECRET', 'abcdefghijklmnopqrstuvwxyz012345'],
    ['SESSION_SECRET', `${hex(10)} ${hex(10)}`],
    ['SESSION_SECRET', 'qazwsxedcrfvtgbyhnujmikolp123qaz'],
    ['SESSION_SECRET', 'iloveyouiloveyou2iloveyou3!!!!!!!'],
    ['SESSION_SECRET', '0000000000000000000000abcdef0123'],
    ['SESSION_SECRET', 'admin1234admin5678admin9012admin'],
    ['SESSION_SECRET', '<a new value, at least 32 letters>'.replaceAll(' ', '-')],
    ['SESSION_SECRET', `$\{SESSION_KEY_OF_THIS_INSTALLATION}`],
    ['ALERT_EMAIL', 'me'],
  ])('%s that is not of its form or not secret (%#)', (name, value) => refused({ [name]: value }));

  it.each<[string, string]>([
    ['NODE_ENV', 'prod'],
    ['NODE_ENV', 'Production'],
    ['NODE_ENV', 'staging'],
    ['PUBLIC_URL', 'https://example.com/leads'],
    ['PUBLIC_URL', 'https://example.com?a=1'],
    ['PUBLIC_URL', 'https://me:word@example.com'],
    ['PUBLIC_URL', 'https://localhost'],
    ['PUBLIC_URL', 'https://127.0.0.1:3000'],
    ['DATABASE_URL', 'mysql://u:kT9w2Qp77@db/leads'],
    ['DATABASE_URL', 'postgres://u@203.0.113.4/leads'],
    ['DATABASE_URL', 'postgres://leadgate:leadgate@postgres/leadgate'],
    ['DATABASE_URL', 'postgres://u:changeme1@postgres/leadgate'],
    ['DATABASE_URL', 'postgres://u:short@postgres/leadgate'],
    ['DATABASE_URL', 'postgres://u:db123456@postgres/leadgate'],
    ['DATABASE_REPLICA_URL', 'postgres://u@198.51.100.7/leads'],
    ['REDIS_URL', 'redis://203.0.113.4'],
    ['REDIS_URL', 'redis://[2001:db8::4]:6379'],
    ['REDIS_URL', 'rediss://:redis@cache.example.com'],
    ['REDIS_URL', `redis://:${hex(8)}@a.example.com,redis://203.0.113.4`],
  ])('%s that is not safe in production (%#)', (name, value) => refused({ [name]: value }));

  it.each([
    ['no password in a private network', { DATABASE_URL: 'postgres://u@10.0.0.4/leads' }],
    ['no password at an internal name', { DATABASE_URL: 'postgres://u@db.internal/leads' }],
    ['no password at a managed cache', { REDIS_URL: 'rediss://leads.abc.0001.use1.cache.amazonaws.com' }],
    ['no password at a name of a service mesh', { REDIS_URL: 'redis://redis.service.consul' }],
    ['no password at a name of a company network', { DATABASE_URL: 'postgres://u@db.corp/leads' }],
    ['text as the older key', { ENCRYPTION_KEYS: `${encryptionKey('k2')},${textKey}` }],
    ['a password that begins with a bracket', { SESSION_SECRET: `<${hex(16)}` }],
    ['a password with a dollar and a brace', { SESSION_SECRET: `${hex(8)}\${${hex(8)}` }],
    ['no password on this machine', { DATABASE_URL: 'postgres://u@127.0.0.1/leads' }],
    ['a socket', { DATABASE_URL: 'postgres:///leads?host=/var/run/postgresql' }],
    [
      'a password at a public address',
      { DATABASE_URL: `postgres://u:${hex(8)}@db.example.com/leads`, REDIS_URL: 'redis://localhost' },
    ],
    ['a Redis with a password', { REDIS_URL: `rediss://:${hex(8)}@cache.example.com` }],
    ['two webhook secrets', { STRIPE_WEBHOOK_SECRET: `whsec_${hex(16)}, whsec_${hex(16)}` }],
    ['a restricted key', { STRIPE_SECRET_KEY: `rk_live_${hex(16)}` }],
    ['a public address with a port and a slash', { PUBLIC_URL: 'https://leads.example.com:8443/' }],
    ['two encryption keys', { ENCRYPTION_KEYS: `${encryptionKey('k2')}, ${encryptionKey('k1')}` }],
    ['a key in the URL alphabet', { ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64url')}` }],
  ])('accepted: %s', (_what, change) => expect(problemsOf({ ...everything, ...change })).toEqual([]));

  it.each([
    ['TWILIO_AUTH_TOKEN', { STRIPE_SERVICE_API_KEY: everything.TWILIO_AUTH_TOKEN }],
    ['SESSION_SECRET', { STRIPE_SERVICE_API_KEY: everything.SESSION_SECRET }],
    ['SESSION_SECRET', { DATABASE_URL: `postgres://u:${everything.SESSION_SECRET}@db/leads` }],
    ['TEXTMAGIC_API_KEY', { TEXTMAGIC_WEBHOOK_TOKEN: everything.TEXTMAGIC_API_KEY }],
  ])('the secret of %s in another variable too', (name, change) => {
    const [problem, ...more] = problemsOf({ ...everything, ...change });
    expect(more).toEqual([]);
    for (const each of [name, ...Object.keys(change)]) expect(problem).toContain(each);
    expect(problem).toContain('are the same');
  });

  it('one of a pair alone is refused', () => {
    refused({ GHL_CLIENT_SECRET: '' });
    refused({ GOOGLE_CLIENT_ID: '' });
  });

  it('a typed key in use is told to stay for what it encrypted, and to get a new one in front', () => {
    const [problem] = problemsOf({ ...everything, ENCRYPTION_KEYS: textKey });
    expect(problem).toContain('put in front of it a new key');
  });

  it('every problem is named at once', () => {
    const change = {
      SESSION_SECRET: 'a'.repeat(40),
      STRIPE_SECRET_KEY: `sk_test_${hex(16)}`,
      PUBLIC_URL: 'https://example.com/leads',
      ENCRYPTION_KEYS: bytes(developmentKey.key),
      ALERT_EMAIL: '',
    };
    const problems = problemsOf({ ...everything, ...change });
    expect(problems).toHaveLength(Object.keys(change).length);
    for (const name of Object.keys(change)) expect(problems.join('\n')).toContain(name);
  });

  it('a live key is refused outside production, whose other keys are published', () => {
    expect(problemsOf({ STRIPE_SECRET_KEY: `sk_live_${hex(16)}` }).join()).toContain('NODE_ENV');
    expect(problemsOf({ STRIPE_SECRET_KEY: `sk_test_${hex(16)}` })).toEqual([]);
  });

  it('two keys of one id are refused outside production too', () => {
    expect(problemsOf({ ENCRYPTION_KEYS: `${encryptionKey()},${encryptionKey()}` })).toHaveLength(1);
  });

  it('the value of every secret shown in .env.example and the compose file is refused', () => {
    const text = ['.env.example', 'docker-compose.yml']
      .map((file) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
      .join('\n');
    const shown = [...text.matchAll(/^\s*([A-Z0-9_]+)[=:] *"?([^\n"]+)"?$/gm)].map(([, name, value]) => [
      name!,
      value!,
    ]);
    expect(shown.length).toBeGreaterThan(10);
    for (const [name, value] of shown)
      if (name! in secretRules || name === 'ENCRYPTION_KEYS') refused({ [name!]: value! });
  });
});

describe('[S39] generated secrets are never taken for typed ones', () => {
  it('2,000 of each form', () => {
    for (let round = 0; round < 2_000; round += 1) {
      const key = randomBytes(32);
      expect(weaknessOfKey(key)).toBeNull();
      for (const text of [key.toString('hex'), key.toString('base64url'), key.subarray(16).toString('hex')])
        expect(weaknessOf(text, 22), text).toBeNull();
    }
  });

  it('2,000 passwords of 32 characters with punctuation', () => {
    const password = () => String.fromCharCode(...Array.from({ length: 32 }, () => randomInt(0x21, 0x7f)));
    for (let round = 0; round < 2_000; round += 1) {
      const text = password();
      expect(weaknessOf(text, 32), text).toBeNull();
    }
  });
});
