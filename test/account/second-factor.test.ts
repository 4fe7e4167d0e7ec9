import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { codeFor, freshCodeFor, wrongCodeFor } from '../harness/authenticator.ts';
import { type Visitor, visit } from '../harness/console-client.ts';
import { forgetSignIns } from '../harness/counters.ts';
import { type MadeSeller, makeBuyer, makeSeller, type Seated } from '../harness/market.ts';
import { openNextAuth } from '../harness/next-auth-client.ts';
import { givePassword } from '../harness/passwords.ts';
import {
  allOpened,
  cookieOf,
  demandFactor,
  type Factor,
  openedBy,
  originOf,
  sendJson,
  setUpFactor,
} from '../harness/second-factor.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
const password = 'password123';
beforeAll(async () => {
  system = await startSystem({ workers: [] });
});
afterAll(() => system?.stop());

const origin = () => originOf(system);
const send = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
  sendJson(system, method, path, headers, body);
const setUp = (cookie: string) => setUpFactor(system, { cookie, password });
const opened = (headers: Record<string, string>) => openedBy(system, headers);

async function sellerWithPassword(): Promise<MadeSeller> {
  const seller = await makeSeller(system);
  await givePassword(system, seller.userId, password);
  await forgetSignIns(system.runtime, seller.email);
  return seller;
}

const demand = (organizationId: string) => demandFactor(system, organizationId);
const signInJson = (email: string, over: Record<string, unknown> = {}) =>
  send('POST', '/api/auth/sign-in/email', origin(), { email, password, ...over });

