import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { CountryCode } from 'libphonenumber-js';
import { v7 as uuidv7 } from 'uuid';
import { firstAnswer } from '../../api/http/idempotency.ts';
import type { Company } from '../../db/account/companies.ts';
import { isConnectionError } from '../../db/client.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  appendChunk,
  type Chunk,
  findImport,
  findSameFile,
  hasFailedSyncs,
  type Import,
  type ImportDialect,
  importCounts,
  markEnded,
  markReady,
  markStarted,
  openUpload,
  redescribe,
  rememberedMapping,
  sweepImports,
} from '../../db/imports/imports.ts';
import { answerPart, forgetAnswer, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { ENCODINGS, type Encoding } from '../../domain/csv/encoding.ts';
import { checkMapping, headerKey, type Mapping } from '../../domain/csv/mapping.ts';
import { type CsvPreview, previewCsv } from '../../domain/csv/preview.ts';
import { openCsv } from '../../domain/csv/reader.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';
import type { Cause } from '../../events/envelope.ts';
import { keepHeapSmall } from './heap-limit.ts';
import { csvLimits, csvOptionsOf, hashing, keptBytes, longFileBytes } from './read-slice.ts';

/** What becomes of a file until a worker reads it. Also the command line's way in, where nothing is published. */
export type ImportDeps = Pick<Runtime, 'db' | 'vault'> & { relay: Pick<Runtime['relay'], 'commit'> };

/** Sealed and stored together: small enough to be held, large enough to be few. */
const pieceBytes = 256 * 1024;
const longestTurnMs = 10;
const storePatienceMs = 8_000;
/** Of one company, kept and not started. */
const mostOpen = 50;

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

export type FileRequest = {
  company: Company;
  name: string;
  bytes: AsyncIterable<Uint8Array>;
  dialect?: ImportDialect;
  /** Bound to the file's bytes, which nobody knows before they are here. */
  key?: ((fileHash: string) => IdempotencyKey | null) | undefined;
};

/**
 * Keeps a file whole while it arrives, in memory that does not grow with it, and reads it once on the way: a file that
 * breaks anywhere is refused before a lead is made of it. Whatever goes wrong, nothing of it stays, and its row says so.
 */
export async function receiveFile(deps: ImportDeps, request: FileRequest): Promise<ReceivedFile> {
  const { company, dialect = {} } = request;
  // Whoever uploads must not pay for what others left behind.
  await sweepImports(deps.db).catch(() => undefined);
  const id = uuidv7();
  const { organizationId } = company;
  const opened = { id, organizationId, fileName: fileNameOf(request.name), dialect };
  if (!(await openUpload(deps.db, opened, mostOpen)))
    throw new RefusedError(
      409,
      'too_many_files',
      `${mostOpen} files wait to be started. Nothing of this one was kept: start or cancel some of those first.`,
    );
  try {
    const kept = keep(deps, id, request.bytes);
    const { header, totalRows } = await scan(kept.pieces, dialect);
    const row = { id, organizationId, dialect };
    const preview = await previewOf(deps, company, row);
    const file = { ...kept.facts(), header, totalRows, dialect, mapping: completeMapping(preview) };
    return await settle(deps, request, id, file, preview);
  } catch (error) {
    const problem =
      error instanceof RefusedError ? error.message : 'It could not be stored. Upload it again.';
    const end = { status: 'failed' as const, from: ['uploading' as const], problem };
    // Where even this fails, the sweep takes what is left.
    await deps.relay.commit(markEnded({ id, organizationId }, end)).catch(() => undefined);
    throw error;
  }
}

async function settle(
  deps: ImportDeps,
  request: FileRequest,
  id: string,
  file: Parameters<typeof markReady>[1],
  preview: CsvPreview,
): Promise<ReceivedFile> {
  const key = request.key?.(file.fileHash) ?? null;
  const change = markReady({ id, organizationId: request.company.organizationId }, file);
  const writes = [...(change.writes ?? []), ...(key ? [answerPart(key, 201, { import_id: id })] : [])];
  const ended = await deps.relay.commit({ ...change, writes }).catch(async (error: unknown) => {
    if (!key || violatedUnique(error) === null) throw error;
    return firstAnswer(deps, key);
  });
  if (ended !== null && 'status' in ended) return repeated(deps, request, id, ended.body);
  if (!ended?.moved)
    throw new RefusedError(409, 'cancelled', 'The upload was cancelled. Nothing of it was kept.');
  const row = (await findImport(deps.db, id))!;
  return { row, preview, sameFile: await findSameFile(deps.db, row), key };
}

/** Of a file that was not started nothing is kept, and its Idempotency-Key may come again. */
export async function dropFile(deps: ImportDeps, { row, key = null }: ReceivedFile): Promise<void> {
  const change = markEnded(row, { status: 'cancelled', from: ['ready'] });
  const writes = [...(change.writes ?? []), ...(key ? [forgetAnswer(key)] : [])];
  await deps.relay.commit({ ...change, writes });
}

/** The answer to a repeated Idempotency-Key is the import that was made first; what came now is not kept. */
async function repeated(
  deps: ImportDeps,
  { company }: FileRequest,
  id: string,
  answer: unknown,
): Promise<ReceivedFile> {
  const { organizationId } = company;
  const problem = 'The same request was answered before; that import stands.';
  const preview = await previewOf(deps, company, { id, organizationId, dialect: {} });
  await deps.relay.commit(
    markEnded({ id, organizationId }, { status: 'failed', from: ['uploading'], problem }),
  );
  const row = await findImport(deps.db, (answer as { import_id: string }).import_id, organizationId);
  if (!row) throw new RefusedError(409, 'conflict', 'The import of this Idempotency-Key is gone.');
  return { row, preview, sameFile: await findSameFile(deps.db, row), repeated: true };
}

/** Passes the bytes on once they are stored. */
function keep(deps: ImportDeps, id: string, bytes: AsyncIterable<Uint8Array>) {
  const hash = hashing();
  let chunks = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    let letGrow = (): void => undefined;
    try {
      for await (const piece of inPieces(bytes)) {
        if (chunks * pieceBytes === longFileBytes) letGrow = keepHeapSmall();
        hash.add(piece);
        const chunk = { number: chunks, bytes: piece.length, body: deps.vault.sealBytes(piece) };
        if (!(await storePiece(deps, id, chunk)))
          throw new RefusedError(409, 'cancelled', 'The upload was cancelled. Nothing of it was kept.');
        chunks += 1;
        yield piece;
      }
    } finally {
      letGrow();
    }
  }
  return { pieces: pieces(), facts: () => ({ chunks, fileHash: hash.hex() }) };
}

