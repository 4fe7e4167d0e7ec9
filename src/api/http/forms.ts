import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { RefusedError } from '../../domain/errors.ts';
import { acceptJson, limitRoutes } from './bodies.ts';
import { pageHeaders } from './page-headers.ts';

const largestForm = 16 * 1024;
/** The largest form of ours chooses a field for each of 500 columns. */
const mostFields = 1_000;

/** Bodies of page routes: forms and small JSON. */
export function readForms(app: FastifyInstance, mostBytes = largestForm): void {
  app.removeAllContentTypeParsers();
  acceptForms(app, mostBytes);
  acceptJson(app, { mostBytes });
  limitRoutes(app, mostBytes);
}

/** Accepts forms beside the content types of the scope. */
export function acceptForms(app: FastifyInstance, mostBytes = largestForm): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: mostBytes },
    async (_request: FastifyRequest, body: string) => fieldsOf(body),
  );
}

function fieldsOf(body: string): Record<string, string> {
  let separators = 0;
  for (let at = body.indexOf('&'); at >= 0; at = body.indexOf('&', at + 1)) separators += 1;
  if (separators >= mostFields)
    throw new RefusedError(
      413,
      'too_many_values',
      `A form has at most ${mostFields} fields. Nothing was stored.`,
    );
  return Object.fromEntries(new URLSearchParams(body));
}

/** The text fields of a posted form. A JSON text or list, whose characters and members are no fields, has none. */
export function formOf({ body }: Pick<FastifyRequest, 'body'>): Record<string, string> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return {};
  const entries = Object.entries(body);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export function sendPage(
  reply: FastifyReply,
  config: Config,
  html: string,
  styles?: readonly string[],
  formsTo?: readonly string[],
): FastifyReply {
  return reply
    .headers(pageHeaders(config, formsTo, styles))
    .type('text/html; charset=utf-8')
    .send(html);
}
