import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProviderRows } from '../../src/api/unlock/provider-csv.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { atServer } from '../harness/database.ts';
import { makeBuyer } from '../harness/market.ts';
import { sampleLead } from '../harness/sample-lead.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

const zoe = {
  external_id: 'zoe',
  name: 'Zoe',
  phone: '+1 305-555-0170',
  email: 'zoe@example.com',
  language: 'es',
};
const importCsv = (payload: string | Buffer | Readable, headers: Record<string, string> = {}) =>
  api.app.inject({
    method: 'POST',
    url: '/api/providers/import',
    headers: { authorization: `Bearer ${api.key}`, 'content-type': 'text/csv', ...headers },
    payload,
  });

describe('/api/providers', () => {
  it('creates, reads, updates and deactivates a provider', async () => {
    const created = await api.json('POST', '/api/providers', zoe);
    expect(created.statusCode).toBe(201);
    const { created_at: _at, ...provider } = created.json().provider;
    expect(provider).toEqual({ ...zoe, phone: '+13055550170', active: true });
    expect((await api.json('GET', '/api/providers/zoe')).json().provider).toMatchObject(provider);
    const changed = await api.json('PATCH', '/api/providers/zoe', { name: null, phone: '+13055550171' });
    expect(changed.json().provider).toMatchObject({
      name: null,
      phone: '+13055550171',
      email: 'zoe@example.com',
    });
    expect((await api.json('DELETE', '/api/providers/zoe')).json().provider.active).toBe(false);
    expect(
      (await api.json('GET', '/api/providers?active=false'))
        .json()
        .providers.map((p: { external_id: string }) => p.external_id),
    ).toEqual(['zoe']);
    const odd = 'a/b ü';
    await api.json('POST', '/api/providers', { external_id: odd, phone: '+13055550172' });
    expect(
      (await api.json('GET', `/api/providers/${encodeURIComponent(odd)}`)).json().provider.external_id,
    ).toBe(odd);
  });

  it('[F05] a repeated Idempotency-Key returns the first response; the same id without one is a 409', async () => {
    const body = { external_id: 'once', phone: '+13055550173' };
    const headers = { 'idempotency-key': 'provider-once' };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => api.json('POST', '/api/providers', body, headers)),
    );
    expect(answers.map((r) => r.statusCode)).toEqual(Array(5).fill(201));
    expect((await api.json('POST', '/api/providers', { ...body, name: 'x' }, headers)).statusCode).toBe(409);
    const again = await api.json('POST', '/api/providers', body);
    expect([again.statusCode, again.json().code]).toEqual([409, 'provider_exists']);
    expect(JSON.stringify(await api.rows('SELECT * FROM idempotency_keys'))).not.toContain('3055550173');
  });

  it.each([
    [{ phone: '3055550170' }, 'phone'],
    [{ phone: '+1305' }, 'phone'],
    [{ phone: undefined }, 'phone'],
    [{ external_id: '' }, 'external_id'],
    [{ email: 'x' }, 'email'],
    [{ language: 'english' }, 'language'],
    [{ active: false }, 'active'],
  ])('refuses %j', async (more, path) => {
    const response = await api.json('POST', '/api/providers', { ...zoe, external_id: 'bad', ...more });
    expect([response.statusCode, response.json().fields[0].path]).toEqual([400, path]);
  });

  it('the list is paginated', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const page: { providers: { external_id: string }[]; next_cursor: string | null } = (
        await api.json('GET', `/api/providers?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      ).json();
      seen.push(...page.providers.map((p) => p.external_id));
      cursor = page.next_cursor;
    } while (cursor);
    expect(seen.length).toBe(await api.count('buyers'));
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe('the id of a provider', () => {
  it.each(['.', '..', ' . '])(
    '%j, which no client can address, is refused by the API and in a CSV',
    async (id) => {
      const answer = await api.json('POST', '/api/providers', { external_id: id, phone: '+13055550174' });
      expect([answer.statusCode, answer.json().fields]).toEqual([
        400,
        [{ path: 'external_id', message: expect.stringContaining('no address can contain') }],
      ]);
      const imported = (await importCsv(`external_id,phone\n${id},+13055550174\n`)).json();
      expect(JSON.stringify(imported)).toContain('no address can contain');
    },
  );

  it.each([
    '%2e',
    '%2E%2e',
    '/',
    '//',
    'a/../b',
    '...',
    '?a=1#b',
    '%',
    'a%2Fb',
    '\\',
    '+',
    ' inside ',
    '/'.repeat(128),
    '😀'.repeat(64),
  ])('%j is created and addressed', async (given) => {
    const id = given.trim();
    const made = await api.json('POST', '/api/providers', { external_id: given, phone: '+13055550175' });
    expect(made.statusCode).toBe(201);
    const address = `/api/providers/${encodeURIComponent(id)}`;
    expect(new URL(address, 'http://host').pathname).toBe(address);
    expect((await api.json('GET', address)).json().provider.external_id).toBe(id);
    expect((await api.json('PATCH', address, { name: 'Q' })).json().provider.name).toBe('Q');
    expect((await api.json('DELETE', address)).json().provider.active).toBe(false);
  });
});

describe('[S13] CSV import of providers', () => {
  it('stores valid rows, reports invalid ones by row number, and changes nothing when repeated', async () => {
    const csv = [
      'External ID,Name,Phone,Email,Language,Shoe size',
      'csv1,"Ann, the first",+1 305 555 0181,ann@example.com,en,38',
      'csv2,Bob,555-1234,,,',
      ',Nameless,+13055550182,,,',
      'csv1,Twice,+13055550183,,,',
      'csv3,,+13055550184,not-an-email,,',
      '"=cmd|1","=HYPERLINK(1)",+13055550185,,es',
    ].join('\r\n');
    const first = await importCsv(`\ufeff${csv}`);
    expect(first.statusCode).toBe(200);
    expect(first.json().summary).toEqual({ total_rows: 6, created: 2, updated: 0, rejected: 4 });
    expect(first.json().rejected_rows.map((r: { row: number }) => r.row)).toEqual([3, 4, 5, 6]);
    expect((await importCsv(csv)).json().summary).toEqual({
      total_rows: 6,
      created: 0,
      updated: 2,
      rejected: 4,
    });
    expect((await api.json('GET', '/api/providers/csv1')).json().provider.name).toBe('Ann, the first');
    expect(
      (await api.json('GET', `/api/providers/${encodeURIComponent('=cmd|1')}`)).json().provider.name,
    ).toBe('=HYPERLINK(1)');
  });

  it('cleans its cells as those of leads', async () => {
    const csv = [
      'external_id,name,phone,email,language',
      'guard-a,="Ann",\u202a+1 305 555 0181\u202c,n/a,NULL',
      `guard-b,NULL,"=""+13055550182""",Bob <bob@example.com>,'es`,
      `'guard-c,'Cid,'+13055550183,\\N,-`,
      '"=""guard-d""",Dee,＋１３０５５５５０１８４,,',
    ].join('\r\n');
    expect((await importCsv(csv)).json().summary).toMatchObject({ created: 4, rejected: 0 });
    const read = async (id: string) => (await api.json('GET', `/api/providers/${id}`)).json().provider;
    expect(await read('guard-a')).toMatchObject({
      name: 'Ann',
      phone: '+13055550181',
      email: null,
      language: null,
    });
    expect(await read('guard-b')).toMatchObject({
      name: null,
      phone: '+13055550182',
      email: 'bob@example.com',
      language: 'es',
    });
    expect(await read('guard-c')).toMatchObject({ name: 'Cid', phone: '+13055550183', email: null });
    expect(await read('guard-d')).toMatchObject({ name: 'Dee', phone: '+13055550184' });
    const ids = ["'guard-c", '\u200bguard-d'];
    const named = await api.json('POST', '/api/leads', { ...sampleLead, provider_ids: ids });
    expect(named.json().provider_results.map((row: { success: boolean }) => row.success)).toEqual([
      true,
      true,
    ]);
  });

  it('reads a file in UTF-16, as Excel saves Unicode text', async () => {
    const csv = '\ufeffexternal_id\tname\tphone\nutf16\tJosé Núñez\t+13055550184\n';
    expect((await importCsv(Buffer.from(csv, 'utf16le'))).json().summary).toMatchObject({ created: 1 });
    const { provider } = (await api.json('GET', '/api/providers/utf16')).json();
    expect(provider.name).toBe('José Núñez');
  });

  it('JSON is cleaned alike: blank fields and signs for a missing value are null', async () => {
    const given = {
      external_id: 'json-a',
      name: 'NULL',
      phone: '="+13055550184"',
      email: 'n/a',
      language: '',
    };
    const created = await api.json('POST', '/api/providers', given);
    const blank = { name: null, email: null, language: null };
    expect([created.statusCode, created.json().provider]).toMatchObject([201, blank]);
    await api.json('PATCH', '/api/providers/json-a', { name: "'Null", email: 'Ann <ann@example.com>' });
    const changed = await api.json('PATCH', '/api/providers/json-a', { email: '', language: "'es" });
    expect(changed.json().provider).toMatchObject({ name: 'Null', email: null, language: 'es' });
  });

  it('[S32] an upload that arrives slowly holds no database connection', async () => {
    const upload = new PassThrough();
    const response = importCsv(upload);
    upload.write('external_id,phone\n');
    for (let n = 0; n < 1_200; n += 1) upload.write(`slow${n},+13055550${100 + (n % 90)}\n`);
    await expect.poll(() => upload.readableLength).toBe(0);
    const { pool } = api.runtime.db;
    expect(pool.totalCount - pool.idleCount).toBe(0);
    expect((await api.json('GET', '/api/providers/slow0')).statusCode).toBe(404);
    upload.end();
    expect((await response).json().summary).toEqual({
      total_rows: 1_200,
      created: 1_200,
      updated: 0,
      rejected: 0,
    });
  });

  it('locks providers in the order of their ids, whatever the order of the file', async () => {
    const lines = Array.from({ length: 1_000 }, (_, n) => `pair${1_000 + n},+13055550190`);
    const imported = (rows: string[]) => importCsv(['external_id,phone', ...rows].join('\n'));
    await imported(lines);
    await atServer(api.config.databaseDirectUrl ?? api.config.databaseUrl!, async (holder) => {
      const lock = (id: string) =>
        holder.query('SELECT 1 FROM buyers WHERE external_id = $1 FOR UPDATE NOWAIT', [id]);
      await holder.query('BEGIN');
      await lock('pair1000');
      const second = imported(lines.toReversed());
      await expect
        .poll(() => api.rows(`SELECT 1 AS n FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`))
        .toEqual([{ n: 1 }]);
      await lock('pair1999');
      await holder.query('ROLLBACK');
      expect((await second).json().summary.updated).toBe(1_000);
    });
  });

  it('an import waits for the count of providers before it locks one, as a single provider does', async () => {
    await importCsv('external_id,phone\nfirst1,+13055550190\n');
    await atServer(api.config.databaseDirectUrl ?? api.config.databaseUrl!, async (holder) => {
      await holder.query('BEGIN');
      await holder.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `providers ${api.organizationId}`,
      ]);
      const imported = importCsv('external_id,phone\nfirst1,+13055550191\n');
      await expect
        .poll(() => api.rows(`SELECT 1 AS n FROM pg_locks WHERE NOT granted AND locktype = 'advisory'`))
        .toEqual([{ n: 1 }]);
      await holder.query("SELECT 1 FROM buyers WHERE external_id = 'first1' FOR UPDATE NOWAIT");
      await holder.query('ROLLBACK');
      expect((await imported).json().summary.updated).toBe(1);
    });
  });

  it('accepts a multipart form with a file, and semicolons', async () => {
    const payload =
      '--B\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\nContent-Type: text/csv\r\n\r\nexternal_id;phone\nform1;+13055550186\n\r\n--B--\r\n';
    const response = await importCsv(payload, { 'content-type': 'multipart/form-data; boundary=B' });
    expect([response.statusCode, response.json().summary.created]).toEqual([200, 1]);
  });

  it('[F70] a quote that is not closed costs its own row only', async () => {
    const csv =
      'Providers of May\nexternal_id,name,phone\nq1,"Al,+13055550195\nq2,"Bo",+13055550196\nq3,Cy, x,+13055550197\n';
    const { summary, rejected_rows: rejected } = (await importCsv(csv)).json();
    expect(summary).toEqual({ total_rows: 3, created: 1, updated: 0, rejected: 2 });
    expect(rejected).toEqual([
      { row: 3, errors: [expect.stringContaining('row: has a quote, opened in line 3')] },
      { row: 5, errors: [expect.stringContaining('row: has 4 cells where the header has 3')] },
    ]);
    expect((await api.json('GET', '/api/providers/q2')).json().provider).toMatchObject({ name: 'Bo' });
  });

  const row = 'bad1,x,+13055550187\n';
  it.each([
    ['no header', 'a,b,c\n1,2,3\n', 400],
    ['nothing', '', 400],
    ['a header alone is an empty list', 'external_id,phone\n', 200],
    ['a NUL byte', `external_id,name,phone\n${row}x,\0,+13055550188\n`, 400],
    [
      'broken UTF-8',
      Buffer.concat([Buffer.from(`external_id,name,phone\n${row}`), Buffer.from([0xff, 0xfe, 0x0a])]),
      400,
    ],
    ['a zip', Buffer.from('504b0304140000000800', 'hex'), 400],
    ['an open quote in the header', `external_id,name,"phone\n${row}`, 400],
    ['one huge cell', `external_id,name,phone\n${row}"${'x'.repeat(200_000)}",y,z\n`, 400],
    ['10^6 columns', `external_id,phone${',x'.repeat(1_000_000)}\n`, 400],
    ['50,001 rows', `external_id,phone\n${row.replace('x,', '')}${'y,+1\n'.repeat(50_000)}`, 413],
    ['a file too large', `external_id,name,phone\n${row}${'y,z,+1\n'.repeat(1_600_000)}`, 413],
    ['__proto__ columns', `__proto__,constructor,external_id,phone\n1,2,proto1,+13055550189\n`, 200],
  ])('%s', async (_name, payload, status) => {
    const response = await importCsv(payload);
    expect(response.statusCode).toBe(status);
    if (status !== 200) expect(response.headers['content-type']).toContain('application/problem+json');
    // A truncated file stores none of its rows.
    expect((await api.json('GET', '/api/providers/bad1')).statusCode).toBe(404);
  });

  it('a form without a file and a truncated form are a 400', async () => {
    const form = { 'content-type': 'multipart/form-data; boundary=B' };
    expect(
      (await importCsv('--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--B--\r\n', form))
        .statusCode,
    ).toBe(400);
    const cut = await importCsv(
      '--B\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\nexternal_id,phone\nbad1,+13055550187\n',
      form,
    );
    expect(cut.statusCode).toBe(400);
    expect((await api.json('GET', '/api/providers/bad1')).statusCode).toBe(404);
    expect((await importCsv('{}', { 'content-type': 'application/json' })).statusCode).toBe(415);
  });

  it('memory is bounded: at most one batch plus the stream buffer is read ahead', async () => {
    let produced = 0;
    let consumed = 0;
    let furthest = 0;
    async function* source() {
      yield Buffer.from('external_id,phone\n');
      for (; produced < 20_000; produced += 1) {
        furthest = Math.max(furthest, produced - consumed);
        yield Buffer.from(`p${produced},+13055550190\n`);
      }
    }
    for await (const batch of readProviderRows(Readable.from(source()), {
      maxBytes: 10_000_000,
      batchSize: 100,
    })) {
      consumed += batch.valid.length;
    }
    expect(consumed).toBe(20_000);
    expect(furthest).toBeLessThan(5_000);
  });
});

