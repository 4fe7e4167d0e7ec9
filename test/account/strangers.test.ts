import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLink } from '../../src/db/account/links.ts';
import { addMember } from '../../src/db/account/members.ts';
import { createSeller } from '../../src/db/account/sellers.ts';
import { accountLinksOf } from '../../src/usecases/account/links.ts';
import { freshCodeFor } from '../harness/authenticator.ts';
import { visit } from '../harness/console-client.ts';
import { forgetSignIns } from '../harness/counters.ts';
import { pick } from '../harness/google.ts';
import { makeSeller, newInviteCode } from '../harness/market.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** A stranger registers the address of a victim, and waits until the victim uses the account. */

let system: TestSystem;
const password = 'strangers-own';
beforeAll(async () => {
  system = await startSystem({ workers: [] });
});
afterAll(() => system?.stop());

const own = () => ({ origin: new URL(system.publicUrl).origin });
const send = (method: string, path: string, headers: Record<string, string>, body: unknown = {}) =>
  fetch(system.publicUrl + path, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  });
const cookieIn = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0]!)
    .join('; ');
const signIn = (email: string, secret: string) =>
  send('POST', '/api/auth/sign-in/email', own(), { email, password: secret });

/** Registers the victim's address, and leaves a session, a second factor, an invitation and an API key. */
async function prepare() {
  const email = `victim-${randomUUID()}@people.example`;
  await send('POST', '/api/auth/register', {}, { email, password, name: 'Stranger', role: 'SELLER' });
  const as = { cookie: cookieIn(await signIn(email, password)), ...own() };
  const enabled = await send('POST', '/api/auth/two-factor/enable', as, { password });
  const { totpURI } = (await enabled.json()) as { totpURI: string };
  const verified = await send('POST', '/api/auth/two-factor/verify-totp', as, {
    code: freshCodeFor(totpURI),
  });
  const session = { cookie: cookieIn(verified), ...own() };
  const accomplice = { email: `accomplice-${randomUUID()}@people.example`, role: 'SELLER' };
  expect((await send('POST', '/api/members/invitations', session, accomplice)).status).toBe(201);
  const [user] = await system.rows<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]);
  await system.rows(
    `INSERT INTO api_keys (id, organization_id, owner, name, prefix, hash, scopes, created_by)
     SELECT gen_random_uuid(), organization_id, 'organization', 'Stranger’s', 'lg_x', md5(random()::text), '{}', user_id::text
     FROM members WHERE user_id = $1`,
    [user!.id],
  );
  await forgetSignIns(system.runtime, email);
  return { email, userId: user!.id, session };
}
type Prepared = Awaited<ReturnType<typeof prepare>>;

const linkOf = async (purpose: 'verify_email' | 'reset_password', userId: string) =>
  accountLinksOf(system.runtime.config)
    .url(purpose, await makeLink(system.runtime.db, userId, purpose, 1))
    .split('/')
    .at(-1)!;

/** What the stranger could come back with. */
const left = async ({ userId }: Prepared) =>
  (
    await system.rows(
      `SELECT u.email_verified AS verified, u.two_factor_enabled AS factor,
        (SELECT count(*)::int FROM two_factors t WHERE t.user_id = u.id) AS factors,
        (SELECT count(*)::int FROM account_links l WHERE l.user_id = u.id AND l.used_at IS NULL) AS links,
        (SELECT count(*)::int FROM api_keys k WHERE k.created_by = u.id::text AND k.revoked_at IS NULL) AS keys,
        (SELECT count(*)::int FROM invitations i WHERE i.invited_by = u.id AND i.revoked_at IS NULL) AS invitations
      FROM users u WHERE u.id = $1`,
      [userId],
    )
  )[0];
const nothing = { verified: true, factor: false, factors: 0, links: 0, keys: 0, invitations: 0 };

async function expectShutOut(prepared: Prepared) {
  expect(await left(prepared)).toMatchObject(nothing);
  const seen = await send('GET', '/api/sellers/me', prepared.session);
  expect(seen.status).toBe(401);
  expect((await signIn(prepared.email, password)).status).toBe(401);
  await forgetSignIns(system.runtime, prepared.email);
}

