import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { makeSeller, type Seated } from '../harness/market.ts';

let api: ApiTest;
let seller: Seated;
const proxies: Awaited<ReturnType<typeof startCutProxy>>[] = [];
beforeAll(async () => {
  api = await startApi({
    pages: true,
    through: async (url) => {
      const proxy = await startCutProxy(url);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  seller = await makeSeller(api);
  await Promise.all(proxies.map((proxy) => proxy.stop()));
});
afterAll(() => api?.stop());

const person = { email: 'seller@example.com', password: 'password123' };
const form = 'application/x-www-form-urlencoded';
const json = 'application/json';

it.each([
  ['GET', '/account', 'text/html', undefined],
  ['GET', '/console', 'text/html', undefined],
  ['GET', '/api/categories', json, undefined],
  ['GET', '/api/auth/session', json, undefined],
  ['GET', '/api/auth/get-session', json, undefined],
  ['GET', '/api/auth/sessions', json, undefined],
  ['POST', '/login', form, new URLSearchParams(person).toString()],
  ['POST', '/logout', form, ''],
  ['POST', '/account/password', form, 'current=password123&password=password1234&again=password1234'],
  ['POST', '/api/auth/sign-in/email', json, JSON.stringify(person)],
  ['POST', '/api/auth/sign-out', json, '{}'],
  ['POST', '/api/auth/register', json, JSON.stringify({ ...person, name: 'S', role: 'SELLER' })],
  ['POST', '/api/auth/forgot-password', json, JSON.stringify({ email: person.email })],
] as const)('%s %s is a 503 while the database cannot be reached', async (method, url, type, payload) => {
  const response = await api.app.inject({
    method,
    url,
    headers: {
      cookie: seller.cookie,
      origin: publicUrl,
      ...(payload === undefined ? { accept: type } : { 'content-type': type }),
    },
    ...(payload === undefined ? {} : { payload }),
  });
  expect(response.statusCode).toBe(503);
});
