import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureOperator } from '../../src/api/auth/better-auth.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { makeCompany } from '../harness/company-client.ts';

let api: ApiTest;
let operator: string;
beforeAll(async () => {
  api = await startApi();
  operator = await api.makeKey(['admin'], { owner: 'operator', organizationId: null });
});
afterAll(() => api?.stop());

let named = 0;
const registration = (fields: Record<string, unknown> = {}) => {
  named += 1;
  return {
    company_name: 'Sunshine Clinic',
    owner_name: 'Olga Owner',
    owner_email: `owner${named}@sunshine.example`,
    owner_phone: '+34 612 34 56 78',
    ghl_location_id: `Sunshine${named}`,
    ...fields,
  };
};
const asOperator = () => ({ authorization: `Bearer ${operator}` });
const register = (body: unknown, headers: Record<string, string> = asOperator()) =>
  api.json('POST', '/company/register', body, headers);

describe('registering a company', () => {
  it("registers a company with the contracted response and parses phones by the owner's country", async () => {
    const body = registration();
    const response = await register(body);
    expect(response.statusCode).toBe(201);
    const answer = response.json();
    expect(Object.keys(answer)).toEqual(['message', 'company_id', 'company']);
    expect(Number.isInteger(answer.company_id)).toBe(true);
    expect(answer.company).toEqual({
      ...body,
      company_id: answer.company_id,
      owner_phone: '+34612345678',
      default_region: 'ES',
      dedupe_days: 30,
      tags: ['old_lead_reactivation'],
      source_label: null,
      field_mapping: {},
      rate_share: 100,
      crm: { connected: false, kind: 'token', api_version: 'v2', paused_at: null, pause_reason: null },
      created_at: expect.stringMatching(/Z$/),
    });
    const [event] = await api.rows<{ data: unknown }>(
      `SELECT data FROM events WHERE type = 'company.registered' ORDER BY occurred_at DESC LIMIT 1`,
    );
    expect(event!.data).toEqual({ actor: expect.any(String) });
  });

  it('without a key it is accepted only from this machine, in the sandbox', async () => {
    const payload = registration();
    const local = await api.app.inject({ method: 'POST', url: '/company/register', payload });
    expect(local.statusCode).toBe(201);
    const elsewhere = await api.app.inject({
      method: 'POST',
      url: '/company/register',
      remoteAddress: '203.0.113.9',
      payload: registration(),
    });
    expect([elsewhere.statusCode, elsewhere.json().code]).toEqual([401, 'key_required']);
  });

  it('a key of one organization cannot register another', async () => {
    const { as } = await makeCompany(api, ['companies:write']);
    const response = await register(registration(), as);
    expect([response.statusCode, response.json().code]).toEqual([403, 'forbidden']);
  });

  it('a signed-in operator can register, a page of another site cannot', async () => {
    const account = { email: 'op@company.example', password: 'correct horse battery', name: 'Op' };
    await ensureOperator(api.runtime, account);
    const cookie = await signIn(account);
    const send = (origin: string) =>
      api.app.inject({
        method: 'POST',
        url: '/company/register',
        remoteAddress: '203.0.113.9',
        headers: { cookie, origin },
        payload: registration(),
      });
    expect((await send('http://127.0.0.1:3000')).statusCode).toBe(201);
    expect((await send('https://evil.example')).json().code).toBe('wrong_origin');
  });

  it.each([
    ['owner_email', { owner_email: 'OWNER@Taken.example' }, 'email_taken'],
    ['ghl_location_id', { ghl_location_id: 'TakenLocation' }, 'location_taken'],
  ])('a second registration with the same %s is a 409', async (path, fields, code) => {
    const first = Object.fromEntries(
      Object.entries(fields).map(([k, v]) => [k, k === 'owner_email' ? v.toLowerCase() : v]),
    );
    expect((await register(registration(first))).statusCode).toBe(201);
    const before = await api.count('organizations');
    const second = await register(registration(fields));
    expect([second.statusCode, second.json().code]).toEqual([409, code]);
    expect(second.json().fields).toEqual([{ path, message: 'belongs to another company' }]);
    expect(await api.count('organizations')).toBe(before);
  });

  it('the same name twice registers two companies', async () => {
    const [a, b] = await Promise.all([register(registration()), register(registration())]);
    expect([a!.statusCode, b!.statusCode]).toEqual([201, 201]);
    expect(a!.json().company_id).not.toBe(b!.json().company_id);
  });

  it('an invalid request names each wrong field', async () => {
    const response = await register({
      company_name: ' ',
      owner_name: 'x'.repeat(201),
      owner_email: 'not-an-address',
      owner_phone: '12',
      ghl_location_id: 'https://app.gohighlevel.com/',
    });
    expect([response.statusCode, response.json().code]).toEqual([400, 'invalid_input']);
    expect(
      response
        .json()
        .fields.map((field: { path: string }) => field.path)
        .sort(),
    ).toEqual(['company_name', 'ghl_location_id', 'owner_email', 'owner_name', 'owner_phone']);
    expect((await register({ ...registration(), price: 1 })).statusCode).toBe(400);
  });

  it('a repeated Idempotency-Key returns the same company; with another body it is refused', async () => {
    const body = registration();
    const headers = { ...asOperator(), 'idempotency-key': uuidv7() };
    const [a, b] = await Promise.all([register(body, headers), register(body, headers)]);
    expect([a!.statusCode, b!.statusCode]).toEqual([201, 201]);
    expect(a!.json()).toEqual(b!.json());
    const other = await register(registration(), headers);
    expect(other.json().code).toBe('idempotency_key_reused');
  });
});

