import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { visit } from '../harness/console-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
});
afterAll(() => system.stop());

type Result = { code: number | null; out: string; err: string };

/** The command as a person runs it, in its own process. */
function leadgate(args: string[], typed = ''): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
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
  expect(short).toMatchObject({ code: 1, out: '', err: 'The password needs at least 12 characters.\n' });
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

it.each([
  [['key', 'create', '--organization', 'unknown', '--name', 'x'], /There is no organization unknown/],
  [
    ['key', 'create', '--organization', 'demo', '--name', 'x', '--scopes', 'leads:read,everything'],
    /Unknown scope everything/,
  ],
  [['key', 'create', '--name', 'x'], /--organization <slug>/],
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