describe('[S26] a session without the second factor of its person opens nothing', () => {
  let seller: MadeSeller;
  let factor: Factor & { cookie: string };
  beforeAll(async () => {
    seller = await sellerWithPassword();
    factor = await setUp(seller.cookie);
  });
  beforeEach(() => forgetSignIns(system.runtime, seller.email));

  it('one with it opens all', async () => {
    expect(await opened({ cookie: factor.cookie })).toEqual(allOpened);
  });

  /** A session as Google's callback or an older version leaves it. */
  const without = async (owner = seller) => {
    const made = await makeBuyer(system, owner);
    await system.rows('UPDATE sessions SET user_id = $1 WHERE user_id = $2', [owner.userId, made.userId]);
    return made as Seated;
  };

  const ways: [string, () => Promise<Record<string, string>>][] = [
    ['a password', async () => ({ cookie: cookieOf(await signInJson(seller.email)) || 'none=1' })],
    [
      'a password on the page',
      async () => {
        const visitor = visit(system);
        await visitor.signIn(seller.email, password);
        return { cookie: visitor.cookie() };
      },
    ],
    [
      'a session without it, such as Google’s, by its cookie',
      async () => ({ cookie: (await without()).cookie }),
    ],
    ['the same as Bearer', async () => (await without()).as],
    [
      'a password with `trustDevice` in an earlier code',
      async () => {
        const visitor = visit(system);
        await visitor.signIn(seller.email, password);
        const trusted = await send(
          'POST',
          '/api/auth/two-factor/verify-totp',
          { cookie: visitor.cookie(), ...origin() },
          { code: freshCodeFor(factor.uri), trustDevice: true },
        );
        expect(cookieOf(trusted)).not.toContain('trust_device');
        const again = await send(
          'POST',
          '/api/auth/sign-in/email',
          { cookie: cookieOf(trusted), ...origin() },
          { email: seller.email, password },
        );
        expect(await again.json()).toMatchObject({ twoFactorRedirect: true });
        return { cookie: cookieOf(again) || 'none=1' };
      },
    ],
  ];
  it.each(ways)('%s', async (_name, way) => {
    expect(await opened(await way())).toEqual([]);
  });

  it('the library’s own routes are closed to it: session, password, other sessions, the factor itself', async () => {
    const as = { cookie: (await without()).cookie, ...origin() };
    const read = await send('GET', '/api/auth/get-session', as);
    expect(await read.json()).toBeNull();
    for (const [path, body] of [
      ['/change-password', { currentPassword: password, newPassword: 'another right one' }],
      ['/revoke-other-sessions', {}],
      ['/two-factor/enable', { password }],
      ['/two-factor/disable', { password }],
      ['/two-factor/generate-backup-codes', { password }],
    ] as const)
      expect((await send('POST', `/api/auth${path}`, as, body)).status, path).toBe(401);
    for (const path of ['/api/auth/sessions', '/api/auth/organizations'])
      expect((await send('GET', path, as)).status, path).toBe(401);
    const page = await send('GET', '/account', { ...as, accept: 'text/html' });
    expect(page.headers.get('location')).toBe('/login/second-factor?next=%2Faccount');
  });

  it('the code opens it, and nothing else changes', async () => {
    const own = await sellerWithPassword();
    const { uri } = await setUp(own.cookie);
    const half = await without(own);
    const as = { cookie: half.cookie, ...origin() };
    const wrong = await send('POST', '/api/auth/two-factor/verify-totp', as, {
      code: wrongCodeFor(uri),
    });
    expect([wrong.status, await opened(as)]).toEqual([401, []]);
    const right = await send('POST', '/api/auth/two-factor/verify-totp', as, {
      code: freshCodeFor(uri),
    });
    expect(right.status).toBe(200);
    expect(await opened({ cookie: half.cookie })).toContain('market');
  });

  it('a code of the app opens one session, also of two at once', async () => {
    const own = await sellerWithPassword();
    const { uri } = await setUp(own.cookie);
    const code = freshCodeFor(uri);
    const half = async () => {
      const visitor = visit(system);
      await visitor.signIn(own.email, password);
      return visitor;
    };
    const give = async (visitor: Visitor) => (await visitor.post('/login/second-factor', { code })).status;
    const both = await Promise.all([await half(), await half()].map(give));
    expect(both.sort()).toEqual([303, 401]);
    expect(await give(await half())).toBe(401);
    const json = await signInJson(own.email, { code });
    expect([json.status, await json.json()]).toEqual([
      401,
      expect.objectContaining({ code: 'INVALID_CODE' }),
    ]);
  });

  it('a recovery code opens it once', async () => {
    const use = async () => {
      const visitor = visit(system);
      await visitor.signIn(seller.email, password);
      const answer = await visitor.post('/login/second-factor', { code: factor.codes[0]!, next: '/account' });
      return { status: answer.status, location: answer.headers.get('location'), visitor };
    };
    const first = await use();
    expect([first.status, first.location]).toEqual([303, '/account']);
    expect((await first.visitor.get('/account')).status).toBe(200);
    expect((await use()).status).toBe(401);
  });

  it('is remembered exactly where the factor was given, and in what replaces that session', async () => {
    const own = await sellerWithPassword();
    const stamps = async () => {
      const rows = await system.rows<{ given: boolean }>(
        'SELECT second_factor_at IS NOT NULL AS given FROM sessions WHERE user_id = $1 ORDER BY created_at DESC, id DESC',
        [own.userId],
      );
      return rows.map(({ given }) => given);
    };
    expect(await stamps()).toEqual([false]);
    const { uri } = await setUp(own.cookie);
    expect(await stamps()).toEqual([true]);
    const signedIn = await signInJson(own.email, { code: freshCodeFor(uri) });
    expect(await stamps()).toEqual([true, true]);
    const changed = await send(
      'POST',
      '/api/auth/change-password',
      { cookie: cookieOf(signedIn), ...origin() },
      { currentPassword: password, newPassword: 'another right one' },
    );
    expect(await stamps()).toEqual([true]);
    expect(await opened({ cookie: cookieOf(changed) })).toContain('market');
  });

  describe('by next-auth', () => {
    it('the sign-in fails with a clear code until the code is sent with it', async () => {
      const own = await sellerWithPassword();
      const { uri, codes } = await setUp(own.cookie);
      const { client } = openNextAuth(system.publicUrl);
      const given = { email: own.email, password, redirect: false };
      const signIn = (over: object) =>
        openNextAuth(system.publicUrl).client.signIn('credentials', { ...given, ...over });
      expect(await client.signIn('credentials', given)).toMatchObject({
        ok: false,
        status: 401,
        error: 'SecondFactorRequired',
      });
      expect(await client.getSession()).toBeNull();
      expect(await signIn({ code: wrongCodeFor(uri) })).toMatchObject({ error: 'InvalidCode' });
      const { client: another } = openNextAuth(system.publicUrl);
      expect(await another.signIn('credentials', { ...given, code: freshCodeFor(uri) })).toMatchObject({
        ok: true,
      });
      expect((await another.getSession())?.user.id).toBe(own.userId);
      expect(await signIn({ code: codes[1] })).toMatchObject({ ok: true });
      vi.unstubAllGlobals();
    });
  });
});

