import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Runtime } from '../../engine/runtime.ts';
import { inviteOauth } from '../../usecases/crm/connect.ts';

const cookieName = 'leadgate_crm';
const callbackPath = '/oauth/ghl/callback';

/**
 * Sends a signed-in person to GoHighLevel's consent page, to let us into their company's location. Half of what proves
 * that it was they who went there stays in their browser. Throws RefusedError 404 where no app is set up.
 */
export function sendToConsent(
  reply: FastifyReply,
  config: Runtime['config'],
  organizationId: string,
  actor: string,
): FastifyReply {
  const { url, secret, maxAgeSeconds } = inviteOauth(config, organizationId, actor);
  const safe = config.publicUrl.startsWith('https://') ? '; Secure' : '';
  // Lax: the way back from the consent page is a link from another site.
  const cookie = `${cookieName}=${secret}; Path=${callbackPath}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${safe}`;
  return reply.header('set-cookie', cookie).redirect(url, 303);
}

export function consentSecretOf(request: FastifyRequest): string | undefined {
  const cookies = (request.headers.cookie ?? '').split(/;\s*/);
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

/** A consent's secret is good for one way back. */
export const forgetConsent = (reply: FastifyReply): FastifyReply =>
  reply.header('set-cookie', `${cookieName}=; Path=${callbackPath}; Max-Age=0; HttpOnly; SameSite=Lax`);
