import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encoded, pieces, read, readText } from '../../../test/harness/csv-files.ts';
import { RefusedError } from '../errors.ts';
import type { Encoding } from './encoding.ts';
import { mayBeRows } from './people.ts';
import { previewCsv } from './preview.ts';
import { type CsvRow, openCsv } from './reader.ts';
import { csvLine, plainCell, type Reject, rejectsCsv, safeCell } from './write.ts';

const cell = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', 'é', '=', "'", ' ', '😀', ';', '\t'),
    maxLength: 8,
  }),
);
const table = fc
  .integer({ min: 1, max: 5 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 12 }));
const isBlank = (cells: string[]) => cells.every((value) => value.trim() === '');

describe('properties', () => {
  it('rows survive writing and reading', async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 50 }), async (rows, size) => {
        const header = (rows[0] ?? ['a']).map((_, i) => `column ${i}`);
        // Lines that look like rows of people joined by an open quote are refused instead.
        const lines = rows.map((cells) =>
          csvLine(cells)
            .trimEnd()
            .split(/\r*\n|\r/),
        );
        fc.pre(!lines.some((each) => mayBeRows(each, ',', header.length)));
        const text = [header, ...rows].map(csvLine).join('');
        const file = await read(pieces(Buffer.from(text), size), { delimiter: ',', encoding: 'utf-8' });
        const back = file.rows.map(({ cells }) => cells.map(plainCell));
        expect(back).toEqual(rows.filter((cells) => !isBlank(cells.map(safeCell))));
      }),
      { numRuns: 150 },
    );
  });

  it('the rows do not depend on the chunk boundaries', async () => {
    const anyText = fc.string({
      unit: fc.constantFrom('"', ',', '\n', '\r', '\r\n', 'é', 'a', ' ', '李', '😀', ';', '\0', '\ufeff'),
      maxLength: 60,
    });
    const options = { batchSize: 2, maxRowBytes: 40, maxColumns: 6 };
    const outcome = async (source: AsyncIterable<Uint8Array>) => {
      const batches: CsvRow[][] = [];
      try {
        const file = await openCsv(source, options);
        for await (const batch of file.batches) batches.push(batch);
        return { batches, encoding: file.encoding() };
      } catch (error) {
        return { batches, error: (error as Error).message };
      }
    };
    await fc.assert(
      fc.asyncProperty(
        anyText,
        fc.constantFrom<Encoding>('utf-8', 'utf-16le', 'utf-16be', 'windows-1252'),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (text, encoding, cuts) => {
          const bytes = encoded(`name,phone\n${text}`, encoding, true);
          async function* cut() {
            let at = 0;
            for (let i = 0; at < bytes.length; i += 1) {
              const end = at + cuts[i % cuts.length]!;
              yield bytes.subarray(at, end);
              at = end;
            }
          }
          expect(await outcome(cut())).toEqual(await outcome(pieces(bytes)));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('arbitrary bytes', () => {
  const starts = ['', 'name,phone\n', '<!---->', 'PK\x03\x04', '\ufeff', '"', 'sep=', '{"', 'a@'];
  it('yield rows or a refusal with one sentence', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 200 }),
        async (start, bytes) => {
          const failure = await read(pieces(Buffer.concat([Buffer.from(start), bytes]))).then(
            () => null,
            (error: unknown) => error,
          );
          if (failure !== null) expect(failure).toBeInstanceOf(RefusedError);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each(starts)('repeated %j is handled in linear time', async (start) => {
    const before = process.cpuUsage().user;
    await previewCsv(pieces(Buffer.from(`x,${start.repeat(20_000)}\n${start.repeat(20_000)}x!`)), {
      region: 'US',
    }).catch((error: unknown) => expect(error).toBeInstanceOf(RefusedError));
    await previewCsv(pieces(Buffer.from(`${start.repeat(20_000)}`)), { region: 'US' }).catch(
      (error: unknown) => expect(error).toBeInstanceOf(RefusedError),
    );
    await previewCsv(pieces(Buffer.from(`x,${start}${'x'.repeat(100_000)}\n1,2\n`)), { region: 'US' }).catch(
      (error: unknown) => expect(error).toBeInstanceOf(RefusedError),
    );
    expect(process.cpuUsage().user - before).toBeLessThan(2_000_000);
  });
});

describe('rejected rows', () => {
  it('are exported with the reason and without formulas, and can be uploaded again', async () => {
    const header = ['Name', 'Phone'];
    const first: Reject[] = [
      { cells: ['=HYPERLINK("x")', '-1'], errors: { phone: ['is not a phone number'], name: ['is odd'] } },
      { cells: ['Ann'], errors: { phone: ['is missing'] } },
    ];
    const written = async (columns: string[], rejects: Reject[]) => {
      let text = '';
      for await (const line of rejectsCsv(columns, rejects)) text += line;
      return text;
    };
    const text = await written(header, first);
    expect(text).toBe(
      '\ufeffName,Phone,Rejected because\r\n' +
        '"\'=HYPERLINK(""x"")",\'-1,"phone: is not a phone number; name: is odd"\r\n' +
        'Ann,,phone: is missing\r\n',
    );
    const again = await readText(text);
    const second = again.rows.map(({ cells }, i) => ({ cells, errors: first[i]!.errors }));
    expect(await written(again.header, second)).toBe(text);
  });

  it('a row longer than its header has its reason in the column of reasons and keeps its cells', async () => {
    const errors = { row: ['has 4 cells'] };
    const text = async (header: string[], cells: string[]) => {
      let all = '';
      for await (const line of rejectsCsv(header, [{ cells, errors }])) all += line;
      return all;
    };
    const first = await text(['Name', 'Phone'], ['Lee', ' Ann', '305', '=x']);
    expect(first).toBe('\ufeffName,Phone,Rejected because\r\nLee," Ann",row: has 4 cells,305,\'=x\r\n');
    const { header, rows } = await readText(first);
    expect(await text(header, rows[0]!.cells)).toBe(first);
  });
});
