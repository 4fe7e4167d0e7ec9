import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureOperator } from '../../src/api/auth/better-auth.ts';
import { removeOperator } from '../../src/db/account/members.ts';
import { freshCodeFor } from '../harness/authenticator.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { forgetSignIns } from '../harness/counters.ts';
import { type Picked, pick } from '../harness/google.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { openNextAuth } from '../harness/next-auth-client.ts';
import { givePassword } from '../harness/passwords.ts';
import { allOpened, demandFactor, openedBy, setUpFactor } from '../harness/second-factor.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
});
beforeEach(() => system.sandbox.configure({ google: { codeSeconds: 600, redirectUri: null } }));
afterAll(() => system?.stop());

const begin = async (visitor: Visitor) => (await visitor.post('/login/google')).headers.get('location')!;
const pathOf = (address: string) => new URL(address).pathname + new URL(address).search;

async function signIn(picked: Picked, visitor = visit(system)) {
  const back = await pick(await begin(visitor), picked);
  const answer = await visitor.get(pathOf(back));
  return { visitor, back, landed: answer.headers.get('location') ?? '' };
}
const sessionOf = async (visitor: Visitor) => (await visitor.get('/api/auth/session')).json();
const pageAt = async (visitor: Visitor, landed: string) =>
  (await visitor.get(pathOf(new URL(landed, system.publicUrl).href))).text();

describe('signing in with Google', () => {
  it('opens the account with the verified address, and links it by Google’s id', async () => {
    const seller = await makeSeller(system);
    const { visitor, landed } = await signIn({ email: seller.email.toUpperCase() });
    expect(landed).toBe('/');
    expect((await sessionOf(visitor)).user).toMatchObject({ id: seller.userId, role: 'SELLER' });
    const linked = await system.rows('SELECT provider_id FROM accounts WHERE user_id = $1', [seller.userId]);
    expect(linked).toEqual([{ provider_id: 'google' }]);
    // The same account of Google, after the person changed the address here.
    await system.rows(`UPDATE users SET email = 'renamed@people.example' WHERE id = $1`, [seller.userId]);
    const again = await signIn({ email: seller.email });
    expect((await sessionOf(again.visitor)).user.id).toBe(seller.userId);
  });

  it('is offered to next-auth’s client, and leads back to its page', async () => {
    const seller = await makeSeller(system);
    const { client, location, cookie } = openNextAuth(system.publicUrl);
    expect((await client.getProviders())?.google).toMatchObject({ id: 'google', type: 'oauth' });
    await client.signIn('google', { callbackUrl: '/leads' });
    vi.unstubAllGlobals();
    const back = await pick(location.href, { email: seller.email });
    const answer = await fetch(back, { redirect: 'manual', headers: { cookie: cookie() } });
    expect(answer.headers.get('location')).toBe(`${system.publicUrl}/leads`);
  });

  it.each<[string, () => Promise<Picked>, RegExp]>([
    ['an address without an account', async () => ({ email: 'new@people.example' }), /There is no account/],
    [
      'an address that Google has not verified',
      async () => ({ email: (await makeSeller(system)).email, unverified: 'on' }),
      /Google has not verified this address/,
    ],
    ['a person who cancels', async () => ({ decision: 'deny' }), /did not allow/],
  ])('%s is refused with a sentence, and nothing is stored', async (_name, make, sentence) => {
    const picked = await make();
    const before = await system.rows('SELECT count(*) FROM accounts');
    const { visitor, landed } = await signIn(picked);
    expect(landed).toMatch(/^\/login\?error=/);
    expect(await pageAt(visitor, landed)).toMatch(sentence);
    expect(await sessionOf(visitor)).toEqual({});
    expect(await system.rows('SELECT count(*) FROM accounts')).toEqual(before);
  });

  it('opens nothing for an operator who was removed', async () => {
    const email = 'leaving@people.example';
    await ensureOperator(system.runtime, { email, password: 'a long password', name: 'L' });
    await signIn({ email });
    await removeOperator(system.runtime.db, email);
    const { visitor } = await signIn({ email });
    expect((await sessionOf(visitor)).user?.role ?? null).toBeNull();
    expect((await visitor.get('/console', { accept: 'application/json' })).status).toBe(403);
  });

  it('an answer is for the browser that asked, once, and not for a code of another', async () => {
    const seller = await makeSeller(system);
    const asking = visit(system);
    const back = await pick(await begin(asking), { email: seller.email });
    const stolen = visit(system);
    expect((await stolen.get(pathOf(back))).headers.get('location')).toContain('error=');
    expect(await sessionOf(stolen)).toEqual({});
    const victim = visit(system);
    const own = new URL(await pick(await begin(victim), { email: seller.email }));
    const injected = new URL(own);
    injected.searchParams.set('code', new URL(back).searchParams.get('code')!);
    expect((await victim.get(pathOf(injected.href))).headers.get('location')).toContain('error=');
    expect(await sessionOf(victim)).toEqual({});
  });

  it('a code that expired is refused with a sentence', async () => {
    const seller = await makeSeller(system);
    system.sandbox.configure({ google: { codeSeconds: 0 } });
    const { visitor, landed } = await signIn({ email: seller.email });
    expect(await pageAt(visitor, landed)).toContain('The sign-in failed. Please try again.');
  });
});

