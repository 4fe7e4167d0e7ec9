import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { CODE_PAGES, type CodePage, decodeCodePage, isCodePage } from './code-pages.ts';
import type { Encoding } from './encoding.ts';
import { guessMapping } from './mapping.ts';
import { openCsv } from './reader.ts';
import { rowJudge } from './rows.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Random tables to try; `TABLES` of the environment, see test/README.md. */
    tables: number;
  }
}

const runs = inject('tables');

type Dialect = {
  name: string;
  delimiter: string;
  /** `needed`: cells that need quotes have them. `inner`: every cell has quotes, and quotes within are not doubled. */
  quotes: 'needed' | 'all' | 'filled' | 'inner';
  /** Blanks before and after cells. */
  blanks: string;
  encoding: Encoding;
  mark: boolean;
  ends: readonly string[];
  junk: readonly string[];
  /** A delimiter after the last cell: of all rows, or of all but the header. */
  trailing: 'none' | 'all' | 'rows';
  blankLines: boolean;
  /** A quote of one row is not closed. */
  unclosed: boolean;
};

const plain: Dialect = {
  name: 'comma, LF',
  delimiter: ',',
  quotes: 'needed',
  blanks: '',
  encoding: 'utf-8',
  mark: false,
  ends: ['\n'],
  junk: [],
  trailing: 'none',
  blankLines: false,
  unclosed: false,
};
const mixed = ['\n', '\r\n', '\r'];
const dialect = (name: string, more: Partial<Dialect>): Dialect => ({ ...plain, name, ...more });

const dialects: readonly Dialect[] = [
  plain,
  dialect('semicolon, CRLF', { delimiter: ';', ends: ['\r\n'] }),
  dialect('tab, CR', { delimiter: '\t', ends: ['\r'] }),
  dialect('bar, mixed line ends', { delimiter: '|', ends: mixed }),
  dialect('comma, all quoted, CRLF', { quotes: 'all', ends: ['\r\n'] }),
  dialect('tab, all quoted', { delimiter: '\t', quotes: 'all', ends: ['\r\n'] }),
  dialect('semicolon, filled cells quoted', { delimiter: ';', quotes: 'filled' }),
  dialect('bar, all quoted, CR', { delimiter: '|', quotes: 'all', ends: ['\r'] }),
  dialect('comma, blanks around cells', { blanks: ' ' }),
  dialect('comma, all quoted, blanks around quotes', { quotes: 'all', blanks: '  ' }),
  dialect('semicolon, blanks, mixed line ends', { delimiter: ';', blanks: ' ', ends: mixed }),
  dialect('tab, blanks around quotes', { delimiter: '\t', quotes: 'all', blanks: ' ' }),
  dialect('comma, UTF-8 with a mark', { mark: true, ends: ['\r\n'] }),
  dialect('tab, UTF-16 LE', { delimiter: '\t', encoding: 'utf-16le', mark: true, ends: ['\r\n'] }),
  dialect('tab, UTF-16 BE', { delimiter: '\t', encoding: 'utf-16be', mark: true }),
  dialect('comma, UTF-16 LE without a mark', { encoding: 'utf-16le' }),
  dialect('comma, UTF-16 BE without a mark', { encoding: 'utf-16be', quotes: 'all' }),
  dialect('semicolon, Windows-1252', { delimiter: ';', encoding: 'windows-1252', ends: ['\r\n'] }),
  dialect('comma, Mac Roman, CR', { encoding: 'macintosh', ends: ['\r'] }),
  dialect('semicolon, Mac Roman, all quoted', { delimiter: ';', encoding: 'macintosh', quotes: 'all' }),
  dialect('semicolon, code page 850', { delimiter: ';', encoding: 'ibm850', ends: ['\r\n'] }),
  dialect('tab, ISO-8859-15', { delimiter: '\t', encoding: 'iso-8859-15' }),
  dialect('comma, lines before the header', {
    junk: ['Notes:', '"Some of these people, not all, asked for mail."', ''],
  }),
  dialect('semicolon, lines before the header', {
    delimiter: ';',
    junk: ['Report', '', 'From;2025-11-01'],
    ends: mixed,
  }),
  dialect('tab, all quoted, lines before the header', {
    delimiter: '\t',
    quotes: 'all',
    junk: ['"Exported list"'],
  }),
  dialect('comma, trailing delimiters', { trailing: 'all', ends: ['\r\n'] }),
  dialect('semicolon, trailing delimiters below the header', { delimiter: ';', trailing: 'rows' }),
  dialect('comma, blank lines', { blankLines: true, ends: mixed }),
  dialect('comma, quotes not doubled', { quotes: 'inner' }),
  dialect('semicolon, quotes not doubled, CRLF', { delimiter: ';', quotes: 'inner', ends: ['\r\n'] }),
  dialect('comma, an unclosed quote', { unclosed: true }),
  dialect('tab, all quoted, an unclosed quote', {
    delimiter: '\t',
    quotes: 'all',
    unclosed: true,
    ends: mixed,
  }),
];

