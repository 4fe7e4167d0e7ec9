import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import { type ApiTest, publicUrl, startApi } from '../harness/api-app.ts';
import { countLeads, leadOf, makeCompany } from '../harness/company-client.ts';

let api: ApiTest;
let origin: string;
beforeAll(async () => {
  api = await startApi();
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  origin = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
});
afterAll(() => api?.stop());

const send = (path: string, body: string, key = api.key, headers: Record<string, string> = {}) =>
  fetch(origin + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body,
  });
const codeOf = async (response: Response) =>
  `${response.status} ${((await response.json()) as { code?: string }).code}`;

describe('[S35] bodies that are expensive to parse', () => {
  const tiny = (count: number) => `[${'{},'.repeat(count)}{}]`;

  it.each([
    '/api/leads',
    '/api/leads/lead_x/send',
    '/api/leads/sms-response',
    '/api/providers',
    '/leads/single',
  ])('POST %s refuses 300,000 values in 1 MB', async (path) => {
    expect(await codeOf(await send(path, `{"x":${tiny(300_000)}}`))).toBe('413 too_many_values');
  });

  it('POST /api/leads/bulk refuses five million values in 16 MB, and 2,000 values in one lead', async () => {
    const bodies = [`{"leads":${tiny(5_000_000)}}`, `{"leads":[{"tags":${tiny(2_000)}}]}`];
    for (const body of bodies)
      expect(await codeOf(await send('/api/leads/bulk', body))).toBe('413 too_many_values');
  });

  it('POST /api/leads/bulk accepts the documented 5,000 leads with all their fields', async () => {
    const { company, key } = await makeCompany(api);
    const more = {
      email: 'sarah@example.com',
      notes: 'Ñ'.repeat(400),
      tags: Array.from({ length: 20 }, (_, i) => `tag ${i}`),
      custom_fields: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`field ${i}`, 'value'])),
    };
    const leads = Array.from({ length: 5_000 }, () => leadOf(company, more));
    const response = await send('/api/leads/bulk', JSON.stringify({ leads }), key, {
      'idempotency-key': uuidv7(),
    });
    expect(await response.json()).toMatchObject({ summary: { created: 5_000, invalid: 0 } });
    expect(await countLeads(api, company)).toBe(5_000);
  });

  it('a large body that is not JSON is a 400, and one with __proto__ in a lead too', async () => {
    const notes = 'n'.repeat(100_000);
    const bodies = [
      `{"leads":[{"notes":"${notes}"},]}`,
      `{"leads":[{"notes":"${notes}"},{"__proto__":{"x":1}}]}`,
    ];
    for (const body of bodies)
      expect(await codeOf(await send('/api/leads/bulk', body))).toBe('400 invalid_json');
  });

  it('a form has at most 1,000 fields', async () => {
    const pages = await buildApp(api.runtime, { pages: true });
    try {
      const response = await pages.inject({
        method: 'POST',
        url: '/login',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: publicUrl },
        payload: 'a=&'.repeat(3_000),
      });
      expect(response.statusCode).toBe(413);
    } finally {
      await pages.close();
    }
  });
});

