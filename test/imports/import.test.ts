import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phoneOf, plainCsv, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let company: Uploader;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'], env: { MAX_CSV_SIZE_MB: '2' } });
  company = await uploaderOf(system);
});
afterAll(() => system?.stop());

const chunksOf = (id: string) =>
  system.rows<{ n: number }>('SELECT count(*)::int AS n FROM import_chunks WHERE import_id = $1', [id]);

/** What spreadsheets contain: a BOM, semicolons, quoted newlines, international names, and invalid rows. */
const messy = [
  'sep=;',
  'First Name;Last Name;Mobile Phone;E-mail;Comments;__proto__;Lead Source',
  `O'Brien;Seán;(305) 200-9001;sean@example.com;"two\nlines; and a ""quote""";x;Expo`,
  '小龙;李;+1 305 200 9002;;=HYPERLINK("http://evil.example");;',
  'Ñandú;;1.30556E+10;n@example.com;;;',
  'Bad;Phone;call me;bad@example.com;=1+1;;',
  'Twice;Over;305-200-9001;;;;',
  'Emoji 🎉;Ünïcode;305 200 9003;not-an-address;;;',
  'Short;Row;3052009004',
  ';;;;;;',
  'Long;Row;3052009005;l@example.com;n;p;s;one;too;many',
  `${'x'.repeat(300)};Long Name;3052009006;;;;`,
].join('\r\n');

