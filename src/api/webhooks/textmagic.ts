import { parse as parseForm } from 'node:querystring';
import multipart from '@fastify/multipart';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { sameSecret } from '../../adapters/secret.ts';
import { parseTextmagicDelivery, parseTextmagicInboundId } from '../../adapters/textmagic.ts';
import { receiveOnce } from '../../db/transport/inbox.ts';
import { RefusedError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { readJsonBodies } from '../http/bodies.ts';
import { notFound } from '../http/problem.ts';

type Fields = Record<string, unknown>;

/** A callback is one text with its ids. */
const largestBody = 64 * 1024;

/**
 * TextMagic does not sign its callbacks: the path contains a secret, and only the id of a callback is used. A worker
 * fetches the text from TextMagic. GET and HEAD must return 200 too, or TextMagic considers the address invalid.
 */
export function textmagicWebhook({ relay, config }: Pick<Runtime, 'relay' | 'config'>): FastifyPluginAsync {
  return async (app) => {
    readJsonBodies(app, { mostBytes: largestBody });
    // As a form, and whatever TextMagic or a relay before us calls it, or does not name at all.
    for (const contentType of ['application/x-www-form-urlencoded', '*'])
      app.addContentTypeParser(
        contentType,
        { parseAs: 'string', bodyLimit: largestBody },
        (_request, body, done) => done(null, unnamedFields(String(body))),
      );
    await app.register(multipart, { limits: { fields: 50, fieldSize: 16_384, files: 0, parts: 50 } });

    const knowsToken = async (request: FastifyRequest): Promise<void> => {
      const { token } = request.params as { token: string };
      const expected = config.smsProvider === 'textmagic' ? config.textmagic.webhookToken : '';
      if (!expected || !sameSecret(token, expected)) throw notFound('page');
    };
    app.route({
      method: ['GET', 'HEAD', 'POST', 'PUT'],
      url: '/webhook/textmagic/:token',
      onRequest: knowsToken,
      schema: { hide: true },
      handler: async (request, reply) => {
        if (request.method === 'POST' || request.method === 'PUT')
          await receive(relay, await fieldsOf(request), request.id);
        return reply.header('content-type', 'text/plain; charset=utf-8').send('OK');
      },
    });
  };
}

/** The fields of a body by what it looks like: a JSON object, or a form. */
function unnamedFields(body: string): Fields {
  if (body.trimStart().startsWith('{')) {
    try {
      // Only the values of known names are read: see adapters/textmagic.ts.
      return { ...(JSON.parse(body) as Fields) };
    } catch {
      return {};
    }
  }
  return { ...parseForm(body.trim(), '&', '=', { maxKeys: 100 }) };
}

async function fieldsOf(request: FastifyRequest): Promise<Fields> {
  if (!request.isMultipart()) {
    return typeof request.body === 'object' && request.body !== null ? (request.body as Fields) : {};
  }
  const fields: Fields = {};
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') fields[part.fieldname] = part.value;
    }
  } catch {
    throw new RefusedError(400, 'invalid_form', 'The form cannot be read.');
  }
  return fields;
}

async function receive(relay: Runtime['relay'], fields: Fields, requestId: string): Promise<void> {
  const callback = callbackOf(fields);
  if (!callback) return;
  const inboxId = newId();
  await relay.commit(
    {
      guard: receiveOnce({ id: inboxId, source: 'textmagic-callback', ...callback }),
      events: [
        { type: 'reply.notified', organizationId: null, subject: subjects.inbox(inboxId), data: { inboxId } },
      ],
    },
    { cause: { correlationId: requestId, causationId: null } },
  );
}

/** A delivery callback has a status, an inbound text has none. Each status of a message is a separate callback. */
function callbackOf(fields: Fields): { externalId: string; kind: 'reply' | 'receipt' } | null {
  if (fields.status !== undefined && fields.text === undefined) {
    const vendorId = parseTextmagicDelivery(fields)?.vendorId;
    const status = typeof fields.status === 'string' ? fields.status.replace(/\W/g, '').slice(0, 20) : '';
    return vendorId ? { externalId: `receipt:${vendorId}:${status}`, kind: 'receipt' } : null;
  }
  const id = parseTextmagicInboundId(fields);
  return id ? { externalId: `reply:${id}`, kind: 'reply' } : null;
}
