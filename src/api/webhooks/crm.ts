import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { CrmEvent, CrmVendor } from '../../adapters/crm.ts';
import { mayManage } from '../../db/account/members.ts';
import { findCompanyNumber } from '../../db/crm/connections.ts';
import { RefusedError } from '../../domain/errors.ts';
import { type Consent, callbackPath, connectByConsent } from '../../usecases/crm/connect.ts';
import { readState } from '../../usecases/crm/consent.ts';
import { receiveRemoval } from '../../usecases/crm/receive-removal.ts';
import { receiveUpdate } from '../../usecases/crm/receive-update.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { consentSecretOf, forgetConsent } from '../auth/crm-consent.ts';
import { readRawBodies } from '../http/bodies.ts';
import { errorHandler, failureOf } from '../http/errors.ts';
import { addressOf, type Limiter } from '../http/limits.ts';
import { pageErrors } from '../web/error-page.ts';
import type { Way } from '../web/message-page.tsx';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'config' | 'log' | 'crms' | 'selfCheck' | 'quotas'>;

/** A contact with all its custom fields, several times over; read before the signature is verified. */
const largestBody = 256 * 1024;
const hidden = { tags: ['webhooks'], hide: true };

/** For each CRM its webhook (`/webhook/<name>`) and the return from its consent page (`/oauth/<name>/callback`). */
export function crmRoutes(deps: Deps, limiter: Limiter): FastifyPluginAsync {
  return async (app) => {
    for (const crm of Object.values(deps.crms)) {
      await app.register(async (scope) => webhookRoute(scope, deps, limiter, crm));
      await app.register(async (scope) => consentRoute(scope, deps, crm));
    }
  };
}

function webhookRoute(scope: FastifyInstance, deps: Deps, limiter: Limiter, crm: CrmVendor): void {
  readRawBodies(scope, ['application/json'], largestBody);
  scope.setErrorHandler(askToRetry(deps, crm));
  scope.post(`/webhook/${crm.name}`, { schema: hidden }, async (request, reply) => {
    const event = await eventOf(crm, deps, limiter, request, reply);
    const received = { body: String(request.body), correlationId: request.id };
    if (event.about === 'contact') await receiveUpdate(deps, crm.name, { event, ...received });
    else if (event.change === 'removed') await receiveRemoval(deps, crm, { event, ...received });
    return { received: true };
  });
}

function consentRoute(scope: FastifyInstance, deps: Deps, { name, label }: CrmVendor): void {
  // A person sees the answer.
  scope.setErrorHandler(pageErrors(deps, (request) => waysToSettings(deps, name, request)));
  scope.get<{ Querystring: { code?: string; state?: string; error?: string } }>(
    callbackPath(name),
    { schema: { hide: true } },
    async (request, reply) => {
      const { code, state, error } = request.query;
      if (error)
        throw new RefusedError(
          400,
          'crm_consent_denied',
          `Access was not granted, so ${label} is not connected. You can connect it from the settings at any time.`,
        );
      const consent = readState(deps, name, String(state ?? ''), consentSecretOf(request));
      if (!consent || !code)
        throw new RefusedError(
          400,
          'crm_consent_unknown',
          'This authorization link is invalid or has expired. Please connect again.',
        );
      await admit(deps, consent);
      await connectByConsent(deps, name, consent, String(code));
      const number = await findCompanyNumber(deps.db, consent.organizationId);
      return forgetConsent(reply, name)
        .header('cache-control', 'no-store')
        .redirect(`/dashboard/${number}/settings#crm`, 303);
    },
  );
}

/** Back to the settings the consent was asked for from; none when that cannot be known. */
async function waysToSettings(
  deps: Deps,
  name: CrmVendor['name'],
  request: FastifyRequest,
): Promise<readonly Way[]> {
  const { state } = request.query as { state?: unknown };
  const consent = readState(deps, name, String(state ?? ''), consentSecretOf(request));
  const number = consent && (await findCompanyNumber(deps.db, consent.organizationId));
  if (!number) return [];
  const settings = `/dashboard/${number}/settings`;
  return [
    { href: `${settings}/crm/oauth`, label: 'Try again' },
    { href: `${settings}#crm`, label: 'Back to the CRM settings' },
  ];
}

/** A consent can be returned to until it expires: by then its person may have lost the right, and each return calls the CRM. */
async function admit({ db, quotas }: Deps, { organizationId, actor }: Consent): Promise<void> {
  await quotas.take('crm_attempts', { organizationId, keyId: null });
  if (await mayManage(db, actor, organizationId)) return;
  throw new RefusedError(
    403,
    'forbidden',
    'Your access to this company has ended, so its CRM was not connected. Someone who still has access can connect it from the settings.',
  );
}

/** Our own errors are answered with the status after which the vendor sends the event again. */
function askToRetry({ log }: Deps, { label, webhook }: CrmVendor) {
  const handle = errorHandler(log);
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { status, detail } = failureOf(error);
    if (status < 500) return handle(error, request, reply);
    log.warn({ event: 'webhook_put_off', status }, `${label} is asked to retry its webhook`);
    const retry = new RefusedError(webhook.retryStatus, 'try_again', detail, { retryAfterSeconds: 30 });
    return handle(retry, request, reply);
  };
}

/** Throws 403 for a body the vendor did not sign, 400 for what is not an event or too old. */
async function eventOf(
  { webhook }: CrmVendor,
  { selfCheck }: Deps,
  limiter: Limiter,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<CrmEvent> {
  const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  if (!webhook.verify({ headers: request.headers, rawBody })) {
    await limiter.take('refused', addressOf(request), reply);
    throw new RefusedError(403, 'bad_signature', 'The signature does not match this body.');
  }
  const event = webhook.parse(parsed(rawBody), selfCheck.now(), webhook.maxAgeMs);
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