const names = ['Ann Lee', 'José Núñez', 'Zoë Müller', 'Seán O’Hara', 'François Garçon', 'MARÍA PEÑA', 'Bob'];
const spoken = [
  ...['', 'x', 'likes tea, coffee; and more', 'a|b\tc', 'said "yes" to me', '"Annie" of old', 'a 5" pipe'],
  ...[
    'two\nlines',
    'one, two,\nthree',
    'quote "within"\nand below',
    '"',
    'ends with "this"',
    'a",b',
    ',',
    '\n',
  ],
];
const columns: readonly [header: string, cell: fc.Arbitrary<string>][] = [
  [
    'Notes',
    fc.oneof(
      fc.constantFrom(...spoken),
      fc.array(fc.constantFrom(...spoken), { maxLength: 3 }).map((all) => all.join(' ')),
    ),
  ],
  ['Company', fc.constantFrom('', 'Acme, Inc.', 'Café “Olé”', 'Peña & Söhne', '=1+1')],
  ['City', fc.constantFrom('', 'Miami', 'Málaga')],
  ['Email', fc.constantFrom('', 'ann@example.com', 'bob@example.com')],
];

type Table = { header: string[]; rows: string[][]; phones: string[] };

const table: fc.Arbitrary<Table> = fc
  .shuffledSubarray(columns.map((_column, i) => i))
  .chain((chosen) =>
    fc.record({
      places: fc.tuple(fc.nat(chosen.length), fc.nat(chosen.length + 1)),
      header: fc.constant(chosen.map((i) => columns[i]![0])),
      people: fc.array(fc.tuple(fc.constantFrom(...names), ...chosen.map((i) => columns[i]![1])), {
        minLength: 1,
        maxLength: 12,
      }),
    }),
  )
  .map(({ places: [name, phone], header, people }) => {
    const placed = (cells: string[], ofName: string, ofPhone: string) =>
      cells.toSpliced(name, 0, ofName).toSpliced(phone, 0, ofPhone);
    // Each row has a phone of its own, by which its cells are found again.
    const phones = people.map((_person, i) => `305-210-${5_000 + i}`);
    return {
      header: placed(header, 'Full Name', 'Phone'),
      rows: people.map(([ofName, ...cells], i) =>
        placed(
          cells.map((cell) => cell.trim()),
          ofName,
          phones[i]!,
        ),
      ),
      phones,
    };
  });

function written(cells: readonly string[], { delimiter, quotes, blanks }: Dialect, open = -1): string {
  return cells
    .map((cell, i) => {
      const needed =
        cell.includes(delimiter) || /^"|[\r\n]/.test(cell) || (/"/.test(cell) && quotes === 'needed');
      const isQuoted =
        needed ||
        i === open ||
        quotes === 'all' ||
        quotes === 'inner' ||
        (quotes === 'filled' && cell !== '');
      const inner = quotes === 'inner' ? cell : cell.replaceAll('"', '""');
      const pad = delimiter === '\t' ? blanks.replaceAll('\t', '') : blanks;
      return `${pad}${isQuoted ? `"${inner}${i === open ? '' : '"'}` : cell}${pad}`;
    })
    .join(delimiter);
}

function textOf({ header, rows }: Table, how: Dialect, random: readonly number[]): string {
  const pick = <T>(of: readonly T[], i: number): T => of[random[i % random.length]! % of.length]!;
  const unclosed = how.unclosed ? random[0]! % rows.length : -1;
  const after = (isHeader: boolean) =>
    how.trailing === 'all' || (how.trailing === 'rows' && !isHeader) ? how.delimiter : '';
  const lines = [
    ...how.junk,
    written(header, how) + after(true),
    ...rows.flatMap((cells, i) => {
      const open = i === unclosed ? random[1]! % cells.length : -1;
      const line = written(cells, how, open) + after(false);
      return how.blankLines && pick([true, false, false], i) ? ['', line] : [line];
    }),
  ];
  return lines.map((line, i) => line + pick(how.ends, i + 2)).join('');
}

