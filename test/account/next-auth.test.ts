import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { visit } from '../harness/console-client.ts';
import { forgetSignIns } from '../harness/counters.ts';
import { type MadeSeller, makeBuyer, makePerson, makeSeller } from '../harness/market.ts';
import { openNextAuth } from '../harness/next-auth-client.ts';
import { givePassword } from '../harness/passwords.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let seller: MadeSeller;
const password = 'password123';
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  seller = await makeSeller(system);
  await givePassword(system, seller.userId, password);
});
afterEach(() => void vi.unstubAllGlobals());
afterAll(() => system?.stop());

const open = () => openNextAuth(system.publicUrl);
const credentials = (over = {}) => ({ email: seller.email, password, redirect: false, ...over });

describe('the React client of next-auth 4', () => {
  it('lists the providers with their addresses', async () => {
    const providers = await open().client.getProviders();
    expect(providers?.credentials).toEqual({
      id: 'credentials',
      name: 'Credentials',
      type: 'credentials',
      signinUrl: `${system.publicUrl}/api/auth/signin/credentials`,
      callbackUrl: `${system.publicUrl}/api/auth/callback/credentials`,
    });
  });

  it('signs in, reads the session and signs out', async () => {
    const { client, answers, cookie } = open();
    expect(await client.getSession()).toBeNull();
    const callbackUrl = `${system.publicUrl}/campaigns?tab=1`;
    expect(await client.signIn('credentials', credentials({ callbackUrl }))).toEqual({
      error: null,
      status: 200,
      ok: true,
      url: callbackUrl,
    });
    const session = await client.getSession();
    expect(session).toEqual({
      user: { id: seller.userId, email: seller.email, name: 'Sue Seller', image: null, role: 'SELLER' },
      expires: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(answers.at(-1)?.headers.get('cache-control')).toContain('no-store');
    const kept = cookie();
    expect(await client.signOut({ redirect: false, callbackUrl: '/bye' })).toEqual({
      url: `${system.publicUrl}/bye`,
    });
    expect(await client.getSession()).toBeNull();
    // The session has ended on the server, too.
    const stolen = await visit(
      system,
      kept.split('; ').find((each) => each.includes('session_token')),
    ).get('/api/auth/session');
    expect(await stolen.json()).toEqual({});
  });

  it('keeps one CSRF token per browser, beside its hash in a cookie that scripts cannot read', async () => {
    const { client, answers, cookie } = open();
    const token = await client.getCsrfToken();
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(await client.getCsrfToken()).toBe(token);
    expect(cookie()).toMatch(new RegExp(`^next-auth\\.csrf-token=${token}\\|[0-9a-f]{64}$`));
    expect(answers[0]?.headers.getSetCookie()[0]).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it('gets the role of the membership in use, in capitals', async () => {
    const buyer = await makeBuyer(system, seller);
    const lone = await makePerson(system, { name: 'Lone', email: 'lone@people.example' });
    const roleOf = async (bearer: string) => {
      const answer = await visit(system).get('/api/auth/session', { authorization: `Bearer ${bearer}` });
      return (await answer.json()).user.role;
    };
    expect(await roleOf(buyer.bearer)).toBe('BUYER');
    expect(await roleOf(lone.bearer)).toBeNull();
    for (const role of ['company', 'seller']) {
      await system.rows('DELETE FROM members WHERE user_id = $1', [lone.userId]);
      await system.rows('INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, $3)', [
        seller.organizationId,
        lone.userId,
        role,
      ]);
      expect(await roleOf(lone.bearer)).toBe(role.toUpperCase());
    }
    const { client } = open();
    await client.signIn('credentials', { ...system.operator, redirect: false });
    expect((await client.getSession())?.user.role).toBe('OPERATOR');
  });
});

describe('refusals', () => {
  it('an unknown e-mail, a wrong password and an account of Google get one answer in one time', async () => {
    const google = await makePerson(system, { name: 'G', email: 'google-only@people.example' });
    await system.rows(
      `INSERT INTO accounts (id, user_id, account_id, provider_id) VALUES (gen_random_uuid(), $1, '1234', 'google')`,
      [google.userId],
    );
    const { client, answers } = open();
    const seen: { body: string; status: number; ms: number }[] = [];
    for (const email of ['unknown@people.example', seller.email, google.email]) {
      const times: number[] = [];
      for (let n = 0; n < 3; n += 1) {
        const startedAt = performance.now();
        const result = await client.signIn('credentials', credentials({ email, password: 'wrong password' }));
        times.push(performance.now() - startedAt);
        expect(result).toEqual({ error: 'Invalid credentials', status: 401, ok: false, url: null });
      }
      const last = answers.at(-1)!;
      seen.push({ body: await last.text(), status: last.status, ms: Math.min(...times) });
      expect(last.headers.getSetCookie()).toEqual([]);
    }
    expect(new Set(seen.map(({ body, status }) => `${status} ${body}`))).toEqual(
      new Set([`401 {"url":"${system.publicUrl}/api/auth/error?error=Invalid%20credentials"}`]),
    );
    // Without the password hash, an answer takes a tenth of the time.
    const times = seen.map(({ ms }) => ms);
    expect(Math.min(...times)).toBeGreaterThan(Math.max(...times) / 4);
    for (const email of ['unknown@people.example', seller.email, google.email])
      await forgetSignIns(system.runtime, email);
  });

  it('too many attempts are a failed sign-in with 429 and Retry-After, also with the right password', async () => {
    const victim = await makeSeller(system);
    await givePassword(system, victim.userId, password);
    const { client, answers } = open();
    const attempt = (given: string) =>
      client.signIn('credentials', credentials({ email: victim.email, password: given }));
    for (let n = 0; n < 10; n += 1) expect((await attempt('wrong password'))?.status).toBe(401);
    expect(await attempt(password)).toMatchObject({ ok: false, status: 429, error: 'TooManyAttempts' });
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    await forgetSignIns(system.runtime, victim.email);
  });

  it('a form without the token of its cookie signs in and out no one', async () => {
    const visitor = visit(system);
    const { csrfToken } = await (await visitor.get('/api/auth/csrf')).json();
    const other = await (await visit(system).get('/api/auth/csrf')).json();
    const form = { email: seller.email, password, json: 'true' };
    for (const token of ['', other.csrfToken, `${csrfToken}0`]) {
      const answer = await visitor.post('/api/auth/callback/credentials', { ...form, csrfToken: token });
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { url: `${system.publicUrl}/api/auth/signin?csrf=true` },
      ]);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    // A cookie that another site planted, with a hash of its own.
    const planted = visit(system, `next-auth.csrf-token=${'a'.repeat(64)}|${'b'.repeat(64)}`);
    const answer = await planted.post('/api/auth/callback/credentials', {
      ...form,
      csrfToken: 'a'.repeat(64),
    });
    expect((await answer.json()).url).toContain('csrf=true');
    const signedIn = visit(system, seller.cookie);
    await signedIn.post('/api/auth/signout', { csrfToken: other.csrfToken, json: 'true' });
    expect(await (await signedIn.get('/api/auth/session')).json()).toMatchObject({
      user: { role: 'SELLER' },
    });
  });

  it('a form of another site is a 403', async () => {
    const visitor = visit(system);
    const { csrfToken } = await (await visitor.get('/api/auth/csrf')).json();
    const answer = await visitor.post(
      '/api/auth/callback/credentials',
      { email: seller.email, password, csrfToken },
      { origin: 'https://evil.example' },
    );
    expect(answer.status).toBe(403);
  });

  it.each([
    ['https://evil.example/x', ''],
    ['//evil.example/x', ''],
    ['/\\evil.example', ''],
    ['javascript:alert(1)', ''],
    ['http://127.0.0.1.evil.example', ''],
    ['/leads?page=2', '/leads?page=2'],
  ])('a callback to %s leads to our %s', async (callbackUrl, path) => {
    const { client } = open();
    const result = await client.signIn('credentials', credentials({ callbackUrl }));
    expect(result?.url).toBe(`${system.publicUrl}${path}`);
    expect((await client.signOut({ redirect: false, callbackUrl })).url).toBe(`${system.publicUrl}${path}`);
  });

  it('the addresses it sends people to lead to the sign-in page, which says why', async () => {
    const visitor = visit(system);
    for (const [path, sentence] of [
      ['/api/auth/error?error=Invalid%20credentials', 'Email or password is wrong.'],
      ['/api/auth/error?error=%3Cscript%3E', 'The sign-in failed. Please try again.'],
      ['/api/auth/signin?csrf=true', null],
    ] as const) {
      const sent = await visitor.get(path);
      expect(sent.status).toBe(303);
      const html = await (await visitor.get(sent.headers.get('location')!)).text();
      if (sentence) expect(html).toContain(sentence);
      else expect(html).not.toContain('role="alert"');
    }
  });
});
