import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cli, startCli } from '../harness/cli.ts';
import { visit } from '../harness/console-client.ts';
import { makeSeller } from '../harness/market.ts';
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

const leadgate = (args: string[]) => cli.run(...args);

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

it('shows and changes the settings of a seller, and replaces its invite code', async () => {
  const { slug, organizationId, inviteCode } = await makeSeller(system);
  const settings = (...more: string[]) => leadgate(['seller', 'settings', '--slug', slug, ...more]);
  const usual = await settings();
  expect(usual).toMatchObject({ code: 0, err: '' });
  expect(usual.out).toContain('\ntime-zone: America/New_York\nlogo-url: none\n');
  const changed = await settings(
    ...['--sms-markup', '12.5', '--time-zone', 'america/chicago', '--primary-color', '#0a7cff'],
    ...['--footer', 'Acme Inc'],
  );
  expect(changed.out).toMatch(
    /^sms-markup: 12\.5\nemail-markup: \S+\ntime-zone: America\/Chicago\nlogo-url: none\n/,
  );
  expect(changed.out).toMatch(
    /primary-color: #0a7cff\nsender-name: none\nfooter: Acme Inc\nplatform-fee: \S+\n$/,
  );
  expect((await settings('--footer', '')).out).toMatch(/primary-color: #0a7cff\n.*\nfooter: none\n/);
  const refused = await settings('--sms-markup', 'much', '--logo-url', 'http://acme.example/logo.png');
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toMatch(
    /^--sms-markup: must be a percentage .*\.\n--logo-url: .*\. Nothing was changed\.\n$/,
  );

  const rotated = await leadgate(['seller', 'rotate-code', '--slug', slug]);
  const [code, url] = rotated.out.split('\n');
  expect(code).not.toBe(inviteCode);
  expect(url).toBe(`${system.publicUrl}/register/buyer?code=${code}`);
  const [seller] = await system.rows<{ code: string }>(
    'SELECT invite_code AS code FROM sellers WHERE organization_id = $1',
    [organizationId],
  );
  expect(seller).toEqual({ code });
  const unknown = await leadgate(['seller', 'rotate-code', '--slug', 'none']);
  expect(unknown).toMatchObject({ code: 1, err: 'There is no seller none. See: leadgate seller list\n' });
  expect(
    await system.rows(`SELECT actor, action FROM audit_log WHERE subject = $1 ORDER BY id`, [
      `seller:${organizationId}`,
    ]),
  ).toEqual([
    { actor: 'cli', action: 'seller.updated' },
    { actor: 'cli', action: 'seller.updated' },
    { actor: 'cli', action: 'seller.invite_code_rotated' },
  ]);
});
