import type { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { cutOffProblem } from '../../db/imports/imports.ts';
import { RefusedError } from '../../domain/errors.ts';
import { letItTakeItsTime } from '../http/slow-bodies.ts';

/** What a browser, a spreadsheet's export or a script calls a CSV. What it really is, its bytes tell. */
const csvTypes = [
  'text/csv',
  'application/csv',
  'text/plain',
  'text/tab-separated-values',
  'application/vnd.ms-excel',
  'application/octet-stream',
];

/** Nobody sends a file so slowly: a connection that is silent for so long is gone. */
const silenceMs = 60_000;
/** An answer given before the file was whole is only read by a client that got rid of its bytes. */
const drainMs = 10_000;

/** For the routes that take files, in a scope of their own: a body is a stream, and a form's file too. */
export async function acceptFiles(app: FastifyInstance): Promise<void> {
  // Once it is known who calls: nobody else holds a connection for longer than any request may.
  app.addHook('preParsing', async (request) => letItTakeItsTime(request));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(csvTypes, (_request, payload, done) => done(null, payload));
  await app.register(multipart, {
    limits: { files: 1, fields: 20, parts: 21, fieldSize: 256 * 1024, fileSize: Number.POSITIVE_INFINITY },
  });
}

export type UploadFields = Readonly<Record<string, string>>;

/**
 * Hands the file of a request to `take` while it arrives, with the fields that came before it, and resolves to what
 * `take` made of it and all fields. The body itself is the file, or a form holds it; fields also come by query.
 * Whatever ends it early, the rest of the body is read away for a while, so that the answer is heard.
 */
export async function withUploadedFile<T>(
  request: FastifyRequest,
  { maxCsvBytes }: Pick<Config, 'maxCsvBytes'>,
  take: (file: { name: string; bytes: AsyncIterable<Uint8Array> }, before: UploadFields) => Promise<T>,
): Promise<{ taken: T; fields: UploadFields }> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const query = textsOf(request.query);
  const watch = cutSilence(request);
  try {
    // A form is a little larger than its file.
    if (declared > maxCsvBytes + 512 * 1024) throw tooLarge(maxCsvBytes);
    if (request.isMultipart()) return await fromForm(request, maxCsvBytes, query, take);
    if (!request.body) throw missing();
    const name = query.file_name ?? 'upload.csv';
    const taken = await take({ name, bytes: bytesOf(request.body as Readable, maxCsvBytes) }, query);
    return { taken, fields: query };
  } finally {
    clearInterval(watch);
    drain(request);
  }
}

async function fromForm<T>(
  request: FastifyRequest,
  maxBytes: number,
  query: UploadFields,
  take: (file: { name: string; bytes: AsyncIterable<Uint8Array> }, before: UploadFields) => Promise<T>,
): Promise<{ taken: T; fields: UploadFields }> {
  const fields = new Map(Object.entries(query));
  let found: { taken: T } | null = null;
  const parts = request.parts()[Symbol.asyncIterator]();
  for (;;) {
    const part = await parts.next().catch((error: { code?: string }) => {
      throw error.code === 'FST_MP_PREMATURE_CLOSE' ? cutOff() : brokenForm();
    });
    if (part.done) break;
    if (part.value.type === 'field') {
      const { fieldname, value } = part.value;
      fields.set(fieldname, typeof value === 'string' ? value : JSON.stringify(value));
      continue;
    }
    const { file, filename = '' } = part.value;
    const taken = await take(
      { name: filename, bytes: bytesOf(file, maxBytes) },
      Object.fromEntries(fields),
    ).finally(() => file.resume());
    found = { taken };
  }
  if (!found) throw missing();
  return { ...found, fields: Object.fromEntries(fields) };
}

/** A stream's bytes up to a limit. One that breaks off or falls silent is refused, never taken for a shorter file. */
async function* bytesOf(source: Readable, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const chunks = source.iterator({ destroyOnReturn: false });
  let silent = false;
  const silence = setTimeout(() => {
    silent = true;
    source.destroy(new Error('silent'));
  }, silenceMs);
  try {
    for (;;) {
      const chunk = await chunks.next().catch(() => {
        throw silent
          ? new RefusedError(
              408,
              'upload_cut_off',
              `No byte came for ${silenceMs / 1000} seconds. ${cutOffProblem}`,
            )
          : cutOff();
      });
      if (chunk.done) return;
      silence.refresh();
      const value = chunk.value as Buffer;
      bytes += value.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      yield value;
    }
  } finally {
    clearTimeout(silence);
    // It would keep the rest from being read away.
    await chunks.return?.();
  }
}

/** What stands before and behind the file in a form may stop as well: nobody holds a connection by that. */
function cutSilence({ raw }: FastifyRequest): NodeJS.Timeout {
  let seen = -1;
  const watch = setInterval(() => {
    if (!raw.complete && raw.socket.bytesRead === seen) raw.destroy();
    seen = raw.socket.bytesRead;
  }, silenceMs);
  return watch.unref();
}

function drain({ raw }: FastifyRequest): void {
  if (raw.complete || raw.destroyed) return;
  raw.resume();
  const patience = setTimeout(() => raw.destroy(), drainMs);
  patience.unref();
  raw.once('close', () => clearTimeout(patience));
  raw.once('end', () => clearTimeout(patience));
}

function textsOf(query: unknown): UploadFields {
  const texts = Object.entries((query ?? {}) as Record<string, unknown>);
  return Object.fromEntries(texts.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

const tooLarge = (maxBytes: number) =>
  new RefusedError(
    413,
    'too_large',
    `The file is larger than ${Math.floor((10 * maxBytes) / 2 ** 20) / 10} MB, the most this installation takes. Split it into several files.`,
  );
const cutOff = () => new RefusedError(400, 'upload_cut_off', cutOffProblem);
const brokenForm = () => new RefusedError(400, 'invalid_form', 'The form cannot be read.');
const missing = () =>
  new RefusedError(400, 'invalid_input', 'The file is missing.', {
    fields: [{ path: 'file', message: 'required' }],
  });
