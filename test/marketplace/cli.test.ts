import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type Cli, startCli } from '../harness/cli.ts';
import { type MadeSeller, makeSeller } from '../harness/market.ts';
import { makeCampaign, makeCategory, marketClient, solarFields } from '../harness/market-client.ts';

let api: ApiTest;
let seller: MadeSeller;
let folder: string;
let cli: Cli;
beforeAll(async () => {
  api = await startApi();
  seller = await makeSeller(api);
  folder = await mkdtemp(join(tmpdir(), 'leadgate-catalog-'));
  cli = startCli(api.config);
});
afterAll(async () => {
  await cli?.stop();
  await api?.stop();
  await rm(folder, { recursive: true, force: true });
});

const leadgate = (...args: string[]) => cli.run(...args);

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

it('changes a campaign and a category as the API does, and restores a deleted category', async () => {
  const of = ['--organization', seller.slug];
  const ask = marketClient(api);
  const solar = await makeCategory(ask, seller, { name: 'Roofs' });
  const id = await makeCampaign(ask, seller, { categoryId: solar });
  const campaign = async () => (await ask(seller, 'GET', `/api/campaigns/${id}`)).json().campaign;
  const category = async () => (await ask(seller, 'GET', `/api/categories/${solar}`)).json().category;

  const set = await leadgate(
    ...['campaign', 'set', id, ...of, '--name', 'Texas', '--price', '30.25', '--logic', 'BROADCAST'],
    ...[
      '--max-sales',
      '4',
      '--lead-ttl-hours',
      '12',
      '--allow-state-selection',
      'no',
      '--description',
      'Roofs',
    ],
  );
  expect(set).toEqual({ code: 0, out: `Changed Texas (${id}).\n`, err: '' });
  expect(await campaign()).toMatchObject({
    ...{ name: 'Texas', pricePerLead: 30.25, distributionLogic: 'BROADCAST', maxSales: 4, leadTtlHours: 12 },
    ...{ allowStateSelection: false, description: 'Roofs', status: 'ACTIVE' },
  });
  const cleared = ['--max-sales', '', '--lead-ttl-hours', '', '--description', ''];
  expect((await leadgate('campaign', 'set', id, ...of, ...cleared)).code).toBe(0);
  expect(await campaign()).toMatchObject({
    name: 'Texas',
    maxSales: null,
    leadTtlHours: 72,
    description: null,
  });

  const file = join(folder, 'roofs.json');
  await writeFile(file, JSON.stringify([{ name: 'age', type: 'number', required: true }]));
  const renamed = await leadgate('category', 'set', 'roofs', ...of, '--name', 'Roofing', '--fields', file);
  expect(renamed).toEqual({ code: 0, out: `Changed Roofing (${solar}).\n`, err: '' });
  expect(await category()).toMatchObject({ name: 'Roofing', fields: [{ name: 'age', type: 'number' }] });
  expect(await leadgate('category', 'delete', solar, ...of)).toEqual({
    ...{ code: 1, out: '', err: 'Cannot delete category that is used in active campaigns.\n' },
  });
  await ask(seller, 'DELETE', `/api/campaigns/${id}`);
  expect((await leadgate('category', 'delete', 'Roofing', ...of)).out).toBe('Roofing is deleted.\n');
  expect(await category()).toMatchObject({ isActive: false });
  expect((await leadgate('category', 'list', '--deleted', ...of)).out).toBe(`${solar}  Roofing  (1 field)\n`);
  expect(await leadgate('campaign', 'resume', id, ...of)).toMatchObject({
    ...{ code: 1, err: expect.stringMatching(/^The category of this campaign is not active\. /) },
  });
  const taken = await leadgate('category', 'create', ...of, '--name', 'roofing', '--fields', file);
  expect(taken.err).toBe('--name: is the name of a deleted category. Nothing was changed.\n');
  expect((await leadgate('category', 'restore', 'roofing', ...of)).out).toBe('Roofing is active.\n');
  expect(await category()).toMatchObject({ isActive: true });

  const { entries } = (await ask(seller, 'GET', `/api/audit?subject=category:${solar}`)).json();
  expect(entries.map(({ who, action }: { who: string; action: string }) => `${who} ${action}`)).toEqual([
    'command line category.updated',
    'command line category.deleted',
    'command line category.updated',
    expect.stringMatching(/ category\.created$/),
  ]);
});

it('refuses values of a campaign or a category by the names of their options', async () => {
  const of = ['--organization', seller.slug];
  const ask = marketClient(api);
  const id = await makeCampaign(ask, seller, { name: 'Kept' });
  const before = (await ask(seller, 'GET', `/api/campaigns/${id}`)).json();
  const { code, out, err } = await leadgate(
    ...['campaign', 'set', id, ...of, '--price', '0', '--logic', 'BEST', '--max-sales', 'x'],
    ...['--lead-ttl-hours', '9000', '--name', 'x'.repeat(201)],
  );
  expect([code, out]).toEqual([1, '']);
  for (const option of ['--price', '--logic', '--max-sales', '--lead-ttl-hours', '--name'])
    expect(err).toMatch(new RegExp(`^${option}: .*\\.`, 'm'));
  expect(err).toMatch(/ Nothing was changed\.\n$/);
  expect((await ask(seller, 'GET', `/api/campaigns/${id}`)).json()).toEqual(before);

  const file = join(folder, 'wrong.json');
  await writeFile(file, JSON.stringify([{ name: 'age', type: 'years' }]));
  const wrong = await leadgate('category', 'create', ...of, '--name', 'Wrong', '--fields', file);
  expect(wrong.err).toMatch(/^--fields fields\.0\.type: must be one of .* Nothing was changed\.\n$/);
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
