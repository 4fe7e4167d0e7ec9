import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listActiveKeys } from '../../src/db/account/api-keys.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { marketClient } from '../harness/market-client.ts';
import { sampleLead } from '../harness/sample-lead.ts';

let api: ApiTest;
let seller: MadeSeller;
let other: MadeSeller;
let send: ReturnType<typeof marketClient>;
let solar: string;
let roofs: string;
let foreign: string;

beforeAll(async () => {
  api = await startApi();
  send = marketClient(api);
  seller = await makeSeller(api);
  other = await makeSeller(api, { name: 'Other Leads' });
  [solar, roofs, foreign] = await Promise.all([
    category(seller, 'Solar'),
    category(seller, 'Roofs'),
    category(other, 'Solar'),
  ]);
});
afterAll(() => api?.stop());

async function category({ organizationId }: MadeSeller, name: string): Promise<string> {
  const [row] = await api.rows<{ id: string }>(
    `INSERT INTO categories (id, organization_id, name, fields) VALUES (gen_random_uuid(), $1, $2, '[]') RETURNING id`,
    [organizationId, name],
  );
  return row!.id;
}

let made = 0;
const nextEmail = () => {
  made += 1;
  return `supplier${made}@acme.example`;
};
type Made = { id: string; apiKey: string; apiKeyPreview: string };
const makeSupplier = async (categories: string[] = []): Promise<Made> => {
  const body = { name: 'Acme', email: nextEmail(), categories };
  return (await send(seller, 'POST', '/api/suppliers', body)).json().supplier;
};
const outcome = (response: { statusCode: number; json(): { error?: string } }) => ({
  status: response.statusCode,
  error: response.json().error,
});
const withKey = (apiKey: string, method: 'GET' | 'POST', url: string, body?: object) =>
  api.app.inject({ method, url, headers: { 'x-api-key': apiKey }, payload: body });

describe('POST /api/suppliers', () => {
  it('makes a supplier in test mode and shows its key once', async () => {
    const email = nextEmail();
    const body = { name: 'Acme', email, categories: [roofs, solar], testMode: false, status: 'INACTIVE' };
    const answer = await send(seller, 'POST', '/api/suppliers', body);
    expect(answer.statusCode).toBe(201);
    const { supplier } = answer.json();
    expect(supplier.apiKey).toMatch(/^sk_[A-Za-z0-9]{32}$/);
    expect(answer.json()).toEqual({
      message: 'Supplier created successfully',
      supplier: {
        id: supplier.id,
        name: 'Acme',
        email,
        status: 'ACTIVE',
        categories: [roofs, solar],
        leadsDelivered: 0,
        lastDeliveryAt: null,
        apiKeyPreview: `${supplier.apiKey.slice(0, 7)}…`,
        testMode: true,
        createdAt: supplier.createdAt,
        updatedAt: supplier.updatedAt,
        apiKey: supplier.apiKey,
      },
    });
    const stored = await api.rows('SELECT * FROM api_keys WHERE supplier_id = $1', [supplier.id]);
    expect(stored).toHaveLength(1);
    const noted = await api.rows('SELECT * FROM audit_log WHERE subject = $1', [`supplier:${supplier.id}`]);
    expect(JSON.stringify([stored, noted])).not.toContain(supplier.apiKey);
    const list = (await send(seller, 'GET', '/api/suppliers')).json();
    expect(list.suppliers[0]).toMatchObject({ id: supplier.id, apiKeyPreview: supplier.apiKeyPreview });
    expect(JSON.stringify(list)).not.toContain(supplier.apiKey);
  });

  it('refuses what is missing, wrong, of others or there already', async () => {
    const email = nextEmail();
    await send(seller, 'POST', '/api/suppliers', { name: 'Acme', email });
    const refusals = [
      [{}, 'Name and email are required'],
      [{ name: 'x'.repeat(300), email: 'a@b.example' }, 'Invalid name'],
      [{ name: 'Acme', email: 'acme' }, 'Invalid email'],
      [{ name: 'Acme', email: email.toUpperCase() }, 'Supplier with this email already exists'],
      [{ name: 'Acme', email: nextEmail(), categories: [foreign] }, 'Invalid categories'],
      [{ name: 'Acme', email: nextEmail(), categories: [solar, 'roofs'] }, 'Invalid categories'],
      [{ name: 'Acme', email: nextEmail(), categories: solar }, 'Invalid categories'],
    ] as const;
    const before = await api.count('suppliers');
    for (const [body, error] of refusals)
      expect(outcome(await send(seller, 'POST', '/api/suppliers', body))).toEqual({ status: 400, error });
    expect(await api.count('suppliers')).toBe(before);
    expect(await api.count('api_keys')).toBeGreaterThan(0);
  });

  it('another seller may use the same address, and a buyer may do nothing here', async () => {
    const email = nextEmail();
    await send(seller, 'POST', '/api/suppliers', { name: 'Acme', email });
    expect((await send(other, 'POST', '/api/suppliers', { name: 'Acme', email })).statusCode).toBe(201);
    const buyer = await makeBuyer(api, seller);
    expect(outcome(await send(buyer, 'GET', '/api/suppliers'))).toEqual({ status: 403, error: 'Forbidden' });
  });
});