describe('[S09] a stranger who registered the address of a victim is shut out', () => {
  it('when the victim comes with Google, who is signed in to the account', async () => {
    const prepared = await prepare();
    const visitor = visit(system);
    const begun = await visitor.post('/login/google', { role: 'SELLER' });
    const back = new URL(await pick(begun.headers.get('location')!, { email: prepared.email.toUpperCase() }));
    expect((await visitor.get(back.pathname + back.search)).headers.get('location')).toBe('/');
    const { user } = (await (await visitor.get('/api/auth/session')).json()) as { user: { id: string } };
    expect(user.id).toBe(prepared.userId);
    await expectShutOut(prepared);
    const accounts = await system.rows('SELECT provider_id FROM accounts WHERE user_id = $1', [
      prepared.userId,
    ]);
    expect(accounts).toEqual([{ provider_id: 'google' }]);
  });

  it.each(['verify_email', 'reset_password'] as const)(
    'when the victim sets a password by a mailed link: %s',
    async (purpose) => {
      const prepared = await prepare();
      const token = await linkOf(purpose, prepared.userId);
      const other = await linkOf('verify_email', prepared.userId);
      const done =
        purpose === 'verify_email'
          ? await send('POST', '/api/auth/verify-email', {}, { token, newPassword: 'victims-own' })
          : await send('POST', '/api/auth/reset-password', {}, { token, password: 'victims-own' });
      expect(done.status).toBe(200);
      await expectShutOut(prepared);
      const late = { token: other, newPassword: 'strangers-other' };
      expect((await send('POST', '/api/auth/verify-email', {}, late)).status).toBe(400);
      const answer = await signIn(prepared.email, 'victims-own');
      expect([answer.status, await answer.json()]).toEqual([
        200,
        expect.not.objectContaining({ twoFactorRedirect: true }),
      ]);
    },
  );

  it('when an operator adds the address to a company, or makes it the owner of a seller', async () => {
    const { organizationId } = await makeSeller(system);
    const { db } = system.runtime;
    for (const add of [
      ({ email }: Prepared) => addMember(db, organizationId, { name: 'V', email }, 'cli'),
      ({ email }: Prepared) =>
        createSeller(db, {
          slug: `own-${randomUUID()}`,
          newOrganization: 'Victim Co',
          email,
          name: 'V',
          inviteCode: newInviteCode(),
        }),
    ]) {
      const prepared = await prepare();
      await add(prepared);
      expect((await send('GET', '/api/sellers/me', prepared.session)).status).toBe(401);
      expect((await signIn(prepared.email, password)).status).toBe(401);
      expect(await left(prepared)).toMatchObject({ factor: false, factors: 0, invitations: 0 });
    }
  });
});

it('[S09] an addition that is refused takes nothing from the account of an address that is not verified', async () => {
  const { organizationId } = await makeSeller(system);
  const prepared = await prepare();
  await system.rows(
    `WITH b AS (INSERT INTO buyers (id, organization_id, external_id, name) VALUES (gen_random_uuid(), $1, $2, 'V') RETURNING id)
     INSERT INTO members (organization_id, user_id, role, buyer_id) SELECT $1::uuid, $2::uuid, 'buyer', id FROM b`,
    [organizationId, prepared.userId],
  );
  const before = await left(prepared);
  await expect(
    addMember(system.runtime.db, organizationId, { name: 'V', email: prepared.email }, 'cli'),
  ).rejects.toMatchObject({ status: 409 });
  expect(await left(prepared)).toEqual(before);
  expect((await send('GET', '/api/sellers/me', prepared.session)).status).toBe(200);
});

describe('[S09] what is not the owner’s', () => {
  it('a link alone verifies nothing: neither a session of another person nor a wrong password does', async () => {
    const prepared = await prepare();
    const other = await makeSeller(system);
    const token = await linkOf('verify_email', prepared.userId);
    for (const [headers, body] of [
      [{}, {}],
      [other.as, {}],
      [{}, { password: 'a wrong one' }],
      [prepared.session, { password: 'a wrong one' }],
    ] as const) {
      const answer = await send('POST', '/api/auth/verify-email', { ...headers }, { token, ...body });
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
        400,
        'Password is required',
      ]);
    }
    expect(await left(prepared)).toMatchObject({ verified: false, factor: true, keys: 1, invitations: 1 });
  });

  it('an address that Google has not verified opens and ends nothing', async () => {
    const prepared = await prepare();
    const visitor = visit(system);
    const begun = await visitor.post('/login/google');
    const back = new URL(
      await pick(begun.headers.get('location')!, { email: prepared.email, unverified: 'on' }),
    );
    expect((await visitor.get(back.pathname + back.search)).headers.get('location')).toMatch(
      /^\/login\?error=account_not_linked/,
    );
    expect(await left(prepared)).toMatchObject({ verified: false, factor: true, factors: 1, keys: 1 });
  });

  it('an account whose address was verified keeps its password, factor and keys when Google is linked', async () => {
    const prepared = await prepare();
    await system.rows('UPDATE users SET email_verified = true WHERE id = $1', [prepared.userId]);
    const visitor = visit(system);
    const begun = await visitor.post('/login/google');
    const back = new URL(await pick(begun.headers.get('location')!, { email: prepared.email }));
    await visitor.get(back.pathname + back.search);
    expect(await left(prepared)).toMatchObject({ factor: true, factors: 1, keys: 1, invitations: 1 });
    const accounts = await system.rows('SELECT provider_id FROM accounts WHERE user_id = $1', [
      prepared.userId,
    ]);
    expect(accounts).toHaveLength(2);
  });
});
