import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLink } from '../../src/db/account/links.ts';
import { makeBuyerPasswordToken } from '../../src/db/account/members.ts';
import { accountLinksOf } from '../../src/usecases/account/links.ts';
import { codeFor, freshCodeFor, wrongCodeFor } from '../harness/authenticator.ts';
import { visit } from '../harness/console-client.ts';
import { forgetSignIns } from '../harness/counters.ts';
import { makeBuyer, makeSeller } from '../harness/market.ts';
import { givePassword } from '../harness/passwords.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
const password = 'password123';
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
const resetToken = async (userId: string) => {
  const id = await makeLink(system.runtime.db, userId, 'reset_password', 1);
  return accountLinksOf(system.runtime.config).url('reset_password', id).split('/').at(-1)!;
};
const sessionIn = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0]!)
    .join('; ');

/** Sends a Cookie header as it is; fetch would tidy it. */
const verifyWith = (cookie: string, code: string) =>
  new Promise<number>((resolve, reject) => {
    const { hostname, port } = new URL(system.publicUrl);
    const request = httpRequest({
      hostname,
      port,
      method: 'POST',
      path: '/api/auth/two-factor/verify-totp',
      headers: { 'content-type': 'application/json', cookie, ...own() },
    });
    request.on('response', (answer) => resolve(answer.resume().statusCode!)).on('error', reject);
    request.end(JSON.stringify({ code }));
  });

async function sellerWithFactor() {
  const seller = await makeSeller(system);
  await givePassword(system, seller.userId, password);
  const as = { cookie: seller.cookie, ...own() };
  const enabled = await send('POST', '/api/auth/two-factor/enable', as, { password });
  const { totpURI } = (await enabled.json()) as { totpURI: string };
  await send('POST', '/api/auth/two-factor/verify-totp', as, { code: freshCodeFor(totpURI) });
  await forgetSignIns(system.runtime, seller.email);
  return { email: seller.email, totpURI };
}
const challengeOf = async (email: string) => {
  const answer = await send('POST', '/api/auth/sign-in/email', own(), { email, password });
  return sessionIn(answer)
    .split('; ')
    .find((cookie) => cookie.startsWith('leadgate.two_factor='))!;
};

it('[S26] a code is judged for the person whose attempts are counted, however the cookies are written', async () => {
  const victim = await sellerWithFactor();
  const attacker = await sellerWithFactor();
  const theirs = await challengeOf(victim.email);
  const mine = await challengeOf(attacker.email);
  const odd = theirs.replace('leadgate.two_factor=', 'leadgate.two_factor =');
  expect(await verifyWith(`${odd}; ${mine}`, wrongCodeFor(victim.totpURI))).toBe(401);
  expect(await verifyWith(`${odd}; ${mine}`, codeFor(victim.totpURI))).toBe(401);
  expect(await verifyWith(mine, freshCodeFor(attacker.totpURI))).toBe(200);
});

