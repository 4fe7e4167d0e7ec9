import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { BuyerFields } from '../../db/account/buyers.ts';
import { cellText } from '../../domain/cell.ts';
import { openCsv } from '../../domain/csv/reader.ts';
import { rowProblem } from '../../domain/csv/rows.ts';
import { RefusedError } from '../../domain/errors.ts';
import { uploadedBytes } from '../http/uploaded-file.ts';
import { email, language, name, phone, providerId } from './provider-fields.ts';

export type RejectedRow = { row: number; errors: string[] };
export type ProviderRow = BuyerFields & { row: number };
type ProviderBatch = { valid: ProviderRow[]; rejected: RejectedRow[] };

const row = z.object({
  external_id: providerId,
  name: name.nullish(),
  phone,
  email: email.nullish(),
  language: language.nullish(),
});

const columns = Object.keys(row.shape);
const columnName = (cell: string): string =>
  cellText(cell)
    .toLowerCase()
    .replace(/[\s-]+/g, '_');

/**
 * Reads a CSV as it arrives, holding one batch at a time. Invalid rows are returned with their reasons. Throws
 * RefusedError 400 when it is not a CSV of providers.
 */
export async function* readProviderRows(
  source: Readable,
  { maxBytes, batchSize }: { maxBytes: number; batchSize: number },
): AsyncGenerator<ProviderBatch> {
  // All rows are stored or none, so a file that is damaged anywhere is rejected as a whole.
  const file = await openCsv(uploadedBytes(source, maxBytes), {
    encoding: 'utf-8',
    strict: true,
    batchSize,
    fieldOf: (cell) => columns.find((name) => name === columnName(cell)) ?? null,
    maxColumns: 100,
    maxRowBytes: 64 * 1024,
  });
  try {
    const names = columnsOf(file.header);
    const seen = new Set<string>();
    for await (const rows of file.batches) {
      const batch: ProviderBatch = { valid: [], rejected: [] };
      for (const row of rows) {
        const problem = rowProblem(row, file.header.length);
        if (problem !== null) batch.rejected.push({ row: row.row, errors: [`row: ${problem}`] });
        else judge(recordOf(names, row.cells), row.row, batch, seen);
      }
      yield batch;
    }
  } finally {
    await file.close();
  }
}

function judge(
  record: Record<string, string>,
  number: number,
  batch: ProviderBatch,
  seen: Set<string>,
): void {
  const parsed = row.safeParse(record);
  if (!parsed.success) {
    const errors = parsed.error.issues
      .slice(0, 10)
      .map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    batch.rejected.push({ row: number, errors });
    return;
  }
  const { external_id: externalId, phone, name = null, email = null, language = null } = parsed.data;
  if (seen.has(externalId)) {
    batch.rejected.push({ row: number, errors: ['external_id: repeated in this file'] });
    return;
  }
  seen.add(externalId);
  batch.valid.push({ row: number, externalId, phone, name, email, language });
}

/** The index of each known column; of two columns with the same name the first counts. Unknown columns are ignored. */
function columnsOf(header: string[]): [name: string, column: number][] {
  const names = header.map(columnName);
  const missing = ['external_id', 'phone'].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new RefusedError(
      400,
      'invalid_csv',
      `The first row must name the columns; missing: ${missing.join(', ')}.`,
    );
  }
  return columns.filter((name) => names.includes(name)).map((name) => [name, names.indexOf(name)]);
}

const recordOf = (names: [string, number][], cells: string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap(([name, column]) => {
      const text = cells[column];
      return text === undefined ? [] : [[name, cellText(text)]];
    }),
  );
