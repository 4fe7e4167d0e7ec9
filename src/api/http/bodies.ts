import type { FastifyInstance } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';

export const bodyLimit = 1024 * 1024;
const maxDepth = 32;

/**
 * Parses JSON bodies: strict UTF-8, limited nesting, no keys that could pollute prototypes. Every other content type is
 * refused, so that no body bypasses a schema.
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit }, (request, body, done) => {
    try {
      const text = decode(body as Buffer);
      if (nestedDeeperThan(text, maxDepth))
        throw new RefusedError(400, 'invalid_json', 'The body is nested too deeply.');
      parse(request, text, done);
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

/** For routes that verify a signature: the unmodified bytes. */
export function readRawBodies(app: FastifyInstance, contentTypes: readonly string[]): void {
  app.removeAllContentTypeParsers();
  for (const contentType of contentTypes) {
    app.addContentTypeParser(contentType, { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    );
  }
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new RefusedError(400, 'invalid_json', 'The body is not valid UTF-8.');
  }
}

/** Counted before parsing: brackets outside strings. */
function nestedDeeperThan(json: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i += 1) {
    const char = json.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i += 1;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (char === 0x7d || char === 0x5d) depth -= 1;
  }
  return false;
}