describe('a link that resets a password', () => {
  it('costs its holder a few hashes, not all that the process can make', async () => {
    const { userId } = await makeSeller(system);
    const token = await resetToken(userId);
    const tries = Array.from({ length: 20 }, () =>
      send('POST', '/api/auth/reset-password', {}, { token, password: 'password456' }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(1);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(15);
  });

  it('ends the links that others were handed for the same account', async () => {
    const seller = await makeSeller(system);
    const buyer = await makeBuyer(system, seller);
    const handed = await makeBuyerPasswordToken(
      system.runtime.db,
      seller.organizationId,
      buyer.buyerId,
      'cli',
    );
    expect(handed).not.toBeNull();
    const token = await resetToken(buyer.userId);
    await send('POST', '/api/auth/reset-password', {}, { token, password: 'ownsecret1' });
    const spent = await fetch(`${system.publicUrl}/set-password/${handed}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...own() },
      body: 'password=takenover1&again=takenover1',
    });
    expect(spent.status).toBe(404);
  });

  it.each<[string, (as: Record<string, string>) => Promise<Response>]>([
    [
      'the API',
      (as) =>
        send('POST', '/api/auth/change-password', as, {
          currentPassword: password,
          newPassword: 'ownsecret1',
        }),
    ],
    [
      'the account page',
      ({ cookie = '' }) =>
        visit(system, cookie).post('/account/password', {
          current: password,
          password: 'ownsecret1',
          again: 'ownsecret1',
        }),
    ],
  ])(
    'ends when the password is changed by %s, with handed links and other sessions',
    async (_door, change) => {
      const seller = await makeSeller(system);
      const buyer = await makeBuyer(system, seller);
      const handed = await makeBuyerPasswordToken(
        system.runtime.db,
        seller.organizationId,
        buyer.buyerId,
        'cli',
      );
      const token = await resetToken(buyer.userId);
      await givePassword(system, buyer.userId, password);
      const other = await send('POST', '/api/auth/sign-in/email', own(), { email: buyer.email, password });
      const wrong = { currentPassword: 'not it at all', newPassword: 'ownsecret1' };
      const as = { cookie: buyer.cookie, ...own() };
      expect((await send('POST', '/api/auth/change-password', as, wrong)).ok).toBe(false);
      expect((await visit(system).get(`/set-password/${handed}`)).status).toBe(200);
      expect((await change(as)).status).toBeLessThan(400);
      expect((await visit(system).get(`/set-password/${handed}`)).status).toBe(404);
      const reset = await send('POST', '/api/auth/reset-password', {}, { token, password: 'takenover1' });
      expect(reset.status).toBe(400);
      const seen = await send('GET', '/api/auth/sessions', { cookie: sessionIn(other) }, undefined);
      expect(seen.status).toBe(401);
    },
  );

  it('takes away the second factor of a person who never proved the address', async () => {
    const email = `owner-${randomUUID()}@people.example`;
    await send('POST', '/api/auth/register', {}, { email, password, name: 'Squatter', role: 'SELLER' });
    const squatter = await send('POST', '/api/auth/sign-in/email', own(), { email, password });
    const as = { cookie: sessionIn(squatter), ...own() };
    const enabled = await send('POST', '/api/auth/two-factor/enable', as, { password });
    const { totpURI } = (await enabled.json()) as { totpURI: string };
    await send('POST', '/api/auth/two-factor/verify-totp', as, { code: freshCodeFor(totpURI) });
    const [user] = await system.rows<{ id: string; factor: boolean }>(
      'SELECT id, two_factor_enabled AS factor FROM users WHERE email = $1',
      [email],
    );
    expect(user!.factor).toBe(true);
    const token = await resetToken(user!.id);
    await send('POST', '/api/auth/reset-password', {}, { token, password: 'ownerpass1' });
    await forgetSignIns(system.runtime, email);
    const owner = await send('POST', '/api/auth/sign-in/email', own(), { email, password: 'ownerpass1' });
    expect(await owner.json()).not.toHaveProperty('twoFactorRedirect');
    const seen = await fetch(`${system.publicUrl}/api/sellers/me`, {
      headers: { cookie: sessionIn(owner), ...own() },
    });
    expect(seen.status).toBe(200);
  });
});

it('one mailbox gets a few registrations a day, whatever follows the plus sign', async () => {
  const mailbox = randomUUID();
  const statuses: number[] = [];
  for (let n = 0; n < 12; n += 1) {
    const body = { email: `${mailbox}+${n}@mailbox.example`, password, name: 'Prize', role: 'SELLER' };
    statuses.push((await send('POST', '/api/auth/register', {}, body)).status);
  }
  expect(statuses).toEqual([...Array(10).fill(201), 429, 429]);
});

it('a write for an organization that the person has left is refused, and stored in no other', async () => {
  const first = await makeSeller(system);
  const second = await makeSeller(system);
  await system.rows(`INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')`, [
    second.organizationId,
    first.userId,
  ]);
  await send('PUT', '/api/auth/organization', first.as, { organization: second.slug });
  const removed = await send('DELETE', `/api/members/${first.userId}`, second.as);
  expect(removed.status).toBe(200);
  const fields = [{ name: 'x', type: 'text', required: false }];
  const made = await send('POST', '/api/categories', first.as, { name: 'For the second', fields });
  expect(made.status).toBe(403);
  expect(await system.rows(`SELECT 1 FROM categories WHERE name = 'For the second'`)).toEqual([]);
});

it('whom a removed seller invited is not let in', async () => {
  const seller = await makeSeller(system);
  const leaving = await makeSeller(system);
  await system.rows(`UPDATE members SET organization_id = $1 WHERE user_id = $2`, [
    seller.organizationId,
    leaving.userId,
  ]);
  const invited = await send('POST', '/api/members/invitations', leaving.as, {
    email: `accomplice-${randomUUID()}@people.example`,
    role: 'SELLER',
  });
  expect(invited.status).toBe(201);
  await send('DELETE', `/api/members/${leaving.userId}`, seller.as);
  const open = await system.rows(
    'SELECT 1 FROM invitations WHERE organization_id = $1 AND revoked_at IS NULL',
    [seller.organizationId],
  );
  expect(open).toEqual([]);
});
