import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';

let api: ApiTest;
let seller: MadeSeller;
let other: MadeSeller;
let buyer: MadeBuyer;
beforeAll(async () => {
  api = await startApi({ pages: true });
  [seller, other] = [await makeSeller(api), await makeSeller(api)];
  buyer = await makeBuyer(api, seller);
});
afterAll(() => api?.stop());

type Who = { cookie: string };
const page = (url: string, who: Who = seller) =>
  api.app.inject({ url, headers: { accept: 'text/html', cookie: who.cookie } });
const post = (url: string, form: Record<string, string>, who: Who = seller, origin = publicUrl) =>
  api.app.inject({
    method: 'POST',
    url,
    headers: {
      accept: 'text/html',
      cookie: who.cookie,
      origin,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: new URLSearchParams(form).toString(),
  });
const leads = async (url: string, form: Record<string, string>, who: Who = seller) => {
  const answer = await post(url, form, who);
  expect([answer.statusCode, answer.body]).toEqual([303, '']);
  return String(answer.headers.location);
};

let made = 0;
const row = (at: number, values: Record<string, string>) =>
  Object.fromEntries(
    Object.entries({ type: 'text', locked: '', name: '', options: '', description: '', ...values }).map(
      ([key, value]) => [`field-${at}-${key}`, value],
    ),
  );
const newCategory = () => {
  made += 1;
  return leads('/market/categories', { name: `Solar ${made}`, description: '', ...row(0, { name: 'city' }) });
};
const idOf = (url: string) => url.split('/').pop()!;
const campaignForm = (category: string, more: Record<string, string> = {}) => ({
  categoryId: idOf(category),
  name: 'Florida',
  pricePerLead: '27.50',
  distributionLogic: 'WATERFALL',
  ...more,
});

describe('the catalog’s pages are for sellers, each for his own', () => {
  it.each([
    '/market/categories',
    '/market/categories/new',
    '/market/campaigns',
    '/market/campaigns/new',
    '/market/audit',
  ])('%s is refused to a buyer', async (url) => {
    expect((await page(url)).statusCode).toBe(200);
    expect((await page(url, buyer)).statusCode).toBe(403);
  });

  it('what another seller has is not there, and cannot be changed', async () => {
    const category = await newCategory();
    const campaign = await leads('/market/campaigns', campaignForm(category));
    for (const url of [category, campaign]) {
      expect((await page(url, other)).statusCode).toBe(404);
      expect((await post(url, { name: 'Mine', ...row(0, { name: 'x' }) }, other)).statusCode).toBe(404);
      expect((await page(url)).body).not.toContain('Mine');
    }
    for (const action of ['pause', 'resume', 'archive'])
      expect((await post(`${campaign}/${action}`, {}, other)).statusCode).toBe(404);
    for (const action of ['delete', 'restore'])
      expect((await post(`${category}/${action}`, {}, other)).statusCode).toBe(404);
    const foreign = await post('/market/campaigns', campaignForm(category), other);
    expect(foreign.statusCode).toBe(400);
    expect((await page('/market/campaigns', other)).body).not.toContain('Florida');
    expect((await page('/market/audit', other)).body).not.toContain('Florida');
  });

  it.each(['/market/categories', '/market/campaigns'])(
    'a form of another site to %s is refused',
    async (url) => {
      expect((await post(url, {}, seller, 'https://evil.example')).statusCode).toBe(403);
    },
  );
});

describe('the form of a category', () => {
  it('makes typed fields of its rows, skips empty ones, and locks what is personal', async () => {
    const url = await leads('/market/categories', {
      name: 'Roofs',
      description: 'Of homes',
      ...row(0, { name: 'email', type: 'email', required: '1' }),
      ...row(1, {}),
      ...row(2, { name: 'roof', type: 'select', options: 'Tile\r\n\r\n Metal ', locked: 'true' }),
      ...row(3, { name: 'firstName', locked: 'false', description: 'As typed' }),
    });
    const [stored] = await api.rows('SELECT name, description, fields FROM categories WHERE id = $1', [
      idOf(url),
    ]);
    const usual = { required: false, description: null, options: [] };
    expect(stored).toEqual({
      name: 'Roofs',
      description: 'Of homes',
      fields: [
        { ...usual, name: 'email', type: 'email', required: true, locked: true },
        { ...usual, name: 'roof', type: 'select', locked: true, options: ['Tile', 'Metal'] },
        { ...usual, name: 'firstName', type: 'text', locked: false, description: 'As typed' },
      ],
    });
    const shown = (await page(url)).body;
    expect(shown).toContain('value="roof"');
    expect(shown).toContain('Tile\nMetal');
    expect(shown).toContain('name="field-5-name"');
  });

  it('saved as it is shown stays as it is, and a cleared row is removed', async () => {
    const url = await leads('/market/categories', {
      name: 'Kept',
      description: '',
      ...row(0, { name: 'a', required: '1', locked: 'true', description: 'First' }),
      ...row(1, { name: 'b' }),
    });
    const kept = row(0, { name: 'a', required: '1', locked: 'true', description: 'First' });
    await leads(url, { name: 'Kept', description: '', ...kept, ...row(1, {}), ...row(2, { name: 'c' }) });
    const [stored] = await api.rows<{ fields: { name: string }[] }>(
      'SELECT fields FROM categories WHERE id = $1',
      [idOf(url)],
    );
    expect(stored!.fields.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(stored!.fields[0]).toMatchObject({ required: true, locked: true, description: 'First' });
  });

  it('more rows keep what was typed, and store nothing', async () => {
    const more = await post('/market/categories', {
      name: 'Half',
      more: '1',
      ...row(0, { name: 'typed <b>' }),
    });
    expect(more.statusCode).toBe(200);
    expect(more.body).toContain('value="typed &lt;b&gt;"');
    expect(more.body).toContain('name="field-3-name"');
    expect(more.body).not.toContain('name="field-4-name"');
    expect((await page('/market/categories')).body).not.toContain('Half');
  });

  it.each([
    ['an unknown type', { ...row(0, {}), ...row(1, { name: 'a', type: 'x' }) }, 'field-1-type-error'],
    ['a select without values', row(0, { name: 'a', type: 'select' }), 'field-0-options-error'],
    ['a description without a name', row(0, { description: 'x' }), 'field-0-name-error'],
    ['a name twice', { ...row(0, { name: 'a' }), ...row(2, { name: 'a' }) }, 'field-2-name-error'],
    ['no field at all', row(0, {}), 'must have at least one field'],
    ['no name', { name: '', ...row(0, { name: 'a' }) }, 'id="name-error"'],
    ['a name of 201 characters', { name: 'n'.repeat(201), ...row(0, { name: 'a' }) }, 'id="name-error"'],
  ])('%s is refused at its field, and what was typed is kept', async (_what, form, shown) => {
    const refused = await post('/market/categories', { name: 'Refused', description: 'Kept text', ...form });
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain(shown);
    expect(refused.body).toContain('Kept text');
    expect((await page('/market/categories')).body).not.toContain('Kept text');
  });

  it('a name in use is refused at the name', async () => {
    await leads('/market/categories', { name: 'Taken', description: '', ...row(0, { name: 'a' }) });
    const refused = await post('/market/categories', {
      name: 'taken',
      description: '',
      ...row(0, { name: 'a' }),
    });
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain('is the name of another category');
  });

  it('is deleted and restored, and not deleted while an active campaign sells it', async () => {
    const url = await newCategory();
    const campaign = await leads('/market/campaigns', campaignForm(url));
    const refused = await post(`${url}/delete`, {});
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain('Cannot delete category that is used in active campaigns');
    await leads(`${campaign}/pause`, {});
    await leads(`${url}/delete`, {});
    expect((await page('/market/categories')).body).not.toContain(url);
    expect((await page('/market/categories?status=deleted')).body).toContain(url);
    const resumed = await post(`${campaign}/resume`, {});
    expect([resumed.statusCode, resumed.body.includes('Category is not active')]).toEqual([400, true]);
    await leads(`${url}/restore`, {});
    await leads(`${campaign}/resume`, {});
  });
});

describe('the pages of campaigns', () => {
  it('a campaign is made, listed by status, changed, paused, resumed and archived', async () => {
    const category = await newCategory();
    const url = await leads(
      '/market/campaigns',
      campaignForm(category, { name: 'Life', maxSales: '', allowStateSelection: 'false', status: 'PAUSED' }),
    );
    const listed = async (status: string) =>
      (await page(`/market/campaigns?status=${status}`)).body.includes(`href="${url}"`);
    expect([await listed('PAUSED'), await listed('ACTIVE')]).toEqual([true, false]);
    await leads(`${url}/resume`, {});
    expect([await listed('PAUSED'), await listed('ACTIVE')]).toEqual([false, true]);
    await leads(url, { name: 'Life 2', pricePerLead: '30', maxSales: '2', leadTtlHours: '24' });
    const [stored] = await api.rows(
      'SELECT name, price_minor, max_sales, lead_ttl_hours, allow_state_selection, status FROM campaigns WHERE id = $1',
      [idOf(url)],
    );
    expect(stored).toEqual({
      name: 'Life 2',
      price_minor: 3_000,
      max_sales: 2,
      lead_ttl_hours: 24,
      allow_state_selection: false,
      status: 'ACTIVE',
    });
    await leads(`${url}/archive`, {});
    expect([await listed('ARCHIVED'), await listed('ACTIVE')]).toEqual([true, false]);
    const trail = (await page(`/market/audit?subject=campaign:${idOf(url)}`)).body;
    expect(trail).toContain('Campaign archived');
    expect(trail).toContain('<del>27.5</del> → <ins>30</ins>');
    expect(trail).toContain('Sue Seller');
    expect(trail).not.toContain('Category created');
  });

  it.each([
    [{ pricePerLead: '1.234' }, 'id="pricePerLead-error"'],
    [{ pricePerLead: '0' }, 'id="pricePerLead-error"'],
    [{ name: ' ' }, 'id="name-error"'],
    [{ distributionLogic: 'LOTTERY' }, 'id="distributionLogic-error"'],
    [{ maxSales: 'x' }, 'id="maxSales-error"'],
    [{ categoryId: 'x' }, 'Category not found'],
  ])('%j is refused with its message, and what was typed is kept', async (wrong, shown) => {
    const form = campaignForm(await newCategory(), { description: 'Kept text', ...wrong });
    const refused = await post('/market/campaigns', form);
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain(shown);
    expect(refused.body).toContain('Kept text');
    expect((await page('/market/campaigns')).body).not.toContain('Kept text');
  });

  it('a campaign shows its subscriptions, with the buyer', async () => {
    const url = await leads('/market/campaigns', campaignForm(await newCategory()));
    await leads(`/market/subscriptions/${idOf(url)}`, { dailyCap: '7', states: 'fl' }, buyer);
    const shown = (await page(url)).body;
    expect(shown).toContain('Buyer Inc');
    expect(shown).toContain(buyer.email);
    expect(shown).toContain('FL');
  });
});

describe('the page of changes', () => {
  it('goes back page by page, and lists nothing of others for a subject that is theirs', async () => {
    const category = await newCategory();
    await api.rows(
      `INSERT INTO audit_log (organization_id, actor, action, subject, after)
       SELECT $1, 'cli', 'campaign.updated', 'campaign:old', '{"name": "Old one"}' FROM generate_series(1, 60)`,
      [seller.organizationId],
    );
    const first = (await page('/market/audit?subject=campaign:old')).body;
    expect(first).toContain('Page 1 of 2');
    expect(first).toContain('subject=campaign%3Aold&amp;page=2');
    expect(first).toContain('command line');
    const second = (await page('/market/audit?subject=campaign:old&page=2')).body;
    expect(second.match(/class="audit-entry"/g)).toHaveLength(10);
    const foreign = await page(`/market/audit?subject=category:${idOf(category)}`, other);
    expect([foreign.statusCode, foreign.body.includes('No change yet.')]).toEqual([200, true]);
  });
});
