import type { FastifyRequest } from 'fastify';
import { noteSecondFactor } from '../../db/account/sessions.ts';
import type { Person } from '../../domain/account/person.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { type Auth, findSession } from './better-auth.ts';
import { knownBrowser, knownBrowserCookie } from './known-browser.ts';
import type { CodeAttempt, CodeLimits } from './second-factor-limits.ts';
import { peerOf } from './sign-in-limits.ts';

type Deps = Pick<Runtime, 'config' | 'db'> & { auth: Auth; codes: CodeLimits };

/** What a code may be: six digits of an authenticator app, or one of the recovery codes. */
export const kindOfCode = (code: string): CodeAttempt['kind'] =>
  /^\d{6}$/.test(code.trim()) ? 'totp' : 'recovery';

/** Whose code is asked for. `sessionId`: null when a password was given and no session exists yet. */
type Asked = {
  userId: string;
  email: string;
  role: Person['role'];
  sessionId: string | null;
  /** With the credential of that person. */
  headers: Headers;
};

/**
 * Judges the code of a second factor, for the session or the half sign-in of these headers. When it is right, the session
 * (a new one after a half sign-in) has a second factor from now on. Throws RefusedError 429 after too many attempts.
 */
export async function giveCode(
  deps: Deps,
  request: FastifyRequest,
  { headers, code, kind }: { headers: Headers; code: string; kind: CodeAttempt['kind'] },
): Promise<{ ok: true; answer: Response; role: Person['role'] } | { ok: false; answer: Response }> {
  const { auth, codes, db } = deps;
  const asked = await findAsked(auth, headers);
  if (!asked) return { ok: false, answer: refusal('INVALID_TWO_FACTOR_COOKIE', 'Sign in first.') };
  const browser = knownBrowser(deps, request, asked.email);
  const attempt: CodeAttempt = {
    user: asked.userId,
    peer: browser ?? peerOf(request).address,
    isKnown: browser !== null,
    kind,
    code: code.trim(),
  };
  if (!(await codes.begin(attempt)))
    return { ok: false, answer: refusal('INVALID_CODE', 'This code was used before.') };
  // Only the code: `trustDevice` would open later sessions without one.
  const given = { body: { code: code.trim() }, headers: asked.headers, asResponse: true } as const;
  const answer = kind === 'totp' ? await auth.api.verifyTOTP(given) : await auth.api.verifyBackupCode(given);
  if (!answer.ok) return { ok: false, answer };
  await codes.succeeded(attempt);
  if (asked.sessionId !== null) await noteSecondFactor(db, asked.sessionId);
  if (browser === null) answer.headers.append('set-cookie', knownBrowserCookie(deps, asked.email));
  return { ok: true, answer, role: asked.role };
}

/** Whether a password was given and its code is awaited. */
export const isHalfSignedIn = async (auth: Auth, headers: Headers): Promise<boolean> =>
  (await findAsked(auth, headers)) !== null;

async function findAsked(auth: Auth, headers: Headers): Promise<Asked | null> {
  const session = await findSession(auth, headers);
  if (session) {
    const { id: userId, email, role } = session.person;
    return { userId, email, role, sessionId: session.id, headers };
  }
  const context = await auth.$context;
  const { name } = context.createAuthCookie('two_factor');
  const cookies = (headers.get('cookie') ?? '').split(/;\s*/);
  const own = cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  // The library verifies the signature after the dot; an identifier cannot be guessed.
  const identifier = own.split('.')[0] ?? '';
  const challenge = identifier ? await context.internalAdapter.findVerificationValue(identifier) : null;
  const user = challenge ? await context.internalAdapter.findUserById(challenge.value) : null;
  if (!user) return null;
  const role = 'role' in user && user.role === 'operator' ? 'operator' : 'member';
  // The library reads cookies in ways of its own: it gets the one whose owner the attempt is counted for, and no other.
  const only = new Headers(headers);
  only.set('cookie', `${name}=${own}`);
  return { userId: user.id, email: user.email, role, sessionId: null, headers: only };
}

const refusal = (code: string, message: string) => Response.json({ code, message }, { status: 401 });
