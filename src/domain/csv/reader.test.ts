import { describe, expect, it } from 'vitest';
import { encoded, pieces, read, readText } from '../../../test/harness/csv-files.ts';
import { RefusedError } from '../errors.ts';
import type { Encoding } from './encoding.ts';
import { type CsvOptions, openCsv } from './reader.ts';

const cellsOf = async (text: string, options?: CsvOptions) =>
  (await readText(text, options)).rows.map(({ cells }) => cells);

describe('encodings', () => {
  const text = 'Name,Phone,Note\r\nÑandú O’Brien,+13055550123,5 €\r\n';
  it.each<[Encoding, boolean]>([
    ['utf-8', false],
    ['utf-8', true],
    ['utf-16le', false],
    ['utf-16le', true],
    ['utf-16be', false],
    ['utf-16be', true],
    ['windows-1252', false],
  ])('%s, byte order mark: %s', async (encoding, bom) => {
    const file = await read(pieces(encoded(text, encoding, bom), 7));
    expect(file).toEqual({
      header: ['Name', 'Phone', 'Note'],
      delimiter: ',',
      encoding,
      rows: [{ row: 2, cells: ['Ñandú O’Brien', '+13055550123', '5 €'] }],
    });
  });

  it.each<[Encoding, string]>([
    ['utf-8', '李小龙'],
    ['windows-1252', 'José'],
  ])('%s is detected at the first accent, after half a megabyte of ASCII', async (encoding, name) => {
    const plain = `Name,Phone\n${'Ann,+13055550123\n'.repeat(30_000)}`;
    const file = await read(
      pieces(Buffer.concat([Buffer.from(plain), encoded(`${name},+1\n`, encoding, false)]), 65_536),
    );
    expect(file.encoding).toBe(encoding);
    expect(file.rows.at(-1)).toEqual({ row: 30_002, cells: [name, '+1'] });
  });

  it('replaces invalid UTF-8 and keeps the rest, or refuses the file in strict mode', async () => {
    const bytes = Buffer.concat([
      Buffer.from('Name,City\nJosé,Logroño\n'),
      Buffer.from([0xff]),
      Buffer.from(',Cádiz\n'),
    ]);
    expect((await read(pieces(bytes))).rows.map(({ cells }) => cells)).toEqual([
      ['José', 'Logroño'],
      ['\ufffd', 'Cádiz'],
    ]);
    await expect(read(pieces(bytes), { encoding: 'utf-8', strict: true })).rejects.toThrow(/damaged/);
  });

  it('decodes every byte of Windows-1252 as in the standard', async () => {
    const bytes = Uint8Array.from({ length: 128 }, (_, i) => 128 + i);
    const { rows } = await read(pieces(Buffer.concat([Buffer.from('Name\n'), bytes])));
    const high = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';
    const rest = String.fromCharCode(...Array.from({ length: 96 }, (_, i) => 160 + i));
    expect(rows[0]!.cells[0]).toBe(high + rest);
  });
});

