import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKey, listKeys, revokeKey } from '../../src/db/account/api-keys.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

const get = (headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
  api.app.inject({ method: 'GET', url: '/api/leads', headers, remoteAddress });

describe('authentication', () => {
  it('a key is accepted from Authorization and from x-api-key', async () => {
    expect((await get({ authorization: `Bearer ${api.key}` })).statusCode).toBe(200);
    expect((await get({ authorization: `bearer  ${api.key}` })).statusCode).toBe(200);
    expect((await get({ 'x-api-key': api.key })).statusCode).toBe(200);
  });

  it('[S03] a wrong key is a 401, also from this machine, and writes nothing', async () => {
    const keys = await listKeys(api.runtime.db, null);
    for (const wrong of [
      '',
      'x',
      'lg_short',
      `${api.key}x`,
      api.key.slice(0, -1),
      api.key.toUpperCase(),
      `lg_${'A'.repeat(43)}`,
    ]) {
      const response = await get({ 'x-api-key': wrong });
      expect([response.statusCode, response.json().code], wrong).toEqual([401, 'key_invalid']);
    }
    expect((await get({ authorization: 'Basic abc' })).statusCode).toBe(401);
    expect((await get({ authorization: 'Bearer ', 'x-api-key': api.key })).statusCode).toBe(401);
    expect(await listKeys(api.runtime.db, null)).toEqual(keys);
  });

  it('in the sandbox a request from this machine without a key acts for the demo organization', async () => {
    const response = await api.app.inject({ method: 'POST', url: '/api/leads', payload: sampleLead });
    expect(response.statusCode).toBe(201);
    const [row] = await api.rows<{ slug: string }>(
      'SELECT g.slug FROM leads l JOIN organizations g ON g.id = l.organization_id WHERE l.public_id = $1',
      [response.json().lead_id],
    );
    expect(row!.slug).toBe('demo');
  });

  it.each([
    ['from elsewhere', {}, '203.0.113.7'],
    ['from elsewhere, claiming otherwise', { 'x-forwarded-for': '127.0.0.1' }, '203.0.113.7'],
    ['through a proxy on this machine', { 'x-forwarded-for': '203.0.113.7' }, '127.0.0.1'],
    ['through a proxy that sets Forwarded', { forwarded: 'for=203.0.113.7' }, '127.0.0.1'],
    ['through a proxy that sets Via', { via: '1.1 proxy' }, '127.0.0.1'],
    ['by a foreign name for this machine', { host: 'evil.example:3000' }, '127.0.0.1'],
    ["from another site's page", { host: 'localhost:3000', origin: 'https://evil.example' }, '127.0.0.1'],
  ])('a keyless call %s is 401', async (_name, headers, address) => {
    const response = await get(headers as Record<string, string>, address);
    expect([response.statusCode, response.json().code]).toEqual([401, 'key_required']);
    expect(response.headers['www-authenticate']).toContain('Bearer');
  });

  it('a missing key is a 401 before the body is parsed', async () => {
    const response = await api.app.inject({
      method: 'POST',
      url: '/api/leads',
      remoteAddress: '203.0.113.7',
      headers: { 'content-type': 'application/json' },
      payload: '{"not json',
    });
    expect(response.statusCode).toBe(401);
  });

  it('an operator key requires x-organization and acts for that organization', async () => {
    const key = await api.makeKey(['admin'], { owner: 'operator', organizationId: null });
    const id = await api.lead();
    expect((await get({ 'x-api-key': key })).statusCode).toBe(400);
    expect((await get({ 'x-api-key': key, 'x-organization': 'unknown' })).statusCode).toBe(400);
    const read = await api.app.inject({
      method: 'GET',
      url: `/api/leads/${id}?include_locked=true`,
      headers: { 'x-api-key': key, 'x-organization': 'demo' },
    });
    expect(read.json().lead.client_name).toBe('Sarah Johnson');
  });

  it('the Stripe bridge accepts its own key, which opens no other route', async () => {
    const bridged = await startApi({ env: { STRIPE_SERVICE_API_KEY: 'bridge-key' } });
    try {
      const ask = (key?: string) =>
        bridged.app.inject({
          method: 'GET',
          url: '/api/stripe-service/health',
          remoteAddress: '203.0.113.7',
          headers: key === undefined ? {} : { 'x-api-key': key },
        });
      expect((await ask('bridge-key')).json()).toEqual({ stripe_service_healthy: true, sandbox: true });
      expect((await ask(bridged.key)).statusCode).toBe(200);
      expect((await ask('bridge-keY')).statusCode).toBe(401);
      expect((await ask('')).statusCode).toBe(401);
      expect((await ask()).statusCode).toBe(401);
      // Requests within ten seconds share one call to Stripe.
      const fault = bridged.sandbox.fault({ vendor: 'stripe', kind: 'error', status: 500 });
      expect((await ask(bridged.key)).json()).toMatchObject({ stripe_service_healthy: true });
      bridged.sandbox.clearFaults(fault.id);
      const leads = await bridged.app.inject({
        method: 'GET',
        url: '/api/leads',
        headers: { 'x-api-key': 'bridge-key' },
      });
      expect(leads.statusCode).toBe(401);
    } finally {
      await bridged.stop();
    }
  });
});

describe('the key of the payment bridge', () => {
  const key = 'bridge-key';
  const headers = { authorization: `Bearer ${key}` };
  it('makes every call that its client makes, as it sends them, and opens no contact', async () => {
    const bridged = await startApi({ env: { STRIPE_SERVICE_API_KEY: key } });
    const call = (method: 'GET' | 'POST', url: string, payload?: object, more = {}) =>
      bridged.app.inject({ method, url, headers: { ...headers, ...more }, ...(payload && { payload }) });
    try {
      const lead = {
        lead_id: 'lead_from_bridge',
        city: 'Miami',
        service_type: '60 min Mobile Massage',
        preferred_time_window: 'Evening (6-9 PM)',
        budget_range: null,
        client_name: 'Sarah Johnson',
        client_phone: '+13055550123',
        client_email: null,
        exact_address: '123 Ocean Drive, Miami',
        original_notes: null,
        provider_ids: ['provider60'],
      };
      const made = await call('POST', '/api/leads', lead);
      expect([made.statusCode, made.json().lead_id]).toEqual([201, 'lead_from_bridge']);
      const sent = await call('POST', '/api/leads/lead_from_bridge/send', { provider_ids: ['provider61'] });
      expect(sent.statusCode).toBe(200);
      const read = await call('GET', '/api/leads/lead_from_bridge');
      expect([read.statusCode, read.json().lead.client_name]).toEqual([200, '***LOCKED***']);
      const reply = { provider_phone: '+13055550160', message: 'N', timestamp: '2026-11-27T12:00:00.123456' };
      expect((await call('POST', '/api/leads/sms-response', reply)).statusCode).toBe(200);
      expect((await call('GET', '/api/stripe-service/health')).statusCode).toBe(200);
      expect((await call('GET', '/health')).statusCode).toBe(200);
      expect((await call('GET', '/api/leads/lead_from_bridge?include_locked=true')).statusCode).toBe(403);
      expect((await call('GET', '/api/leads')).statusCode).toBe(401);
      expect((await call('GET', '/api/providers')).statusCode).toBe(401);
      expect((await call('GET', '/api/imports')).statusCode).toBe(401);
    } finally {
      await bridged.stop();
    }
  });

  it('acts for the organization that the request names, else the configured one, else the only one with providers', async () => {
    const bridged = await startApi({ env: { STRIPE_SERVICE_API_KEY: key } });
    const named = await startApi({
      env: { STRIPE_SERVICE_API_KEY: key, STRIPE_SERVICE_ORGANIZATION: 'second' },
    });
    const read = async (api = bridged, more = {}) => {
      const url = '/api/leads/lead_x';
      const answer = await api.app.inject({ method: 'GET', url, headers: { ...headers, ...more } });
      return answer.statusCode === 200 ? answer.json().lead.city : answer.statusCode;
    };
    const lead = {
      lead_id: 'lead_x',
      city: 'Miami',
      service_type: 'x',
      client_name: 'S',
      client_phone: '+13055550142',
    };
    try {
      await bridged.json('POST', '/api/leads', lead);
      expect(await read()).toBe('Miami');
      expect(await read(bridged, { 'x-organization': 'demo' })).toBe('Miami');
      expect(await read(bridged, { 'x-organization': 'unknown' })).toBe(400);
      const [second] = await named.rows<{ id: string }>(
        `INSERT INTO organizations (id, name, slug, footer, support_contact)
          VALUES (gen_random_uuid(), 'Second', 'second', '', 'x@y.example') RETURNING id`,
      );
      const owned = await named.makeKey(['admin'], { organizationId: second!.id });
      const as = { authorization: `Bearer ${owned}` };
      await named.json('POST', '/api/leads', { ...lead, city: 'Boston' }, as);
      expect(await read(named)).toBe('Boston');
      expect(await read(named, { 'x-organization': 'demo' })).toBe(404);
    } finally {
      await bridged.stop();
      await named.stop();
    }
  });
});

describe('[S08] API keys', () => {
  it('presented at the same moment are found by one statement, each with its own result', async () => {
    const { pool } = api.runtime.db;
    let lookups = 0;
    const counted = () => {
      lookups += 1;
    };
    const unknown = Array.from({ length: 20 }, () => `lg_${randomBytes(32).toString('base64url')}`);
    const own = await api.makeKey(['leads:read']);
    pool.on('acquire', counted);
    const statuses = await Promise.all(
      [...unknown, own].map(async (key) => (await get({ 'x-api-key': key })).statusCode),
    );
    pool.off('acquire', counted);
    expect(statuses).toEqual([...unknown.map(() => 401), 200]);
    expect(lookups).toBeLessThan(unknown.length);
  });

  it('are stored as hashes: the table contains no key', async () => {
    const dump = JSON.stringify(await api.rows('SELECT * FROM api_keys'));
    expect(dump).not.toContain(api.key.slice(12));
    expect(api.key).toMatch(/^lg_[A-Za-z0-9_-]{43}$/);
    expect(await findKey(api.runtime.db, api.key)).toMatchObject({
      prefix: api.key.slice(0, 11),
      owner: 'organization',
    });
  });

  it('stop working as soon as they are revoked', async () => {
    const key = await api.makeKey(['leads:read']);
    expect((await get({ 'x-api-key': key })).statusCode).toBe(200);
    const found = await findKey(api.runtime.db, key);
    expect(await revokeKey(api.runtime.db, found!.id)).toBe(true);
    expect((await get({ 'x-api-key': key })).statusCode).toBe(401);
    expect(await revokeKey(api.runtime.db, found!.id)).toBe(false);
  });

  it('open the routes of their scopes and no others', async () => {
    const routes = [
      ['leads:read', 'GET', '/api/leads'],
      ['leads:read', 'GET', '/api/leads/lead_x'],
      ['leads:write', 'POST', '/api/leads'],
      ['leads:write', 'POST', '/api/leads/lead_x/send'],
      ['replies:write', 'POST', '/api/leads/sms-response'],
      ['providers:read', 'GET', '/api/providers'],
      ['providers:read', 'GET', '/api/providers/unknown'],
      ['providers:write', 'POST', '/api/providers'],
      ['providers:write', 'PATCH', '/api/providers/unknown'],
      ['providers:write', 'DELETE', '/api/providers/unknown'],
      ['providers:write', 'POST', '/api/providers/import'],
      ['leads:write', 'POST', '/leads/single'],
      ['leads:write', 'POST', '/api/leads/bulk'],
      ['leads:read', 'GET', '/api/jobs/x'],
      ['companies:read', 'GET', '/api/companies'],
      ['companies:read', 'GET', '/api/companies/1'],
      ['companies:read', 'GET', '/api/companies/1/keys'],
      ['companies:write', 'POST', '/company/register'],
      ['companies:write', 'PATCH', '/api/companies/1'],
      ['companies:write', 'POST', '/api/companies/1/keys'],
    ] as const;
    for (const scope of [
      'leads:read',
      'leads:write',
      'replies:write',
      'providers:read',
      'providers:write',
      'companies:read',
      'companies:write',
    ] as const) {
      const key = await api.makeKey([scope]);
      for (const [needed, method, url] of routes) {
        const response = await api.json(
          method,
          url,
          method === 'GET' || method === 'DELETE' ? undefined : {},
          { authorization: `Bearer ${key}` },
        );
        const refused = response.statusCode === 403 && response.json().code === 'scope_missing';
        expect(refused, `${scope} on ${method} ${url}: ${response.statusCode}`).toBe(needed !== scope);
      }
    }
  });
});

describe('[S11] rate limits', () => {
  it('requests over the limit per key, address or phone are a 429 with Retry-After and RateLimit-*', async () => {
    const strict = await startApi({
      limits: {
        key: { points: 3, seconds: 60 },
        address: { points: 12, seconds: 60 },
        phone: { points: 2, seconds: 60 },
        refused: { points: 2, seconds: 60 },
      },
    });
    try {
      const ask = (key: string, remoteAddress: string, url = '/api/leads') =>
        strict.app.inject({ method: 'GET', url, remoteAddress, headers: { 'x-api-key': key } });
      const statuses: number[] = [];
      for (let i = 0; i < 4; i += 1) statuses.push((await ask(strict.key, `192.0.2.${i}`)).statusCode);
      expect(statuses).toEqual([200, 200, 200, 429]);
      const limited = await ask(strict.key, '192.0.2.9');
      expect(limited.json().code).toBe('rate_limited');
      expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
      expect(limited.headers).toMatchObject({
        'ratelimit-limit': '3',
        'ratelimit-remaining': '0',
        'ratelimit-reset': expect.any(String),
      });

      const wrong: number[] = [];
      for (let i = 0; i < 3; i += 1) wrong.push((await ask('lg_wrong', '198.51.100.1')).statusCode);
      expect(wrong).toEqual([401, 401, 429]);

      const flood: number[] = [];
      for (let i = 0; i < 13; i += 1)
        flood.push((await ask(strict.key, '198.51.100.2', '/health')).statusCode);
      expect(flood.slice(11)).toEqual([200, 429]);
      // A customer's whole IPv6 /64 counts as one address.
      const v6: number[] = [];
      for (let i = 0; i < 13; i += 1) v6.push((await ask('', `2001:db8:1:2::${i}`, '/health')).statusCode);
      expect(v6.slice(11)).toEqual([200, 429]);

      const key = await strict.makeKey(['replies:write']);
      const texts: number[] = [];
      for (let i = 0; i < 3; i += 1) {
        const response = await strict.app.inject({
          method: 'POST',
          url: '/api/leads/sms-response',
          remoteAddress: `192.0.2.${100 + i}`,
          headers: { 'x-api-key': key },
          payload: { provider_phone: '+13055550160', message: 'hello', timestamp: '2026-11-21T10:00:00' },
        });
        texts.push(response.statusCode);
      }
      expect(texts).toEqual([200, 200, 429]);
    } finally {
      await strict.stop();
    }
  });
});
