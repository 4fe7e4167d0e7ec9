import type { FastifyRequest } from 'fastify';
import type { Person } from '../../domain/account/person.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { type Auth, credentialHeaders, findSession, webHeaders } from './better-auth.ts';
import { knownBrowser, knownBrowserCookie } from './known-browser.ts';
import { giveCode, kindOfCode } from './second-factor.ts';
import { type CodeLimits, createCodeLimits } from './second-factor-limits.ts';
import { createSignInLimits, peerOf, type SignInLimits } from './sign-in-limits.ts';

/** What every door for a password needs. */
export type SignIn = Pick<Runtime, 'config' | 'db'> & { auth: Auth; limits: SignInLimits; codes: CodeLimits };

export const createSignIn = (runtime: Pick<Runtime, 'config' | 'db' | 'counters'>, auth: Auth): SignIn => ({
  config: runtime.config,
  db: runtime.db,
  auth,
  limits: createSignInLimits(runtime),
  codes: createCodeLimits(runtime),
});

export type Credentials = { email: string; password: string; code?: string | undefined };

export type SignInOutcome =
  | { outcome: 'signed_in'; answer: Response; role: Person['role'] }
  /** The same for an unknown account, an account without a password, and a wrong password. */
  | { outcome: 'refused' }
  /** The password was right; `answer` holds the cookie that the code is sent with. */
  | { outcome: 'code_required'; answer: Response }
  | { outcome: 'code_refused' };

/**
 * The same answer, in the same time, for an unknown account and for a wrong password. Throws RefusedError 429 after too
 * many attempts.
 */
export async function signIn(
  signing: SignIn,
  request: FastifyRequest,
  { email, password, code }: Credentials,
): Promise<SignInOutcome> {
  const { config, auth, limits } = signing;
  const browser = knownBrowser({ config }, request, email);
  const attempt = { email, ...peerOf(request), browser };
  await limits.begin(attempt);
  const before = await findSession(auth, credentialHeaders(request));
  const headers = withoutCredentials(request);
  const answer = await auth.api.signInEmail({ body: { email, password }, headers, asResponse: true });
  if (!answer.ok) return { outcome: 'refused' };
  await limits.succeeded(attempt);
  // An earlier session may be known to an attacker (session fixation).
  if (before) await (await auth.$context).internalAdapter.deleteSession(before.token);
  const opened = (await answer.clone().json()) as Opened;
  if (opened.twoFactorRedirect) {
    if (!code) return { outcome: 'code_required', answer };
    headers.set('cookie', cookiePairs(answer));
    const judged = await giveCode(signing, request, { headers, code, kind: kindOfCode(code) });
    if (!judged.ok) return { outcome: 'code_refused' };
    return { outcome: 'signed_in', answer: judged.answer, role: judged.role };
  }
  if (!browser) answer.headers.append('set-cookie', knownBrowserCookie({ config }, email));
  const role = opened.user?.role === 'operator' ? 'operator' : 'member';
  return { outcome: 'signed_in', answer, role };
}

type Opened = { twoFactorRedirect?: boolean; user?: { role?: unknown } };

/** For a sign-in: what the browser already has decides nothing. */
function withoutCredentials(request: FastifyRequest): Headers {
  const headers = webHeaders(request);
  headers.delete('cookie');
  headers.delete('authorization');
  return headers;
}

/** A Cookie header of what an answer sets. */
const cookiePairs = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
