import { afterAll, beforeAll, expect, it } from 'vitest';
import { setQuotaLimit } from '../../src/db/account/quotas.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';

let api: ApiTest;
let seller: MadeSeller;
let buyer: MadeBuyer;
/** Its quota of known addresses is small. */
let own: MadeSeller;
/** Its other quotas are. */
let home: MadeSeller;
beforeAll(async () => {
  api = await startApi();
  seller = await makeSeller(api);
  buyer = await makeBuyer(api, seller);
  own = await makeSeller(api);
  await setQuotaLimit(api.runtime.db, own.slug, 'known_addresses', 6);
  home = await makeSeller(api);
  await setQuotaLimit(api.runtime.db, home.slug, 'idempotency_keys', 3);
  const { slug } = seller;
  await setQuotaLimit(api.runtime.db, slug, 'market_changes', 5);
  await setQuotaLimit(api.runtime.db, slug, 'requests', 40);
});
afterAll(() => api?.stop());

const send = async (
  who: { as: Record<string, string> },
  method: 'GET' | 'PUT' | 'POST',
  url: string,
  payload?: object,
) => api.app.inject({ method, url, headers: who.as, ...(payload ? { payload } : {}) });
const rename = (who: MadeSeller | MadeBuyer, companyName: string) =>
  send(who, 'PUT', `/api/buyers/${buyer.buyerId}`, { companyName });

it('a buyer’s requests and changes use up nothing of the seller’s quotas', async () => {
  for (let n = 0; n < 60; n += 1) expect((await rename(buyer, `Name ${n}`)).statusCode).toBe(200);
  expect((await send(seller, 'GET', '/api/buyers')).statusCode).toBe(200);
  expect((await rename(seller, 'By the seller')).statusCode).toBe(200);
});

it('buyers’ Idempotency-Keys use up nothing of the seller’s: its suppliers go on sending leads with theirs', async () => {
  const sending = { name: 'Acme', email: 'api@quota.example' };
  const { apiKey } = (await send(home, 'POST', '/api/suppliers', sending)).json().supplier;
  for (const one of await Promise.all([makeBuyer(api, home), makeBuyer(api, home)]))
    for (let n = 0; n < 5; n += 1) {
      const key = { ...one.as, 'idempotency-key': `key-${n}` };
      // It has no card, which is judged after the key was counted.
      const answer = await send({ as: key }, 'POST', '/api/payments/wallet', { amount: 50 });
      expect([answer.statusCode, answer.json().error]).toEqual([400, 'No payment method available']);
    }
  const ingest = async (n: number) => {
    const as = { 'x-api-key': apiKey, 'idempotency-key': `lead-${n}` };
    return (await send({ as }, 'POST', '/api/leads/ingest', {})).statusCode;
  };
  // The leads are not valid; the keys are counted before that is said.
  expect([await ingest(1), await ingest(2), await ingest(3), await ingest(4)]).toEqual([400, 400, 400, 429]);
});

it('a seller learns of a few addresses a day that they have an account, by files and by single buyers, also at once', async () => {
  const people = await Promise.all(Array.from({ length: 20 }, () => makeSeller(api)));
  const create = (email: string) =>
    send(own, 'POST', '/api/buyers', { email, password: 'password123', name: 'N' });
  // Those that are new cost nothing.
  for (let n = 0; n < 10; n += 1) expect((await create(`new${n}@known.example`)).statusCode).toBe(201);
  const upload = (rows: string[]) =>
    api.app.inject({
      method: 'POST',
      url: '/api/buyers/import',
      headers: { ...own.as, 'content-type': 'text/csv' },
      payload: ['email,name', ...rows.map((email) => `${email},N`)].join('\n'),
    });
  const answers = await Promise.all([
    ...people.slice(0, 10).map(({ email }) => create(email)),
    upload(people.slice(10, 13).map(({ email }) => email)),
    upload(people.slice(13, 16).map(({ email }) => email)),
    upload(people.slice(16).map(({ email }) => email)),
  ]);
  const told = answers.map((answer) => {
    const { error, rejectedRows = [] } = answer.json() as { error?: string; rejectedRows?: object[] };
    return [error, ...rejectedRows.map((row) => JSON.stringify(row))].filter((words) =>
      words?.includes('User with this email already exists'),
    ).length;
  });
  expect(told.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(6);
  // An address that is new is not told from one that is known any more.
  for (const email of ['another@known.example', people[0]!.email])
    expect((await create(email)).statusCode).toBe(429);
  const rest = (await upload(['another@known.example', people[0]!.email])).json();
  expect(rest.rejectedRows.map(({ errors }: { errors: string[] }) => errors)).toEqual(
    Array(2).fill(['email: too many addresses belonged to other accounts today']),
  );
});

it('a seller’s changes are counted, rows of a file each, and the refusal names the limit and stores nothing', async () => {
  const rows = ['email,name', ...[1, 2, 3, 4, 5, 6].map((n) => `b${n}@file.example,B ${n}`)];
  const file = await api.app.inject({
    method: 'POST',
    url: '/api/buyers/import',
    headers: { ...seller.as, 'content-type': 'text/csv' },
    payload: rows.join('\n'),
  });
  expect([file.statusCode, file.json().code]).toEqual([429, 'quota_exceeded']);
  const answers: number[] = [];
  for (let n = 0; n < 5; n += 1) answers.push((await rename(seller, `Again ${n}`)).statusCode);
  expect(answers).toEqual([200, 200, 200, 429, 429]);
  const refused = await rename(seller, 'Too much');
  expect(refused.json()).toMatchObject({
    code: 'quota_exceeded',
    detail: expect.stringContaining('5 changes of the catalog, buyers and suppliers'),
  });
  expect((await send(seller, 'GET', '/api/buyers')).json().buyers).toHaveLength(1);
});
