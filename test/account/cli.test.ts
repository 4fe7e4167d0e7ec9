import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compiledProgram } from '../harness/compiled.ts';
import { visit } from '../harness/console-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
});
afterAll(() => system?.stop());

const root = fileURLToPath(new URL('../..', import.meta.url));

function leadgate(args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiledProgram('src/cli/main.ts'), ...args], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: system.databaseUrl,
        DATABASE_DIRECT_URL: system.databaseDirectUrl ?? '',
        PUBLIC_URL: system.publicUrl,
      },
    });
    const result = { out: '', err: '' };
    child.stdout.on('data', (chunk) => (result.out += String(chunk)));
    child.stderr.on('data', (chunk) => (result.err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}

it('makes a seller whose owner sets a password by the printed link', async () => {
  const create = [
    'seller',
    'create',
    '--slug',
    'acme',
    '--email',
    'Owner@Acme.example',
    '--name',
    'Ann Owner',
  ];
  expect((await leadgate(create)).err).toContain('There is no organization acme');
  const made = await leadgate([...create, '--company', 'Acme Inc']);
  expect(made, made.err).toMatchObject({ code: 0, err: '' });
  const link = /https?:\S+(\/reset-password\/[\w-]{43})/.exec(made.out)![1]!;
  const visitor = visit(system);
  expect((await visitor.post(link, { password: 'password123', again: 'password123' })).status).toBe(200);
  expect((await visitor.signIn('owner@acme.example', 'password123')).status).toBe(303);

  const code = (await leadgate(['seller', 'invite-code', '--slug', 'acme'])).out.split('\n')[0]!;
  expect(made.out).toContain(code);
  expect((await leadgate(['seller', 'list'])).out).toContain(`acme  Acme Inc  ${code}  people: 1`);
  expect((await leadgate([...create, '--company', 'Acme Inc'])).err).toContain('already exists');
  expect((await leadgate(create)).err).toContain('is a seller already');
});
