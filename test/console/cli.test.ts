import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cli, startCli } from '../harness/cli.ts';
import { compiledProgram } from '../harness/compiled.ts';
import { visit } from '../harness/console-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let cli: Cli;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
  cli = startCli(system);
});
afterAll(async () => {
  await cli?.stop();
  await system?.stop();
});

type Result = { code: number | null; out: string; err: string };

const leadgate = (args: string[], typed?: string): Promise<Result> =>
  typed === undefined ? cli.run(...args) : asAPerson(args, typed);

/** The command as a person runs it, in its own process, who types into it. */
function asAPerson(args: string[], typed: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiledProgram('src/cli/main.ts'), ...args], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: system.databaseUrl,
        DATABASE_DIRECT_URL: system.databaseDirectUrl ?? '',
      },
    });
    const result: Result = { code: null, out: '', err: '' };
    child.stdout.on('data', (chunk) => (result.out += String(chunk)));
    child.stderr.on('data', (chunk) => (result.err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
    child.stdin.end(typed);
  });
}

it('[S07] creates an operator who can sign in; the password is typed, never an argument', async () => {
  const short = await leadgate(['operator', 'create', '--email', 'new@example.com'], 'short\n');
  expect(short).toMatchObject({ code: 1, out: '', err: 'The password needs at least 8 characters.\n' });
  const made = await leadgate(
    ['operator', 'create', '--email', 'New@Example.com'],
    'correct horse battery\n',
  );
  expect(made).toMatchObject({ code: 0, out: 'new@example.com can sign in now.\n', err: '' });
  const visitor = visit(system);
  expect((await visitor.signIn('new@example.com', 'correct horse battery')).status).toBe(303);

  const again = await leadgate(
    ['operator', 'create', '--email', 'new@example.com'],
    'another horse, another day\n',
  );
  expect(again.code).toBe(0);
  // The new password ended the earlier session.
  expect((await visitor.get('/console', { accept: 'application/json' })).status).toBe(401);
  expect((await visit(system).signIn('new@example.com', 'correct horse battery')).status).toBe(401);
  expect((await visit(system).signIn('new@example.com', 'another horse, another day')).status).toBe(303);
});

it('[S38] removes an operator, and refuses to remove the last one', async () => {
  await leadgate(['operator', 'create', '--email', 'leaves@example.com'], 'correct horse battery\n');
  const visitor = visit(system);
  expect((await visitor.signIn('leaves@example.com', 'correct horse battery')).status).toBe(303);
  const removed = await leadgate(['operator', 'remove', 'Leaves@example.com']);
  expect(removed).toMatchObject({ code: 0, err: '' });
  expect(removed.out).toContain('Sessions ended: 1.');
  expect((await visitor.get('/console', { accept: 'application/json' })).status).toBe(401);
  const again = await leadgate(['operator', 'remove', 'leaves@example.com']);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toContain('There is no operator leaves@example.com');
  const others = await system.rows<{ email: string }>(
    `SELECT email FROM users WHERE role = 'operator' AND email <> $1`,
    [system.operator.email],
  );
  for (const { email } of others) await leadgate(['operator', 'remove', email]);
  const last = await leadgate(['operator', 'remove', system.operator.email]);
  expect(last).toMatchObject({ code: 1, out: '' });
  expect(last.err).toContain('is the last operator');
  expect((await leadgate(['operator', 'list'])).out).toContain(system.operator.email);
});

it('[S08] creates, lists and revokes a key; the key is printed once and never stored', async () => {
  expect(
    (
      await leadgate([
        'organization',
        'create',
        '--slug',
        'acme',
        '--name',
        'Acme',
        '--support',
        'help@acme.example',
      ])
    ).code,
  ).toBe(0);
  const made = await leadgate([
    'key',
    'create',
    '--organization',
    'acme',
    '--name',
    'website',
    '--scopes',
    'leads:read,leads:write',
  ]);
  const key = made.out.trim();
  expect(key).toMatch(/^lg_[\w-]{43}$/);
  const ask = () => fetch(`${system.publicUrl}/api/leads`, { headers: { authorization: `Bearer ${key}` } });
  expect((await ask()).status).toBe(200);

  const list = await leadgate(['key', 'list', '--organization', 'acme']);
  expect(list.out).toContain('website');
  expect(list.out).not.toContain(key);
  const [stored] = await system.rows<{ all: string }>('SELECT json_agg(k)::text AS all FROM api_keys k');
  expect(stored?.all).not.toContain(key);

  expect((await leadgate(['key', 'revoke', key.slice(0, 11)])).code).toBe(0);
  expect((await ask()).status).toBe(401);
  expect((await leadgate(['key', 'revoke', key.slice(0, 11)])).code).toBe(1);
});

it('[S33] creates a supplier, and a further key of it on request', async () => {
  const create = ['key', 'create', '--organization', 'demo', '--name', 'feed', '--supplier'];
  const made = [await leadgate(create), await leadgate(create)];
  const suppliers = made.map(({ err }) => /supplier ([0-9a-f-]{36})\)/.exec(err)![1]!);
  expect(new Set(suppliers).size).toBe(2);
  const further = await leadgate([...create, suppliers[0]!]);
  expect(further.err).toContain(`supplier ${suppliers[0]}`);
});

