import type { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { cutOffProblem } from '../../db/imports/imports.ts';
import { RefusedError } from '../../domain/errors.ts';
import { formFields, releaseFields } from './body-budget.ts';
import { allowSlowBody } from './slow-bodies.ts';
import { takesTurnInHandler } from './turns.ts';

/** Content types that browsers, spreadsheets and scripts send for a CSV. The bytes decide what it is. */
const csvTypes = [
  'text/csv',
  'text/x-csv',
  'application/csv',
  'application/x-csv',
  'text/comma-separated-values',
  'text/x-comma-separated-values',
  'text/tab-separated-values',
  'text/tsv',
  'text/plain',
  'application/vnd.ms-excel',
  'application/octet-stream',
  'binary/octet-stream',
  // curl --data-binary without a header.
  'application/x-www-form-urlencoded',
];

/** For a scope of routes: the body of a request is a CSV, passed on as a stream. A body without a content type is, too. */
export function acceptCsvBodies(app: FastifyInstance): void {
  app.addHook('preParsing', async ({ raw: { headers } }) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody) headers['content-type'] ??= 'text/csv';
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(csvTypes, (_request, payload, done) => done(null, payload));
}

/** A connection that sends nothing for this long counts as lost. */
const silenceMs = 60_000;

/** For a scope of routes that accept files: the body is a stream, and so is the file of a form. */
export async function acceptFiles(app: FastifyInstance): Promise<void> {
  // After authentication: an unknown caller may not keep a connection open longer than other requests.
  app.addHook('preParsing', async (request) => {
    allowSlowBody(request);
    takesTurnInHandler(request);
  });
  acceptCsvBodies(app);
  await app.register(multipart, {
    limits: { files: 1, ...formFields, parts: formFields.fields + 1, fileSize: Number.POSITIVE_INFINITY },
  });
}

export type UploadFields = Readonly<Record<string, string>>;

/**
 * Passes the file of a request to `take` while it arrives, with the fields that preceded it, and returns the result with
 * all fields. The file is the body itself or part of a form; fields may also be query parameters.
 */
export async function withUploadedFile<T>(
  request: FastifyRequest,
  { maxCsvBytes }: Pick<Config, 'maxCsvBytes'>,
  take: (file: { name: string; bytes: AsyncIterable<Uint8Array> }, before: UploadFields) => Promise<T>,
): Promise<{ taken: T; fields: UploadFields }> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const query = textsOf(request.query);
  // Nothing would report the end of the body.
  if (request.raw.destroyed) throw cutOff();
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
      if (error instanceof RefusedError) throw error;
      throw error.code === 'FST_MP_PREMATURE_CLOSE' ? cutOff() : brokenForm();
    });
    if (part.done) break;
    if (part.value.type === 'field') {
      const { fieldname, value, valueTruncated } = part.value;
      // A part of the type application/json may be parsed to anything.
      if (typeof value !== 'string' || valueTruncated) throw brokenForm();
      fields.set(fieldname, value);
      continue;
    }
    const { file, filename = '' } = part.value;
    releaseFields(request);
    const taken = await take(
      { name: filename, bytes: bytesOf(file, maxBytes) },
      Object.fromEntries(fields),
    ).finally(() => file.resume());
    found = { taken };
  }
  if (!found) throw missing();
  return { ...found, fields: Object.fromEntries(fields) };
}

/** A stream's bytes, up to a limit. A stream that is cut off or stalls is refused, never taken for a shorter file. */
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
              `Upload timed out: no data received for ${silenceMs / 1000} seconds. ${cutOffProblem}`,
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
    // An open iterator would keep the rest from being discarded.
    await chunks.return?.();
  }
}

/** Closes a connection that stalls before or after the file of a form. */
function cutSilence({ raw }: FastifyRequest): NodeJS.Timeout {
  let seen = -1;
  const watch = setInterval(() => {
    if (!raw.complete && raw.socket.bytesRead === seen) raw.destroy();
    seen = raw.socket.bytesRead;
  }, silenceMs);
  return watch.unref();
}

function textsOf(query: unknown): UploadFields {
  const texts = Object.entries((query ?? {}) as Record<string, unknown>);
  return Object.fromEntries(texts.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

const tooLarge = (maxBytes: number) =>
  new RefusedError(
    413,
    'too_large',
    `The file is larger than ${Math.floor((10 * maxBytes) / 2 ** 20) / 10} MB, the limit of this installation. Split it into several files.`,
  );
const cutOff = () => new RefusedError(400, 'upload_cut_off', cutOffProblem);
const brokenForm = () =>
  new RefusedError(
    400,
    'invalid_form',
    `The form cannot be read. Nothing was stored. Send one file and at most ${formFields.fields} fields, as text of at most ${formFields.fieldSize / 1024} KB each.`,
  );
const missing = () =>
  new RefusedError(400, 'invalid_input', 'The file is missing.', {
    fields: [{ path: 'file', message: 'required' }],
  });
