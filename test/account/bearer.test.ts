import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeSeller } from '../harness/market.ts';
import { givePassword } from '../harness/passwords.ts';

let api: ApiTest;
let seller: MadeSeller;
let other: MadeSeller;
beforeAll(async () => {
  api = await startApi({ pages: true });
  [seller, other] = [await makeSeller(api), await makeSeller(api)];
});
afterAll(() => api?.stop());

const evil = 'https://evil.example';
/** A route of sellers that writes, one of anyone that writes, and a read. */
const security = (headers: Record<string, string>, requireTwoFactor = false) =>
  api.app.inject({ method: 'PUT', url: '/api/sellers/security', headers, payload: { requireTwoFactor } });
const session = (headers: Record<string, string>, url = '/api/auth/session') =>
  api.app.inject({ method: 'GET', url, headers });
const bearer = (value: string) => ({ authorization: `Bearer ${value}` });
const userOf = async (headers: Record<string, string>) => (await session(headers)).json().user?.id;

describe('a session as Authorization: Bearer', () => {
  it('is the same string as the cookie’s, encoded or not', async () => {
    expect(await userOf({ cookie: seller.cookie })).toBe(seller.userId);
    expect(await userOf(bearer(seller.bearer))).toBe(seller.userId);
    expect(await userOf(bearer(decodeURIComponent(seller.bearer)))).toBe(seller.userId);
  });

  it('is answered by POST /api/auth/sign-in/email in the header set-auth-token', async () => {
    await givePassword(api, other.userId, 'password123');
    const answer = await api.app.inject({
      method: 'POST',
      url: '/api/auth/sign-in/email',
      headers: { origin: publicUrl },
      payload: { email: other.email, password: 'password123' },
    });
    expect(await userOf(bearer(String(answer.headers['set-auth-token'])))).toBe(other.userId);
  });

  it('writes without an Origin, where a cookie needs one of ours', async () => {
    expect((await security(bearer(seller.bearer))).statusCode).toBe(200);
    expect((await security({ ...bearer(seller.bearer), origin: evil })).statusCode).toBe(200);
    expect((await security({ cookie: seller.cookie, origin: publicUrl })).statusCode).toBe(200);
    for (const headers of [{}, { origin: evil }, { origin: 'null' }] as Record<string, string>[])
      expect((await security({ cookie: seller.cookie, ...headers })).statusCode).toBe(403);
  });

  const token = () => decodeURIComponent(seller.bearer).split('.')[0]!;
  it.each<[string, () => string]>([
    ['unsigned', () => `Bearer ${token()}`],
    ['with the signature of another session', () => `Bearer ${token()}.${seller.bearer.slice(-20)}`],
    ['with another token under its signature', () => `Bearer x${decodeURIComponent(seller.bearer).slice(1)}`],
    ['of another scheme', () => `Basic ${seller.bearer}`],
    ['empty', () => 'Bearer '],
    ['blank', () => ''],
  ])('is a 401 when %s', async (_name, authorization) => {
    const headers = { authorization: authorization() };
    for (const answer of [await security(headers), await session(headers)])
      expect([answer.statusCode, answer.json().error]).toEqual([401, 'Unauthorized']);
  });

  it('[S26] decides alone beside a cookie of another person, valid or not', async () => {
    expect(await userOf({ ...bearer(seller.bearer), cookie: other.cookie })).toBe(seller.userId);
    for (const path of ['/api/auth/session', '/api/auth/sessions']) {
      const answer = await session({ ...bearer('forged.signature'), cookie: other.cookie }, path);
      expect(answer.statusCode, path).toBe(401);
    }
    const library = await session(
      { ...bearer('forged.signature'), cookie: other.cookie },
      '/api/auth/get-session',
    );
    expect(library.json()).toBeNull();
  });

  it.each([
    ['PUT', '/api/sellers/security', { requireTwoFactor: false }, 401],
    ['DELETE', '/api/auth/sessions', undefined, 401],
    ['POST', '/api/auth/revoke-other-sessions', {}, 401],
    ['POST', '/account/sessions', {}, 403],
    ['POST', '/leads/single', {}, 401],
  ] as const)(
    'beside a cookie, a header that is not valid opens no %s %s of another site',
    async (method, url, payload, status) => {
      const before = await api.count('sessions');
      for (const authorization of ['Bearer forged.signature', 'Basic eA==', '']) {
        const headers = { authorization, cookie: other.cookie, origin: evil };
        const answer = await api.app.inject({ method, url, headers, ...(payload ? { payload } : {}) });
        expect([401, 403], `${authorization}: ${answer.body}`).toContain(answer.statusCode);
        if (authorization.startsWith('Bearer')) expect(answer.statusCode).toBe(status);
      }
      expect(await api.count('sessions')).toBe(before);
    },
  );

  it.each(['/api/auth/sign-out', '/api/auth/signout'])(
    'beside a cookie, a header that is not valid signs no one out by POST %s',
    async (url) => {
      const headers = { ...bearer('forged.signature'), cookie: other.cookie, origin: evil };
      await api.app.inject({ method: 'POST', url, headers, payload: {} });
      expect(await userOf({ cookie: other.cookie })).toBe(other.userId);
    },
  );

  it('is not an API key, and an API key is no session', async () => {
    expect((await api.json('GET', '/api/companies', undefined, bearer(seller.bearer))).statusCode).toBe(401);
    expect((await session(bearer(api.key))).statusCode).toBe(401);
  });

  it.each(['token', 'access_token', 'bearer', 'authorization', 'leadgate.session_token'])(
    'is not read from %s in the address',
    async (name) => {
      const url = `/api/auth/session?${name}=${seller.bearer}`;
      expect((await session({}, url)).json()).toEqual({});
      const listed = await api.app.inject({
        method: 'GET',
        url: `/api/auth/sessions?${name}=${seller.bearer}`,
      });
      expect(listed.statusCode).toBe(401);
    },
  );
});
