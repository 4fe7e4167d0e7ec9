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

type Described = Pick<Import, 'id' | 'organizationId' | 'dialect'>;

/** The problem of a mapping that names a custom field without a field in the CRM is part of the preview. */
export async function previewOf(
  deps: ImportDeps,
  company: Company,
  row: Described,
  mapping?: unknown,
): Promise<CsvPreview> {
  const preview = await previewCsv(keptBytes(deps, row.id), {
    ...csvLimits,
    pace: parsingPace(deps, row.organizationId),
    region: company.defaultRegion as CountryCode,
    customFields: Object.keys(company.fieldMapping),
    encoding: row.dialect.encoding as Encoding | undefined,
    delimiter: row.dialect.delimiter,
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
  const preview = await previewOf(deps, company, { ...row, dialect: read }, asked);
  const corrected = corrections.mapping !== undefined || otherwise;
  if (corrected) {
    const { header, totalRows } = otherwise
      ? await scan(keptBytes(deps, row.id), read, parsingPace(deps, row.organizationId))
      : row;
    const file = { header, totalRows, dialect: read, mapping: completeMapping(preview) };
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

/** Reads to the end, so that all errors are found before leads are created. */
export async function scan(
  bytes: AsyncIterable<Uint8Array>,
  dialect: ImportDialect,
  pace: Pace,
): Promise<{ header: string[]; totalRows: number }> {
  const file = await openCsv(bytes, { ...csvOptionsOf({ dialect }), batchSize: 500, pace });
  try {
    // PostgreSQL cannot store NUL characters.
    if (file.header.some((name) => name.includes('\0')))
      throw new RefusedError(400, 'invalid_csv', 'The header contains NUL bytes: this is not a CSV.');
    let totalRows = 0;
    for await (const rows of file.batches) totalRows += rows.length;
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

/** The file options of an uploader. */
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
