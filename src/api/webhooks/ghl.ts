import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { type GhlEvent, parseGhlEvent, verifyGhlSignature } from '../../adapters/ghl/webhooks.ts';
import { findCompanyNumber, findLocationOwner } from '../../db/crm/connections.ts';
import { findByContact, noteTold } from '../../db/crm/syncs.ts';
import { receiveOnce } from '../../db/transport/inbox.ts';
import { newsIn } from '../../domain/crm/contact-update.ts';
import { RefusedError } from '../../domain/errors.ts';
import { connectByConsent, readState } from '../../usecases/crm/connect.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { consentSecretOf, forgetConsent } from '../auth/crm-consent.ts';
import { readRawBodies } from '../http/bodies.ts';
import { errorHandler, failureOf } from '../http/errors.ts';
import { addressOf, type Limiter } from '../http/limits.ts';
import { pageErrors } from '../web/error-page.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'config' | 'log' | 'crm'>;

/**
 * Covers the vendor's six retries, ten minutes apart. A replayed event is recognised by its id for as long as the inbox
 * keeps it.
 */
const oldestMs = 2 * 3_600_000;
const hidden = { tags: ['webhooks'], hide: true };

/** GoHighLevel: webhooks about contacts, and the redirect from its consent page. */
export function ghlRoutes(deps: Deps, limiter: Limiter): FastifyPluginAsync {
  return async (app) => {
    await app.register(async (scope) => {
      readRawBodies(scope, ['application/json']);
      scope.setErrorHandler(repeatable(deps));
      scope.post('/webhook/ghl', { schema: hidden }, async (request, reply) => {
        const event = await eventOf(deps, limiter, request, reply);
        await receive(deps, event, request);
        return { received: true };
      });
    });
    // A person sees the answer.
    app.setErrorHandler(pageErrors(deps));
    app.get<{ Querystring: { code?: string; state?: string; error?: string } }>(
      '/oauth/ghl/callback',
      { schema: { hide: true } },
      async (request, reply) => {
        const { code, state, error } = request.query;
        if (error)
          throw new RefusedError(
            400,
            'crm_consent_denied',
            'Access was not granted, so GoHighLevel is not connected. You can connect it from the settings at any time.',
          );
        const consent = readState(deps.config, String(state ?? ''), consentSecretOf(request));
        if (!consent || !code)
          throw new RefusedError(
            400,
            'crm_consent_unknown',
            'This authorization link is invalid or has expired. Please connect again.',
          );
        await connectByConsent(deps, consent, String(code));
        const number = await findCompanyNumber(deps.db, consent.organizationId);
        return forgetConsent(reply)
          .header('cache-control', 'no-store')
          .redirect(`/dashboard/${number}/settings#crm`, 303);
      },
    );
  };
}

/** The vendor retries only after 429, so our own failures (5xx) are answered with 429. */
function repeatable({ log }: Deps) {
  const asUsual = errorHandler(log);
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { status, detail } = failureOf(error);
    if (status < 500) return asUsual(error, request, reply);
    log.warn({ event: 'webhook_put_off', status }, 'GoHighLevel is asked to retry its webhook');
    return asUsual(new RefusedError(429, 'try_again', detail, { retryAfterSeconds: 30 }), request, reply);
  };
}

/** Throws 403 without a valid signature, 400 when the body is not an event or is too old. */
async function eventOf(
  { config }: Deps,
  limiter: Limiter,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<GhlEvent> {
  const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const header = request.headers['x-ghl-signature'];
  const signature = Array.isArray(header) ? header[0] : header;
  if (!verifyGhlSignature({ publicKey: config.ghl.webhookPublicKey, signature, rawBody })) {
    await limiter.take('refused', addressOf(request), reply);
    throw new RefusedError(403, 'bad_signature', 'The signature does not match this body.');
  }
  const event = parseGhlEvent(parsed(rawBody), new Date(), oldestMs);
  if (!event) throw new RefusedError(400, 'invalid_input', 'This is not an event, or it is too old.');
  return event;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

/**
 * Stores every event once. Only news about a company's leads is passed on to a worker; of echoes of our own writes, which
 * arrive for every contact, only the id is kept.
 */
async function receive({ db, relay, vault }: Deps, event: GhlEvent, request: FastifyRequest): Promise<void> {
  const organizationId = await findLocationOwner(db, event.locationId);
  const leads =
    organizationId && event.contactId ? await findByContact(db, organizationId, event.contactId) : [];
  const isNews =
    event.type === 'ContactDelete' ||
    leads.some((lead) => {
      const { person, dnd } = newsIn(event, lead);
      return person || dnd;
    });
  // A consent update is never treated as an echo: an older update may still arrive.
  const isConsent = leads.length > 0 && event.type === 'ContactDndUpdate';
  const isEcho = leads.length > 0 && !isNews && !isConsent;
  const id = uuidv7();
  await relay.commit(
    {
      guard: receiveOnce({
        ...{ id, source: 'ghl', externalId: event.webhookId, kind: event.type.slice(0, 100), organizationId },
        body: isEcho ? null : vault.seal(String(request.body)),
        intent: isEcho ? 'echo' : null,
      }),
      // An echo repeats what is known, but it makes earlier updates outdated.
      writes: isEcho && event.type === 'ContactUpdate' ? [noteTold(leads, event.at)] : [],
      // No organization: its outbox row must not wait while the company's rows are held.
      events:
        leads.length > 0 && (isNews || isConsent)
          ? [{ type: 'crm.notified', organizationId: null, subject: `inbox:${id}`, data: { inboxId: id } }]
          : [],
    },
    { cause: { correlationId: request.id, causationId: null } },
  );
}