describe('[S26] signing in with Google is no second factor', () => {
  const password = 'password123';
  const bearerOf = (visitor: Visitor) => {
    const token = /leadgate\.session_token=([^;]+)/.exec(visitor.cookie())?.[1];
    return { authorization: `Bearer ${token}` };
  };
  /** What the session of a sign-in with Google opens, by its cookie and as Bearer. */
  async function opened(email: string): Promise<{ visitor: Visitor; found: string[] }> {
    const { visitor, landed } = await signIn({ email });
    expect(landed).toBe('/');
    expect(visitor.cookie()).toContain('leadgate.session_token=');
    const byCookie = await openedBy(system, { cookie: visitor.cookie() });
    return { visitor, found: [...byCookie, ...(await openedBy(system, bearerOf(visitor)))] };
  }
  const all = [...allOpened, 'market', 'session'];
  const given = ({ userId }: MadeSeller) =>
    system.rows('SELECT 1 FROM sessions WHERE user_id = $1 AND second_factor_at IS NOT NULL', [userId]);

  it('it opens all for a person who has none and needs none', async () => {
    const seller = await makeSeller(system);
    expect((await opened(seller.email)).found).toEqual(all);
    expect(await given(seller)).toEqual([]);
  });

  it('it opens nothing for a person who has one, the first time and later, until the code is given', async () => {
    const seller = await makeSeller(system);
    await givePassword(system, seller.userId, password);
    await forgetSignIns(system.runtime, seller.email);
    const { uri } = await setUpFactor(system, { cookie: seller.cookie, password });
    const before = await given(seller);
    expect((await opened(seller.email)).found).toEqual([]);
    const { visitor, found } = await opened(seller.email);
    expect([found, await given(seller)]).toEqual([[], before]);
    const home = await visitor.get('/');
    expect(home.headers.get('location')).toBe('/login/second-factor?next=%2F');
    const code = { code: freshCodeFor(uri) };
    expect((await visitor.post('/login/second-factor', code)).status).toBe(303);
    expect(await openedBy(system, { cookie: visitor.cookie() })).toEqual(allOpened);
  });

  it('it opens only the account page for a member of an organization that demands one', async () => {
    const seller = await makeSeller(system);
    const buyer = await makeBuyer(system, seller);
    expect((await opened(seller.email)).found).toEqual(all);
    await demandFactor(system, seller.organizationId);
    for (const { email } of [seller, buyer]) {
      const { visitor, found } = await opened(email);
      expect(found).toEqual([]);
      const home = await visitor.get('/');
      expect(home.headers.get('location')).toBe('/account?needs=second-factor');
      expect((await visitor.get('/account')).status).toBe(200);
    }
    expect(await given(seller)).toEqual([]);
  });
});

describe('the sandbox’s Google', () => {
  const verifier = randomBytes(48).toString('base64url');
  const redirectUri = () => `${system.publicUrl}/api/auth/callback/google`;
  const client = {
    client_id: 'sandbox.apps.googleusercontent.com',
    client_secret: 'GOCSPX-sandbox-leadgate',
  };
  const ask = (over: Record<string, string> = {}) =>
    `${system.sandbox.url}/o/oauth2/v2/auth?${new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirectUri(),
      response_type: 'code',
      scope: 'openid email profile',
      state: 's',
      nonce: 'n',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...over,
    })}`;
  const code = async () => new URL(await pick(ask(), { email: 'x@gmail.example' })).searchParams.get('code')!;
  const exchange = async (over: Record<string, string>) => {
    const answer = await fetch(`${system.sandbox.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        redirect_uri: redirectUri(),
        code_verifier: verifier,
        ...client,
        ...over,
      }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };

  it.each<[string, Record<string, string>]>([
    ['another client', { client_id: 'other.apps.googleusercontent.com' }],
    ['another redirect', { redirect_uri: 'https://evil.example/api/auth/callback/google2' }],
    ['a plain challenge', { code_challenge_method: 'plain' }],
    ['no challenge', { code_challenge: '' }],
    ['a token instead of a code', { response_type: 'token' }],
  ])('refuses %s on its page', async (_name, over) => {
    expect((await fetch(ask(over))).status).toBeGreaterThanOrEqual(400);
  });

  it('refuses every redirect but the registered one', async () => {
    system.sandbox.configure({
      google: { redirectUri: 'https://leads.example.com/api/auth/callback/google' },
    });
    expect((await fetch(ask())).status).toBe(400);
  });

  it('signs who it was for the client and the nonce', async () => {
    const { status, body } = await exchange({ code: await code() });
    expect(status).toBe(200);
    const [, claims = ''] = body.id_token!.split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: system.sandbox.url,
      aud: client.client_id,
      nonce: 'n',
      email: 'x@gmail.example',
      email_verified: true,
    });
  });

  it.each<[string, Record<string, string>, string]>([
    ['a wrong secret', { client_secret: 'x' }, 'invalid_client'],
    ['another client', { client_id: 'x' }, 'invalid_client'],
    ['another redirect', { redirect_uri: 'https://evil.example' }, 'redirect_uri_mismatch'],
    ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant'],
    ['an unknown code', { code: '4/unknown' }, 'invalid_grant'],
    ['another grant', { grant_type: 'password' }, 'unsupported_grant_type'],
  ])('exchanges no code for %s', async (_name, over, error) => {
    expect((await exchange({ code: await code(), ...over })).body.error).toBe(error);
  });

  it('exchanges a code once', async () => {
    const once = await code();
    expect((await exchange({ code: once })).status).toBe(200);
    expect((await exchange({ code: once })).body.error).toBe('invalid_grant');
  });
});
