import { afterAll, beforeAll, expect, it } from 'vitest';
import { setQuotaLimit } from '../../src/db/account/quotas.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { makeCampaign, marketClient } from '../harness/market-client.ts';

let api: ApiTest;
let seller: MadeSeller;
let buyer: MadeBuyer;
/** Its quota of known addresses is small. */
let own: MadeSeller;
/** Its other quotas are. */
let home: MadeSeller;
/** May store little. */
let small: MadeSeller;
/** May upload two files a day. */
let filing: MadeSeller;
/** Has as many buyers as it may. */
let full: MadeSeller;
beforeAll(async () => {
  api = await startApi();
  seller = await makeSeller(api);
  buyer = await makeBuyer(api, seller);
  own = await makeSeller(api);
  await setQuotaLimit(api.runtime.db, own.slug, 'known_addresses', 6);
  home = await makeSeller(api);
  await setQuotaLimit(api.runtime.db, home.slug, 'idempotency_keys', 3);
  small = await makeSeller(api);
  for (const [name, limit] of [
    ['categories', 2],
    ['campaigns', 1],
    ['buyers', 4],
    ['subscriptions', 1],
    ['registrations', 2],
  ] as const)
    await setQuotaLimit(api.runtime.db, small.slug, name, limit);
  filing = await makeSeller(api);
  await setQuotaLimit(api.runtime.db, filing.slug, 'files', 2);
  full = await makeSeller(api);
  await makeBuyer(api, full);
  await setQuotaLimit(api.runtime.db, full.slug, 'buyers', 1);
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

it('[S22] buyers’ Idempotency-Keys use up nothing of the seller’s: its suppliers go on sending leads with theirs', async () => {
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

const upload = (who: MadeSeller, url: string, rows: string[]) =>
  api.app.inject({
    method: 'POST',
    url,
    headers: { ...who.as, 'content-type': 'text/csv' },
    payload: rows.join('\n'),
  });
const register = async (inviteCode: string, email: string) => {
  const body = { role: 'BUYER', inviteCode, email, password: 'password123', name: 'Bo' };
  return send({ as: {} }, 'POST', '/api/auth/register', body);
};

it('[S22] registrations with the code of a seller are limited by day, and those that store nothing cost nothing', async () => {
  expect((await register(small.inviteCode, 'r1@small.example')).statusCode).toBe(201);
  for (let n = 0; n < 5; n += 1)
    expect((await register(small.inviteCode, 'r1@small.example')).json().error).toBe(
      'User with this email already exists',
    );
  expect((await register(small.inviteCode, 'r2@small.example')).statusCode).toBe(201);
  const refused = await register(small.inviteCode, 'r3@small.example');
  expect([refused.statusCode, refused.json().code]).toEqual([429, 'quota_exceeded']);
  expect(refused.json().detail).toContain(
    'Over the quota "registrations": 2 registrations of buyers with the invite code in 1 day',
  );
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60);
  expect(await api.rows("SELECT 1 FROM users WHERE email = 'r3@small.example'")).toEqual([]);
  expect((await register(home.inviteCode, 'r3@small.example')).statusCode).toBe(201);
});

it('with a seller that has as many buyers as it may, none registers and none is made', async () => {
  const answers = [
    await register(full.inviteCode, 'one@full.example'),
    await send(full, 'POST', '/api/buyers', {
      email: 'two@full.example',
      password: 'password123',
      name: 'N',
    }),
  ];
  for (const answer of answers) {
    expect([answer.statusCode, answer.json().code]).toEqual([429, 'quota_exceeded']);
    expect(answer.json().detail).toBe(
      'Over the quota "buyers": 1 buyers of the marketplace for one organization. Nothing of this request was kept. Ask the operator for a higher limit.',
    );
  }
  const file = (await upload(full, '/api/buyers/import', ['email,name', 'three@full.example,N'])).json();
  expect([file.summary.created, file.rejectedRows]).toEqual([
    0,
    [
      {
        row: 2,
        errors: ['row: the organization has as many buyers as it may have; its operator can raise the limit'],
      },
    ],
  ]);
});

it('categories, campaigns and subscriptions are stored up to their limits, and the refusals say so', async () => {
  const fields = [{ name: 'firstName', type: 'text', required: true }];
  const category = async (name: string) => send(small, 'POST', '/api/categories', { name, fields });
  const { id: categoryId } = (await category('One')).json().category;
  expect((await category('Two')).statusCode).toBe(201);
  const third = await category('Three');
  expect([third.statusCode, third.json().error, third.json().detail]).toEqual([
    400,
    'Too many categories',
    'A seller has at most 2 categories.',
  ]);
  const made = { categoryId, name: 'Solar', pricePerLead: 25, distributionLogic: 'BROADCAST' };
  const { id: campaignId } = (await send(small, 'POST', '/api/campaigns', made)).json().campaign;
  const second = await send(small, 'POST', '/api/campaigns', made);
  expect([second.statusCode, second.json().code]).toEqual([429, 'quota_exceeded']);
  expect(second.json().detail).toContain('Over the quota "campaigns": 1 campaigns, archived ones included');
  const [first, other] = await Promise.all([makeBuyer(api, small), makeBuyer(api, small)]);
  const url = '/api/campaigns/subscribe';
  expect((await send(first, 'POST', url, { campaignId })).statusCode).toBe(201);
  const refused = await send(other, 'POST', url, { campaignId });
  expect([refused.statusCode, refused.json().code]).toEqual([429, 'quota_exceeded']);
  const rows = ['buyerEmail,campaignId', `${first.email},${campaignId}`, `${other.email},${campaignId}`];
  const file = (await upload(small, '/api/campaigns/subscriptions/import', rows)).json();
  expect([file.summary.unchanged, file.rejectedRows]).toEqual([
    1,
    [
      {
        row: 3,
        errors: [
          'row: the organization has as many subscriptions as it may have; its operator can raise the limit',
        ],
      },
    ],
  ]);
});

it('files of buyers, subscriptions, leads and providers count as uploaded files', async () => {
  const leads = `/api/campaigns/${await makeCampaign(marketClient(api), filing)}/leads/import`;
  const buyers = ['email,name', 'ann@filing.example,Ann'];
  expect((await upload(filing, '/api/buyers/import', buyers)).statusCode).toBe(200);
  expect((await upload(filing, leads, ['firstName,email', 'Ann,ann@filing.example'])).statusCode).toBe(200);
  const key = await api.makeKey(['providers:write'], { organizationId: filing.organizationId });
  const refused = [
    await upload(filing, '/api/buyers/import', buyers),
    await upload(filing, '/api/campaigns/subscriptions/import', ['buyerEmail,campaignId']),
    await upload(filing, leads, ['firstName,email']),
    await upload({ ...filing, as: { authorization: `Bearer ${key}` } }, '/api/providers/import', ['id']),
  ];
  for (const answer of refused) {
    expect([answer.statusCode, answer.json().code]).toEqual([429, 'quota_exceeded']);
    expect(answer.json().detail).toContain('Over the quota "files": 2 uploaded files in 1 day');
  }
});