describe('[S38] a buyer of the marketplace', () => {
  const phone = '+13055550176';
  /** A buyer with a phone, and the person who signs in for it. */
  async function buyerWith({ confirmed }: { confirmed: boolean }): Promise<string> {
    const { buyerId } = await makeBuyer(api, api);
    await api.rows('UPDATE buyers SET phone = $2, phone_confirmed = $3 WHERE id = $1', [
      buyerId,
      phone,
      confirmed,
    ]);
    return buyerId;
  }
  /** The same, after the person has left. */
  async function left(options: { confirmed: boolean }): Promise<string> {
    const id = await buyerWith(options);
    await api.rows('UPDATE buyers SET user_id = NULL WHERE id = $1', [id]);
    return id;
  }
  /** A provider of this API, for which a person signs in since. */
  async function joined(): Promise<string> {
    const buyerId = await buyerWith({ confirmed: true });
    const id = `joined-${buyerId}`;
    await api.rows('UPDATE buyers SET external_id = $2 WHERE id = $1', [buyerId, id]);
    return id;
  }
  const stored = (id: string) => api.rows('SELECT * FROM buyers WHERE external_id = $1', [id]);

  const buyers: [string, () => Promise<string>][] = [
    ['a buyer', () => buyerWith({ confirmed: true })],
    ['a buyer with an unconfirmed phone', () => buyerWith({ confirmed: false })],
    ['a buyer whose person has left', () => left({ confirmed: true })],
    ['a provider whose person signs in', joined],
  ];

  it.each(buyers)(
    '%s is not changed by PATCH and DELETE, which answer as for an unknown provider',
    async (_what, make) => {
      const id = await make();
      const before = await stored(id);
      const changes = [{ name: 'Eve' }, { phone: '+13055550177' }, { email: null }, { active: false }];
      const ask = async (of: string) => {
        const url = `/api/providers/${of}`;
        const answers = [await api.json('DELETE', url)];
        for (const body of changes) answers.push(await api.json('PATCH', url, body));
        return answers.map((answer) => [answer.statusCode, answer.json()]);
      };
      expect(await ask(id)).toEqual(await ask('none'));
      expect((await ask(id)).map(([status]) => status)).toEqual([404, 404, 404, 404, 404]);
      expect(await stored(id)).toEqual(before);
    },
  );

  it.each(buyers)(
    '%s is not changed by an import: its row is rejected, and the others are stored',
    async (_what, make) => {
      const id = await make();
      const before = await stored(id);
      const csv = `external_id,name,phone\nbeside-${id},Bo,+13055550178\n${id},Eve,+13055550177\nbad,x,1\n`;
      const message = 'external_id: is that of a buyer of the marketplace, which is changed with /api/buyers';
      for (const counts of [
        { created: 1, updated: 0 },
        { created: 0, updated: 1 },
      ]) {
        const { summary, rejected_rows: rejected } = (await importCsv(csv)).json();
        expect(summary).toEqual({ total_rows: 3, ...counts, rejected: 2 });
        expect(rejected).toEqual([
          { row: 3, errors: [message] },
          { row: 4, errors: [expect.stringContaining('phone: ')] },
        ]);
      }
      expect(await stored(id)).toEqual(before);
    },
  );

  it.each(buyers)('the id of %s is taken for a new provider', async (_what, make) => {
    const id = await make();
    const before = await stored(id);
    const answer = await api.json('POST', '/api/providers', { external_id: id, phone: '+13055550177' });
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'provider_exists']);
    expect(await stored(id)).toEqual(before);
  });

  it.each<[string, () => Promise<string>, boolean]>([
    ['confirmed', () => buyerWith({ confirmed: true }), true],
    ['not confirmed', () => buyerWith({ confirmed: false }), false],
    ['not confirmed, and whose person has left', () => left({ confirmed: false }), false],
  ])(
    'whose phone is %s is offered a lead that names it, and read, only when it is confirmed',
    async (_what, make, isOffered) => {
      const id = await make();
      const lead = await api.json('POST', '/api/leads', { ...sampleLead, provider_ids: [] });
      const { lead_id: leadId } = lead.json();
      const answers = [
        await api.json('POST', '/api/leads', { ...sampleLead, provider_ids: [id] }),
        await api.json('POST', `/api/leads/${leadId}/send`, { provider_ids: [id] }),
      ];
      const message = isOffered ? 'teaser queued' : 'unknown provider';
      for (const answer of answers)
        expect(answer.json().provider_results).toEqual([{ provider_id: id, success: isOffered, message }]);
      const offers = await api.rows(
        'SELECT 1 FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id WHERE b.external_id = $1',
        [id],
      );
      expect(offers).toHaveLength(isOffered ? 2 : 0);
      expect((await api.json('GET', `/api/providers/${id}`)).statusCode).toBe(isOffered ? 200 : 404);
    },
  );
});
