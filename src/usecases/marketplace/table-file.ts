import { z } from 'zod';
import { cellText } from '../../domain/cell.ts';
import { openCsv } from '../../domain/csv/reader.ts';
import { rowProblem } from '../../domain/csv/rows.ts';
import { plainCell } from '../../domain/csv/write.ts';
import { RefusedError } from '../../domain/errors.ts';

/** Rows are held in memory until the file is complete. */
const mostRows = 10_000;

export type RejectedRow = { row: number; errors: string[] };

/** `row` as spreadsheets count: the header is row 1. */
export type GivenRow<T> = { row: number; given: T };

/** What an import did. `rejected` are the rows that were not stored. */
export type ImportSummary = {
  rows: number;
  created: number;
  updated: number;
  unchanged: number;
  rejected: RejectedRow[];
};

const nameOf = (cell: string): string =>
  cellText(cell)
    .toLowerCase()
    .replace(/[\s_-]/g, '');

/**
 * Reads a CSV whose columns are named as the fields of this schema, in any order and case. Blank cells are absent. Throws
 * RefusedError when it is no such file, or has more rows than one import takes.
 */
export async function readTable<S extends z.ZodObject>(
  bytes: AsyncIterable<Uint8Array>,
  schema: S,
  required: readonly string[],
): Promise<{ rows: number; valid: GivenRow<z.infer<S>>[]; rejected: RejectedRow[] }> {
  const columns = Object.keys(schema.shape);
  const fieldOf = (cell: string) => columns.find((name) => nameOf(name) === nameOf(cell)) ?? null;
  const file = await openCsv(bytes, {
    encoding: 'utf-8',
    strict: true,
    batchSize: 500,
    headerRow: 'first',
    fieldOf,
    maxColumns: 100,
    maxRowBytes: 64 * 1024,
  });
  const read = { rows: 0, valid: [] as GivenRow<z.infer<S>>[], rejected: [] as RejectedRow[] };
  try {
    const places = placesOf(file.header.map(fieldOf), required);
    for await (const batch of file.batches) {
      read.rows += batch.length;
      if (read.rows > mostRows)
        throw new RefusedError(
          413,
          'too_large',
          `The file has more than ${mostRows} rows. Nothing was stored: split it into several files.`,
        );
      for (const row of batch) {
        const problem = rowProblem(row, file.header.length);
        if (problem !== null) read.rejected.push({ row: row.row, errors: [`row: ${problem}`] });
        else judge(schema, row.row, recordOf(places, row.cells), read);
      }
    }
  } finally {
    await file.close();
  }
  return read;
}

/** Of two columns with one name the first counts; unknown columns are ignored. */
function placesOf(fields: (string | null)[], required: readonly string[]): [name: string, column: number][] {
  const missing = required.filter((name) => !fields.includes(name));
  if (missing.length > 0)
    throw new RefusedError(
      400,
      'invalid_csv',
      `The first row must name the columns; missing: ${missing.join(', ')}.`,
    );
  return [...new Set(fields)].flatMap((name) => (name === null ? [] : [[name, fields.indexOf(name)]]));
}

function recordOf(places: readonly [string, number][], cells: readonly string[]): Record<string, string> {
  const named = places.map(([name, column]) => [name, cellText(plainCell(cells[column] ?? ''))]);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}

function judge<S extends z.ZodObject>(
  schema: S,
  row: number,
  record: Record<string, string>,
  read: { valid: GivenRow<z.infer<S>>[]; rejected: RejectedRow[] },
): void {
  const parsed = schema.safeParse(record);
  if (parsed.success) read.valid.push({ row, given: parsed.data });
  else
    read.rejected.push({
      row,
      errors: parsed.error.issues.slice(0, 10).map(({ path, message }) => `${path.join('.')}: ${message}`),
    });
}

/** The rows of which none before has the same key; the others are rejected. */
export function withoutRepeats<T>(
  rows: readonly GivenRow<T>[],
  keyOf: (given: T) => string,
  rejected: RejectedRow[],
): GivenRow<T>[] {
  const seen = new Set<string>();
  return rows.filter(({ row, given }) => {
    const key = keyOf(given);
    if (seen.has(key)) rejected.push({ row, errors: ['row: repeated in this file'] });
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

export const textCell = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => !value.includes('\0'), 'must not contain NUL');

/** A whole number in this range; 0 means null where it clears a limit. */
export const wholeCell = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(least).max(most));
