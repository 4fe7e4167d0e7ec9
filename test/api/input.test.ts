import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';

let api: ApiTest;
beforeAll(async () => {
  // Stripe keys with a simulated SMS vendor still count as a sandbox, so the sandbox's TTL bounds apply here.
  api = await startApi();
});
afterAll(() => api?.stop());

const tables = ['leads', 'lead_unlocks', 'events', 'outbox', 'inbox', 'idempotency_keys', 'phones'];
const sizes = async () => Promise.all(tables.map((table) => api.count(table)));
const terms = (config: Record<string, unknown>) => ({ ...sampleLead, config });

describe('POST /api/leads with an invalid body is a 400 that names the field and stores nothing', () => {
  const cases: [string, unknown, string][] = [
    ['unknown key', { ...sampleLead, status: 'PAID' }, 'status'],
    ['[S06] organization_id in the body', { ...sampleLead, organization_id: 'x' }, 'organization_id'],
    ['unknown key inside config', terms({ price: 1 }), 'config.price'],
    ['city of a wrong type', { ...sampleLead, city: 5 }, 'city'],
    ['city missing', { ...sampleLead, city: undefined }, 'city'],
    ['blank name', { ...sampleLead, client_name: '  ' }, 'client_name'],
    ['no way to reach the client', { ...sampleLead, client_phone: null, client_email: '' }, 'client_phone'],
    ['malformed e-mail', { ...sampleLead, client_email: 'sarah at home' }, 'client_email'],
    ['negative price', terms({ price_cents: -1 }), 'config.price_cents'],
    ['price below 50', terms({ price_cents: 49 }), 'config.price_cents'],
    ['absurd price', terms({ price_cents: 1_000_001 }), 'config.price_cents'],
    ['price of half a cent', terms({ price_cents: 2000.5 }), 'config.price_cents'],
    ['price as text', terms({ price_cents: '2000' }), 'config.price_cents'],
    ['unknown currency', terms({ currency: 'zzz' }), 'config.currency'],
    [
      'price off the step of a currency with three decimals',
      terms({ currency: 'kwd', price_cents: 1_505 }),
      'config.price_cents',
    ],
    [
      'fraction of a currency without any',
      terms({ currency: 'UGX', price_cents: 500_001 }),
      'config.price_cents',
    ],
    [
      'price below the minimum of its currency',
      terms({ currency: 'huf', price_cents: 17_499 }),
      'config.price_cents',
    ],
    [
      'currency that Stripe does not charge',
      terms({ currency: 'irr', price_cents: 2_000 }),
      'config.currency',
    ],
    ['that currency without a price', terms({ currency: 'IRR' }), 'config.currency'],
    ['negative TTL', terms({ ttl_hours: -1 }), 'config.ttl_hours'],
    ['TTL of nothing', terms({ ttl_hours: 0 }), 'config.ttl_hours'],
    ['TTL of a second', terms({ ttl_hours: 1 / 3600 }), 'config.ttl_hours'],
    ['TTL of 31 days', terms({ ttl_hours: 31 * 24 }), 'config.ttl_hours'],
    ['no sales', terms({ max_sales: 0 }), 'config.max_sales'],
    ['too many sales', terms({ max_sales: 1_001 }), 'config.max_sales'],
    ['lead id with a dash', { ...sampleLead, lead_id: 'lead_a-b' }, 'lead_id'],
    ['lead id of another family', { ...sampleLead, lead_id: 'order_1' }, 'lead_id'],
    ['lead id too long', { ...sampleLead, lead_id: `lead_${'a'.repeat(65)}` }, 'lead_id'],
    ['provider ids that are no list', { ...sampleLead, provider_ids: 'provider60' }, 'provider_ids'],
    ['too many providers', { ...sampleLead, provider_ids: Array(201).fill('p') }, 'provider_ids'],
    ['NUL in a field', { ...sampleLead, city: 'Mi\0ami' }, 'city'],
    ['half a character', { ...sampleLead, client_name: 'Sarah \ud83d' }, 'client_name'],
    ['half a character in a provider id', { ...sampleLead, provider_ids: ['\udc00'] }, 'provider_ids.0'],
    ['a list', [sampleLead], ''],
    ['nothing', null, ''],
  ];
  it.each(cases)('%s', async (_name, body, path) => {
    const before = await sizes();
    const response = await api.json('POST', '/api/leads', body === null ? 'null' : JSON.stringify(body), {
      'content-type': 'application/json',
    });
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toContain('application/problem+json');
    const problem = response.json();
    expect(problem).toMatchObject({
      status: 400,
      code: 'invalid_input',
      title: expect.any(String),
      type: expect.any(String),
    });
    expect(problem.fields.map((f: { path: string }) => f.path)).toContain(path);
    expect(await sizes()).toEqual(before);
  });

  it('the response does not repeat the submitted value', async () => {
    const response = await api.json('POST', '/api/leads', { ...sampleLead, client_email: 'canary-typed' });
    expect(response.body).not.toContain('canary-typed');
  });

  it('the smallest and largest allowed terms are accepted', async () => {
    for (const config of [
      { price_cents: 50 },
      { price_cents: 1_000_000, ttl_hours: 720 },
      { ttl_hours: 2 / 3600 },
      { max_sales: 1_000 },
    ]) {
      expect((await api.json('POST', '/api/leads', terms(config))).statusCode).toBe(201);
    }
  });

  it('a name is stored unchanged: apostrophe, Chinese, emoji, 300 characters', async () => {
    for (const name of ["O'Brien", '李小龙', 'Ñandú 🤙🏽', 'x'.repeat(300)]) {
      const id = await api.lead({ client_name: name });
      const { lead } = (await api.json('GET', `/api/leads/${id}?include_locked=true`)).json();
      expect(lead.client_name).toBe(name);
    }
  });
});