describe('a company', () => {
  it('operators and its own key can read it, other keys cannot', async () => {
    const mine = await makeCompany(api);
    const other = await makeCompany(api);
    const url = `/api/companies/${mine.company.number}`;
    expect((await api.json('GET', url, undefined, mine.as)).json().company.company_name).toBe(
      mine.company.name,
    );
    expect((await api.json('GET', url, undefined, asOperator())).statusCode).toBe(200);
    expect((await api.json('GET', url, undefined, other.as)).statusCode).toBe(404);
    const own = await api.json('GET', '/api/companies', undefined, mine.as);
    expect(own.json().companies).toHaveLength(1);
    const all = await api.json('GET', '/api/companies?limit=1', undefined, asOperator());
    expect(all.json().companies).toHaveLength(1);
    const next = await api.json(
      'GET',
      `/api/companies?cursor=${all.json().next_cursor}`,
      undefined,
      asOperator(),
    );
    expect(next.json().companies.map((row: { company_id: number }) => row.company_id)).toContain(
      other.company.number,
    );
    expect(next.json().companies).not.toContainEqual(all.json().companies[0]);
  });

  it('its own members can read it, other members cannot', async () => {
    const mine = await makeCompany(api);
    const other = await makeCompany(api);
    const account = { email: 'member@company.example', password: 'correct horse battery', name: 'Mia' };
    const { id } = await ensureOperator(api.runtime, account);
    await api.rows(`UPDATE users SET role = 'member' WHERE id = $1`, [id]);
    await api.rows("INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')", [
      mine.company.organizationId,
      id,
    ]);
    const cookie = await signIn(account);
    const ask = (method: 'GET' | 'POST', url: string, payload?: object) =>
      api.app.inject({
        method,
        url,
        remoteAddress: '203.0.113.9',
        payload,
        headers: { cookie, origin: 'http://127.0.0.1:3000' },
      });
    expect((await ask('GET', `/api/companies/${mine.company.number}`)).statusCode).toBe(200);
    expect((await ask('GET', `/api/companies/${other.company.number}`)).statusCode).toBe(404);
    expect((await ask('GET', '/api/companies')).json().companies).toHaveLength(1);
    expect((await ask('POST', '/company/register', registration())).statusCode).toBe(403);
    const lead = { name: 'Sarah', phone: '+13055550142', company_id: mine.company.number };
    expect((await ask('POST', '/leads/single', lead)).statusCode).toBe(201);
    const foreign = await ask('POST', '/leads/single', { ...lead, company_id: other.company.number });
    expect(Object.keys(foreign.json().errors)).toEqual(['company_id']);
    const key = await ask('POST', `/api/companies/${mine.company.number}/keys`, { name: 'Website' });
    expect(key.statusCode).toBe(201);
  });

  it('a PATCH changes the given fields and keeps the others', async () => {
    const { company, as } = await makeCompany(api);
    const url = `/api/companies/${company.number}`;
    const changes = {
      default_region: 'mx',
      dedupe_days: 0,
      tags: ['spring', ' spring ', 'old'],
      source_label: 'Fair 2026',
      field_mapping: { Budget: 'Fld1' },
      rate_share: 40,
    };
    const changed = (await api.json('PATCH', url, changes, as)).json().company;
    expect(changed).toMatchObject({ ...changes, default_region: 'MX', tags: ['spring', 'old'] });
    const emptied = (await api.json('PATCH', url, { source_label: null, tags: [] }, as)).json().company;
    expect(emptied).toMatchObject({ source_label: null, tags: [], default_region: 'MX', rate_share: 40 });
    expect(emptied.company_name).toBe(company.name);
  });

  it.each([
    [{ default_region: 'XX' }, 'default_region'],
    [{ dedupe_days: -1 }, 'dedupe_days'],
    [{ rate_share: 0 }, 'rate_share'],
    [{ tags: ['x'.repeat(101)] }, 'tags'],
    [{ field_mapping: { Budget: 'no id!' } }, 'field_mapping'],
    [{ crm: { token: 'two words' } }, 'crm.token'],
  ])('refuses %j', async (body, path) => {
    const { company, as } = await makeCompany(api);
    const response = await api.json('PATCH', `/api/companies/${company.number}`, body, as);
    expect([response.statusCode, response.json().fields[0].path]).toEqual([400, path]);
  });

  it('a CRM token that works connects it; the token is encrypted and never returned', async () => {
    const { company, as } = await makeCompany(api);
    const url = `/api/companies/${company.number}`;
    const wrong = await api.json('PATCH', url, { crm: { token: 'pit-unknown' }, tags: ['changed'] }, as);
    expect([wrong.statusCode, wrong.json().code]).toEqual([400, 'crm_token_refused']);
    expect((await api.json('GET', url, undefined, as)).json().company).toMatchObject({
      tags: company.tags,
      crm: { connected: false },
    });
    const token = 'pit-sandbox-leadgate';
    const connected = await api.json('PATCH', url, { crm: { token } }, as);
    expect(connected.json().company.crm.connected).toBe(true);
    const [row] = await api.rows<{ all: string }>(
      'SELECT row_to_json(k)::text AS all FROM crm_connections k WHERE organization_id = $1',
      [company.organizationId],
    );
    for (const shown of [connected.body, (await api.json('GET', url, undefined, as)).body, row!.all])
      expect(shown).not.toContain(token);
  });
});