/** A database that is away for a moment, or whose answer was lost, is no reason to send half a file again. */
async function storePiece({ db }: ImportDeps, id: string, chunk: Chunk): Promise<boolean> {
  const until = performance.now() + storePatienceMs;
  for (;;) {
    try {
      if (await appendChunk(db, id, chunk)) return true;
      // It may have been stored by an attempt of which nothing was heard.
      const row = await findImport(db, id);
      return row?.status === 'uploading' && row.chunks === chunk.number + 1;
    } catch (error) {
      if (!isConnectionError(error) || performance.now() > until) throw error;
      await pause(250);
    }
  }
}

async function* inPieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bytes) {
    parts.push(part);
    length += part.length;
    if (length < pieceBytes) continue;
    const whole = Buffer.concat(parts, length);
    parts = [];
    length = 0;
    for (let first = 0; first < whole.length; first += pieceBytes)
      yield whole.subarray(first, first + pieceBytes);
  }
  if (length > 0) yield Buffer.concat(parts, length);
}

/** Reads to the end, so that what is wrong anywhere is known before anything is made of it. */
async function scan(
  bytes: AsyncIterable<Uint8Array>,
  dialect: ImportDialect,
): Promise<{ header: string[]; totalRows: number }> {
  const file = await openCsv(bytes, { ...csvOptionsOf({ dialect }), batchSize: 500 });
  try {
    // The database keeps none, and no name has one.
    if (file.header.some((name) => name.includes('\0')))
      throw new RefusedError(400, 'invalid_csv', 'The header holds NUL bytes: this is not a CSV.');
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

type Described = Pick<Import, 'id' | 'organizationId' | 'dialect'>;

function previewOf(
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

const completeMapping = ({ columns, problem }: CsvPreview): Mapping | null =>
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

export type StartRequest = {
  /** Absent: as the preview had it. */
  mapping?: unknown;
  /** The same bytes were imported before, and it is meant. */
  again?: boolean;
  cause?: Cause | null;
};

/** Hands a whole file to the importer. Asked twice, it is started once. */
export async function startImport(
  deps: ImportDeps,
  company: Company,
  row: Import,
  { mapping: given, again = false, cause = null }: StartRequest,
): Promise<Import> {
  if (row.status === 'running' || row.status === 'done') return row;
  insistOnReady(row);
  const header = row.header ?? [];
  const mapping = given === undefined ? row.mapping : checkMapping(given, header);
  if (mapping === null) throw await missingColumn(deps, company, row);
  const change = markStarted(row, { mapping, again, headerKey: headerKey(header) });
  const { moved } = await deps.relay.commit(change, { cause });
  const now = (await findImport(deps.db, row.id))!;
  if (moved || now.status === 'running' || now.status === 'done') return now;
  insistOnReady(now);
  throw await sameFileRefusal(deps, now);
}

async function missingColumn(deps: ImportDeps, company: Company, row: Import): Promise<RefusedError> {
  const { problem, columns } = await previewOf(deps, company, row);
  const names = columns
    .map(({ header }) => header)
    .join(', ')
    .slice(0, 500);
  return new RefusedError(400, 'invalid_mapping', `${problem} The file's columns: ${names}`);
}

async function sameFileRefusal(deps: ImportDeps, row: Import): Promise<RefusedError> {
  const same = await findSameFile(deps.db, row);
  const before = same
    ? `on ${same.createdAt.toISOString().slice(0, 10)}: ${same.created} leads, import ${same.id}`
    : 'a moment ago';
  return new RefusedError(
    409,
    'same_file',
    `This very file was imported before (${before}). Import ${row.id} waits: start it with "again": true if it is meant.`,
  );
}

/** Leads that were made stay; those not in the CRM yet are not sent there. */
export async function cancelImport(deps: ImportDeps, row: Import): Promise<Import> {
  const begun = ['uploading', 'ready', 'running'] as const;
  // A file is read in minutes and sent in days: what is read already can still be stopped.
  const { pending, processing } = await importCounts(deps.db, row);
  const from = pending + processing > 0 ? [...begun, 'done' as const, 'failed' as const] : begun;
  await deps.relay.commit(markEnded(row, { status: 'cancelled', from }));
  const now = (await findImport(deps.db, row.id))!;
  if (now.status === 'cancelled') return now;
  throw new RefusedError(409, 'already_ended', `This import has ended already (${now.status}).`);
}

/** Asks the importer to have every failed sync of the import tried again. False: none failed. */
export async function retryFailed(
  deps: ImportDeps,
  row: Import,
  cause: Cause | null = null,
): Promise<boolean> {
  if (!(await hasFailedSyncs(deps.db, row.id))) return false;
  await deps.relay.commit(
    {
      events: [
        {
          type: 'import.retry_requested',
          organizationId: row.organizationId,
          subject: `import:${row.id}`,
          data: { importId: row.id },
        },
      ],
    },
    { cause },
  );
  return true;
}

function insistOnReady(row: Import): void {
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

/** Without the folders some browsers send along, and without what cannot be shown. */
function fileNameOf(given: string): string {
  const name = given
    .split(/[\\/]/)
    .at(-1)!
    .replace(/[\p{C}]/gu, '')
    .trim()
    .slice(0, 200);
  return name === '' ? 'upload.csv' : name;
}
