import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { importView, previewView } from '../api/upload/import-json.ts';
import { type Company, findCompany } from '../db/account/companies.ts';
import { commitChange } from '../db/commit.ts';
import { findImport, type Import, type ImportDialect, listImports } from '../db/imports/imports.ts';
import { anySealed } from '../db/lead/leads.ts';
import { createVault } from '../db/vault.ts';
import { RefusedError } from '../domain/errors.ts';
import { newId } from '../events/new-id.ts';
import { dialectOf, type ImportDeps, previewImport } from '../usecases/imports/preview.ts';
import { receiveFile } from '../usecases/imports/receive.ts';
import { rejectsOf } from '../usecases/imports/rejects.ts';
import { startImport } from '../usecases/imports/start.ts';
import { CommandError, type Session } from './session.ts';
import { mostStored } from './stored-limit.ts';

export type ImportState = ReturnType<typeof importView>;
export type Preview = ReturnType<typeof previewView>;
export type LocalFile = { name: string; size: number; bytes: () => AsyncIterable<Uint8Array> };

export type Corrections = { mapping?: (string | null)[]; dialect?: ImportDialect };

/** Where an import runs: through the API of another installation, or on the database of this one. */
export type ImportTarget = {
  /** Earlier imports of the same file, newest first. */
  sameFile(hash: string): Promise<ImportState[]>;
  upload(file: LocalFile, dialect: ImportDialect): Promise<{ id: string; preview: Preview }>;
  preview(id: string, corrections?: Corrections): Promise<Preview>;
  start(id: string, again: boolean): Promise<ImportState>;
  look(id: string): Promise<ImportState>;
  rejects(id: string): Promise<AsyncIterable<string | Uint8Array>>;
};

/** Wrong use: exit code 2. */
export const wrongUse = (message: string) => new CommandError(message, 2);
/** Right use that failed: exit code 3. */
export const failure = (message: string) => new CommandError(message, 3);

export async function databaseTarget(session: Session, companyNumber: number): Promise<ImportTarget> {
  const { db, config } = session;
  const company = await findCompany(db, { number: companyNumber });
  if (!company) throw wrongUse(`There is no company ${companyNumber}. See: leadgate company list`);
  await assertSameKeys(session);
  const deps = importDeps(session);
  const { vault } = deps;
  const { organizationId } = company;
  const rowOf = async (id: string): Promise<Import> => {
    const row = await findImport(db, id, organizationId);
    if (!row) throw failure(`Import ${id} is gone.`);
    return row;
  };
  return {
    sameFile: async (fileHash) =>
      (await listImports(db, organizationId, { limit: 20, fileHash })).map(importView),
    async upload({ name, size, bytes }, dialect) {
      assertSize(size, config.maxCsvBytes);
      const mostWaiting = await mostStored(session, 'files_waiting', organizationId);
      const { row, preview } = await refusals(() =>
        receiveFile(deps, { company, name, bytes: bytes(), dialect, mostWaiting }),
      );
      return { id: row.id, preview: previewView(preview) };
    },
    preview: async (id, { mapping, dialect } = {}) => {
      const { preview, dryRun } = await refusals(async () => {
        const row = await rowOf(id);
        const read = dialect && { ...row.dialect, ...dialect };
        return previewImport(deps, company, row, { mapping, dialect: read });
      });
      return previewView(preview, dryRun ?? null);
    },
    start: async (id, again) =>
      importView(
        await refusals(async () => startImport(deps, company as Company, await rowOf(id), { again })),
      ),
    look: async (id) => importView(await rowOf(id)),
    rejects: async (id) => rejectsOf({ db, vault }, await rowOf(id)).csv,
  };
}

/** The command line has no queue: the sweeper publishes what waits in the outbox. */
export const importDeps = ({ db, config }: Pick<Session, 'db' | 'config'>): ImportDeps => ({
  db,
  vault: createVault(config.encryptionKeys),
  relay: {
    commit: (change, options) =>
      commitChange(db, change, { visibilityMs: 0, isFull: () => true, ...options }),
  },
});

function assertSize(size: number, most: number): void {
  if (size > most)
    throw wrongUse(
      `The file is larger than ${Math.round(most / 2 ** 20)} MB (MAX_CSV_SIZE_MB). Split it or raise the limit.`,
    );
}

