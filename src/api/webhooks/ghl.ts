import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { type GhlEvent, parseGhlEvent, verifyGhlSignature } from '../../adapters/ghl/webhooks.ts';
import { findCompanyNumber, findLocationOwner } from '../../db/crm/connections.ts';
import { findByContact, noteTold } from '../../db/crm/syncs.ts';
import { receiveOnce } from '../../db/transport/inbox.ts';
import { newsIn } from '../../domain/crm/contact-update.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { connectByConsent, readState } from '../../usecases/crm/connect.ts';
import { consentSecretOf, forgetConsent } from '../auth/crm-consent.ts';
import { readRawBodies } from '../http/bodies.ts';
import { errorHandler, failureOf } from '../http/errors.ts';
import { addressOf, type Limiter } from '../http/limits.ts';
import { pageErrors } from '../web/error-page.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'config' | 'log' | 'crm'>;

/**
 * Six repetitions ten minutes apart, and some: what the vendor could not deliver at once is older than a fresh event.
 * An event that is sent again, by whomever, is known by its id for as long as the inbox keeps it.
 */
const oldestMs = 2 * 3_600_000;
const hidden = { tags: ['webhooks'], hide: true };

/** GoHighLevel's side of the CRM: what it tells of contacts, and the way back from its consent page. */
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
    // Somebody stands before it.
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
            'GoHighLevel was not allowed in, so nothing is connected. Connect again from the settings when you want to.',
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

/** The vendor repeats after 429 and nothing else: whatever is our own trouble is told as that. */
function repeatable({ log }: Deps) {
  const asUsual = errorHandler(log);
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { status, detail } = failureOf(error);
    if (status < 500) return asUsual(error, request, reply);
    log.warn({ event: 'webhook_put_off', status }, 'GoHighLevel is asked to repeat its webhook');
    return asUsual(new RefusedError(429, 'try_again', detail, { retryAfterSeconds: 30 }), request, reply);
  };
}

/** Throws 403 for what GoHighLevel did not sign, 400 for what is no event or too old. */
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
  if (!event) throw new RefusedError(400, 'invalid_input', 'This is no event, or one that is too old.');
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
 * Stored once, whosever it is. Only what says something new of one of a company's leads is handed on; of our own
 * writes, which come back for every contact, no more than the id is kept.
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
  // Consent is never taken for an echo: older news of it may be on their way.
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
      // What we believe already, said anew, still makes what was said before it old.
      writes: isEcho && event.type === 'ContactUpdate' ? [noteTold(leads, event.at)] : [],
      // Of no company: its rows must not wait while the company's own are held.
      events:
        leads.length > 0 && (isNews || isConsent)
          ? [{ type: 'crm.notified', organizationId: null, subject: `inbox:${id}`, data: { inboxId: id } }]
          : [],
    },
    { cause: { correlationId: request.id, causationId: null } },
  );
}