describe('[S04] request bodies', () => {
  const raw = (payload: string | Buffer, headers: Record<string, string>) =>
    api.app.inject({
      method: 'POST',
      url: '/api/leads',
      headers: { authorization: `Bearer ${api.key}`, ...headers },
      payload,
    });
  const asJson = { 'content-type': 'application/json' };
  const good = JSON.stringify(sampleLead);

  it('a body over 1 MB is a 413', async () => {
    const response = await raw(JSON.stringify({ ...sampleLead, city: 'x'.repeat(1_100_000) }), asJson);
    expect([response.statusCode, response.json().code]).toEqual([413, 'too_large']);
  });

  const refused: [string, string | Buffer, Record<string, string>, number][] = [
    ['nested too deeply', `{"city":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, asJson, 400],
    ['__proto__', `{"__proto__":{"admin":true},${good.slice(1)}`, asJson, 400],
    ['__proto__ written in escapes', `{"__pro\\u0074o__":{},${good.slice(1)}`, asJson, 400],
    ['constructor.prototype', `{"constructor":{"prototype":{"admin":true}},${good.slice(1)}`, asJson, 400],
    ['no JSON', '{"city":', asJson, 400],
    ['broken UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), asJson, 400],
    ['empty', '', asJson, 400],
    ['JSON called text', good, { 'content-type': 'text/plain' }, 415],
    ['JSON called a form', good, { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['JSON called nothing', good, {}, 415],
    ['JSON called another JSON', good, { 'content-type': 'application/vnd.api+json' }, 415],
    ['two content types', good, { 'content-type': 'text/plain, application/json' }, 415],
    ['compressed', gzipSync(good), { ...asJson, 'content-encoding': 'gzip' }, 415],
    [
      'a compressed bomb',
      gzipSync(Buffer.alloc(50_000_000, '[')),
      { ...asJson, 'content-encoding': 'gzip' },
      415,
    ],
  ];
  it.each(refused)('%s is refused', async (_name, payload, headers, status) => {
    const before = await sizes();
    const response = await raw(payload, headers);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(await sizes()).toEqual(before);
  });

  it('a content type in another case and with a charset is accepted and validated', async () => {
    const response = await raw('{"city":5}', { 'content-type': 'Application/JSON; charset=UTF-8' });
    expect([response.statusCode, response.json().code]).toEqual([400, 'invalid_input']);
  });

  it('brackets inside strings do not count as nesting', async () => {
    expect(
      (await raw(JSON.stringify({ ...sampleLead, notes_snippet: '[{"'.repeat(200) }), asJson)).statusCode,
    ).toBe(201);
  });
});

const cursorOf = (parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');

describe('every 4xx response is a problem document', () => {
  it.each([
    ['GET', '/nowhere', 404],
    ['POST', '/health', 404],
    ['GET', '/api/leads/lead_unknown1', 404],
    ['GET', '/api/leads/not-an-id', 400],
    ['GET', '/api/leads/%00', 400],
    ['GET', '/api/leads/%ff', 400],
    ['GET', '/api/providers/%00', 400],
    ['GET', '/api/leads?created_from=0000-01-01T00:00:00Z', 400],
    ['GET', '/api/leads?created_from=9999-12-31T23%3A59%3A59.999999999%2B23%3A59', 400],
    ['GET', '/api/leads?created_to=2026-01-01T00%3A00%3A00-16%3A00', 400],
    ['GET', `/api/leads?cursor=${cursorOf(['9'.repeat(19), 'a'.repeat(36)])}`, 400],
    ['GET', `/api/leads?cursor=${cursorOf(['1', '-'.repeat(36)])}`, 400],
    ['GET', `/api/leads/lead_${'a'.repeat(400)}`, 414],
  ] as const)('%s %s', async (method, url, status) => {
    const response = await api.json(method, url);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
  });

  it('a malformed Idempotency-Key is a 400', async () => {
    for (const key of ['', 'a b', 'x'.repeat(256), 'é']) {
      const response = await api.json('POST', '/api/leads', sampleLead, { 'idempotency-key': key });
      expect(response.statusCode, JSON.stringify(key)).toBe(400);
    }
  });
});

it('the OpenAPI 3.1 document omits hidden routes, and the docs page loads nothing from other hosts', async () => {
  const document = (await api.app.inject('/openapi.json')).json();
  expect(document.openapi).toBe('3.1.0');
  const paths = Object.keys(document.paths);
  expect(paths).toEqual(
    expect.arrayContaining([
      '/api/leads',
      '/api/leads/{lead_id}',
      '/api/leads/{lead_id}/send',
      '/api/leads/sms-response',
      '/api/providers',
      '/health',
    ]),
  );
  expect(paths.some((path) => path.includes('webhook') || path.includes('/p/'))).toBe(false);
  const docs = await api.app.inject('/docs');
  expect(docs.statusCode).toBe(200);
  expect(docs.body).not.toMatch(/https?:\/\//);
  expect((await api.app.inject('/docs/reference.js')).body.length).toBeGreaterThan(100_000);
});

it('outside the sandbox the shortest TTL is one minute', async () => {
  const keys = {
    STRIPE_SECRET_KEY: 'sk_test_x',
    STRIPE_WEBHOOK_SECRET: 'whsec_x',
    TWILIO_ACCOUNT_SID: `AC${'1'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: 't',
    SENDGRID_API_KEY: 'SG.x',
  };
  const real = await startApi({ env: keys });
  try {
    expect((await real.json('POST', '/api/leads', terms({ ttl_hours: 59 / 3600 }))).statusCode).toBe(400);
    expect((await real.json('POST', '/api/leads', terms({ ttl_hours: 1 / 60 }))).statusCode).toBe(201);
    const keyless = await real.app.inject({ method: 'GET', url: '/api/leads' });
    expect(keyless.statusCode).toBe(401);
  } finally {
    await real.stop();
  }
});