it('[S33] sets and removes the lowest price per currency', async () => {
  const floor = (currency: string, price: string) =>
    leadgate(['organization', 'price-floor', '--slug', 'demo', '--currency', currency, '--price', price]);
  expect((await floor('USD', '5000')).out).toBe(
    'demo offers leads for at least $50, and in no other currency.\n',
  );
  expect((await floor('jpy', '7000')).out).toMatch(/at least .*¥7,000/);
  await floor('jpy', 'none');
  expect((await floor('usd', 'none')).out).toBe('demo has no lowest price.\n');
});

it.each([
  [['key', 'create', '--organization', 'unknown', '--name', 'x'], /There is no organization unknown/],
  [
    ['key', 'create', '--organization', 'demo', '--name', 'x', '--scopes', 'leads:read,everything'],
    /Unknown scope everything/,
  ],
  [['key', 'create', '--name', 'x'], /--organization <slug>/],
  [
    ['key', 'create', '--organization', 'demo', '--name', 'x', '--supplier', '--scopes', 'leads:read,admin'],
    /leads:read and leads:write only, not admin/,
  ],
  [['key', 'create', '--organization', 'demo', '--name', 'x', '--supplier', 'acme'], /has no supplier acme/],
  [
    ['organization', 'price-floor', '--slug', 'demo', '--currency', 'usd', '--price', '49'],
    /from 50 to 1000000: 5000 is \$50/,
  ],
  [
    ['organization', 'price-floor', '--slug', 'demo', '--currency', 'zzz', '--price', '5000'],
    /not an ISO 4217 currency/,
  ],
  [
    ['organization', 'price-floor', '--slug', 'demo', '--currency', 'kwd', '--price', '1505'],
    /price must be a multiple of KWD 0.010/,
  ],
  [
    ['organization', 'price-floor', '--slug', 'demo', '--currency', 'irr', '--price', '5000'],
    /Stripe takes no payments in irr/,
  ],
  [['refund', 'repeat', 're_unknown'], /There is no refund re_unknown here/],
  [
    ['organization', 'price-floor', '--slug', 'unknown', '--currency', 'usd', '--price', '5000'],
    /There is no organization unknown/,
  ],
  [['organization', 'create', '--slug', 'demo', '--name', 'D', '--support', 's'], /already/],
  [['organization', 'weight', '--slug', 'unknown', '--weight', '3'], /There is no organization unknown/],
  [['organization', 'weight', '--slug', 'demo', '--weight', '101'], /from 1 to 100/],
  [['operator', 'create', '--email', 'nonsense'], /not an e-mail address/],
])('%j is refused with an explanation and changes nothing', async (args, message) => {
  const { code, err, out } = await leadgate(args, 'a password long enough\n');
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(message);
});

it('sets the weight of an organization in every queue', async () => {
  const { code, out } = await leadgate(['organization', 'weight', '--slug', 'demo', '--weight', '3']);
  expect({ code, out }).toEqual({
    code: 0,
    out: 'demo has weight 3 in every queue. Running processes use it within a second.\n',
  });
  expect(await system.rows("SELECT queue_weight AS weight FROM organizations WHERE slug = 'demo'")).toEqual([
    { weight: 3 },
  ]);
});

it('migrates, and says when there is nothing to do', async () => {
  expect(await leadgate(['migrate'])).toMatchObject({ code: 0, out: 'up to date\n', err: '' });
});

it('[S11] keeps to the organization’s own number of keys, and says so in one sentence', async () => {
  const slug = ['--slug', 'few-keys', '--name', 'Few keys', '--support', 's@few.example'];
  const organization = await leadgate(['organization', 'create', ...slug]);
  expect(organization).toMatchObject({ code: 0 });
  await leadgate(['organization', 'quota', 'few-keys', 'api_keys', '1']);
  const create = ['key', 'create', '--organization', 'few-keys', '--name', 'first'];
  expect((await leadgate(create)).code).toBe(0);
  const refused = await leadgate(create);
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toMatch(
    /^Over the quota "api_keys": 1 active API keys for one organization\. [^\n]+\n$/,
  );
});

it('[S11] shows the quotas of an organization and changes one of them', async () => {
  const quota = (...args: string[]) => leadgate(['organization', 'quota', 'demo', ...args]);
  expect((await quota()).out).toContain(
    'requests: 10000 requests in 10 seconds, 5000 for one key (default)\n',
  );
  const set = await quota('uploads', '2');
  expect(set).toMatchObject({
    code: 0,
    out: 'uploads: 2 files being uploaded at once (its own). In force within 30 seconds.\n',
  });
  const reset = await quota('uploads', 'default');
  expect(reset.out).toContain('uploads: 10 files being uploaded at once (default).');
  const wrong = [await quota('upload', '2'), await quota('uploads', 'many')];
  expect(wrong.map(({ code, err }) => [code, err.slice(0, 26)])).toEqual([
    [1, 'There is no quota upload. '],
    [1, 'A limit is a whole number,'],
  ]);
});
