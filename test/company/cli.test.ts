import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compiledProgram } from '../harness/compiled.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ workers: [] });
});
afterAll(() => system.stop());

/** The command as a person runs it, in its own process. */
function leadgate(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiledProgram('src/cli/main.ts'), 'company', ...args], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: system.databaseUrl,
        DATABASE_DIRECT_URL: system.databaseDirectUrl ?? '',
      },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const register = (location: string, ...more: string[]) =>
  leadgate(
    ...[
      'register',
      '--name',
      'Sunshine Clinic',
      '--owner-name',
      'Olga Owner',
      '--owner-email',
      'olga@sunshine.example',
    ],
    ...['--owner-phone', '+34 612 34 56 78', '--location', location, ...more],
  );

it('registers a company once, creates its key, and lists it', async () => {
  const made = await register('Sunshine1', '--key');
  expect(made.code).toBe(0);
  const [number, key] = made.out.trim().split('\n');
  const lead = { name: 'Sarah', phone: '612 34 56 79', company_id: Number(number) };
  const stored = await system.api('POST', '/leads/single', lead, { authorization: `Bearer ${key}` });
  expect([stored.status, stored.body.lead.phone]).toEqual([201, '+34612345679']);

  expect(await register('Sunshine2')).toEqual({
    code: 1,
    out: '',
    err: 'There is a company with this e-mail address already.\n',
  });
  const wrong = await leadgate(
    ...[
      'register',
      '--name',
      'X',
      '--owner-name',
      'Y',
      '--owner-email',
      'not-an-address',
      '--owner-phone',
      '1',
      '--location',
      '/',
    ],
  );
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain('owner_email is not an e-mail address\n');

  const listed = await leadgate('list');
  expect(listed.out).toContain(
    `${number}  Sunshine Clinic  olga@sunshine.example  Sunshine1  no credentials of its own\n`,
  );
  expect((await leadgate('list', '--search', 'unknown')).out).toBe('No company matches.\n');
});