describe('[S35] forms with a file', () => {
  const boundary = 'B';
  const part = (headers: string, text: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${headers}\r\n\r\n${text}\r\n`;
  const typed = (headers: string, text: string) => part(`${headers}\r\nContent-Type: application/json`, text);
  const file = part('name="file"; filename="a.csv"', 'name,phone\nSarah,+13055550143');
  const form = { 'content-type': `multipart/form-data; boundary=${boundary}` };

  it.each([
    ['a deep list', typed('name="mapping"', `${'['.repeat(60_000)}${']'.repeat(60_000)}`)],
    ['an object', typed('name="mapping"', '{"name":"phone"}')],
    ['a field over 128 KB', part('name="mapping"', 'x'.repeat(130 * 1024))],
    ['eleven fields', part('name="x"', 'y').repeat(11)],
  ])('%s is refused', async (_what, fields) => {
    const { key } = await makeCompany(api);
    for (const path of ['/api/imports', '/leads/csv'])
      expect(await codeOf(await send(path, `${fields}${file}--B--\r\n`, key, form))).toBe('400 invalid_form');
  });

  it('fields are counted as the body of a request until the file begins', async () => {
    const { key } = await makeCompany(api);
    const { port, hostname } = new URL(origin);
    const slow = Array.from({ length: 16 }, () => {
      const request = connect(Number(port), hostname);
      request.on('error', () => undefined);
      const head = [
        'POST /api/imports HTTP/1.1',
        'Host: x',
        `Authorization: Bearer ${key}`,
        `Content-Type: ${form['content-type']}`,
        'Content-Length: 1000000',
      ];
      request.write(`${head.join('\r\n')}\r\n\r\n`);
      return request;
    });
    try {
      const ask = async () => {
        const body = `${part('name="unused"', 'x'.repeat(20_000))}${file}--B--\r\n`;
        const response = await send('/api/imports', body, key, form);
        return response.ok ? response.status : codeOf(response);
      };
      await vi.waitFor(async () => expect(await ask()).toBe('429 too_many_bytes'), { timeout: 5_000 });
      slow[0]!.write(file);
      await vi.waitFor(async () => expect(await ask()).toBe(201), { timeout: 5_000 });
    } finally {
      for (const request of slow) request.destroy();
    }
  });
});

it('[S35] a path that does not exist is a 404 before its body arrives', async () => {
  const { port, hostname } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write(
    'POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n',
  );
  const [answer] = await once(socket, 'data');
  socket.destroy();
  expect(String(answer)).toMatch(/^HTTP\/1\.1 404 /);
});

it.each([
  ['with a key that does not exist', 'lg_nothing', 401],
  ['larger than what one caller may announce', null, 413],
])('[S35] a large body is refused unread %s, and its connection closes', async (_why, key, status) => {
  const socket = connect((api.app.server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST /api/leads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key ?? api.key}\r\ncontent-type: application/json\r\ncontent-length: ${key ? 900_000 : 40_000_000}\r\n\r\n{"x":`,
  );
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  socket.destroy();
  expect(String(Buffer.concat(chunks))).toMatch(
    new RegExp(`^HTTP/1\\.1 ${status} [^]*connection: close`, 'i'),
  );
});

describe('[S35] webhooks read little before a signature is verified', () => {
  const KB = 1024;
  it.each([
    ['/webhook/stripe', 'application/json', 256],
    ['/api/webhooks/stripe', 'application/json', 256],
    ['/webhook/ghl', 'application/json', 256],
    ['/webhook/sendgrid/events', 'application/json', 256],
    ['/webhook/twilio/sms', 'application/x-www-form-urlencoded', 64],
    ['/webhook/twilio/status', 'application/x-www-form-urlencoded', 64],
  ])('%s', async (path, type, largest) => {
    const ask = (bytes: number) => send(path, 'x'.repeat(bytes), api.key, { 'content-type': type });
    expect([400, 403]).toContain((await ask(largest * KB)).status);
    expect((await ask(largest * KB + 1)).status).toBe(413);
  });
});

describe('[S35] a lead offered to many buyers', () => {
  it('carries some of its unlocks and says where the rest is', async () => {
    const id = await api.lead({ provider_ids: [] });
    await api.rows(
      `WITH buyer AS (INSERT INTO buyers (id, organization_id, external_id, name, phone)
        SELECT gen_random_uuid(), $1, 'many' || n, 'Many', '+1305600' || lpad(n::text, 4, '0') FROM generate_series(1, 230) AS n RETURNING id, phone)
       INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, price_minor, currency, ttl_expires_at)
        SELECT gen_random_uuid(), (SELECT id FROM leads WHERE public_id = $2), $1, id, '+15005550006', phone, 'NEW_LEAD', 2000, 'usd', now() FROM buyer`,
      [api.organizationId, id],
    );
    const get = async (path: string) => (await api.json('GET', path)).json();
    type Unlocks = { provider_id: string }[];
    const { leads } = await get('/api/leads?limit=1');
    const { lead } = await get(`/api/leads/${id}`);
    expect([leads[0].unlocks.length, lead.unlocks.length]).toEqual([50, 200]);
    expect([leads[0].unlock_count, lead.unlock_count]).toEqual([230, 230]);
    const seen: Unlocks = [...leads[0].unlocks];
    for (let cursor = leads[0].unlocks_next_cursor; cursor; ) {
      const page = await get(`/api/leads/${id}/unlocks?limit=70&cursor=${cursor}`);
      seen.push(...(page.unlocks as Unlocks));
      cursor = page.next_cursor;
    }
    expect(new Set(seen.map(({ provider_id }) => provider_id)).size).toBe(230);
    expect(seen).toHaveLength(230);
  });
});