describe('a CSV upload', () => {
  it('a messy file is previewed, its mapping corrected, and imported; every row is counted and rejects list their reasons', async () => {
    const received = await company.upload(`\ufeff${messy}`, { file_name: '../C:\\old leads.csv' });
    expect(received.status).toBe(201);
    const { import: file, preview, same_file: same } = received.body;
    expect([file.status, file.file_name, file.total_rows, same]).toEqual(['ready', 'old leads.csv', 9, null]);
    expect(preview.columns.map((c: { target: string }) => c.target)).toEqual([
      ...['first_name', 'last_name', 'phone', 'email', 'notes', null, 'source'],
    ]);
    const path = `/api/imports/${file.import_id}`;

    const corrected = await company.call('POST', `${path}/preview`, {
      mapping: ['first_name', 'last_name', 'phone', null, 'notes', 'note:__proto__', 'source'],
    });
    expect([corrected.status, corrected.body.preview.problem]).toEqual([200, null]);
    const started = await company.call('POST', `${path}/start`, {});
    expect([started.status, started.body.import.status]).toEqual([202, 'running']);

    const ended = await company.ended(file.import_id);
    expect(ended).toMatchObject({
      total_rows: 9,
      processed_rows: 9,
      created: 5,
      duplicates: 1,
      rejected: 3,
      progress: 1,
    });
    expect((await chunksOf(file.import_id))[0]!.n).toBe(0);

    const leads = await system.rows<{ contact: string; status: string }>(
      'SELECT l.contact FROM leads l WHERE import_id = $1 ORDER BY id',
      [file.import_id],
    );
    const names = leads.map(({ contact }) => system.runtime.vault.openJson<{ name: string }>(contact).name);
    expect(names).toEqual([
      "O'Brien Seán",
      '小龙 李',
      'Emoji 🎉 Ünïcode',
      'Short Row',
      `${'x'.repeat(300)} Long Name`,
    ]);
    const [waiting] = await system.rows<{ n: number }>(
      "SELECT count(*)::int AS n FROM outbox WHERE worker = 'ghl-syncer' AND NOT queued OR queued AND worker = 'ghl-syncer'",
    );
    expect(waiting!.n).toBe(5);

    const rejects = await company.text(`${path}/rejects.csv`);
    expect(rejects.headers.get('content-disposition')).toContain('filename="old leads.rejected.csv"');
    const lines = rejects.body.split('\r\n');
    expect(lines[0]).toBe(
      '\ufeffFirst Name,Last Name,Mobile Phone,E-mail,Comments,__proto__,Lead Source,Rejected because',
    );
    expect(rejects.body).toContain('scientific notation');
    // A formula is prefixed with an apostrophe in files we generate.
    expect(rejects.body).toContain("Bad,Phone,call me,bad@example.com,'=1+1,,,phone: is not a phone number");
    expect(rejects.body).toContain('has 10 cells where the header has 7');

    // A mapping chosen once is proposed again for the same header.
    const again = await company.upload(messy.replace('Seán', 'Sean'));
    const targets = again.body.preview.columns.map((c: { target: string; because: string }) => [
      c.target,
      c.because,
    ]);
    expect(targets[5]).toEqual(['note:__proto__', 'remembered']);
    await company.call('POST', `/api/imports/${again.body.import.import_id}/cancel`);
  });

  it('corrected rejects are accepted with the mapping of their original file', async () => {
    const first = await company.upload('name,phone\nAna,12\n=Eva,+13052009100\n', { start: 'true' });
    const ended = await company.ended(first.body.import.import_id);
    expect(ended).toMatchObject({ created: 1, rejected: 1 });
    const { body } = await company.text(`/api/imports/${ended.import_id}/rejects.csv`);
    const second = await company.upload(body.replace('12', '+13052009101'), { start: 'true' });
    expect(await company.ended(second.body.import.import_id)).toMatchObject({ created: 1, rejected: 0 });
  });

  it('the same file is started only with again: true', async () => {
    const csv = plainCsv(3, 100);
    const first = await company.upload(csv, { start: 'true' });
    expect(first.body.import.status).toBe('running');
    const { import_id: id } = await company.ended(first.body.import.import_id);
    const second = await company.upload(csv, { start: 'true' });
    expect([second.status, second.body.import.status, second.body.same_file.import_id]).toEqual([
      201,
      'ready',
      id,
    ]);
    const path = `/api/imports/${second.body.import.import_id}`;
    const refused = await company.call('POST', `${path}/start`, {});
    expect([refused.status, refused.body.code]).toEqual([409, 'same_file']);
    expect((await company.call('POST', `${path}/start`, { again: true })).status).toBe(202);
    expect(await company.ended(second.body.import.import_id)).toMatchObject({ created: 0, duplicates: 3 });
  });

  it('a repeated Idempotency-Key returns the first import; with another file it is a 409', async () => {
    const csv = plainCsv(2, 200);
    const headers = { 'idempotency-key': 'the-march-export' };
    const first = await company.upload(csv, {}, headers);
    const second = await company.upload(csv, {}, headers);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.import.import_id).toBe(first.body.import.import_id);
    const other = await company.upload(plainCsv(3, 200), {}, headers);
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused']);
  });

  it('a repeated Idempotency-Key returns the same response, and the first import stays', async () => {
    const csv = plainCsv(2, 220);
    const first = await company.upload(csv, { start: 'true' });
    await company.ended(first.body.import.import_id);
    const headers = { 'idempotency-key': 'the-april-export' };
    const ask = () => company.upload(csv, { start: 'true' }, headers);
    const answers = [await ask(), await ask()];
    const [one, two] = answers.map(({ status, body }) => [
      status,
      body.import?.import_id,
      body.same_file?.import_id,
    ]);
    expect(one).toEqual([201, answers[0]!.body.import.import_id, first.body.import.import_id]);
    expect(two).toEqual(one);
    const { body } = await company.call('GET', `/api/imports/${answers[0]!.body.import.import_id}`);
    expect(body.import.status).toBe('ready');
  });

  it('a refused request can be corrected and sent again with the same Idempotency-Key', async () => {
    const csv = plainCsv(2, 230);
    const headers = { 'idempotency-key': 'the-may-export' };
    const wrong = await company.upload(csv, { mapping: '["name","phone",null]' }, headers);
    expect([wrong.status, wrong.body.code]).toEqual([400, 'invalid_mapping']);
    const right = await company.upload(
      csv,
      { mapping: '["name","phone",null,null]', start: 'true' },
      headers,
    );
    expect([right.status, right.body.import.status]).toEqual([201, 'running']);
    expect(await company.ended(right.body.import.import_id)).toMatchObject({ created: 2 });
  });

  it('uploading a file again before it was started replaces the earlier import', async () => {
    const ids = [];
    for (let n = 0; n < 3; n += 1)
      ids.push((await company.upload(plainCsv(2, 245))).body.import.import_id as string);
    const states = await system.rows(
      `SELECT status, (SELECT count(*)::int FROM import_chunks c WHERE c.import_id = i.id) AS pieces FROM imports i
       WHERE id = ANY($1::uuid[]) ORDER BY created_at`,
      [ids],
    );
    const replaced = { status: 'cancelled', pieces: 0 };
    expect(states).toEqual([replaced, replaced, { status: 'ready', pieces: 1 }]);
  });

  it('a form with a second file is refused and stores nothing', async () => {
    const unfinished = `SELECT 1 FROM imports WHERE status IN ('uploading', 'ready') AND file_name = 'two.csv'`;
    const form = new FormData();
    form.append('company_id', String(company.number));
    form.append('file', new Blob([plainCsv(2, 240)]), 'two.csv');
    form.append('file', new Blob([plainCsv(2, 250)]), 'two.csv');
    const answer = await fetch(`${system.publicUrl}/api/imports`, {
      method: 'POST',
      headers: { authorization: `Bearer ${company.key}` },
      body: form,
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'invalid_form']);
    expect(await system.rows(unfinished)).toEqual([]);
  });

  it.each(['[{"toString":1,"valueOf":1},null]', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, '[1,2,3,4]'])(
    'an invalid mapping is a 400 and stores nothing: %.40s',
    async (mapping) => {
      const file = new Blob([plainCsv(2, 260)]);
      const fields = { company_id: String(company.number), mapping };
      const answer = await company.form('/api/imports', file, fields, 'mapped.csv');
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_mapping']);
      const kept = `SELECT 1 FROM imports WHERE status IN ('uploading', 'ready') AND file_name = 'mapped.csv'`;
      expect(await system.rows(kept)).toEqual([]);
    },
  );

  it('more than 50 unfinished files are refused', async () => {
    await system.rows(
      `INSERT INTO imports (id, organization_id, status, file_name) SELECT gen_random_uuid(), $1, 'ready', 'unfinished.csv'
       FROM generate_series(1, 50)`,
      [company.organizationId],
    );
    const answer = await company.upload(plainCsv(1, 270));
    expect([answer.status, answer.body.code]).toEqual([409, 'too_many_files']);
    await system.rows("DELETE FROM imports WHERE file_name = 'unfinished.csv'");
    expect((await company.upload(plainCsv(1, 270))).status).toBe(201);
  });

  it('a forged cursor is a 400', async () => {
    const cursor = Buffer.from(JSON.stringify(['1', '-'.repeat(36)])).toString('base64url');
    expect((await company.call('GET', `/api/imports?cursor=${cursor}`)).status).toBe(400);
  });

  it('imports are listed newest first and filtered by file hash', async () => {
    const made = await company.upload(plainCsv(1, 300));
    const { import_id: id, file_hash: hash } = made.body.import;
    const page = await company.call('GET', '/api/imports?limit=1');
    expect(page.body.imports.map((each: { import_id: string }) => each.import_id)).toEqual([id]);
    const next = await company.call('GET', `/api/imports?limit=1&cursor=${page.body.next_cursor}`);
    expect(next.body.imports[0].import_id).not.toBe(id);
    const same = await company.call('GET', `/api/imports?file_hash=${hash}`);
    expect(same.body.imports.length).toBe(1);
  });

  it('progress is streamed as events', async () => {
    const made = await company.upload(plainCsv(2_500, 400));
    const { import_id: id } = made.body.import;
    const stream = await fetch(`${system.publicUrl}/api/imports/${id}/events`, {
      headers: { authorization: `Bearer ${company.key}`, accept: 'text/event-stream' },
    });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    await company.call('POST', `/api/imports/${id}/start`, {});
    let text = '';
    for await (const piece of stream.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(piece).toString();
      if (/"status":"done"/.test(text)) break;
    }
    expect(text).toContain('event: progress');
    expect(text).toContain('"created":2500');
  });
});

