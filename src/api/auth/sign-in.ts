import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { failureOf } from '../http/errors.ts';
import { readForms, sendPage } from '../http/forms.ts';
import { render } from '../web/layout.tsx';
import { type Auth, findPerson, webHeaders } from './better-auth.ts';
import { knownBrowser, knownBrowserCookie } from './known-browser.ts';
import { landing, localPath } from './local-path.ts';
import { LoginPage } from './login-page.tsx';
import { assertSameOrigin, trustedOrigins } from './origin.ts';
import { createSignInLimits, peerOf, type SignInLimits } from './sign-in-limits.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'counters'>;
type SignIn = Pick<Deps, 'config'> & { auth: Auth; limits: SignInLimits };

const credentials = z.object({
  email: z.string().max(254),
  password: z.string().max(128),
  next: z.string().optional(),
});
const fields = z.record(z.string(), z.unknown());
const wrong = 'Email or password is wrong.';

/** The sign-in page, signing out, and those of the library's own routes that are in use. */
export function signInRoutes(runtime: Deps, auth: Auth): FastifyPluginAsync {
  const { config } = runtime;
  return async (app) => {
    const limits = createSignInLimits(runtime);
    const trusted = trustedOrigins(config.publicUrl);
    readForms(app);
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store');
      assertSameOrigin(request, trusted);
    });
    const page = async (
      reply: FastifyReply,
      status: number,
      fields: { next: string; email?: string; problem?: string },
    ) =>
      sendPage(
        reply.status(status),
        config,
        await render(
          LoginPage({
            ...fields,
            google: config.google !== null,
            registers: config.registration !== 'closed',
          }),
        ),
      );

    app.get<{ Querystring: { next?: string } }>(
      '/login',
      { schema: { hide: true } },
      async (request, reply) => {
        const person = await findPerson(auth, webHeaders(request));
        if (person) return reply.redirect(landing(person.role, request.query.next), 303);
        return page(reply, 200, { next: localPath(request.query.next) });
      },
    );

    app.post('/login', { schema: { hide: true } }, async (request, reply) => {
      const form = credentials.safeParse(request.body);
      if (!form.success) return page(reply, 401, { next: '/console', problem: wrong });
      const { email, password } = form.data;
      const next = localPath(form.data.next);
      try {
        const { ok, cookies, role } = await signIn({ config, auth, limits }, request, { email, password });
        if (!ok) return page(reply, 401, { next, email, problem: wrong });
        return reply.header('set-cookie', cookies).redirect(landing(role, next), 303);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        const { status, detail, retryAfterSeconds } = failureOf(error);
        if (retryAfterSeconds) reply.header('retry-after', String(retryAfterSeconds));
        return page(reply, status, { next, email, problem: detail });
      }
    });

    app.post('/login/google', { schema: { hide: true } }, async (request, reply) => {
      if (!config.google) throw new RefusedError(404, 'not_found', 'Signing in with Google is not set up.');
      const answer = await auth.api.signInSocial({
        body: { provider: 'google', callbackURL: '/', errorCallbackURL: '/login' },
        headers: webHeaders(request),
        asResponse: true,
      });
      const { url } = (await answer.json()) as { url: string };
      return reply.header('set-cookie', answer.headers.getSetCookie()).redirect(url, 303);
    });

    app.post('/logout', { schema: { hide: true } }, async (request, reply) => {
      const answer = await auth.api.signOut({ headers: webHeaders(request), asResponse: true });
      return reply.header('set-cookie', answer.headers.getSetCookie()).redirect('/login', 303);
    });

    await app.register(libraryRoutes({ config, auth, limits }));
  };
}

/** The same answer, in the same time, for an unknown account and for a wrong password. */
async function signIn(
  { config, auth, limits }: SignIn,
  request: FastifyRequest,
  body: { email: string; password: string },
) {
  const browser = knownBrowser({ config }, request, body.email);
  const attempt = { email: body.email, ...peerOf(request), browser };
  await limits.begin(attempt);
  const headers = webHeaders(request);
  const before = await auth.api.getSession({ headers });
  const answer = await auth.api.signInEmail({ body, headers, asResponse: true });
  if (!answer.ok) return { ok: false, cookies: [], answer, role: 'member' as const };
  await limits.succeeded(attempt);
  if (!browser) answer.headers.append('set-cookie', knownBrowserCookie({ config }, body.email));
  // An earlier session may be known to an attacker (session fixation).
  if (before) await (await auth.$context).internalAdapter.deleteSession(before.session.token);
  const { user } = (await answer.clone().json()) as { user?: { role?: unknown } };
  const role = user?.role === 'operator' ? ('operator' as const) : ('member' as const);
  return { ok: true, cookies: answer.headers.getSetCookie(), answer, role };
}

const exposed = new Set([
  'GET /get-session',
  'GET /callback/google',
  'POST /sign-in/email',
  'POST /sign-out',
  'POST /change-password',
  'POST /revoke-other-sessions',
]);

/** /api/auth/*: only the routes in use. Others (sign-up, account deletion by GET, …) answer 404. */
function libraryRoutes(signing: SignIn): FastifyPluginAsync {
  return async (app) => {
    app.route({
      method: ['GET', 'POST'],
      url: '/api/auth/*',
      schema: { hide: true },
      handler: async (request, reply) => {
        const path = new URL(request.url, 'http://local').pathname.slice('/api/auth'.length);
        if (!exposed.has(`${request.method} ${path}`))
          throw new RefusedError(404, 'not_found', 'There is no such route.');
        const answer = await answerTo(path, signing, request);
        reply
          .status(answer.status)
          .header('content-type', answer.headers.get('content-type') ?? 'application/json');
        const cookies = answer.headers.getSetCookie();
        if (cookies.length > 0) reply.header('set-cookie', cookies);
        const location = answer.headers.get('location');
        if (location) reply.header('location', location);
        return reply.send(await answer.text());
      },
    });
  };
}

function answerTo(path: string, signing: SignIn, request: FastifyRequest): Promise<Response> {
  if (path === '/sign-in/email') return jsonSignIn(signing, request);
  if (path === '/change-password') return changePassword(signing, request);
  return pass(signing.auth, request);
}

/**
 * Changing a password asks for the current one, so guesses count as sign-in attempts. It ends the person's other
 * sessions, whatever the request says: a changed password is the answer to a stolen one.
 */
async function changePassword({ auth, limits }: SignIn, request: FastifyRequest): Promise<Response> {
  const person = await findPerson(auth, webHeaders(request));
  if (!person) return pass(auth, request);
  const attempt = { email: person.email, ...peerOf(request), browser: null };
  await limits.begin(attempt);
  const body = { ...fields.catch({}).parse(request.body), revokeOtherSessions: true };
  const answer = await pass(auth, request, body);
  if (answer.ok) await limits.succeeded(attempt);
  return answer;
}

async function jsonSignIn(signing: SignIn, request: FastifyRequest): Promise<Response> {
  const body = credentials.safeParse(request.body);
  const refused = () => Response.json({ code: 'INVALID_EMAIL_OR_PASSWORD', message: wrong }, { status: 401 });
  if (!body.success) return refused();
  const { email, password } = body.data;
  const { ok, answer } = await signIn(signing, request, { email, password });
  return ok ? answer : refused();
}

async function pass(auth: Auth, request: FastifyRequest, body = request.body ?? {}): Promise<Response> {
  const headers = webHeaders(request);
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