describe('[S26] an organization’s demand for a second factor', () => {
  const shutOut = async (headers: Record<string, string>) => {
    expect(await opened(headers)).toEqual([]);
  };

  it.each<[string, (seller: MadeSeller) => Promise<Record<string, string>>]>([
    ['a session older than the demand, by its cookie', async ({ cookie }) => ({ cookie })],
    ['the same as Bearer', async ({ as }) => as],
    ['a password', async ({ email }) => ({ cookie: cookieOf(await signInJson(email)) })],
    ['the buyer’s session', async (seller) => ({ cookie: (await makeBuyer(system, seller)).cookie })],
    [
      'a factor that was set up and not confirmed',
      async ({ cookie, email }) => {
        const as = { cookie, ...origin() };
        const made = await send('POST', '/api/auth/two-factor/enable', as, { password });
        const { backupCodes } = await made.json();
        await send('POST', '/api/auth/two-factor/verify-backup-code', as, { code: backupCodes[0] });
        const given = await system.rows(
          `SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = $1 AND s.second_factor_at IS NOT NULL`,
          [email],
        );
        expect(given).toEqual([]);
        return { cookie };
      },
    ],
    [
      'a factor that was taken from the account',
      async ({ cookie, userId }) => {
        const factor = await setUp(cookie);
        await system.rows('UPDATE users SET two_factor_enabled = false WHERE id = $1', [userId]);
        return { cookie: factor.cookie };
      },
    ],
    [
      'a factor that was switched off again',
      async ({ cookie }) => {
        const factor = await setUp(cookie);
        const as = { cookie: factor.cookie, ...origin() };
        const off = await send('POST', '/api/auth/two-factor/disable', as, { password });
        return { cookie: cookieOf(off) };
      },
    ],
  ])('shuts out %s', async (_name, way) => {
    const seller = await sellerWithPassword();
    const [before] = [await opened({ cookie: seller.cookie })];
    expect(before).toContain('market');
    await demand(seller.organizationId);
    await shutOut(await way(seller));
  });

  it('fails a sign-in by next-auth, and leaves no session', async () => {
    const seller = await sellerWithPassword();
    await demand(seller.organizationId);
    const { client } = openNextAuth(system.publicUrl);
    const result = await client.signIn('credentials', { email: seller.email, password, redirect: false });
    expect(result).toMatchObject({ ok: false, status: 401, error: 'SecondFactorSetupRequired' });
    vi.unstubAllGlobals();
    const left = await system.rows('SELECT 1 FROM sessions WHERE user_id = $1', [seller.userId]);
    expect(left).toHaveLength(1);
  });

  it('leaves the account page, where the factor is set up, and then all is open', async () => {
    const seller = await sellerWithPassword();
    await demand(seller.organizationId);
    const visitor = visit(system);
    await visitor.signIn(seller.email, password);
    const sent = await visitor.get('/');
    expect(sent.headers.get('location')).toBe('/account?needs=second-factor');
    expect(await (await visitor.get('/account?needs=second-factor')).text()).toContain(
      'Your organization asks its members for a second factor.',
    );
    const { cookie } = await setUp(visitor.cookie());
    expect(await opened({ cookie })).toEqual(allOpened);
  });

  it('is for members of that organization only', async () => {
    const [seller, other] = [await sellerWithPassword(), await sellerWithPassword()];
    await demand(other.organizationId);
    await system.rows(
      `INSERT INTO members (organization_id, user_id, role, created_at) VALUES ($1, $2, 'seller', now() + interval '1 second')`,
      [other.organizationId, seller.userId],
    );
    expect(await opened({ cookie: seller.cookie })).toContain('market');
    const chosen = await send(
      'PUT',
      '/api/auth/organization',
      { cookie: seller.cookie, ...origin() },
      { organization: other.slug },
    );
    expect(chosen.status).toBe(200);
    expect(await opened({ cookie: seller.cookie })).not.toContain('market');
    expect(await opened({ cookie: seller.cookie })).not.toContain('session');
  });

  it('is switched on only by a seller who has a factor, and recorded', async () => {
    const seller = await sellerWithPassword();
    const buyer = await makeBuyer(system, seller);
    const set = (cookie: string, requireTwoFactor: unknown) =>
      send('PUT', '/api/sellers/security', { cookie, ...origin() }, { requireTwoFactor });
    const refused = await set(seller.cookie, true);
    expect([refused.status, (await refused.json()).code]).toEqual([403, 'second_factor_required']);
    expect((await set(buyer.cookie, false)).status).toBe(403);
    expect((await (await set(seller.cookie, 'yes')).json()).error).toBe('Invalid requireTwoFactor');
    const { cookie } = await setUp(seller.cookie);
    const done = await set(cookie, true);
    expect(await done.json()).toEqual({
      message: 'Security settings updated successfully',
      security: { requireTwoFactor: true },
    });
    await set(cookie, true);
    await set(cookie, false);
    const log = await system.rows(
      'SELECT actor, action, subject, before, after FROM audit_log WHERE organization_id = $1 ORDER BY id',
      [seller.organizationId],
    );
    const common = {
      actor: seller.userId,
      action: 'security.updated',
      subject: `organization:${seller.organizationId}`,
    };
    const [off, on] = [{ requireTwoFactor: false }, { requireTwoFactor: true }];
    expect(log).toEqual([
      { ...common, before: off, after: on },
      { ...common, before: on, after: off },
    ]);
  });

  it('is not switched off on the account page by a session that it shuts out', async () => {
    const seller = await sellerWithPassword();
    await demand(seller.organizationId);
    const form = { requireTwoFactor: 'false' };
    const visitor = visit(system, seller.cookie);
    expect((await visitor.post('/account/organization/security', form)).status).toBe(403);
    const [row] = await system.rows('SELECT requires_two_factor AS on FROM organizations WHERE id = $1', [
      seller.organizationId,
    ]);
    expect(row).toEqual({ on: true });
  });
});