describe('a CRM token and the fields sent with it', () => {
  it('are stored together or not at all', async () => {
    const [{ company, as }, other] = [await makeCompany(api), await makeCompany(api)];
    const url = `/api/companies/${company.number}`;
    const token = `pit-sandbox-${(await api.json('GET', url, undefined, as)).json().company.ghl_location_id}`;
    const given = { crm: { token }, owner_email: other.company.ownerEmail };
    const refused = await api.json('PATCH', url, given, as);
    expect([refused.statusCode, refused.json().code]).toEqual([409, 'email_taken']);
    expect((await api.json('GET', url, undefined, as)).json().company.crm.connected).toBe(false);
    const taken = await api.json('PATCH', url, { crm: { token }, tags: ['both'] }, as);
    expect(taken.json().company).toMatchObject({ tags: ['both'], crm: { connected: true } });
  });

  it('a version 1 key works for the registered location only, unless an operator changes it', async () => {
    const { company, as } = await makeCompany(api);
    const url = `/api/companies/${company.number}`;
    const crm = { token: 'v1-sandbox-elsewhere', api_version: 'v1', location_id: 'elsewhere' };
    const refused = await api.json('PATCH', url, { crm }, as);
    expect([refused.statusCode, refused.json().code]).toEqual([403, 'crm_location_unproven']);
    const allowed = await api.json('PATCH', url, { crm }, asOperator());
    expect([allowed.statusCode, allowed.json().company.ghl_location_id]).toEqual([200, 'elsewhere']);
  });
});

