import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phoneOf, plainCsv, type Uploader, uploaderOf } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let company: Uploader;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'], env: { MAX_CSV_SIZE_MB: '5' } });
  company = await uploaderOf(system);
});
afterAll(() => system?.stop());

const MB = 2 ** 20;
const line = `Ana,${'n'.repeat(95)}\n`;
const header = 'name,phone\n';
const utf16 = (text: string, little: boolean) => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return little ? bytes : bytes.swap16();
};

const notFiles: [what: string, bytes: string | Uint8Array, status: number, code: string, message: string][] =
  [
    [
      'a renamed xlsx',
      'PK\x03\x04\x14\0\x06\0[Content_Types].xml xl/workbook.xml',
      400,
      'not_csv',
      'Excel workbook',
    ],
    ['a zip', 'PK\x03\x04\x14\0\0\0leads.csv', 400, 'not_csv', 'zip archive'],
    ['HTML', '<!DOCTYPE html><html><table><tr><td>Ana</td></tr></table></html>', 400, 'not_csv', 'web page'],
    ['JSON', '[{"name":"Ana"}]', 400, 'not_csv', 'JSON'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d', 'hex'), 400, 'not_csv', 'picture'],
    ['an empty file', '', 400, 'invalid_csv', 'empty'],
    ['blank lines', '\n\r\n  \n', 400, 'invalid_csv', 'empty'],
    ['only a header', header, 400, 'invalid_csv', 'no row'],
    ['10^6 columns', `${'a,'.repeat(1_000_000)}\n1,2\n`, 400, 'invalid_csv', 'at most 500 cells'],
    ['10^6 cells in a row', `${header}${'1,'.repeat(1_000_000)}\n`, 400, 'invalid_csv', 'Row 2 is too large'],
    ['one cell of 4 MB', `${header}${'x'.repeat(4 * MB)},1\n`, 400, 'invalid_csv', 'Row 2 is too large'],
    [
      'an unclosed quote in the header',
      'name,"phone\nAna,1\n',
      400,
      'invalid_csv',
      'column names cannot be read',
    ],
    ['NUL bytes in the header', 'na\0me,phone\nAna,1\n', 400, 'invalid_csv', 'NUL'],
    ['too large', Buffer.alloc(5 * MB + 1, line), 413, 'too_large', 'larger than 5 MB'],
    ['far too large', Buffer.alloc(12 * MB, line), 413, 'too_large', 'larger than 5 MB'],
  ];

const storedCounts = async () => {
  const [row] = await system.rows<{ chunks: number; leads: number; open: number }>(
    `SELECT (SELECT count(*)::int FROM import_chunks) AS chunks, (SELECT count(*)::int FROM leads) AS leads,
       (SELECT count(*)::int FROM imports WHERE status NOT IN ('failed', 'done', 'cancelled')) AS open`,
  );
  return row!;
};

describe('[S13] a file that is no CSV', () => {
  it.each(notFiles)(
    '%s: refused with one sentence and not stored, by every upload route',
    async (_what, bytes, status, code, message) => {
      const before = await storedCounts();
      for (const answer of [
        await company.upload(bytes),
        await company.form('/api/imports', new Blob([bytes as string]), {}),
        await company.form('/leads/csv', new Blob([bytes as string]), { company_id: String(company.number) }),
      ]) {
        expect([answer.status, answer.body.code]).toEqual([status, code]);
        expect(answer.body.detail).toContain(message);
      }
      expect(await storedCounts()).toEqual(before);
      const { imports } = (await company.call('GET', '/api/imports?limit=1')).body;
      if (imports.length > 0)
        expect([imports[0].status, imports[0].problem === null]).toEqual(['failed', false]);
    },
  );

  it.each([
    ['no file in the form', () => company.form('/leads/csv', null, { company_id: '1' }), 400],
    ['a JSON body', () => company.call('POST', '/leads/csv', { file: 'x' }), 415],
    ['an unknown company number', () => company.upload(plainCsv(1), { company_id: '0' }), 404],
    ['an unknown encoding', () => company.upload(plainCsv(1), { encoding: 'ebcdic' }), 400],
    ['a header row that is no number', () => company.upload(plainCsv(1), { header_row: 'two' }), 400],
    ['a header row beyond the file', () => company.upload(plainCsv(1), { header_row: '40' }), 400],
    ['a delimiter of NUL', () => company.upload(plainCsv(1), { delimiter: '\0' }), 400],
    ['a delimiter of two characters', () => company.upload(plainCsv(1), { delimiter: '||' }), 400],
    ['a mapping that is not JSON', () => company.upload(plainCsv(1), { mapping: '{' }), 400],
    ['a mapping with too few columns', () => company.upload(plainCsv(1), { mapping: '["phone"]' }), 400],
    [
      'a mapping to an unknown field',
      () => company.upload(plainCsv(1), { mapping: '["name","phone","x",null]' }),
      400,
    ],
    [
      'a mapping with a NUL',
      () => company.upload(plainCsv(1), { mapping: '["name","phone","custom:\\u0000",null]' }),
      400,
    ],
    [
      'a mapping with half a surrogate pair',
      () => company.upload(plainCsv(1), { mapping: '["name","phone","custom:\\ud83d",null]' }),
      400,
    ],
  ] as const)('%s is refused', async (_what, send, status) => {
    const before = await storedCounts();
    expect((await send()).status).toBe(status);
    expect(await storedCounts()).toEqual(before);
  });
});

describe('CSV dialects and encodings', () => {
  const ana = (phone: string) => `Näme;Phone\r\nAnä Ñandú;${phone}\r\n`;
  it.each([
    ['UTF-16 LE', utf16(ana(phoneOf(1)).replace('Näme', 'Name'), true)],
    ['UTF-16 BE', utf16(ana(phoneOf(2)).replace('Näme', 'Name'), false)],
    ['Windows-1252', Buffer.from(ana(phoneOf(3)).replace('Näme', 'Name'), 'latin1')],
    ['UTF-8 with a byte order mark', `\ufeff${ana(phoneOf(4)).replace('Näme', 'Name')}`],
    ['tabs', `Name\tPhone\nAnä Ñandú\t${phoneOf(5)}\n`],
    ['bars', `Name|Phone\rAnä Ñandú|${phoneOf(6)}\r`],
    ['a sep= line', `sep=;\r\nName;Phone\r\nAnä Ñandú;${phoneOf(7)}`],
  ])('%s is imported with names intact', async (_what, bytes) => {
    const answer = await company.form('/leads/csv', new Blob([bytes as string]), {});
    expect([answer.status, answer.body.summary?.leads_created]).toEqual([200, 1]);
    const [row] = await system.rows<{ contact: string }>(
      'SELECT contact FROM leads ORDER BY id DESC LIMIT 1',
    );
    expect(system.runtime.vault.openJson<{ name: string }>(row!.contact).name).toBe('Anä Ñandú');
  });

  it('an invalid row is rejected with its own reason: NUL, scientific notation, too many cells, too long', async () => {
    const csv = [
      'name,phone,notes,__proto__,constructor',
      `N\0L,${phoneOf(20)},,,`,
      `Ana,1.30556E+10,,,`,
      `=cmd|' /C calc'!A0,${phoneOf(21)},,x,y`,
      `Eva,${phoneOf(22)},a,b,c,d`,
      `Long,${phoneOf(23)},${'n'.repeat(10_001)},,`,
      `"two\nlines",${phoneOf(24)},,,`,
    ].join('\n');
    const mapping = JSON.stringify(['name', 'phone', 'notes', 'note:__proto__', 'note:constructor']);
    const answer = await company.form('/leads/csv', new Blob([csv]), { mapping });
    expect(answer.status).toBe(200);
    expect(answer.body.summary).toMatchObject({ total_rows: 6, leads_created: 2, invalid_rows: 4 });
    const reasons = answer.body.invalid_rows.map((r: { row: number; errors: unknown }) => [r.row, r.errors]);
    expect(reasons).toEqual([
      [2, { name: ['contains a NUL character'] }],
      [3, { phone: [expect.stringContaining('scientific notation')] }],
      [5, { row: [expect.stringContaining('has 6 cells where the header has 5')] }],
      [6, { notes: ['is longer than 10000 characters'] }],
    ]);
  });
});
