import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCompany } from '../../src/db/account/companies.ts';
import { findImport } from '../../src/db/imports/imports.ts';
import { type RunEnd, readRows } from '../../src/usecases/imports/read-slice.ts';
import { phoneOf, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let company: Uploader;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'] });
  company = await uploaderOf(system);
});
afterAll(() => system?.stop());

type Contact = { name: string; phone: string; notes?: string | null };
const contactsOf = async (importId: string): Promise<Contact[]> => {
  const rows = await system.rows<{ contact: string }>(
    'SELECT contact FROM leads WHERE import_id = $1 ORDER BY id',
    [importId],
  );
  return rows.map(({ contact }) => system.runtime.vault.openJson<Contact>(contact));
};
const post = (csv: string | Uint8Array, fields: Record<string, string> = {}) =>
  company.form('/leads/csv', new Blob([csv as string]), fields);

/** Every row is a lead, a duplicate or a reject. */
function expectEveryRow(summary: Record<string, number>): void {
  const { total_rows: rows, leads_created: created, duplicates, invalid_rows: invalid } = summary;
  expect(created! + duplicates! + invalid!).toBe(rows);
}

describe('[F70] a quote that is not closed', () => {
  const phones = [1, 2, 3, 4].map(phoneOf);
  const broken = [
    'Full Name,Notes,Phone',
    `Ann Lee,"wants a quote,${phones[0]}`,
    `Bob Roe,ok,${phones[1]}`,
    `Cid Poe,"fine",${phones[2]}`,
    `Dee Doe,"two\nlines, ""quoted""",${phones[3]}`,
  ].join('\n');

  it('costs its own row, which the answer names; the others have their own phone', async () => {
    const { status, body } = await post(broken);
    expect([status, body.summary.total_rows, body.summary.leads_created]).toEqual([200, 4, 3]);
    expectEveryRow(body.summary);
    expect(body.invalid_rows).toEqual([
      {
        row: 2,
        data: { 'Full Name': 'Ann Lee', Notes: '"wants a quote', Phone: phones[0] },
        errors: { row: [expect.stringContaining('opened in line 2 of the file')] },
      },
    ]);
    const contacts = await contactsOf(body.import_id);
    expect(contacts.map(({ name, phone }) => [name, phone])).toEqual([
      ['Bob Roe', phones[1]],
      ['Cid Poe', phones[2]],
      ['Dee Doe', phones[3]],
    ]);
    expect(contacts[2]!.notes).toBe('two\nlines, "quoted"');
    // The rejects file can be uploaded as it is: its quote is a part of the text now.
    const rejects = await company.text(`/api/imports/${body.import_id}/rejects.csv`);
    const again = await post(rejects.body);
    expect([again.body.summary.total_rows, again.body.summary.leads_created]).toEqual([1, 1]);
    expect((await contactsOf(again.body.import_id))[0]).toMatchObject({ name: 'Ann Lee', phone: phones[0] });
  });

  it('is the same in slices: a run that stops within the file continues with the next row', async () => {
    const people = Array.from({ length: 4_500 }, (_, i) =>
      i % 700 === 350 ? `P ${i},"open,${phoneOf(10_000 + i)}` : `P ${i},"ok",${phoneOf(10_000 + i)}`,
    );
    const { body } = await company.upload(`Full Name,Notes,Phone\n${people.join('\n')}\n`);
    const { import_id: id, total_rows: total } = body.import;
    expect(total).toBe(4_500);
    await system.rows("UPDATE imports SET status = 'running', started_at = now() WHERE id = $1", [id]);
    const of = (await findCompany(system.runtime.db, { organizationId: company.organizationId }))!;
    const ends: RunEnd[] = [];
    while (ends.at(-1)?.kind !== 'whole' && ends.length < 20) {
      const row = (await findImport(system.runtime.db, id))!;
      const limits = { runMs: 0, timeoutMs: 600_000, places: 16 };
      ends.push(await readRows(system.runtime, { ...row, mapping: row.mapping! }, of, limits));
    }
    const row = (await findImport(system.runtime.db, id))!;
    expect([row.created, row.duplicates, row.rejected]).toEqual([4_494, 0, 6]);
    const contacts = await contactsOf(id);
    for (const { name, phone } of contacts) expect(phone).toBe(phoneOf(10_000 + Number(name.slice(2))));
    await system.rows("UPDATE imports SET status = 'failed' WHERE id = $1", [id]);
  });

  it('an import whose counters do not add up is not reported as done', async () => {
    await system.rows(
      `CREATE FUNCTION lose_a_row() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN NEW.rejected = greatest(NEW.rejected - 1, 0); RETURN NEW; END $$`,
    );
    await system.rows(
      `CREATE TRIGGER lose_a_row BEFORE UPDATE ON imports FOR EACH ROW WHEN (NEW.rejected > OLD.rejected) EXECUTE FUNCTION lose_a_row()`,
    );
    const { body } = await company.upload(`name,phone\nAna,${phoneOf(50)}\nEva,none\n`, { start: 'true' });
    const id = body.import.import_id;
    await system.until<{ error: string | null }>(
      'the loss is noticed',
      `SELECT o.last_error AS error FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.subject = 'import:' || $1`,
      [id],
      (found) => found?.error?.includes('read 2 rows and counted 1') === true,
    );
    await system.rows('DROP TRIGGER lose_a_row ON imports');
    expect((await company.call('GET', `/api/imports/${id}`)).body.import.status).toBe('running');
    await company.call('POST', `/api/imports/${id}/cancel`);
  });
});

