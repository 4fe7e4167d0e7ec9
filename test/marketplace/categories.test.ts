import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { type Ask, makeCampaign, makeCategory, marketClient, solarFields } from '../harness/market-client.ts';

let api: ApiTest;
let ask: Ask;
let seller: MadeSeller;
let other: MadeSeller;
let buyer: MadeBuyer;
beforeAll(async () => {
  api = await startApi();
  ask = marketClient(api);
  seller = await makeSeller(api);
  other = await makeSeller(api, { name: 'Other' });
  buyer = await makeBuyer(api, seller);
});
afterAll(() => api?.stop());

describe('categories of a seller', () => {
  it('a new one has its fields with locks by default, and is listed by name', async () => {
    const zebra = await makeCategory(ask, other, { name: 'zebra' });
    const apple = await makeCategory(ask, other, { name: 'Apple', description: ' For apples ' });
    const list = await ask(other, 'GET', '/api/categories');
    expect(list.json().categories.map(({ id }: { id: string }) => id)).toEqual([apple, zebra]);
    expect(list.json().categories[0]).toEqual({
      id: apple,
      sellerId: other.organizationId,
      name: 'Apple',
      description: 'For apples',
      fields: [
        { name: 'firstName', type: 'text', required: true, locked: true, description: null, options: [] },
        { name: 'email', type: 'email', required: true, locked: true, description: null, options: [] },
        { name: 'roofAge', type: 'number', required: false, locked: false, description: null, options: [] },
      ],
      isActive: true,
      createdAt: expect.stringMatching(/^2\d{3}-.*Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
  });

  it.each(['PUT', 'PATCH'] as const)('%s changes only the given keys', async (method) => {
    const id = await makeCategory(ask, seller, { description: 'Old' });
    const { name } = (await ask(seller, 'GET', `/api/categories/${id}`)).json().category;
    const answer = await ask(seller, method, `/api/categories/${id}`, {
      description: 'New',
      sellerId: uuidv7(),
      id: 'x',
    });
    expect(answer.json()).toMatchObject({
      message: 'Category updated successfully',
      category: { id, name, description: 'New', isActive: true, sellerId: seller.organizationId },
    });
    expect(answer.json().category.fields).toHaveLength(3);
    const cleared = await ask(seller, method, `/api/categories/${id}`, { description: '' });
    expect(cleared.json().category.description).toBeNull();
    const unchanged = await ask(seller, method, `/api/categories/${id}`);
    expect([unchanged.statusCode, unchanged.json().category.name]).toEqual([200, name]);
  });

  it('a deleted one leaves the list, is read by its seller, keeps its name, and can be restored', async () => {
    const id = await makeCategory(ask, seller, { name: 'Roofing' });
    const deleted = await ask(seller, 'DELETE', `/api/categories/${id}`);
    expect([deleted.statusCode, deleted.json()]).toEqual([200, { message: 'Category deleted successfully' }]);
    expect((await ask(seller, 'GET', '/api/categories')).body).not.toContain(id);
    expect((await ask(seller, 'GET', `/api/categories/${id}`)).json().category.isActive).toBe(false);
    expect((await ask(buyer, 'GET', `/api/categories/${id}`)).statusCode).toBe(404);
    const again = await ask(seller, 'POST', '/api/categories', { name: 'ROOFING', fields: solarFields });
    expect([again.statusCode, again.json().error]).toEqual([400, 'Category with this name already exists']);
    expect(again.json().detail).toContain(id);
    const restored = await ask(seller, 'PUT', `/api/categories/${id}`, { isActive: true });
    expect(restored.json().category.isActive).toBe(true);
  });

  it('the name of another seller is free', async () => {
    await makeCategory(ask, seller, { name: 'Windows' });
    await makeCategory(ask, other, { name: 'Windows' });
  });

  it('one that an active campaign sells stays active, by DELETE and by PUT, until the campaign pauses', async () => {
    const id = await makeCategory(ask, seller);
    const campaign = await makeCampaign(ask, seller, { categoryId: id });
    for (const [method, body] of [
      ['DELETE', undefined],
      ['PUT', { isActive: false }],
    ] as const) {
      const answer = await ask(seller, method, `/api/categories/${id}`, body);
      expect([answer.statusCode, answer.json().error]).toEqual([
        400,
        'Cannot delete category that is used in active campaigns',
      ]);
    }
    await ask(seller, 'PUT', `/api/campaigns/${campaign}`, { status: 'PAUSED' });
    expect((await ask(seller, 'DELETE', `/api/categories/${id}`)).statusCode).toBe(200);
    const resumed = await ask(seller, 'PUT', `/api/campaigns/${campaign}`, { status: 'ACTIVE' });
    expect([resumed.statusCode, resumed.json().error]).toEqual([400, 'Category is not active']);
  });

  it('deleted and sold at once, it is one of the two: never an active campaign of a deleted category', async () => {
    for (let round = 0; round < 8; round += 1) {
      const id = await makeCategory(ask, seller);
      const body = { name: `Race ${round}`, pricePerLead: 5, distributionLogic: 'BROADCAST', categoryId: id };
      await Promise.all([
        ask(seller, 'POST', '/api/campaigns', body),
        ask(seller, 'DELETE', `/api/categories/${id}`),
        ask(seller, 'POST', '/api/campaigns', { ...body, name: 'second' }),
      ]);
    }
    const broken = await api.rows(
      `SELECT 1 FROM campaigns c JOIN categories k ON k.id = c.category_id WHERE c.status = 'ACTIVE' AND NOT k.is_active`,
    );
    expect(broken).toEqual([]);
  });

  it.each([
    ['a name of 300 characters', { name: 'n'.repeat(300) }, 'Invalid name'],
    ['a name that is a number', { name: 5 }, 'Invalid name'],
    ['a NUL in the name', { name: 'a\0b' }, 'Invalid name'],
    ['a long description', { description: 'd'.repeat(2_001) }, 'Invalid description'],
    ['fields that are a text', { fields: 'name' }, 'Invalid fields'],
    ['a field of an unknown type', { fields: [{ name: 'a', type: 'money' }] }, 'Invalid fields'],
    ['a field called __proto__', { fields: [{ name: '__proto__', type: 'text' }] }, 'Invalid fields'],
    ['isActive as a text', { isActive: 'no' }, 'Invalid isActive'],
  ])('%s is a 400 and changes nothing', async (_what, wrong, error) => {
    const id = await makeCategory(ask, seller);
    const count = await api.count('categories');
    const created = await ask(seller, 'POST', '/api/categories', {
      name: 'Wrong',
      fields: solarFields,
      ...wrong,
    });
    expect([created.statusCode, created.json().error]).toEqual([400, error]);
    const changed = await ask(seller, 'PUT', `/api/categories/${id}`, wrong);
    expect([changed.statusCode, changed.json().error]).toEqual([400, error]);
    expect(await api.count('categories')).toBe(count);
  });

  it('records each change with its row before and after, in the same commit', async () => {
    const id = await makeCategory(ask, seller, { description: 'Old' });
    await ask(seller, 'PUT', `/api/categories/${id}`, { description: 'New' });
    await ask(seller, 'DELETE', `/api/categories/${id}`);
    const { entries } = (await ask(seller, 'GET', `/api/audit?subject=category:${id}&page=undefined`)).json();
    expect(entries.map(({ action, who }: { action: string; who: string }) => [action, who])).toEqual([
      ['category.deleted', 'Sue Seller'],
      ['category.updated', 'Sue Seller'],
      ['category.created', 'Sue Seller'],
    ]);
    expect(entries[1]).toMatchObject({
      before: { description: 'Old' },
      after: { description: 'New', isActive: true },
    });
    expect(entries[2].before).toBeNull();
  });
});

describe('[S22] categories of a buyer', () => {
  it('are the active ones of its seller, without their fields', async () => {
    const mine = await makeCategory(ask, seller, { description: 'Shown' });
    const answer = await ask(buyer, 'GET', `/api/categories/${mine}`);
    expect(answer.json()).toEqual({ category: { id: mine, name: expect.any(String), description: 'Shown' } });
    const list = (await ask(buyer, 'GET', '/api/categories')).json().categories;
    const foreign = await makeCategory(ask, other);
    expect(list.length).toBeGreaterThan(0);
    for (const each of list) expect(Object.keys(each)).toEqual(['id', 'name', 'description']);
    expect(list.map(({ id }: { id: string }) => id)).not.toContain(foreign);
    expect((await ask(buyer, 'GET', `/api/categories/${foreign}`)).statusCode).toBe(404);
  });
});

describe('[S21] categories of a supplier', () => {
  const supplierOf = async ({ organizationId }: MadeSeller, categories: string[]) => {
    const supplierId = uuidv7();
    await api.rows(
      'INSERT INTO suppliers (id, organization_id, name, email) VALUES ($1::uuid, $2, $3, $1::text)',
      [supplierId, organizationId, 'Acme'],
    );
    for (const id of categories)
      await api.rows(
        'INSERT INTO supplier_categories (organization_id, supplier_id, category_id) VALUES ($1, $2, $3)',
        [organizationId, supplierId, id],
      );
    const key = await api.makeKey(['leads:read', 'leads:write'], {
      owner: 'supplier',
      organizationId,
      supplierId,
    });
    return { supplierId, as: { 'x-api-key': key }, bearer: { as: { authorization: `Bearer ${key}` } } };
  };

  it('are the active ones that it may send, with their fields, by either header', async () => {
    const [may, inactive] = [await makeCategory(ask, seller), await makeCategory(ask, seller)];
    await makeCategory(ask, seller);
    const supplier = await supplierOf(seller, [may, inactive]);
    await ask(seller, 'DELETE', `/api/categories/${inactive}`);
    for (const credential of [supplier, supplier.bearer]) {
      const answer = await ask(credential, 'GET', '/api/categories');
      expect(answer.json().categories.map(({ id }: { id: string }) => id)).toEqual([may]);
      expect(answer.json().categories[0].fields).toHaveLength(3);
    }
    expect((await ask(await supplierOf(seller, []), 'GET', '/api/categories')).json()).toEqual({
      categories: [],
    });
  });

  it('open nothing else of the catalog', async () => {
    const id = await makeCategory(ask, seller);
    const supplier = await supplierOf(seller, [id]);
    for (const credential of [supplier, supplier.bearer])
      expect((await ask(credential, 'GET', `/api/categories/${id}`)).statusCode).toBe(401);
  });

  it('a key decides, also beside a seller’s cookie', async () => {
    const supplier = await supplierOf(seller, []);
    const both = { as: { ...supplier.as, cookie: seller.cookie } };
    expect((await ask(both, 'GET', '/api/categories')).json()).toEqual({ categories: [] });
  });

  it('an inactive supplier, another key of the organization and a wrong key are refused', async () => {
    const supplier = await supplierOf(seller, []);
    await api.rows(`UPDATE suppliers SET status = 'INACTIVE' WHERE id = $1`, [supplier.supplierId]);
    const own = await api.makeKey(['admin'], { organizationId: seller.organizationId });
    const answers = [supplier.as, { 'x-api-key': own }, { 'x-api-key': 'sk_none' }].map(async (as) => {
      const answer = await ask({ as }, 'GET', '/api/categories');
      return [answer.statusCode, answer.json().error];
    });
    expect(await Promise.all(answers)).toEqual([
      [403, 'Supplier account is not active'],
      [403, 'Forbidden'],
      [401, 'Invalid API key'],
    ]);
  });
});
