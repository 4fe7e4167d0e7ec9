import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findKey } from '../../src/db/account/api-keys.ts';
import { makeBuyerPasswordToken, makePasswordToken } from '../../src/db/account/members.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type Cli, startCli } from '../harness/cli.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { makeCategory, marketClient } from '../harness/market-client.ts';

let system: ApiTest;
let seller: MadeSeller;
let folder: string;
let cli: Cli;
beforeAll(async () => {
  system = await startApi();
  seller = await makeSeller(system);
  folder = await mkdtemp(join(tmpdir(), 'leadgate-cli-'));
  cli = startCli(system.config);
});
afterAll(async () => {
  await cli?.stop();
  await rm(folder, { recursive: true });
  await system.stop();
});

const leadgate = (...args: string[]) => cli.run(...args, '--organization', seller.slug);

const audited = async (subject: string) =>
  (
    await system.rows<{ entry: string }>(
      `SELECT actor || ' ' || action AS entry FROM audit_log WHERE subject = $1 ORDER BY id`,
      [subject],
    )
  ).map(({ entry }) => entry);

/** What the API shows the seller. */
const read = async (path: string) => {
  const answer = await marketClient(system)(seller, 'GET', path);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
};

const long = 'x'.repeat(201);

it('creates, lists and deactivates a buyer, whose person sets a password by the printed link', async () => {
  const made = await leadgate('buyer', 'create', '--email', 'Cli@Buyer.example', '--name', 'Cli');
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/\/set-password\/[\w-]{43}\n$/) });
  const id = /buyer (\S+)\./.exec(made.err)![1]!;
  const again = await leadgate('buyer', 'create', '--email', 'cli@buyer.example', '--name', 'Cli');
  expect(again).toMatchObject({
    code: 1,
    err: 'cli@buyer.example is a user already. Nothing was changed.\n',
  });
  expect((await leadgate('buyer', 'deactivate', id)).out).toBe(`${id} is inactive.\n`);
  expect((await leadgate('buyer', 'list')).out).toContain(`${id}  INACTIVE  cli@buyer.example  Cli`);
  expect((await leadgate('buyer', 'deactivate', 'x')).code).toBe(1);
});

it('changes the settings of a buyer as the API does, and activates it again', async () => {
  const { buyerId } = await makeBuyer(system, seller);
  const stranger = await makeBuyer(system, await makeSeller(system));
  const all = await leadgate(
    ...['buyer', 'set', buyerId, '--company', 'Acme Buyers', '--priority', '9', '--status', 'INACTIVE'],
    ...['--weekly-limit', '50.5', '--monthly-limit', '200', '--phone', '(305) 555-0123'],
  );
  expect(all, all.err).toMatchObject({ code: 0, err: '' });
  expect(all.out).toMatch(
    / {2}INACTIVE {2}.* {2}Acme Buyers {2}priority 9 {2}.*\$50\.5 a week {2}.*\$200 a month\n$/,
  );
  expect((await read(`/api/buyers/${buyerId}`)).buyer).toMatchObject({
    ...{ companyName: 'Acme Buyers', priority: 9, status: 'INACTIVE', phoneNumber: '+13055550123' },
    ...{ weeklySpendingLimit: 50.5, monthlySpendingLimit: 200 },
  });
  const again = await leadgate('buyer', 'set', buyerId, '--status', 'ACTIVE', '--weekly-limit', '');
  expect(again.code).toBe(0);
  expect((await read(`/api/buyers/${buyerId}`)).buyer).toMatchObject({
    ...{ companyName: 'Acme Buyers', status: 'ACTIVE', weeklySpendingLimit: null, monthlySpendingLimit: 200 },
  });
  expect(await audited(`buyer:${buyerId}`)).toEqual(['cli buyer.updated', 'cli buyer.updated']);

  const refused = [
    [
      [buyerId, '--priority', '11', '--monthly-limit', '-1', '--company', long],
      [
        /^--company: /m,
        /^--priority: /m,
        /^--monthly-limit: must be more than 0\. Nothing was changed\.\n$/m,
      ],
    ],
    [[buyerId], [/^Give at least one of --company, .*\. Nothing was changed\.\n$/]],
    [[stranger.buyerId, '--priority', '3'], [/^seller-\S+ has no buyer \S+\. Nothing was changed\.\n$/]],
  ] as const;
  for (const [args, says] of refused) {
    const { code, out, err } = await leadgate('buyer', 'set', ...args);
    expect([code, out]).toEqual([1, '']);
    for (const each of says) expect(err).toMatch(each);
  }
  expect(await audited(`buyer:${buyerId}`)).toHaveLength(2);
  expect(await audited(`buyer:${stranger.buyerId}`)).toEqual([]);
});

