import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CrmName } from '../../config.ts';
import { type Consent, callbackPath } from '../../usecases/crm/connect.ts';
import { inviteOauth } from '../../usecases/crm/consent.ts';
import type { Runtime } from '../../usecases/runtime.ts';

const cookieName = 'leadgate_crm';

/**
 * Redirects a signed-in person to the vendor's consent page for their company's account. A cookie holds half of the
 * proof that the same browser returns. Throws RefusedError 404 where no app is configured.
 */
export function sendToConsent(
  reply: FastifyReply,
  deps: Pick<Runtime, 'config' | 'crms' | 'selfCheck'>,
  name: CrmName,
  consent: Consent,
): FastifyReply {
  const { url, secret, maxAgeSeconds } = inviteOauth(deps, name, consent);
  const safe = deps.config.publicUrl.startsWith('https://') ? '; Secure' : '';
  // Lax: the redirect from the consent page comes from another site.
  const cookie = `${cookieName}=${secret}; Path=${callbackPath(name)}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${safe}`;
  return reply.header('set-cookie', cookie).redirect(url, 303);
}

export function consentSecretOf(request: FastifyRequest): string | undefined {
  const cookies = (request.headers.cookie ?? '').split(/;\s*/);
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

/** Deletes the cookie: it is valid for one return. */
export const forgetConsent = (reply: FastifyReply, name: CrmName): FastifyReply =>
  reply.header('set-cookie', `${cookieName}=; Path=${callbackPath(name)}; Max-Age=0; HttpOnly; SameSite=Lax`);
