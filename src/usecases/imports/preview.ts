import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import {
  findImport,
  findSameFile,
  type Import,
  type ImportDialect,
  type ReadAs,
  redescribe,
  rememberedMapping,
} from '../../db/imports/imports.ts';
import type { IdempotencyKey } from '../../db/transport/idempotency.ts';
import type { CodePage } from '../../domain/csv/code-pages.ts';
import { ENCODINGS, type Encoding, encodingNamed } from '../../domain/csv/encoding.ts';
import type { Mapping } from '../../domain/csv/mapping.ts';
import { unplacedProblem } from '../../domain/csv/placed.ts';
import { type CsvPreview, previewCsv } from '../../domain/csv/preview.ts';
import { openCsv, type Pace } from '../../domain/csv/reader.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';
import { type DryRun, dryRun } from './dry-run.ts';
import { csvLimits, csvOptionsOf, keptBytes } from './read-slice.ts';
import { parsingPace } from './turns.ts';

/** Deps for handling a file before a worker reads it. Also used by the command line, which publishes nothing. */
export type ImportDeps = Pick<Runtime, 'db' | 'vault'> & { relay: Pick<Runtime['relay'], 'commit'> };

export type ReceivedFile = {
  row: Import;
  preview: CsvPreview;
  /** Absent before the mapping is complete, and in the answer to an upload. */
  dryRun?: DryRun | null;
  /** An earlier import of the same bytes, which makes a confirmation necessary. */
  sameFile: Import | null;
  /** Created by an earlier request with this Idempotency-Key. */
  repeated?: boolean;
  /** The import created by this request, with its key. */
  key?: IdempotencyKey | null;
};

type Described = Pick<Import, 'id' | 'organizationId' | 'dialect' | 'readAs'>;

/** The problem of a mapping that names a custom field without a field in the CRM is part of the preview. */
export async function previewOf(
  deps: ImportDeps,
  company: Company,
  row: Described,
  mapping?: unknown,
): Promise<CsvPreview> {
  const preview = await previewCsv(keptBytes(deps, row.id), {
    ...csvOptionsOf(row),
    otherEncodings: (row.readAs?.otherEncodings ?? []) as CodePage[],
    pace: parsingPace(deps, row.organizationId),
    region: company.defaultRegion as CountryCode,
    customFields: Object.keys(company.fieldMapping),
    remembered: (key) => rememberedMapping(deps.db, row.organizationId, key),
    mapping,
  });
  if (preview.problem) return preview;
  const targets = preview.columns.map(({ target }) => target);
  const problem = unplacedProblem(targets, company.fieldMapping);
  return problem ? { ...preview, problem, sample: null } : preview;
}

export const completeMapping = ({ columns, problem }: CsvPreview): Mapping | null =>
  problem === null ? columns.map(({ target }) => target) : null;

/**
 * Stores corrections of the mapping and the file options, and returns the resulting preview. Throws RefusedError for a
 * correction that does not match the file's columns.
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
  const { header, totalRows, readAs } = otherwise
    ? await scan(keptBytes(deps, row.id), read, parsingPace(deps, row.organizationId))
    : row;
  const preview = await previewOf(deps, company, { ...row, dialect: read, readAs }, asked);
  const corrected = corrections.mapping !== undefined || otherwise;
  if (corrected) {
    const file = { header, totalRows, dialect: read, readAs, mapping: completeMapping(preview) };
    await deps.relay.commit(redescribe(row.id, file));
  }
  const fresh = (await findImport(deps.db, row.id))!;
  const mapping = completeMapping(preview);
  const [counted, sameFile] = await Promise.all([
    mapping ? dryRun(deps, company, fresh, mapping) : null,
    findSameFile(deps.db, fresh),
  ]);
  return { row: fresh, preview, dryRun: counted, sameFile };
}

/** Reads to the end, so that all errors are found before leads are created. What the dialect does not name is detected. */
export async function scan(
  bytes: AsyncIterable<Uint8Array>,
  { encoding, delimiter, headerRow }: ImportDialect,
  pace: Pace,
): Promise<{ header: string[]; totalRows: number; readAs: ReadAs }> {
  const options = { ...csvLimits, encoding: encoding as Encoding | undefined, delimiter, headerRow };
  const file = await openCsv(bytes, { ...options, batchSize: 500, pace });
  try {
    // PostgreSQL cannot store NUL characters.
    if (file.header.some((name) => name.includes('\0')))
      throw new RefusedError(400, 'invalid_csv', 'The header contains NUL bytes: this is not a CSV.');
    let totalRows = 0;
    for await (const rows of file.batches) totalRows += rows.length;
    if (totalRows === 0)
      throw new RefusedError(400, 'invalid_csv', 'The file has a header and no row below it.');
    const readAs = {
      encoding: file.encoding(),
      delimiter: file.delimiter,
      headerRow: file.headerRow,
      otherEncodings: [...file.otherEncodings()],
    };
    return { header: file.header, totalRows, readAs };
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

/** Header rows that can be named; a table that begins further down is another file. */
const mostHeaderRow = 1_000;

/** The file options of an uploader. `header_row`: the row of the column names, 0 or `none` for a file without them. */
export function dialectOf(given: {
  encoding?: string;
  delimiter?: string;
  header_row?: string | number;
}): ImportDialect {
  const named = given.encoding?.trim() || undefined;
  const encoding = named === undefined ? undefined : encodingNamed(named);
  const delimiter =
    given.delimiter === '\\t' || given.delimiter === 'tab' ? '\t' : given.delimiter || undefined;
  const header = String(given.header_row ?? '')
    .trim()
    .toLowerCase();
  const headerRow = header === '' ? undefined : header === 'none' ? 0 : Number(header);
  const refuse = (path: string, message: string) =>
    new RefusedError(400, 'invalid_input', 'Some fields are not valid.', { fields: [{ path, message }] });
  if (encoding === null) throw refuse('encoding', `one of ${ENCODINGS.join(', ')}`);
  if (
    delimiter !== undefined &&
    (delimiter.length !== 1 || (delimiter !== '\t' && /["\p{C}]/u.test(delimiter)))
  )
    throw refuse('delimiter', 'a single character');
  if (headerRow !== undefined && !(/^\d{1,4}$|^none$/.test(header) && headerRow <= mostHeaderRow))
    throw refuse('header_row', `a row number up to ${mostHeaderRow}, or 0 for a file without column names`);
  return {
    ...(encoding ? { encoding } : {}),
    ...(delimiter ? { delimiter } : {}),
    ...(headerRow === undefined ? {} : { headerRow }),
  };
}

/** Says that several encodings fit a file, and how to name one. Returns null when that is settled. */
export function encodingQuestion({ readings }: CsvPreview): string | null {
  if (readings.length === 0) return null;
  const examples = readings
    .filter(({ words }) => words.length > 0)
    .map(({ encoding, words }) => `${encoding}: ${words.join(', ')}`)
    .join('; ');
  const names = readings.map(({ encoding }) => encoding);
  return `The letters above ASCII can be read in several ways${examples ? ` (${examples})` : ''}. Name the encoding: ${names.join(' or ')}.`;
}
