import { describe, expect, it } from 'vitest';
import { openCsv } from './reader.ts';

async function* bytesOf(text: string) {
  yield Buffer.from(text);
}

async function read(text: string, headerRow?: number) {
  const file = await openCsv(bytesOf(text), headerRow === undefined ? {} : { headerRow });
  const rows: string[][] = [];
  for await (const batch of file.batches) rows.push(...batch.map(({ cells }) => cells));
  return { header: file.header, row: file.headerRow, delimiter: file.delimiter, rows };
}

const table = 'First Name,Last Name,Phone\nAnn,Lee,305-555-0101\nBob,Roe,305-555-0102\n';

describe('the header row', () => {
  it.each<[name: string, text: string, row: number, delimiter: string]>([
    ['is the first', table, 1, ','],
    ['follows a title', `Customers of May\n${table}`, 2, ','],
    ['follows blank lines and a title', `\n\nCustomers of May\n\n${table}`, 5, ','],
    [
      'follows a word that is a field',
      `Notes:\n"Some e-mail addresses are missing, because"\n\n${table}`,
      4,
      ',',
    ],
    ['follows padded lines', `Exported by,ann@example.com,\nOn,2025-11-01,\n${table}`, 3, ','],
    ['follows a row of groups', `Contact,,Phones\n${table}`, 2, ','],
    ['follows lines in a file of semicolons', `Report, all\nof May\n${table.replaceAll(',', ';')}`, 3, ';'],
    [
      'follows lines in a file of tabs, quoted',
      `Report\n"First Name"\t"Phone"\n"Ann"\t"305-555-0101"\n`,
      2,
      '\t',
    ],
    ['follows 18 lines', `${'a line of text\n'.repeat(18)}${table}`, 19, ','],
    ['follows an unclosed quote', `"Report\n${table}`, 2, ','],
    ['has unknown names and follows a title', 'Kundenliste\nVorname;Telefon\nAnn;305-555-0101\n', 2, ';'],
    ['has unknown names', 'Vorname,Rufnummer,Typ\nAnn,305-555-0101,Client\nBob,305-555-0102,Web\n', 1, ','],
    [
      'is followed by rows with known words',
      'Wer,Was,Nummer\nClient,Web,305-555-0101\nLead,Company,x\n',
      1,
      ',',
    ],
    ['is repeated below', `${table}First Name,Last Name,Phone\nCid,Poe,305-555-0103\n`, 1, ','],
    ['is that of rejected rows', 'Column 1,Rejected because\nAnn,x\n', 1, ','],
    ['is absent', 'Ann Lee,305-555-0101\nBob Roe,305-555-0102\n', 0, ','],
    ['is absent, with guarded phones', '"Ann Lee"\t"\'+13055550101"\n"Bob Roe"\t"\'+13055550102"\n', 0, '\t'],
    ['is absent, with e-mail addresses', 'Ann;ann@example.com\nBob;bob@example.com\n', 0, ';'],
  ])('%s', async (_name, text, row, delimiter) => {
    const found = await read(text);
    expect([found.row, found.delimiter]).toEqual([row, delimiter]);
    if (row === 0) expect(found.rows).toHaveLength(2);
  });

  it('a file without one keeps its first row, and its columns are numbered', async () => {
    expect(await read('Ann Lee,305-555-0101\nBob Roe,305-555-0102,x\n')).toMatchObject({
      header: ['Column 1', 'Column 2', 'Column 3'],
      rows: [
        ['Ann Lee', '305-555-0101'],
        ['Bob Roe', '305-555-0102', 'x'],
      ],
    });
  });

  it('is the one named by the uploader, and rows before it are not read', async () => {
    expect(await read(table, 2)).toMatchObject({ header: ['Ann', 'Lee', '305-555-0101'], row: 2 });
    expect((await read(table, 0)).rows).toHaveLength(3);
    await expect(read(table, 9)).rejects.toThrow('no row 9');
    await expect(read(`\n${table}`, 1)).rejects.toThrow('Row 1 is blank');
  });
});
