import { setImmediate as turn } from 'node:timers/promises';
import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import {
  findImport,
  findSameFile,
  type Import,
  type ImportDialect,
  redescribe,
  rememberedMapping,
} from '../../db/imports/imports.ts';
import type { IdempotencyKey } from '../../db/transport/idempotency.ts';
import { ENCODINGS, type Encoding } from '../../domain/csv/encoding.ts';
import type { Mapping } from '../../domain/csv/mapping.ts';
import { type CsvPreview, previewCsv } from '../../domain/csv/preview.ts';
import { openCsv } from '../../domain/csv/reader.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';
import { csvLimits, csvOptionsOf, keptBytes } from './read-slice.ts';

/** What becomes of a file until a worker reads it. Also the command line's way in, where nothing is published. */
export type ImportDeps = Pick<Runtime, 'db' | 'vault'> & { relay: Pick<Runtime['relay'], 'commit'> };

const longestTurnMs = 10;

export type ReceivedFile = {
  row: Import;
  preview: CsvPreview;
  /** The same bytes were imported before: it is asked for before it is done again. */
  sameFile: Import | null;
  /** Made by an earlier request with this Idempotency-Key. */
  repeated?: boolean;
  /** What this request made, by which key. */
  key?: IdempotencyKey | null;
};

type Described = Pick<Import, 'id' | 'organizationId' | 'dialect'>;

export function previewOf(
  deps: ImportDeps,
  company: Company,
  row: Described,
  mapping?: unknown,
): Promise<CsvPreview> {
  return previewCsv(keptBytes(deps, row.id), {
    ...csvLimits,
    region: company.defaultRegion as CountryCode,
    customFields: Object.keys(company.fieldMapping),
    encoding: row.dialect.encoding as Encoding | undefined,
    delimiter: row.dialect.delimiter,
    remembered: (key) => rememberedMapping(deps.db, row.organizationId, key),
    mapping,
  });
}

export const completeMapping = ({ columns, problem }: CsvPreview): Mapping | null =>
  problem === null ? columns.map(({ target }) => target) : null;

/**
 * What the file would become with these corrections, which are kept: the mapping, and how its bytes are read. Throws
 * RefusedError for a correction that fits no file of these columns.
 */
export async function previewImport(
  deps: ImportDeps,
  company: Company,
  row: Import,
  corrections: { mapping?: unknown; dialect?: ImportDialect } = {},
): Promise<ReceivedFile> {
  insistOnReady(row);
  const read = corrections.dialect ?? row.dialect;
  const otherwise = JSON.stringify(read) !== JSON.stringify(row.dialect);
  const asked = corrections.mapping ?? (otherwise ? undefined : (row.mapping ?? undefined));
  const preview = await previewOf(deps, company, { ...row, dialect: read }, asked);
  const corrected = corrections.mapping !== undefined || otherwise;
  if (corrected) {
    const { header, totalRows } = otherwise ? await scan(keptBytes(deps, row.id), read) : row;
    const file = { header, totalRows, dialect: read, mapping: completeMapping(preview) };
    await deps.relay.commit(redescribe(row.id, file));
  }
  const fresh = (await findImport(deps.db, row.id))!;
  return { row: fresh, preview, sameFile: await findSameFile(deps.db, fresh) };
}

/** Reads to the end, so that what is wrong anywhere is known before anything is made of it. */
export async function scan(
  bytes: AsyncIterable<Uint8Array>,
  dialect: ImportDialect,
): Promise<{ header: string[]; totalRows: number }> {
  const file = await openCsv(bytes, { ...csvOptionsOf({ dialect }), batchSize: 500 });
  try {
    // The database keeps none, and no name has one.
    if (file.header.some((name) => name.includes('\0')))
      throw new RefusedError(400, 'invalid_csv', 'The header contains NUL bytes: this is not a CSV.');
    let totalRows = 0;
    let turnedAt = performance.now();
    for await (const rows of file.batches) {
      totalRows += rows.length;
      if (performance.now() - turnedAt < longestTurnMs) continue;
      // A piece of the file is many rows: others are answered between them.
      await turn();
      turnedAt = performance.now();
    }
    if (totalRows === 0)
      throw new RefusedError(400, 'invalid_csv', 'The file has a header and no row below it.');
    return { header: file.header, totalRows };
  } finally {
    await file.close();
  }
}

export function insistOnReady(row: Import): void {
  if (row.status === 'ready') return;
  const why = {
    uploading: 'The file is still arriving.',
    running: 'The import runs already.',
    done: 'The import is done.',
    failed: row.problem ?? 'The import failed.',
    cancelled: 'The import was cancelled.',
  }[row.status];
  throw new RefusedError(409, 'not_ready', why);
}

/** What an uploader says of how the file is to be read. */
export function dialectOf(given: { encoding?: string; delimiter?: string }): ImportDialect {
  const encoding = given.encoding?.trim().toLowerCase() || undefined;
  const delimiter =
    given.delimiter === '\\t' || given.delimiter === 'tab' ? '\t' : given.delimiter || undefined;
  const refuse = (path: string, message: string) =>
    new RefusedError(400, 'invalid_input', 'Some fields are not valid.', { fields: [{ path, message }] });
  if (encoding !== undefined && !(ENCODINGS as readonly string[]).includes(encoding))
    throw refuse('encoding', `one of ${ENCODINGS.join(', ')}`);
  if (
    delimiter !== undefined &&
    (delimiter.length !== 1 || (delimiter !== '\t' && /["\p{C}]/u.test(delimiter)))
  )
    throw refuse('delimiter', 'a single character');
  return { ...(encoding ? { encoding } : {}), ...(delimiter ? { delimiter } : {}) };
}