describe('API keys of a company', () => {
  it('at most a hundred are active at once', async () => {
    const { company, as } = await makeCompany(api);
    const url = `/api/companies/${company.number}/keys`;
    await api.rows(
      `INSERT INTO api_keys (id, organization_id, owner, name, prefix, hash, scopes)
       SELECT gen_random_uuid(), $1, 'organization', 'k', 'lg_k', 'many ' || n, '{leads:read}' FROM generate_series(1, 98) n`,
      [company.organizationId],
    );
    const made = await api.json('POST', url, { name: 'the hundredth' }, as);
    const refusedKey = await api.json('POST', url, { name: 'one more' }, as);
    expect([made.statusCode, refusedKey.statusCode, refusedKey.json().code]).toEqual([
      201,
      409,
      'too_many_keys',
    ]);
    const { key_id } = made.json();
    expect((await api.json('DELETE', `${url}/${key_id}`, undefined, as)).statusCode).toBe(200);
    expect((await api.json('POST', url, { name: 'instead' }, as)).statusCode).toBe(201);
  });

  it('a key cannot revoke a key with scopes it lacks', async () => {
    const { company, as } = await makeCompany(api, ['companies:read', 'companies:write']);
    await api.makeKey(['admin'], { organizationId: company.organizationId });
    const url = `/api/companies/${company.number}/keys`;
    const { keys } = (await api.json('GET', url, undefined, as)).json();
    const adminKey = keys.find((key: { scopes: string[] }) => key.scopes.includes('admin'));
    const answer = await api.json('DELETE', `${url}/${adminKey.key_id}`, undefined, as);
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'scope_missing']);
  });

  it("a supplier's keys are not listed as the company's", async () => {
    const { company } = await makeCompany(api);
    const { organizationId } = company;
    const key = await api.makeKey(['leads:read', 'leads:write', 'admin'], {
      organizationId,
      owner: 'supplier',
    });
    const as = { authorization: `Bearer ${key}` };
    const lead = { leads: [{ name: 'A', phone: '+13055550123', company_id: company.number }] };
    for (const answer of [
      await api.json('GET', '/api/imports', undefined, as),
      await api.json('GET', `/api/companies/${company.number}`, undefined, as),
      await api.json('POST', '/api/leads/bulk', lead, as),
    ])
      expect([answer.statusCode, answer.json().code]).toEqual([403, 'forbidden']);
  });

  it('a response to a request with x-api-key has Cache-Control: no-store', async () => {
    const { company, key } = await makeCompany(api);
    const answer = await api.app.inject({
      url: `/api/companies/${company.number}`,
      headers: { 'x-api-key': key },
    });
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  });

  it('a key is shown once, listed by its first characters, and stops working when revoked', async () => {
    const { company, as } = await makeCompany(api);
    const url = `/api/companies/${company.number}/keys`;
    const made = (await api.json('POST', url, { name: 'Website' }, as)).json();
    expect(made).toMatchObject({
      name: 'Website',
      scopes: ['leads:read', 'leads:write'],
      last_used_at: null,
    });
    expect(made.key).toMatch(/^lg_/);
    const listed = await api.json('GET', url, undefined, as);
    expect(listed.body).not.toContain(made.key);
    expect(listed.json().keys[0]).toMatchObject({ key_id: made.key_id, prefix: made.key.slice(0, 11) });
    const use = () =>
      api.json('GET', `/api/jobs/${uuidv7()}`, undefined, { authorization: `Bearer ${made.key}` });
    expect((await use()).statusCode).toBe(404);
    const other = await makeCompany(api);
    expect((await api.json('DELETE', `${url}/${made.key_id}`, undefined, other.as)).statusCode).toBe(404);
    const foreign = `/api/companies/${other.company.number}/keys/${made.key_id}`;
    expect((await api.json('DELETE', foreign, undefined, other.as)).statusCode).toBe(404);
    expect((await use()).statusCode).toBe(404);
    expect((await api.json('DELETE', `${url}/${made.key_id}`, undefined, as)).statusCode).toBe(200);
    expect((await use()).statusCode).toBe(401);
    expect((await api.json('DELETE', `${url}/${made.key_id}`, undefined, as)).statusCode).toBe(404);
  });

  it('a key cannot create a key with scopes it lacks', async () => {
    const { company, as } = await makeCompany(api, ['companies:write', 'leads:write']);
    const url = `/api/companies/${company.number}/keys`;
    const refusedKey = await api.json('POST', url, { name: 'x', scopes: ['leads:read'] }, as);
    expect([refusedKey.statusCode, refusedKey.json().code]).toEqual([403, 'scope_missing']);
    expect((await api.json('POST', url, { name: 'x', scopes: ['admin'] }, as)).statusCode).toBe(400);
    expect((await api.json('POST', url, { name: 'x', scopes: ['leads:write'] }, as)).statusCode).toBe(201);
  });

  it('a repeated Idempotency-Key creates one key, which is not shown again', async () => {
    const { company, as } = await makeCompany(api);
    const url = `/api/companies/${company.number}/keys`;
    const headers = { ...as, 'idempotency-key': uuidv7() };
    const first = (await api.json('POST', url, { name: 'Website' }, headers)).json();
    const again = (await api.json('POST', url, { name: 'Website' }, headers)).json();
    expect(again).toEqual({ ...first, key: null });
    expect(JSON.stringify(await api.rows('SELECT * FROM idempotency_keys'))).not.toContain(first.key);
  });
});

async function signIn(account: { email: string; password: string }): Promise<string> {
  const { createAuth } = await import('../../src/api/auth/better-auth.ts');
  const auth = createAuth(api.runtime);
  const answer = await auth.api.signInEmail({ body: account, asResponse: true });
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
