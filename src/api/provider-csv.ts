import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { z } from 'zod';
import type { BuyerFields } from '../db/buyers.ts';
import { RefusedError } from '../domain/errors.ts';
import { text } from './fields.ts';
import { email, language, phone, providerId } from './provider-fields.ts';

export type RejectedRow = { row: number; errors: string[] };
export type ProviderBatch = { valid: BuyerFields[]; rejected: RejectedRow[] };

const blankAsNull = (schema: z.ZodType<string, string>) =>
  z
    .string()
    .optional()
    .transform((value) => (value?.trim() ? value : null))
    .pipe(schema.nullable());

const row = z.object({
  external_id: providerId,
  name: blankAsNull(text(200)),
  phone,
  email: blankAsNull(email),
  language: blankAsNull(language),
});

const columns = Object.keys(row.shape);
const longestRow = 64 * 1024;
const mostColumns = 100;

/**
 * Reads a CSV as it arrives, in batches, never more than one row and one batch at a time. Rows that cannot be used
 * are told apart with their reasons; what is no CSV of providers at all is refused with one sentence.
 */
export async function* readProviderRows(
  source: Readable,
  { maxBytes, batchSize }: { maxBytes: number; batchSize: number },
): AsyncGenerator<ProviderBatch> {
  const seen = new Set<string>();
  let batch: ProviderBatch = { valid: [], rejected: [] };
  let number = 1;
  for await (const record of records(source, maxBytes)) {
    number += 1;
    judge(record, number, batch, seen);
    if (batch.valid.length + batch.rejected.length < batchSize) continue;
    yield batch;
    batch = { valid: [], rejected: [] };
  }
  yield batch;
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
  const { external_id: externalId, ...rest } = parsed.data;
  if (seen.has(externalId)) {
    batch.rejected.push({ row: number, errors: ['external_id: repeated in this file'] });
    return;
  }
  seen.add(externalId);
  batch.valid.push({ externalId, ...rest });
}

async function* records(source: Readable, maxBytes: number): AsyncGenerator<Record<string, string>> {
  let headed = false;
  const parser = parse({
    bom: true,
    columns: (names: string[]) => {
      headed = true;
      return headerOf(names);
    },
    delimiter: [',', ';', '\t'],
    max_record_size: longestRow,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    trim: true,
  });
  const fed = pipeline(source, (chunks: AsyncIterable<Buffer>) => checked(chunks, source, maxBytes), parser);
  // Its failure destroys the parser and is thrown by the loop below.
  fed.catch(() => undefined);
  try {
    for await (const record of parser) yield record as Record<string, string>;
    await fed;
  } catch (error) {
    throw readable(error);
  } finally {
    parser.destroy();
  }
  if (!headed) throw new RefusedError(400, 'invalid_csv', 'The file is empty.');
}

/** Counted, strict UTF-8, and no NUL: before the parser sees it. */
async function* checked(
  chunks: AsyncIterable<Buffer>,
  source: Readable,
  maxBytes: number,
): AsyncGenerator<string> {
  const tooLarge = () => new RefusedError(413, 'too_large', `The file is larger than ${maxBytes} bytes.`);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    const part = decoder.decode(chunk, { stream: true });
    if (part.includes('\0'))
      throw new RefusedError(400, 'invalid_csv', 'The file holds NUL bytes: it is not a CSV.');
    yield part;
  }
  if ('truncated' in source && source.truncated) throw tooLarge();
  yield decoder.decode();
}

function headerOf(names: string[]): string[] {
  if (names.length > mostColumns)
    throw new RefusedError(400, 'invalid_csv', `More than ${mostColumns} columns.`);
  const header = names.map((name) =>
    name
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, '_'),
  );
  const missing = ['external_id', 'phone'].filter((name) => !header.includes(name));
  if (missing.length > 0) {
    throw new RefusedError(
      400,
      'invalid_csv',
      `The first row must name the columns; missing: ${missing.join(', ')}.`,
    );
  }
  // Columns we do not know are read past, whatever they are called.
  return header.map((name, i) =>
    columns.includes(name) && header.indexOf(name) === i ? name : `ignored_${i}`,
  );
}

/** Whatever goes wrong while reading is about the file; what the database says does not pass here. */
function readable(error: unknown): RefusedError {
  if (error instanceof RefusedError) return error;
  const { code } = error as { code?: string };
  let reason = 'it broke off, or is not a valid upload';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') reason = 'it is not valid UTF-8';
  if (error instanceof CsvError) {
    reason =
      code === 'CSV_MAX_RECORD_SIZE' ? `a row is longer than ${longestRow} bytes` : 'its quotes do not match';
  }
  return new RefusedError(400, 'invalid_csv', `The CSV cannot be read: ${reason}.`);
}