describe('[S35] expensive requests have limits of their own', () => {
  it('the documentation and the metrics, per address', async () => {
    const strict = await buildApp(api.runtime, {
      pages: true,
      limits: { document: { points: 2, seconds: 60 } },
    });
    try {
      for (const [i, url] of ['/docs', '/docs/reference.js', '/openapi.json', '/metrics'].entries()) {
        const statuses: number[] = [];
        const remoteAddress = url === '/metrics' ? '127.0.0.1' : `198.51.100.${i}`;
        for (let n = 0; n < 3; n += 1) {
          const headers = { host: '127.0.0.1:3000' };
          statuses.push((await strict.inject({ url, remoteAddress, headers })).statusCode);
        }
        expect(statuses, url).toEqual([200, 200, 429]);
      }
      const key = await api.makeKey(['admin'], { owner: 'operator', organizationId: null });
      const scrape = { url: '/metrics', headers: { authorization: `Bearer ${key}` } };
      for (const from of ['127.0.0.1', '198.51.100.0'])
        expect((await strict.inject({ ...scrape, remoteAddress: from })).statusCode, from).toBe(200);
      expect((await strict.inject({ ...scrape, remoteAddress: '198.51.100.9' })).statusCode).toBe(429);
    } finally {
      await strict.close();
    }
  });

  it('previews, downloads and attempts to connect a CRM, per company', async () => {
    const { company, as } = await makeCompany(api);
    const csv = 'name,phone\nSarah,+13055550143\n';
    const upload = await api.json('POST', '/api/imports', csv, { ...as, 'content-type': 'text/csv' });
    const at = `/api/imports/${upload.json().import.import_id}`;
    const crm = { token: 'pit-wrong', location_id: 'elsewhere' };
    const asks: [number, () => ReturnType<ApiTest['json']>][] = [
      [60, () => api.json('POST', `${at}/preview`, {}, as)],
      [60, () => api.json('GET', `${at}/rejects.csv`, undefined, as)],
      [10, () => api.json('PATCH', `/api/companies/${company.number}`, { crm }, as)],
    ];
    for (const [limit, ask] of asks) {
      const codes = new Set<string>();
      for (let n = 0; n <= limit; n += 1) {
        const response = await ask();
        if (response.statusCode === 429) codes.add(`${response.json().code} at ${n}`);
      }
      expect([...codes]).toEqual([`quota_exceeded at ${limit}`]);
    }
  });
});

it('[S35] /health is answered while other requests are shed, and does not count as one of them', async () => {
  const busy = await buildApp(api.runtime, {
    mostLoopDelayMs: 0.000_001,
    limits: { address: { points: 5, seconds: 60 } },
  });
  try {
    const ask = async (url: string, remoteAddress: string) =>
      (await busy.inject({ url, remoteAddress, headers: { authorization: `Bearer ${api.key}` } })).statusCode;
    let from = 0;
    await vi.waitFor(
      async () => {
        from += 1;
        expect(await ask('/api/leads', `192.0.2.${from}`)).toBe(503);
        expect(await ask('/health', `192.0.2.${from}`)).toBe(200);
      },
      { timeout: 5_000, interval: 100 },
    );
    const flood: number[] = [];
    for (let n = 0; n < 6; n += 1) flood.push(await ask('/nowhere', '198.51.100.7'));
    expect(flood.at(-1)).toBe(429);
    expect(await ask('/health', '198.51.100.7')).toBe(200);
  } finally {
    await busy.close();
  }
});