describe('[S05] two companies', () => {
  it('each reads and changes its own imports only', async () => {
    const made = await company.upload(plainCsv(1, 900));
    const id = made.body.import.import_id;
    await system.rows(
      "INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES (gen_random_uuid(), 'Other', 'other', '', 'x@other.example')",
    );
    const { createKey } = await import('../../src/db/account/api-keys.ts');
    const [org] = await system.rows<{ id: string }>("SELECT id FROM organizations WHERE slug = 'other'");
    const { key } = await createKey(system.runtime.db, {
      ...{
        organizationId: org!.id,
        owner: 'organization',
        name: 'other',
        scopes: ['leads:read', 'leads:write'],
      },
    });
    const other = await uploaderOf(system, 'other', key);
    expect((await other.call('GET', '/api/imports')).body.imports).toEqual([]);
    for (const [method, step] of [
      ['GET', ''],
      ['GET', '/events'],
      ['GET', '/rejects.csv'],
      ['POST', '/preview'],
      ['POST', '/start'],
      ['POST', '/cancel'],
      ['POST', '/retry'],
    ]) {
      const answer = await fetch(`${system.publicUrl}/api/imports/${id}${step}`, {
        method,
        headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream, application/json' },
      });
      expect([step, answer.status]).toEqual([step, 404]);
    }
    expect((await company.call('GET', `/api/imports/${id}`)).body.import.status).toBe('ready');
    // Duplicates are judged per company: the file and its phones are new to this one.
    const theirs = await other.upload(plainCsv(1, 900), { start: 'true' });
    expect(theirs.body.same_file).toBe(null);
    expect(await other.ended(theirs.body.import.import_id)).toMatchObject({ created: 1 });
    const foreign = await other.upload(plainCsv(1, 901), { company_id: String(company.number) });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
    const late = await other.form('/leads/csv', new Blob([plainCsv(1, 902)]), { company_id: '999999' });
    expect(late.status).toBe(404);
    expect(
      (await other.call('GET', '/api/imports')).body.imports.map((i: { status: string }) => i.status),
    ).toEqual(['done']);
  });
});