describe('dialects', () => {
  it.each([
    [',', 'a,b;c,d\n1,2;3,4\n'],
    [';', 'a;b;c\n1,5;2;3\n'],
    ['\t', 'a\tb\n1,2\t3;4\n'],
    ['|', 'a|b\n1|2\n'],
    [',', 'phone\n+13055550123\n'],
    [';', 'sep=;\na;b,c,d\n1;2,3,4\n'],
    ['\t', '"sep=\t"\r\na\tb\r\n'],
    ['^', 'sep=^\na^b\n1^2\n'],
    [',', '"a;b;c;d",e\n"1;2",3\n'],
    [',', 'name,note\nAnn,x|y|z\nBob,u\n'],
  ])('cells separated by %j', async (delimiter, text) => {
    expect((await readText(text)).delimiter).toBe(delimiter);
  });

  it('a delimiter named by the uploader takes precedence', async () => {
    expect(await cellsOf('a,b;c\n1,2;3\n', { delimiter: ';' })).toEqual([['1,2', '3']]);
  });

  it.each([
    ['CRLF', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['LF', 'a,b\n1,2\n3,4\n'],
    ['CR', 'a,b\r1,2\r3,4'],
    ['mixed', 'a,b\r\n1,2\n3,4'],
    ['CR CR LF', 'a,b\r\r\n1,2\r\r\n3,4\r\r\n'],
    ['LF, with spaces before the cells', 'a, b\n"1", "2"\n3, 4\n'],
  ])('rows ended by %s', async (_name, text) => {
    const { header, rows } = await readText(text);
    expect(header).toEqual(['a', 'b']);
    expect(rows.map(({ cells }) => cells)).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
  });

  it.each([
    ['quoted newlines and quotes', 'a,b\n"1\r\n""x""",2\n', ['1\r\n"x"', '2']],
    ['a stray CR within a cell', 'a,b\n1\rx,2\n', ['1\rx', '2']],
    ['quotes within a cell', 'a,b\nThe "Boss" Smith,5" pipe\n', ['The "Boss" Smith', '5" pipe']],
    ['a nickname first', 'a,b\n"Bob" Smith,2\n', ['"Bob" Smith', '2']],
    ['a short row', 'a,b,c\n1\n', ['1']],
    ['a long row', 'a,b\n1,2,3\n', ['1', '2', '3']],
    ['formulas as given', 'a,b\n=1+1,@x\n', ['=1+1', '@x']],
    ['a NUL, left to be judged', 'a,b\nx\0y,2\n', ['x\0y', '2']],
    ['quotes that are part of a name', 'a,b\n"""x""",2\n', ['"x"', '2']],
    ['blanks around quotes', 'a,b\n "x, y"  ,\t"2" \n', ['x, y', '2']],
    ['quotes that are not doubled', 'a,b\n"Ann "Annie" Lee",2\n', ['Ann "Annie" Lee', '2']],
    ['a quote at the end that is not doubled', 'a,b\n"Ann "Annie"",2\n', ['Ann "Annie"', '2']],
    ['quotes at the start that are not doubled', 'a,b\n""Annie" Lee",2\n', ['"Annie" Lee', '2']],
    ['a quoted nickname alone', 'a,b\n""Annie"",2\n', ['"Annie"', '2']],
    ['inches in two cells', 'a,b\n"a 5" pipe","b 6" pipe"\n', ['a 5" pipe', 'b 6" pipe']],
    ['inches', 'a,b\n"a 5" pipe",2\n', ['a 5" pipe', '2']],
    ['quotes not doubled beside a delimiter', 'a,b\n"Lee, Ann "Annie"",2\n', ['Lee, Ann "Annie"', '2']],
    ['quotes after a backslash', 'a,b\n"Ann \\"Annie\\" Lee",2\n', ['Ann "Annie" Lee', '2']],
    ['quotes after a backslash at the end', 'a,b\n"x, \\"hi\\"",2\n', ['x, "hi"', '2']],
    ['the same in the last cell', 'a,b\n2,"say \\"hi\\""\n', ['2', 'say "hi"']],
    ['a nickname beside a quoted cell', 'a,b\n"Bob" Smith,"2"\n', ['"Bob" Smith', '2']],
    ['a text of several lines, with delimiters', 'a,b,c\n1,"x, y\nz",3\n', ['1', 'x, y\nz', '3']],
    ['two texts of several lines', 'a,b,c\n"1\n","x\n\ny" ,3\r\n', ['1\n', 'x\n\ny', '3']],
  ])('%s', async (_name, text, cells) => {
    expect(await cellsOf(text)).toEqual([cells]);
  });

  const ann = 'Ann Lee,ok,305-555-0101';
  const bob = 'Bob Roe,ok,305-555-0102';
  it.each<[name: string, rows: string, taken: string[], lines: number[]]>([
    [
      'the next quoted cell',
      `Cid,"wants a quote,305\n${ann}\nDee,"fine",305-555-0103\n${bob}`,
      ['Ann Lee', 'Dee', 'Bob Roe'],
      [2],
    ],
    [
      'the end of the file',
      `${ann}\nCid,"never,305\n${bob}\nDee,"",305-555-0103`,
      ['Ann Lee', 'Bob Roe', 'Dee'],
      [3],
    ],
    ['two quotes that are not closed', `Cid,"one,305\nDee,"two,305\n${ann}`, ['Ann Lee'], [2, 3]],
    [
      'a quote at the end of another row',
      `Cid,"one,305-555-0103\nDee,6",305-555-0104\n${ann}`,
      ['Ann Lee'],
      [2, 3],
    ],
    ['a person without a phone', `Cid,"one,\nDee,6",305-555-0104\n${ann}`, ['Ann Lee'], [2, 3]],
    ['inches within another row', `Cid,"one,305\nDee,5" pipe,305-555-0104\n${ann}`, ['Dee', 'Ann Lee'], [2]],
    [
      'a text with a quote on several lines',
      `Cid,"said "hi" and\nleft",305-555-0103\n${ann}`,
      ['Ann Lee'],
      [2],
    ],
    ['a last cell', `Cid,ok,"305-555-0103\n"Dee","x","305-555-0104"\n${ann}`, ['Dee', 'Ann Lee'], [2]],
    ['quotes that can be read in two ways', `"Cid, "Cy", Poe",305\n${ann}`, ['Ann Lee'], [2]],
    ['every row', `${'Cid,"x,305-555-0103\n'.repeat(3)}${ann}`, ['Ann Lee'], [2, 3, 4]],
    ['the end of its text', `Cid,"said "hi" and\nhere, left",305-555-0103\n${ann}`, ['Ann Lee'], [2, 3]],
    ['two texts', `Cid,"a\nb","c\nd "x" e",305-555-0103\n${ann}`, ['Ann Lee'], [2, 3, 4]],
    ['quotes within two cells', `"Cid","this "x" ,","305-555-0103"\n${ann}`, ['Ann Lee'], [2]],
    ['a delimiter within its text', `"Cid","a",b","305-555-0103"\n${ann}`, ['Ann Lee'], [2]],
    [
      'a note with line breaks, which is legal',
      `Cid,"one\ntwo, ""three""",305-555-0103\n${ann}`,
      ['Cid', 'Ann Lee'],
      [],
    ],
    [
      'an address, which is legal',
      `Cid,"Acme, 1 Main St\nMiami, FL",305-555-0103\n${ann}`,
      ['Cid', 'Ann Lee'],
      [],
    ],
  ])(
    '[F70] a quote that is not closed before %s costs its own row only',
    async (_name, text, taken, lines) => {
      const problems = new Map<number, string>();
      const names: string[] = [];
      for (const { row, cells, problem } of (await readText(`Name,Notes,Phone\n${text}\n`)).rows) {
        if (problem) problems.set(row, problem);
        else if (/^305-/.test(cells[2] ?? '')) names.push(cells[0]!);
      }
      expect(names).toEqual(taken);
      for (const line of lines) expect(problems.get(line)).toMatch(/quote/);
      if (lines.length > 0) expect(problems.get(lines[0]!)).toContain(`line ${lines[0]} of the file`);
      else expect(problems.size).toBe(0);
    },
  );

  it('numbers rows as a spreadsheet does and skips blank ones', async () => {
    const { rows } = await readText('a,b\n\n1,2\n , \n,,\n"3\n4",5\n6,7\n\n\n');
    expect(rows.map(({ row }) => row)).toEqual([3, 6, 7]);
  });

  it('keeps duplicate, blank and odd headers', async () => {
    expect((await readText('__proto__,Phone,,Phone,constructor\n')).header).toEqual([
      '__proto__',
      'Phone',
      '',
      'Phone',
      'constructor',
    ]);
  });

  it('yields no rows for a header alone', async () => {
    expect((await readText('Name,Phone')).rows).toEqual([]);
  });
});

const refused = async (text: string | Uint8Array, options?: CsvOptions): Promise<string> => {
  const error = await readText(text, options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RefusedError);
  return (error as RefusedError).message;
};

describe('[S13] files that are not CSV or exceed a limit', () => {
  const zip = (name: string) =>
    Buffer.concat([Buffer.from('504b0304140000000800', 'hex'), Buffer.from(name)]);
  it.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', '', /empty/],
    ['blank lines', '\n\n  \n', /empty/],
    ['a byte order mark', '\ufeff', /empty/],
    ['xlsx', zip('[Content_Types].xml xl/workbook.xml'), /Excel workbook \(\.xlsx\).*Save as/],
    ['ods', zip('mimetypeapplication/vnd.oasis.opendocument.spreadsheet'), /OpenDocument/],
    ['numbers', zip('Index/Document.iwa'), /Numbers/],
    ['docx', zip('[Content_Types].xml word/document.xml'), /Office document/],
    ['zip', zip('leads.csv'), /zip archive\. Extract/],
    ['gzip', Buffer.from('1f8b0800', 'hex'), /gzip/],
    ['xls', Buffer.from('d0cf11e0a1b11ae1', 'hex'), /\.xls/],
    ['pdf', '%PDF-1.7\n%âãÏÓ\n', /PDF/],
    ['html', '\n<!DOCTYPE html><html><table><tr><td>Name', /web page/],
    ['a table of html', '<table border=1>\n<tr><td>a,b', /web page/],
    [
      'Excel XML',
      '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>',
      /Excel workbook saved as XML/,
    ],
    ['xml', '<?xml version="1.0"?><leads></leads>', /XML/],
    ['json', '[{"name": "Ann"}]', /JSON/],
    ['json, one object', '{\n  "leads": []}', /JSON/],
    ['vcard', 'BEGIN:VCARD\nFN:Ann\n', /vCard/],
    ['png', Buffer.from('89504e470d0a1a0a', 'hex'), /picture/],
    ['jpeg', Buffer.from('ffd8ffe000104a46', 'hex'), /picture/],
    ['sqlite', 'SQLite format 3\0', /database/],
    ['noise', Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * i * 31) % 256)), /binary/],
    ['a header with an open quote', 'Name,"Phone\nAnn,1\n', /column names cannot be read: row 1 has a quote/],
    ['10^6 columns', `Name${',x'.repeat(1_000_000)}\n`, /Row 1 is too large/],
    ['10^6 empty cells', `Name,Phone\n${','.repeat(3_000_000)}\n`, /Row 2 is too large/],
    ['501 columns', `Name${',x'.repeat(500)}\n`, /Row 1 is too large/],
  ])('%s', async (_name, content, sentence) => {
    const message = await refused(content);
    expect(message).toMatch(sentence);
    expect(message.length).toBeLessThan(260);
  });

  it('more rows than allowed', async () => {
    expect(await refused('a\n1\n2\n3\n', { maxRows: 2 })).toMatch(/more than 2 rows/);
    expect((await readText('a\n1\n2\n', { maxRows: 2 })).rows).toHaveLength(2);
  });

  it.each([
    ['one cell', 'x'],
    ['commas', ','],
    ['one cell, UTF-16', 'x\0'],
  ])('%s of 500 MB is refused after reading little of it', async (_name, unit) => {
    let sent = 0;
    async function* endless() {
      yield Buffer.from('Name,Phone\n"a');
      const megabyte = Buffer.from(unit.repeat(2 ** 20 / unit.length));
      for (; sent < 500; sent += 1) yield megabyte;
    }
    const failure = await read(endless()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RefusedError);
    expect(sent).toBeLessThan(4);
  });

  it('[F70] a quote that is never closed in 3 MB costs its own row, in constant memory', async () => {
    async function* long() {
      yield Buffer.from('Name,Phone\n"a,1\n');
      const megabyte = Buffer.from('Bob,2\n'.repeat(2 ** 20 / 6));
      for (let i = 0; i < 3; i += 1) yield megabyte;
    }
    const file = await openCsv(long());
    const problems: number[] = [];
    let rows = 0;
    let largest = 0;
    for await (const batch of file.batches) {
      rows += batch.length;
      largest = Math.max(largest, batch.length);
      for (const { row, problem } of batch) if (problem) problems.push(row);
    }
    expect([problems, rows]).toEqual([[2], 1 + 3 * Math.floor(2 ** 20 / 6)]);
    expect(largest).toBeLessThanOrEqual(1_000);
  });

  it.each([
    'a","b',
    '"',
    '",',
    'x,"""',
    '","',
    'a,"b',
    'a,"b"c',
    '"a" b,"',
    ',"',
    'a,"b ""c""',
    '" "',
    'x","y"z',
  ])(
    '[S13] 256 KB of lines %j are read in linear time',
    async (line) => {
      const before = process.cpuUsage().user;
      await readText(`a,b,c,d\n${`${line}\n`.repeat(Math.floor(2 ** 18 / (line.length + 1)))}`).catch(
        (error: unknown) => expect(error).toBeInstanceOf(RefusedError),
      );
      expect(process.cpuUsage().user - before).toBeLessThan(3_000_000);
    },
    30_000,
  );

  it('rethrows errors of the source and closes it', async () => {
    let closed = false;
    async function* breaking() {
      try {
        yield Buffer.from(`Name,Phone\n${'Ann,1\n'.repeat(10_000)}`);
        throw new Error('the line broke');
      } finally {
        closed = true;
      }
    }
    await expect(read(breaking())).rejects.toThrow('the line broke');
    expect(closed).toBe(true);
    closed = false;
    await (await openCsv(breaking())).close();
    expect(closed).toBe(true);
  });
});