describe('what a file is', () => {
  it('tabs with every cell quoted, and quotes that are not doubled', async () => {
    const tabs = await post(
      `"Full Name"\t"Phone"\t"Notes"\r\n"Ann Lee"\t"${phoneOf(101)}"\t"tea, coffee"\r\n`,
    );
    expect(tabs.body.summary).toMatchObject({ total_rows: 1, leads_created: 1 });
    const inner = await post(`Full Name,Phone\n"Ann "Annie" Lee",${phoneOf(102)}\n`);
    expect((await contactsOf(inner.body.import_id))[0]!.name).toBe('Ann "Annie" Lee');
  });

  const lines = 'Notes:\n"Some addresses are missing, as people decide who sees them."\n\n';
  it('lines before the header are neither leads nor rejects, and are named', async () => {
    const csv = `${lines}First Name,Email Address,Phone\nAnn,ann@example.com,${phoneOf(110)}\n`;
    const { body } = await post(csv);
    expect(body.summary).toMatchObject({ total_rows: 1, leads_created: 1, invalid_rows: 0 });
    expect(body.message).toContain('Row 4 holds the column names; rows before it were left out.');

    const { preview, import: file } = (await company.upload(csv)).body;
    expect([preview.header_row, preview.rows_before_header.map((r: { row: number }) => r.row)]).toEqual([
      4,
      [1, 2],
    ]);
    const path = `/api/imports/${file.import_id}`;
    const first = await company.call('POST', `${path}/preview`, { header_row: 1 });
    expect([first.body.preview.header_row, first.body.import.total_rows]).toEqual([1, 3]);
    const fourth = await company.call('POST', `${path}/preview`, { header_row: 4 });
    expect([fourth.body.preview.columns.length, fourth.body.import.total_rows]).toEqual([3, 1]);
    await company.call('POST', `${path}/start`, { again: true });
    expect(await company.ended(file.import_id)).toMatchObject({ duplicates: 1, rejected: 0 });
  });

  it('a header row named with the upload is where every worker reads from', async () => {
    const csv = `a,b\nwho,reach\nAnn,${phoneOf(120)}\n`;
    const { body } = await post(csv, { header_row: '2', mapping: '["name","phone"]' });
    expect(body.summary).toMatchObject({ total_rows: 1, leads_created: 1 });
  });

  it('a file without a header keeps its first row, with a mapping', async () => {
    const csv = `Ann Lee,${phoneOf(130)}\nBob Roe,${phoneOf(131)}\n`;
    const { body } = await post(csv, { mapping: '["name","phone"]' });
    expect(body.summary).toMatchObject({ total_rows: 2, leads_created: 2 });
    const unmapped = await company.upload(`Cid Poe,${phoneOf(132)}\nDee Doe,${phoneOf(133)}\n`);
    expect(unmapped.body.preview).toMatchObject({ header_row: 0, looks_like_data: true });
    expect(unmapped.body.preview.columns.map((c: { because: string }) => c.because)).toEqual([
      null,
      'values',
    ]);
    const named = await company.upload(csv, { header_row: '1' });
    expect(named.body.import.total_rows).toBe(1);
  });

  it('an import of an older release is read from its first row that is not blank', async () => {
    const { body } = await company.upload(`${lines}First Name,Phone\nAnn,${phoneOf(140)}\n`, {
      header_row: '1',
    });
    const id = body.import.import_id;
    await system.rows(`UPDATE imports SET read_as = NULL, dialect = '{}' WHERE id = $1`, [id]);
    const { preview } = (await company.call('POST', `/api/imports/${id}/preview`)).body;
    expect([preview.header_row, preview.columns.length]).toEqual([1, 1]);
    await company.call('POST', `/api/imports/${id}/cancel`);
  });

  it('Mac Roman is told by its letters', async () => {
    const bytes = Buffer.from(`Full Name,Phone\rJos\x8e Nu\x96ez,${phoneOf(150)}\r`, 'latin1');
    const { body } = await post(bytes);
    expect((await contactsOf(body.import_id))[0]!.name).toBe('José Nuñez');
  });

  it('where two encodings fit, nothing is started until one is named', async () => {
    const bytes = Buffer.from(`Full Name,Phone\nLu\x92s Rey,${phoneOf(151)}\n`, 'latin1');
    const refused = await post(bytes);
    expect([refused.status, refused.body.code]).toEqual([400, 'encoding_unclear']);
    expect(refused.body.detail).toContain('windows-1252: Lu’s; macintosh: Luís');
    const { import: file, preview } = (await company.upload(bytes, { start: 'true' })).body;
    expect(file.status).toBe('ready');
    expect(preview.encodings).toEqual([
      { encoding: 'windows-1252', words: ['Lu’s'] },
      { encoding: 'macintosh', words: ['Luís'] },
    ]);
    const settled = await company.call('POST', `/api/imports/${file.import_id}/preview`, { encoding: 'mac' });
    expect([settled.body.preview.encoding, settled.body.preview.encodings]).toEqual(['macintosh', []]);
    const { body } = await post(bytes, { encoding: 'macintosh' });
    expect((await contactsOf(body.import_id))[0]!.name).toBe('Luís Rey');
  });

  it.each([
    ...['text/csv', 'text/x-csv', 'application/x-csv', 'application/csv', 'text/comma-separated-values'],
    ...[
      'text/x-comma-separated-values',
      'text/tab-separated-values',
      'text/plain',
      'application/vnd.ms-excel',
    ],
    ...['application/octet-stream', 'application/x-www-form-urlencoded', 'Text/X-CSV; charset=utf-8'],
  ])('a body of the type %s is a CSV on every route that takes one', async (type) => {
    const headers = { authorization: `Bearer ${company.key}`, 'content-type': type };
    for (const [path, csv] of [
      ['/api/imports', `name,phone\nAna,${phoneOf(160)}\n`],
      ['/leads/csv?again=true', `name,phone\nAna,${phoneOf(160)}\n`],
      ['/api/providers/import', `external_id,phone\ntypes,${phoneOf(161)}\n`],
    ] as const) {
      const response = await fetch(system.publicUrl + path, { method: 'POST', headers, body: csv });
      expect([path, response.status]).toEqual([path, path === '/api/imports' ? 201 : 200]);
    }
  });

  it('a body without a type is a CSV', async () => {
    const response = await fetch(`${system.publicUrl}/api/imports`, {
      method: 'POST',
      headers: { authorization: `Bearer ${company.key}` },
      body: Buffer.from(`name,phone\nAna,${phoneOf(165)}\n`),
    });
    expect(response.status).toBe(201);
  });

  it('the reason of a long row is in its own column', async () => {
    const { body } = await post(`name,phone\nLee, Ann,${phoneOf(170)},x\nEva,none\nBob,${phoneOf(171)}\n`);
    expectEveryRow(body.summary);
    expect(body.invalid_rows[0].data).toEqual({
      name: 'Lee',
      phone: 'Ann',
      'column 3': phoneOf(170),
      'column 4': 'x',
    });
    const { body: csv } = await company.text(`/api/imports/${body.import_id}/rejects.csv`);
    const [, long, short] = csv.split('\r\n');
    expect(long).toMatch(/^Lee,Ann,row: has 4 cells.*,'\+1305\d+,x$/);
    expect(short).toMatch(/^Eva,none,phone: /);
  });
});