describe('PUT and DELETE /api/suppliers/:id', () => {
  it('changes the given fields and replaces the categories', async () => {
    const { id } = await makeSupplier([solar]);
    const changed = await send(seller, 'PATCH', `/api/suppliers/${id}`, {
      testMode: false,
      categories: [roofs],
      apiKey: 'sk_mine',
    });
    expect(changed.json()).toMatchObject({
      message: 'Supplier updated successfully',
      supplier: { name: 'Acme', testMode: false, categories: [roofs] },
    });
    expect((await send(seller, 'PUT', `/api/suppliers/${id}`, { name: 'B' })).json().supplier).toMatchObject({
      categories: [roofs],
      name: 'B',
    });
    const noted = await api.rows<{ before: object; after: object }>(
      'SELECT before, after FROM audit_log WHERE subject = $1 ORDER BY id',
      [`supplier:${id}`],
    );
    expect(noted[1]).toMatchObject({
      before: { categories: [solar], test_mode: true },
      after: { categories: [roofs], test_mode: false },
    });
  });

  it('is a 404 for another seller, and nothing is changed', async () => {
    const { id } = await makeSupplier([solar]);
    const url = `/api/suppliers/${id}`;
    const answers = await Promise.all([
      send(other, 'GET', url),
      send(other, 'PUT', url, { name: 'Mine' }),
      send(other, 'PUT', url, { categories: [foreign] }),
      send(other, 'DELETE', url),
      send(other, 'POST', `${url}/rotate-key`),
      send(seller, 'GET', '/api/suppliers/x'),
    ]);
    for (const answer of answers)
      expect(outcome(answer)).toEqual({ status: 404, error: 'Supplier not found' });
    expect(outcome(await send(seller, 'PUT', url, { categories: [foreign] }))).toEqual({
      status: 400,
      error: 'Invalid categories',
    });
    expect((await send(seller, 'GET', url)).json().supplier).toMatchObject({
      name: 'Acme',
      status: 'ACTIVE',
      categories: [solar],
    });
  });

  it('the key of an inactive supplier is recognized and refused', async () => {
    const { id, apiKey } = await makeSupplier();
    expect((await withKey(apiKey, 'GET', '/api/leads')).statusCode).toBe(200);
    expect((await send(seller, 'DELETE', `/api/suppliers/${id}`)).json()).toEqual({
      message: 'Supplier deactivated successfully',
    });
    const refused = await withKey(apiKey, 'GET', '/api/leads');
    expect(refused.statusCode).toBe(403);
    expect(refused.json()).toMatchObject({ code: 'forbidden' });
    await send(seller, 'PUT', `/api/suppliers/${id}`, { status: 'ACTIVE' });
    expect((await withKey(apiKey, 'GET', '/api/leads')).statusCode).toBe(200);
    const inactive = (await send(seller, 'GET', '/api/suppliers?status=INACTIVE')).json().suppliers;
    expect(inactive.map((each: Made) => each.id)).not.toContain(id);
  });
});

describe('POST /api/suppliers/:id/rotate-key', () => {
  it('shows a new key, and the former one is refused at once', async () => {
    const { id, apiKey } = await makeSupplier();
    const answer = (await send(seller, 'POST', `/api/suppliers/${id}/rotate-key`)).json();
    expect(answer).toEqual({
      message: 'API key rotated successfully',
      apiKey: expect.stringMatching(/^sk_[A-Za-z0-9]{32}$/),
    });
    expect((await withKey(apiKey, 'GET', '/api/leads')).statusCode).toBe(401);
    expect((await withKey(answer.apiKey, 'GET', '/api/leads')).statusCode).toBe(200);
  });

  it('ten rotations at once leave one key', async () => {
    const { id } = await makeSupplier();
    await Promise.all(
      Array.from({ length: 10 }, () => send(seller, 'POST', `/api/suppliers/${id}/rotate-key`)),
    );
    const active = await api.rows('SELECT 1 FROM api_keys WHERE supplier_id = $1 AND revoked_at IS NULL', [
      id,
    ]);
    expect(active).toHaveLength(1);
  });
});

describe('[S21] the key of a supplier of the marketplace', () => {
  it('offers no leads to named buyers, and opens nothing else', async () => {
    const { apiKey } = await makeSupplier([solar]);
    const before = await api.count('leads');
    const stored = await withKey(apiKey, 'POST', '/api/leads', sampleLead);
    expect(stored.statusCode).toBe(403);
    expect(stored.json().detail).toContain('leads:write');
    const lead = await api.lead();
    expect((await withKey(apiKey, 'POST', `/api/leads/${lead}/send`, { provider_ids: [] })).statusCode).toBe(
      403,
    );
    expect((await withKey(apiKey, 'GET', '/api/providers')).statusCode).toBe(403);
    expect((await withKey(apiKey, 'GET', '/api/companies')).statusCode).toBe(403);
    expect(await api.count('leads')).toBe(before + 1);
  });

  it('counts among no keys of the company', async () => {
    await makeSupplier();
    expect(await listActiveKeys(api.runtime.db, seller.organizationId)).toEqual([]);
  });
});
