import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { compiledProgram } from '../harness/compiled.ts';
import { type MadeSeller, makeSeller } from '../harness/market.ts';
import { marketClient, solarFields } from '../harness/market-client.ts';

let api: ApiTest;
let seller: MadeSeller;
let folder: string;
beforeAll(async () => {
  api = await startApi();
  seller = await makeSeller(api);
  folder = await mkdtemp(join(tmpdir(), 'leadgate-catalog-'));
});
afterAll(async () => {
  await api?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The command as a person runs it, in its own process. */
function leadgate(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const { databaseUrl, databaseDirectUrl } = api.config;
    const child = spawn(process.execPath, [compiledProgram('src/cli/main.ts'), ...args], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: databaseUrl ?? '',
        DATABASE_DIRECT_URL: databaseDirectUrl ?? '',
      },
    });
    const result = { out: '', err: '' };
    child.stdout.on('data', (chunk) => (result.out += String(chunk)));
    child.stderr.on('data', (chunk) => (result.err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...result }));
  });
}

const idIn = (text: string) => /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)![0];

it('categories and campaigns are made, listed and moved; the audit names the command line', async () => {
  const of = ['--organization', seller.slug];
  const file = join(folder, 'fields.json');
  await writeFile(file, JSON.stringify(solarFields));
  const category = await leadgate('category', 'create', ...of, '--name', 'Solar', '--fields', file);
  expect(category).toMatchObject({ code: 0, err: '' });
  expect((await leadgate('category', 'list', ...of)).out).toBe(`${idIn(category.out)}  Solar  (3 fields)\n`);

  const made = await leadgate(
    'campaign',
    'create',
    ...of,
    '--category',
    'solar',
    '--name',
    'Florida',
    '--price',
    '12.5',
  );
  const id = idIn(made.out);
  expect((await leadgate('campaign', 'list', ...of)).out).toBe(
    `${id}  ACTIVE  $12.50  ROUND_ROBIN  Florida\n`,
  );
  expect((await leadgate('campaign', 'pause', id, ...of)).out).toBe('Florida is PAUSED.\n');
  expect((await leadgate('campaign', 'resume', id, ...of)).out).toBe('Florida is ACTIVE.\n');
  expect((await leadgate('campaign', 'archive', id, ...of)).out).toBe('Florida is ARCHIVED.\n');

  const { entries } = (await marketClient(api)(seller, 'GET', `/api/audit?subject=campaign:${id}`)).json();
  expect(entries.map(({ who, action }: { who: string; action: string }) => `${who} ${action}`)).toEqual([
    'command line campaign.archived',
    'command line campaign.updated',
    'command line campaign.updated',
    'command line campaign.created',
  ]);
});

it.each([
  [
    'an unknown seller',
    ['campaign', 'list', '--organization', 'none'],
    'There is no seller none. Nothing was changed.',
  ],
  [
    'price 0',
    ['campaign', 'create', '--category', 'Solar', '--name', 'x', '--price', '0'],
    'A price is $0.01 to $10000. Nothing was changed.',
  ],
  [
    'an unknown category',
    ['campaign', 'create', '--category', 'Mars', '--name', 'x', '--price', '1'],
    'There is no active category Mars. Nothing was changed.',
  ],
  [
    'an unknown logic',
    ['campaign', 'create', '--category', 'Solar', '--name', 'x', '--price', '1', '--logic', 'BEST'],
    'The logic is one of',
  ],
  [
    'a file that is missing',
    ['category', 'create', '--name', 'x', '--fields', 'none.json'],
    'none.json cannot be read. Nothing was changed.',
  ],
])('%s ends with 1 and says why', async (_what, args, says) => {
  const of = args.includes('--organization') ? [] : ['--organization', seller.slug];
  const result = await leadgate(...args, ...of);
  expect(result).toMatchObject({ code: 1, out: '' });
  expect(result.err).toContain(says);
});
