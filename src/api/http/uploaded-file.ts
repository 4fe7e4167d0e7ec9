import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';
import { releaseFields } from './body-budget.ts';

/** The file of a request: its body, or the first file of its form. */
export async function uploadedFile(request: FastifyRequest): Promise<Readable> {
  // Nothing would report the end of the body.
  if (request.raw.destroyed) throw interrupted();
  if (!request.isMultipart()) {
    if (!request.body) throw new RefusedError(400, 'invalid_input', 'The file is missing.');
    return request.body as Readable;
  }
  const part = await request.file().catch((error: unknown) => {
    if (error instanceof RefusedError) throw error;
    throw new RefusedError(400, 'invalid_form', 'The form cannot be read. Nothing was stored.');
  });
  if (!part)
    throw new RefusedError(400, 'invalid_input', 'The file is missing.', {
      fields: [{ path: 'file', message: 'required' }],
    });
  releaseFields(request);
  return part.file;
}

const interrupted = () =>
  new RefusedError(400, 'invalid_csv', 'The upload was interrupted or is not valid. Nothing was stored.');

/** The bytes of a file, up to a limit. An interrupted upload is refused, never taken for a shorter file. */
export async function* uploadedBytes(source: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  const tooLarge = () => new RefusedError(413, 'too_large', `The file is larger than ${maxBytes} bytes.`);
  let bytes = 0;
  // Destroying a request would end its connection before the answer.
  const chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const next = () =>
    chunks.next().catch(() => {
      throw interrupted();
    });
  try {
    for (let chunk = await next(); !chunk.done; chunk = await next()) {
      bytes += chunk.value.length;
      if (bytes > maxBytes) throw tooLarge();
      yield chunk.value;
    }
  } finally {
    await chunks.return?.();
    // The rest of a form's file would hold up the rest of its form, and so the request.
    source.resume();
  }
  // A form's file that exceeds its limit is truncated without an error.
  if ('truncated' in source && source.truncated) throw tooLarge();
}