/** Throws when the server could not decrypt what is encrypted here. */
async function assertSameKeys({ db, config, keyProblems }: Session): Promise<void> {
  if (keyProblems.length > 0) throw wrongUse(keyProblems.join('\n'));
  const sealed = await anySealed(db);
  const id = sealed?.split('.')[1];
  if (id === undefined || config.encryptionKeys.some((key) => key.id === id)) return;
  throw wrongUse('ENCRYPTION_KEYS differ from the server’s: it could not decrypt what is uploaded.');
}

async function refusals<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof RefusedError ? wrongUse(error.message) : error;
  }
}

/** The file options of the command line. Undefined when there are none. */
export function dialectIn(options: {
  encoding?: string;
  delimiter?: string;
  headerRow?: string;
}): ImportDialect | undefined {
  const { encoding, delimiter, headerRow } = options;
  if (encoding === undefined && delimiter === undefined && headerRow === undefined) return undefined;
  try {
    return dialectOf({ encoding, delimiter, header_row: headerRow });
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const [wrong] = error.fields ?? [];
    throw wrongUse(wrong ? `--${wrong.path.replace('_', '-')} takes ${wrong.message}.` : error.message);
  }
}

/** The file options as the API spells them. */
const namedAsInApi = ({ headerRow, ...dialect }: ImportDialect) => ({
  ...dialect,
  ...(headerRow === undefined ? {} : { header_row: headerRow }),
});

export function httpTarget(base: string, key: string, company: number): ImportTarget {
  const send = async (method: string, path: string, body?: { json: unknown } | LocalFile) => {
    const answer = await exchange(new URL(path, base.endsWith('/') ? base : `${base}/`), method, key, body);
    if (answer.status < 300) return answer.body;
    const detail = answer.body?.detail ?? `${base} answered ${answer.status}.`;
    const code = answer.body?.code === undefined || answer.status >= 500 ? 3 : 2;
    throw new CommandError(detail, code);
  };
  const query = (fields: Record<string, string | undefined>) => {
    const given = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return new URLSearchParams(given).toString();
  };
  const about = (id: string, step = '') => `api/imports/${id}${step}`;
  return {
    sameFile: async (hash) =>
      (await send('GET', `api/imports?${query({ file_hash: hash, company_id: String(company) })}`)).imports,
    async upload(file, dialect) {
      const { header_row: headerRow, ...named } = namedAsInApi(dialect);
      const fields = {
        ...named,
        header_row: headerRow === undefined ? undefined : String(headerRow),
        company_id: String(company),
        file_name: file.name,
      };
      const answer = await send('POST', `api/imports?${query(fields)}`, file);
      return { id: answer.import.import_id, preview: answer.preview };
    },
    preview: async (id, { mapping, dialect = {} } = {}) =>
      (await send('POST', about(id, '/preview'), { json: { mapping, ...namedAsInApi(dialect) } })).preview,
    start: async (id, again) => (await send('POST', about(id, '/start'), { json: { again } })).import,
    look: async (id) => (await send('GET', about(id))).import,
    rejects: async (id) => {
      const url = new URL(about(id, '/rejects.csv'), base.endsWith('/') ? base : `${base}/`);
      const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
      if (!response.ok || !response.body) throw failure(`${base} answered ${response.status}.`);
      return response.body as unknown as AsyncIterable<Uint8Array>;
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: each caller names what it reads of the answer.
type HttpAnswer = { status: number; body: any };

/** Streams a file as it is read; an early response ends the upload. */
async function exchange(
  url: URL,
  method: string,
  key: string,
  body?: { json: unknown } | LocalFile,
): Promise<HttpAnswer> {
  const file = body && 'bytes' in body ? body : null;
  const json = body && 'json' in body ? JSON.stringify(body.json) : null;
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      accept: 'application/json',
      ...(file
        ? { 'content-type': 'text/csv', 'content-length': file.size, 'idempotency-key': newId() }
        : {}),
      ...(json === null
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
    },
  });
  const answered = new Promise<HttpAnswer>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', async (response) => {
      try {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(parts).toString('utf8')) });
      } catch (error) {
        reject(error as Error);
      }
    });
  });
  if (file)
    await Promise.race([answered, pipeline(Readable.from(file.bytes()), request)]).catch(() => undefined);
  else request.end(json ?? undefined);
  try {
    return await answered;
  } catch (error) {
    throw new UnreachableError(
      `${url.origin} does not answer (${(error as NodeJS.ErrnoException).code ?? 'cut off'}).`,
    );
  }
}

/** The server cannot be reached: a retry may help. Other errors are the server's answer. */
export class UnreachableError extends CommandError {
  constructor(message: string) {
    super(message, 3);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
