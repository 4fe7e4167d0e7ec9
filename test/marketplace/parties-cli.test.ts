import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findKey } from '../../src/db/account/api-keys.ts';
import { makeBuyerPasswordToken, makePasswordToken } from '../../src/db/account/members.ts';
import { compiledProgram } from '../harness/compiled.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let seller: MadeSeller;
let folder: string;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  seller = await makeSeller(system);
  folder = await mkdtemp(join(tmpdir(), 'leadgate-cli-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await system.stop();
});

/** The command as a person runs it, in its own process. */
function leadgate(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [compiledProgram('src/cli/main.ts'), ...args, '--organization', seller.slug],
      {
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: system.databaseUrl,
          DATABASE_DIRECT_URL: system.databaseDirectUrl ?? '',
        },
      },
    );
    const result = { out: '', err: '' };
    child.stdout.on('data', (chunk) => (result.out += String(chunk)));
    child.stderr.on('data', (chunk) => (result.err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}

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

it('creates a supplier, rotates its key and deactivates it', async () => {
  const made = await leadgate('supplier', 'create', '--name', 'Acme', '--email', 'api@acme.example');
  const id = /supplier (\S+),/.exec(made.err)![1]!;
  const { db } = system.runtime;
  expect(await findKey(db, made.out.trim())).toMatchObject({ supplierId: id, supplierStatus: 'ACTIVE' });
  const rotated = await leadgate('supplier', 'rotate-key', id);
  expect(await findKey(db, made.out.trim())).toBeNull();
  expect((await leadgate('supplier', 'deactivate', id)).code).toBe(0);
  expect(await findKey(db, rotated.out.trim())).toMatchObject({ supplierStatus: 'INACTIVE' });
  expect((await leadgate('supplier', 'list')).out).toContain(`${id}  INACTIVE  test  api@acme.example  Acme`);
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