describe('wrong codes', () => {
  const half = async (seller: MadeSeller): Promise<Visitor> => {
    const visitor = visit(system);
    expect((await visitor.signIn(seller.email, password)).headers.get('location')).toBe(
      '/login/second-factor?next=%2Fconsole',
    );
    return visitor;
  };

  it('are limited across sign-ins and sessions, and do not lock out a browser that signed in before', async () => {
    const seller = await sellerWithPassword();
    const owner = visit(system);
    await owner.signIn(seller.email, password);
    const factor = await setUp(owner.cookie());
    const known = visit(system);
    await known.signIn(seller.email, password);
    expect((await known.post('/login/second-factor', { code: factor.codes[0]! })).status).toBe(303);
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const thief = await half(seller);
      statuses.push((await thief.post('/login/second-factor', { code: wrongCodeFor(factor.uri) })).status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(statuses.slice(10)).toEqual([429, 429]);
    // The right code, from the thief's address and from the browser of the owner.
    const thief = await half(seller);
    const locked = await thief.post('/login/second-factor', { code: codeFor(factor.uri) });
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    await known.post('/logout');
    await known.signIn(seller.email, password);
    expect((await known.post('/login/second-factor', { code: freshCodeFor(factor.uri) })).status).toBe(303);
  });

  it('a password alone does not make a browser known', async () => {
    const seller = await sellerWithPassword();
    await setUp(seller.cookie);
    expect((await half(seller)).cookie()).not.toContain('leadgate_known');
  });
});
