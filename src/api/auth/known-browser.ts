import { createHmac, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { sameSecret } from '../../adapters/secret.ts';
import type { Runtime } from '../../usecases/runtime.ts';

/**
 * A browser that has signed in to an account keeps a signed cookie. It opens nothing: its attempts to sign in are counted
 * apart from those of strangers, who therefore cannot lock the owner of an account out.
 */
type Deps = { config: Pick<Runtime['config'], 'sessionSecret' | 'publicUrl'> };

const cookieName = 'leadgate_known';
const maxAgeSeconds = 180 * 86_400;

function signatureOf({ config }: Deps, email: string, browser: string): string {
  const account = email.trim().toLowerCase();
  return createHmac('sha256', config.sessionSecret)
    .update(`known browser\n${browser}\n${account}`)
    .digest('base64url');
}

/** The id of the browser that makes the request. Returns null unless it has signed in to this account. */
export function knownBrowser(deps: Deps, { headers }: FastifyRequest, email: string): string | null {
  const cookies = (headers.cookie ?? '').split(/;\s*/);
  const own = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
  const [browser = '', signature = ''] = own?.split('.') ?? [];
  return browser !== '' && sameSecret(signature, signatureOf(deps, email, browser)) ? browser : null;
}

/** The cookie after a sign-in. */
export function knownBrowserCookie(deps: Deps, email: string): string {
  const browser = randomBytes(16).toString('base64url');
  const safe = deps.config.publicUrl.startsWith('https://') ? '; Secure' : '';
  return `${cookieName}=${browser}.${signatureOf(deps, email, browser)}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${safe}`;
}
