import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { pageHeaders } from './page-headers.ts';

const largestForm = 16 * 1024;

/** Bodies of page routes: forms and small JSON. */
export function readForms(app: FastifyInstance, mostBytes = largestForm): void {
  app.removeAllContentTypeParsers();
  const form = 'application/x-www-form-urlencoded';
  app.addContentTypeParser(form, { parseAs: 'string', bodyLimit: mostBytes }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: mostBytes },
    app.getDefaultJsonParser('error', 'error'),
  );
}

/** The text fields of a posted form. */
export function formOf(request: FastifyRequest): Record<string, string> {
  const entries = Object.entries((request.body ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export function sendPage(
  reply: FastifyReply,
  config: Config,
  html: string,
  styles?: readonly string[],
): FastifyReply {
  return reply
    .headers(pageHeaders(config, undefined, styles))
    .type('text/html; charset=utf-8')
    .send(html);
}
