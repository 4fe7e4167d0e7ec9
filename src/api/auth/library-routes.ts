import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { forgetSecondFactor } from '../../db/account/sessions.ts';
import { RefusedError } from '../../domain/errors.ts';
import { type Auth, credentialHeaders, endSession, findSession, type Session } from './better-auth.ts';
import { type SignIn, signIn } from './password-sign-in.ts';
import { giveCode } from './second-factor.ts';
import { peerOf } from './sign-in-limits.ts';

/** The library's routes in use, and what answers them. Others (sign-up, account deletion by GET, …) answer 404. */
const exposed: Record<string, (signing: SignIn, request: FastifyRequest) => Promise<Response>> = {
  'GET /get-session': readSession,
  'GET /callback/google': ({ auth }, request) => pass(auth, request),
  'POST /sign-in/email': jsonSignIn,
  'POST /sign-out': ({ auth }, request) => endSession(auth, credentialHeaders(request)),
  'POST /change-password': (signing, request) =>
    // A changed password ends the person's other sessions, whatever the request says: it is the answer to a stolen one.
    withPassword(signing, request, { revokeOtherSessions: true }),
  'POST /revoke-other-sessions': async ({ auth }, request) => {
    await completeSession(auth, request);
    return pass(auth, request);
  },
  'POST /two-factor/enable': (signing, request) => withPassword(signing, request, { method: 'totp' }),
  'POST /two-factor/disable': async (signing, request) => {
    const { person } = await completeSession(signing.auth, request);
    const answer = await withPassword(signing, request, {});
    if (answer.ok) await forgetSecondFactor(signing.db, person.id);
    return answer;
  },
  'POST /two-factor/generate-backup-codes': (signing, request) => withPassword(signing, request, {}),
  'POST /two-factor/verify-totp': (signing, request) => verify(signing, request, 'totp'),
  'POST /two-factor/verify-backup-code': (signing, request) => verify(signing, request, 'recovery'),
};

const credentials = z.object({
  email: z.string().max(254),
  password: z.string().max(128),
  code: z.string().max(64).optional(),
});
const coded = z.object({ code: z.string().min(1).max(64) });
const fields = z.record(z.string(), z.unknown());

/** /api/auth/*: the routes of the auth library. */
export function libraryRoutes(signing: SignIn): FastifyPluginAsync {
  return async (app) => {
    app.route({
      method: ['GET', 'POST'],
      url: '/api/auth/*',
      schema: { hide: true },
      handler: async (request, reply) => {
        const path = new URL(request.url, 'http://local').pathname.slice('/api/auth'.length);
        const route = `${request.method} ${path}`;
        if (!Object.hasOwn(exposed, route))
          throw new RefusedError(404, 'not_found', 'There is no such route.');
        const answer = await exposed[route]!(signing, request);
        reply
          .status(answer.status)
          .header('content-type', answer.headers.get('content-type') ?? 'application/json');
        const cookies = answer.headers.getSetCookie();
        if (cookies.length > 0) reply.header('set-cookie', cookies);
        // The string that is sent as Authorization: Bearer.
        for (const name of ['location', 'set-auth-token']) {
          const value = answer.headers.get(name);
          if (value) reply.header(name, value);
        }
        return reply.send(await answer.text());
      },
    });
  };
}

/** Throws 401 without a session, and for one that lacks the second factor of its person. */
async function completeSession(auth: Auth, request: FastifyRequest): Promise<Session> {
  const session = await findSession(auth, credentialHeaders(request));
  if (!session || session.needsSecondFactor) throw new RefusedError(401, 'unauthorized', 'Sign in first.');
  return session;
}

async function readSession({ auth }: SignIn, request: FastifyRequest): Promise<Response> {
  const session = await findSession(auth, credentialHeaders(request));
  return session && !session.needsSecondFactor ? pass(auth, request) : Response.json(null);
}

/** For what asks for the current password: guesses count as sign-in attempts. */
async function withPassword(
  { auth, limits }: SignIn,
  request: FastifyRequest,
  fixed: Record<string, unknown>,
): Promise<Response> {
  const { person } = await completeSession(auth, request);
  const attempt = { email: person.email, ...peerOf(request), browser: null };
  await limits.begin(attempt);
  const answer = await pass(auth, request, { ...fields.catch({}).parse(request.body), ...fixed });
  if (answer.ok) await limits.succeeded(attempt);
  return answer;
}

async function jsonSignIn(signing: SignIn, request: FastifyRequest): Promise<Response> {
  const refused = (code: string, message: string) => Response.json({ code, message }, { status: 401 });
  const body = credentials.safeParse(request.body);
  const result = body.success ? await signIn(signing, request, body.data) : null;
  if (result?.outcome === 'signed_in' || result?.outcome === 'code_required') return result.answer;
  return result?.outcome === 'code_refused'
    ? refused('INVALID_CODE', 'This code is wrong or has expired.')
    : refused('INVALID_EMAIL_OR_PASSWORD', 'Email or password is wrong.');
}

async function verify(
  signing: SignIn,
  request: FastifyRequest,
  kind: 'totp' | 'recovery',
): Promise<Response> {
  const body = coded.safeParse(request.body);
  if (!body.success) throw new RefusedError(400, 'invalid_input', 'Send the code: {"code": "…"}.');
  const headers = credentialHeaders(request);
  const { ok, answer } = await giveCode(signing, request, { headers, code: body.data.code, kind });
  // The library's body names a session that it may just have replaced; the cookies are those of the new one.
  return ok ? Response.json({ status: true }, { headers: answer.headers }) : answer;
}

async function pass(auth: Auth, request: FastifyRequest, body = request.body ?? {}): Promise<Response> {
  const headers = credentialHeaders(request);
  headers.delete('content-length');
  const withBody = request.method === 'POST';
  if (withBody) headers.set('content-type', 'application/json');
  const { baseURL } = await auth.$context;
  return auth.handler(
    new Request(new URL(request.url, baseURL), {
      method: request.method,
      headers,
      ...(withBody ? { body: JSON.stringify(body) } : {}),
    }),
  );
}
