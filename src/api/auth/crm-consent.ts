import type { FastifyReply, FastifyRequest } from 'fastify';
import { inviteOauth } from '../../usecases/crm/connect.ts';
import type { Runtime } from '../../usecases/runtime.ts';

const cookieName = 'leadgate_crm';
const callbackPath = '/oauth/ghl/callback';

/**
 * Redirects a signed-in person to GoHighLevel's consent page for their company's location. A cookie holds half of the
 * proof that the same browser returns. Throws RefusedError 404 where no app is configured.
 */
export function sendToConsent(
  reply: FastifyReply,
  config: Runtime['config'],
  organizationId: string,
  actor: string,
): FastifyReply {
  const { url, secret, maxAgeSeconds } = inviteOauth(config, organizationId, actor);
  const safe = config.publicUrl.startsWith('https://') ? '; Secure' : '';
  // Lax: the redirect from the consent page comes from another site.
  const cookie = `${cookieName}=${secret}; Path=${callbackPath}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${safe}`;
  return reply.header('set-cookie', cookie).redirect(url, 303);
}

export function consentSecretOf(request: FastifyRequest): string | undefined {
  const cookies = (request.headers.cookie ?? '').split(/;\s*/);
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

/** Deletes the cookie: it is valid for one return. */
export const forgetConsent = (reply: FastifyReply): FastifyReply =>
  reply.header('set-cookie', `${cookieName}=; Path=${callbackPath}; Max-Age=0; HttpOnly; SameSite=Lax`);