const highBytes = Uint8Array.from({ length: 128 }, (_, i) => 128 + i);
const codesOf = new Map(
  CODE_PAGES.map((page) => [page, new Map([...decodeCodePage(highBytes, page)].map((c, i) => [c, 128 + i]))]),
);

/** Null where the encoding lacks a character. */
function encoded(text: string, encoding: Encoding, mark: boolean): Uint8Array | null {
  if (isCodePage(encoding)) {
    const codes = [...text].map((c) =>
      c < '\x80' ? c.charCodeAt(0) : codesOf.get(encoding as CodePage)!.get(c),
    );
    return codes.includes(undefined) ? null : Uint8Array.from(codes as number[]);
  }
  const marked = mark ? `\ufeff${text}` : text;
  if (encoding === 'utf-8') return Buffer.from(marked);
  const bytes = Buffer.from(marked, 'utf16le');
  return encoding === 'utf-16be' ? bytes.swap16() : bytes;
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

/** `problem`: why a row is no lead. */
type Outcome = { cells: string[]; problem: string | null };

async function outcome(bytes: Uint8Array, size: number) {
  const file = await openCsv(pieces(bytes, size));
  const rows: Outcome[] = [];
  const mapping = guessMapping(file.header, [], { region: 'US' }).map(({ target }) => target);
  const judge = rowJudge(file.header, mapping, 'US');
  for await (const batch of file.batches)
    for (const row of batch) {
      const judged = judge(row);
      const cells = row.cells.map((cell) => cell.trim());
      rows.push({ cells, problem: judged.ok ? null : JSON.stringify(judged.errors) });
    }
  return { file, rows };
}

const sameRow = (a: readonly string[], b: readonly string[]) =>
  a.length >= b.length && a.every((cell, i) => unified(cell) === (b[i] ?? ''));
const words = (cells: readonly string[]) => cells.join('').replace(/[^\p{L}\d]/gu, '');
const bare = (text: string) => text.replaceAll('"', '');
const unified = (text: string) => text.replace(/\r\n?/g, '\n');

describe('[F70] tables written in any dialect', () => {
  it('has 30 dialects or more', () => expect(dialects.length).toBeGreaterThanOrEqual(30));

  it('are read back as the same rows, or each person is in a row that is rejected by name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...dialects),
        table,
        fc.array(fc.nat(1_000), { minLength: 8, maxLength: 8 }),
        fc.integer({ min: 1, max: 200 }),
        async (how, given, random, size) => {
          const bytes = encoded(textOf(given, how, random), how.encoding, how.mark);
          if (bytes === null) return;
          const { file, rows } = await outcome(bytes, size);
          expect(file.header.filter(Boolean)).toEqual(given.header);
          const lawful = !how.unclosed && how.quotes !== 'inner';
          // Where several encodings fit, the uploader is asked.
          const asked = file.otherEncodings().length > 0;
          for (const [i, phone] of given.phones.entries()) {
            const found = rows.filter(({ cells }) => cells.some((cell) => cell.includes(phone)));
            expect(found).toHaveLength(1);
            const [{ cells, problem }] = found as [Outcome];
            const own = given.rows[i]!.map(unified);
            if (problem === null && !asked && !sameRow(cells, own)) {
              // Nothing in it is another person's, and where words are missing the line beside it is rejected by name.
              for (const cell of cells) expect(bare(own.join(','))).toContain(bare(unified(cell)));
              const at = rows.indexOf(found[0]!);
              const beside = [rows[at - 1], rows[at + 1]].some((row) => row && row.problem !== null);
              expect(beside || words(cells) === words(own)).toBe(true);
            } else if (problem !== null && lawful && !asked) {
              // Only a text of several lines that looks like rows is rejected in a file that keeps to the rules.
              expect(problem).toMatch(/may be several rows/);
            }
          }
          for (const { cells, problem } of rows) {
            const people = given.phones.filter((phone) => cells.some((cell) => cell.includes(phone)));
            if (problem === null) expect(people.length).toBeLessThan(2);
          }
          if (lawful && rows.every(({ problem }) => problem === null))
            expect(rows).toHaveLength(given.rows.length);
        },
      ),
      { numRuns: runs },
    );
  }, 600_000);
});