describe('POST /leads/csv', () => {
  it('[S35] reports fewer rejected rows when each repeats long names of columns', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `column ${i} ${'n'.repeat(1_000)}`);
    const csv = `name,phone,${names.join()}\n${'Eva,none\n'.repeat(200)}`;
    const answer = await company.form('/leads/csv', new Blob([csv]), { company_id: String(company.number) });
    expect(answer.body.summary.invalid_rows).toBe(200);
    expect(answer.body.invalid_rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(answer.body).length).toBeLessThan(1_500_000);
  });

  it('[S35] reports fewer rejected rows when each repeats many columns', async () => {
    const names = Array.from({ length: 490 }, (_, i) => String.fromCharCode(0x4e00 + i));
    const csv = `name,phone,${names.join()}\n${'Eva,none\n'.repeat(400)}`;
    const answer = await company.form('/leads/csv', new Blob([csv]), { company_id: String(company.number) });
    expect(answer.body.summary.invalid_rows).toBe(400);
    expect(answer.body.invalid_rows.length).toBeGreaterThan(50);
    expect(answer.body.invalid_rows.length).toBeLessThan(150);
  });

  it('a small file returns its results in the response', async () => {
    const csv = `name,phone,notes\nAna,${phoneOf(5_000)},hi\nEva,123,\nAna again,${phoneOf(5_000)},\nKept,+1-555-1234,\n`;
    const answer = await company.form('/leads/csv', new Blob([csv]), { company_id: String(company.number) });
    expect(answer.status).toBe(200);
    expect(answer.body.summary).toEqual({
      total_rows: 4,
      valid_rows: 3,
      invalid_rows: 1,
      duplicates: 1,
      leads_created: 2,
      leads_enqueued: 2,
      leads_failed: 0,
    });
    expect(answer.body.invalid_rows).toEqual([
      {
        row: 3,
        data: { name: 'Eva', phone: '123', notes: '' },
        errors: { phone: ['has fewer than 7 digits'] },
      },
    ]);
    expect(answer.body.job_ids.length).toBe(2);
    const again = await company.form('/leads/csv', new Blob([csv]), { company_id: String(company.number) });
    expect([again.status, again.body.code]).toEqual([409, 'same_file']);
  });

  it('a large file is a 202 with the import id', async () => {
    const answer = await company.form('/leads/csv', new Blob([plainCsv(6_000, 20_000)]), {});
    expect([answer.status, answer.body.total_rows]).toEqual([202, 6_000]);
    expect(await company.ended(answer.body.import_id)).toMatchObject({ created: 6_000 });
  });

  it('unrecognized columns are named in a 400 and nothing is stored', async () => {
    const answer = await company.form('/leads/csv', new Blob(['alpha,beta\n1,2\n']), {});
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_mapping']);
    expect(answer.body.detail).toContain('alpha, beta');
    const mapped = await company.form('/leads/csv', new Blob([`alpha,beta\nAna,${phoneOf(5_100)}\n`]), {
      mapping: '["name","phone"]',
    });
    expect([mapped.status, mapped.body.summary?.leads_created]).toEqual([200, 1]);
  });
});
