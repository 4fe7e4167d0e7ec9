import { setTimeout as pause } from 'node:timers/promises';
import type { Company } from '../../db/account/companies.ts';
import { isConnectionError } from '../../db/client.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { appendChunk, type Chunk } from '../../db/imports/chunks.ts';
import {
  findImport,
  findSameFile,
  type Import,
  type ImportDialect,
  markEnded,
  markReady,
  openUpload,
  sweepImports,
} from '../../db/imports/imports.ts';
import {
  answerPart,
  firstAnswer,
  forgetAnswer,
  type IdempotencyKey,
} from '../../db/transport/idempotency.ts';
import { quotas, StoredQuotaError } from '../../domain/account/quotas.ts';
import type { CsvPreview } from '../../domain/csv/preview.ts';
import { RefusedError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import type { QuotaOwner } from '../account/quotas.ts';
import { uploadCounted } from '../account/uploads.ts';
import type { Runtime } from '../runtime.ts';
import { keepHeapSmall } from './heap-limit.ts';
import { completeMapping, type ImportDeps, previewOf, type ReceivedFile, scan } from './preview.ts';
import { hashing, longFileBytes } from './read-slice.ts';
import { parsingPace } from './turns.ts';

/** Bytes sealed and stored as one chunk. */
const pieceBytes = 256 * 1024;
const storePatienceMs = 8_000;

export type FileRequest = {
  company: Company;
  name: string;
  bytes: AsyncIterable<Uint8Array>;
  dialect?: ImportDialect;
  /** How many files of the company may wait to be started, this one included. */
  mostWaiting?: number;
  /** Bound to the file's bytes, which are known only after the upload. */
  key?: ((fileHash: string) => IdempotencyKey | null) | undefined;
};

/** `receiveFile` within the owner's quotas of uploads in progress, of files per day and of files that wait. */
export async function receiveCounted(
  deps: ImportDeps & Pick<Runtime, 'quotas'>,
  owner: QuotaOwner,
  request: FileRequest,
): Promise<ReceivedFile> {
  const { organizationId } = owner;
  return uploadCounted(deps.quotas, owner, () =>
    deps.quotas.stored('files_waiting', organizationId, (mostWaiting) =>
      receiveFile(deps, { ...request, mostWaiting }),
    ),
  );
}

/**
 * Stores a file as it arrives, with constant memory, and parses it once on the way, so that an invalid file is refused
 * before a lead is created. After any error, the stored bytes are deleted and the import is marked as failed.
 */
export async function receiveFile(deps: ImportDeps, request: FileRequest): Promise<ReceivedFile> {
  const { company, dialect = {}, mostWaiting = quotas.files_waiting.perOrganization } = request;
  // Removes abandoned uploads first, which would otherwise count against the company's limit.
  await sweepImports(deps.db).catch(() => undefined);
  const id = newId();
  const { organizationId } = company;
  const opened = { id, organizationId, fileName: fileNameOf(request.name), dialect };
  if (!(await openUpload(deps.db, opened, mostWaiting)))
    throw new StoredQuotaError('files_waiting', mostWaiting, 'too_many_files');
  try {
    const kept = keep(deps, id, request.bytes);
    const scanned = await scan(kept.pieces, dialect, parsingPace(deps, organizationId));
    const row = { id, organizationId, dialect, readAs: scanned.readAs };
    const preview = await previewOf(deps, company, row);
    const file = { ...kept.facts(), ...scanned, dialect, mapping: completeMapping(preview) };
    return await settle(deps, request, id, file, preview);
  } catch (error) {
    const problem =
      error instanceof RefusedError ? error.message : 'It could not be stored. Upload it again.';
    const end = { status: 'failed' as const, from: ['uploading' as const], problem };
    // If this fails too, the sweep removes the remaining chunks.
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
    return firstAnswer(deps.db, key);
  });
  if (ended !== null && 'status' in ended)
    return repeated(deps, request, { id, dialect: file.dialect, readAs: file.readAs }, ended.body);
  if (!ended?.moved)
    throw new RefusedError(409, 'cancelled', 'The upload was cancelled. Nothing of it was kept.');
  const row = (await findImport(deps.db, id))!;
  return { row, preview, sameFile: await findSameFile(deps.db, row), key };
}

/** Deletes a file that was not started, and releases its Idempotency-Key. */
export async function dropFile(deps: ImportDeps, { row, key = null }: ReceivedFile): Promise<void> {
  const change = markEnded(row, { status: 'cancelled', from: ['ready'] });
  const writes = [...(change.writes ?? []), ...(key ? [forgetAnswer(key)] : [])];
  await deps.relay.commit({ ...change, writes });
}

/**
 * Drops the file that a request stored when the request is refused later, so that its Idempotency-Key can be used again.
 * Keeps a file that an earlier request stored, and after any other error, so that a retry continues from there.
 */
export async function dropRefused<T>(
  deps: ImportDeps,
  act: (stored: (file: ReceivedFile) => ReceivedFile) => Promise<T>,
): Promise<T> {
  const kept: ReceivedFile[] = [];
  try {
    return await act((file) => {
      kept.push(file);
      return file;
    });
  } catch (error) {
    const [file] = kept;
    const refused = error instanceof RefusedError && error.status < 500;
    // If this fails, the sweep removes the file: it is never started.
    if (file && !file.repeated && refused) await dropFile(deps, file).catch(() => undefined);
    throw error;
  }
}

/** Returns the first import for a repeated Idempotency-Key, and discards the new file. */
async function repeated(
  deps: ImportDeps,
  { company }: FileRequest,
  file: Pick<Import, 'id' | 'dialect' | 'readAs'>,
  answer: unknown,
): Promise<ReceivedFile> {
  const { organizationId } = company;
  const { id } = file;
  const problem = 'The same request was answered before; that import stands.';
  const preview = await previewOf(deps, company, { organizationId, ...file });
  await deps.relay.commit(
    markEnded({ id, organizationId }, { status: 'failed', from: ['uploading'], problem }),
  );
  const row = await findImport(deps.db, (answer as { import_id: string }).import_id, organizationId);
  if (!row) throw new RefusedError(409, 'conflict', 'The import of this Idempotency-Key no longer exists.');
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

/** Retries while the database is unavailable or its answer was lost, so that the client need not upload again. */
async function storePiece({ db }: ImportDeps, id: string, chunk: Chunk): Promise<boolean> {
  const until = performance.now() + storePatienceMs;
  for (;;) {
    try {
      if (await appendChunk(db, id, chunk)) return true;
      // An earlier attempt with an unknown outcome may have stored it.
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

/** Removes the folders that some browsers send, and non-printable characters. */
function fileNameOf(given: string): string {
  const name = given
    .split(/[\\/]/)
    .at(-1)!
    .replace(/[\p{C}]/gu, '')
    .trim()
    .slice(0, 200);
  return name === '' ? 'upload.csv' : name;
}