it('makes no buyer and no supplier with a blank or an endless name', async () => {
  const count = () =>
    system.rows(
      `SELECT (SELECT count(*)::int FROM users) AS users, (SELECT count(*)::int FROM suppliers) AS suppliers`,
    );
  const before = await count();
  const made = await Promise.all(
    [' ', long].flatMap((name) =>
      ['buyer', 'supplier'].map((kind) =>
        leadgate(kind, 'create', '--email', `${kind}${name.length}@name.example`, '--name', name),
      ),
    ),
  );
  for (const each of made)
    expect(each).toMatchObject({
      ...{ code: 1, out: '', err: expect.stringMatching(/^--name: .*\. Nothing was changed\.\n$/) },
    });
  expect(await count()).toEqual(before);
});

it('exports buyers, and imports the same file without a change', async () => {
  const out = await leadgate('buyer', 'export');
  expect(out.out).toMatch(/^email,name,companyName,/);
  const file = join(folder, 'buyers.csv');
  await writeFile(file, `${out.out}new@buyer.example,New,,5,,,,\r\nbroken,,,,,,,\r\n`);
  const first = await leadgate('buyer', 'import', file);
  expect(first.code).toBe(1);
  expect(first.out).toMatch(/1 created, 0 updated, \d+ unchanged, 1 rejected\.\n$/);
  expect(first.err).toMatch(/^row \d+: email: not an e-mail address\n$/);
});

it('creates a supplier, rotates its key, deactivates it, and sets it live', async () => {
  const ask = marketClient(system);
  const categories = [await makeCategory(ask, seller), await makeCategory(ask, seller)];
  const foreign = await makeCategory(ask, await makeSeller(system));
  const made = await leadgate('supplier', 'create', '--name', 'Acme', '--email', 'api@acme.example');
  const id = /supplier (\S+),/.exec(made.err)![1]!;
  const { db } = system.runtime;
  expect(await findKey(db, made.out.trim())).toMatchObject({ supplierId: id, supplierStatus: 'ACTIVE' });
  const rotated = await leadgate('supplier', 'rotate-key', id);
  expect(await findKey(db, made.out.trim())).toBeNull();
  expect((await leadgate('supplier', 'deactivate', id)).code).toBe(0);
  expect(await findKey(db, rotated.out.trim())).toMatchObject({ supplierStatus: 'INACTIVE' });
  expect((await leadgate('supplier', 'list')).out).toContain(`${id}  INACTIVE  test  api@acme.example  Acme`);

  const live = ['supplier', 'set', id, '--mode', 'live', '--status', 'ACTIVE', '--name', 'Acme Leads'];
  const set = await leadgate(...live, ...categories.flatMap((each) => ['--category', each]));
  expect(set, set.err).toMatchObject({ code: 0, err: '' });
  expect(set.out).toContain(`${id}  ACTIVE  live  api@acme.example  Acme Leads`);
  expect(await findKey(db, rotated.out.trim())).toMatchObject({ supplierStatus: 'ACTIVE' });
  const { supplier } = await read(`/api/suppliers/${id}`);
  expect(supplier).toMatchObject({ name: 'Acme Leads', testMode: false });
  expect(new Set(supplier.categories)).toEqual(new Set(categories));
  const refused = [
    [['--category', foreign], 'categories: each must be the id of a category of your organization.'],
    [['--category', 'Solar'], '--category categories.0: Invalid UUID. Nothing was changed.'],
    [['--mode', 'sold'], '--mode: must be test or live. Nothing was changed.'],
  ] as const;
  for (const [args, says] of refused)
    expect(await leadgate('supplier', 'set', id, ...args)).toEqual({ code: 1, out: '', err: `${says}\n` });
  expect((await leadgate('supplier', 'set', id, '--category', '')).out).toContain('categories: 0');
  expect(await audited(`supplier:${id}`)).toEqual([
    'cli supplier.created',
    'cli supplier.key_rotated',
    'cli supplier.deactivated',
    'cli supplier.updated',
    'cli supplier.updated',
  ]);
});

it('makes no password link for a buyer who signs in already or is a member elsewhere', async () => {
  const { db } = system.runtime;
  const buyer = await makeBuyer(system, seller);
  const token = () => makeBuyerPasswordToken(db, seller.organizationId, buyer.buyerId, 'cli');
  expect(await token()).not.toBeNull();
  expect(await makePasswordToken(db, seller.organizationId, buyer.userId, 'cli')).toBeNull();
  const other = await makeSeller(system);
  expect(await makeBuyerPasswordToken(db, other.organizationId, buyer.buyerId, 'cli')).toBeNull();
  await system.rows(`INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')`, [
    other.organizationId,
    buyer.userId,
  ]);
  expect(await token()).toBeNull();
  await system.rows('DELETE FROM members WHERE organization_id = $1 AND user_id = $2', [
    other.organizationId,
    buyer.userId,
  ]);
  await system.rows(
    `INSERT INTO accounts (id, user_id, account_id, provider_id) VALUES (gen_random_uuid(), $1, 'g1', 'google')`,
    [buyer.userId],
  );
  expect(await token()).toBeNull();
});
