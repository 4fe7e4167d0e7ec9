import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { JsonLimits } from './json-scan.ts';
import { type ParseJson, parseLargeJson, parseSmallJson } from './large-json.ts';

export const bodyLimit = 1024 * 1024;

/**
 * A route's largest request has a few hundred values: 200 providers of a lead, 500 columns of a file. Without this limit a
 * body of 1 MB could hold half a million, which take a second to parse.
 */
const usualLimits: JsonLimits = { depth: 32, values: 2_000, valuesEach: 2_000 };
/** Parsed at once up to this size, in slices above. */
const smallBytes = 64 * 1024;

type JsonOptions = Partial<Omit<JsonLimits, 'depth'>> & {
  mostBytes?: number;
  /** Zero bytes are no body, not broken JSON. */
  emptyIsAbsent?: boolean;
};

/**
 * Parses JSON bodies: strict UTF-8, limited nesting and number of values, no keys that could pollute prototypes. Every
 * other content type is refused, so that no body bypasses a schema.
 */
export function readJsonBodies(app: FastifyInstance, options: JsonOptions = {}): void {
  app.removeAllContentTypeParsers();
  acceptJson(app, options);
  if (options.mostBytes !== undefined) limitRoutes(app, options.mostBytes);
}

/** Tells the routes of a scope what its parsers accept: that much is reserved for a body without a length. */
export function limitRoutes(app: FastifyInstance, mostBytes: number): void {
  app.addHook('onRoute', (route) => {
    route.bodyLimit = mostBytes;
  });
}

/** Accepts JSON beside the content types of the scope. */
export function acceptJson(
  app: FastifyInstance,
  {
    mostBytes = bodyLimit,
    values = usualLimits.values,
    valuesEach = values,
    emptyIsAbsent = false,
  }: JsonOptions = {},
): void {
  const parserOf = safeParser(app);
  const limits = { depth: usualLimits.depth, values, valuesEach };
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: mostBytes },
    async (request: FastifyRequest, body: Buffer) => {
      if (body.length === 0 && emptyIsAbsent) return undefined;
      return body.length > smallBytes
        ? parseLargeJson(body, limits, parserOf(request))
        : parseSmallJson(body, limits, parserOf(request));
    },
  );
}

function safeParser(app: FastifyInstance): (request: FastifyRequest) => ParseJson {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (request) => (text) => {
    let failure: Error | null = null;
    let parsed: unknown;
    parse(request, text, (error, value) => {
      failure = error;
      parsed = value;
    });
    if (failure !== null) throw failure;
    return parsed;
  };
}

/** For routes that verify a signature: the unmodified bytes. */
export function readRawBodies(
  app: FastifyInstance,
  contentTypes: readonly string[],
  mostBytes: number,
): void {
  app.removeAllContentTypeParsers();
  limitRoutes(app, mostBytes);
  for (const contentType of contentTypes) {
    app.addContentTypeParser(
      contentType,
      { parseAs: 'buffer', bodyLimit: mostBytes },
      (_request, body, done) => done(null, body),
    );
  }
}
