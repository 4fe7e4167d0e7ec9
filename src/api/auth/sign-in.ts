import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { z } from 'zod';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { failureOf } from '../http/errors.ts';
import { formOf, readForms, sendPage } from '../http/forms.ts';
import { render } from '../web/layout.tsx';
import { type Auth, credentialHeaders, endSession, findPerson, webHeaders } from './better-auth.ts';
import { libraryRoutes } from './library-routes.ts';
import { landing, localPath } from './local-path.ts';
import { LoginPage } from './login-page.tsx';
import { assertSameOrigin, trustedOrigins } from './origin.ts';
import { createSignIn, type SignIn, signIn } from './password-sign-in.ts';
import { giveCode, isHalfSignedIn, kindOfCode } from './second-factor.ts';
import { SecondFactorPage } from './second-factor-page.tsx';
import { sentenceOf } from './sign-in-errors.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'counters'>;
type App = Parameters<FastifyPluginAsync>[0];

const credentials = z.object({
  email: z.string().max(254),
  password: z.string().max(128),
  next: z.string().optional(),
});
const wrong = 'Email or password is wrong.';
const hidden = { schema: { hide: true } };

/** The sign-in pages, signing out, and those of the library's own routes that are in use. */
export function signInRoutes(runtime: Deps, auth: Auth): FastifyPluginAsync {
  const { config } = runtime;
  return async (app) => {
    const signing = createSignIn(runtime, auth);
    const trusted = trustedOrigins(config.publicUrl);
    readForms(app);
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store');
      // Of another site's page, a browser sends the cookie and never this header; beside it no cookie counts.
      const isBearer = /^bearer /i.test(request.headers.authorization ?? '');
      if (!isBearer || !request.url.startsWith('/api/auth/')) assertSameOrigin(request, trusted);
    });
    passwordPage(app, signing);
    secondFactorPage(app, signing);

    app.post('/logout', hidden, async (request, reply) => {
      const answer = await endSession(auth, credentialHeaders(request));
      return reply.header('set-cookie', answer.headers.getSetCookie()).redirect('/login', 303);
    });

    await app.register(libraryRoutes(signing));
  };
}

function passwordPage(app: App, signing: SignIn): void {
  const { auth, config } = signing;
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

  app.get<{ Querystring: { next?: string; error?: string } }>('/login', hidden, async (request, reply) => {
    const { next, error } = request.query;
    const person = await findPerson(auth, webHeaders(request));
    if (person) return reply.redirect(landing(person.role, next), 303);
    const problem = sentenceOf(error);
    return page(reply, 200, { next: localPath(next), ...(problem ? { problem } : {}) });
  });

  app.post('/login', hidden, async (request, reply) => {
    const form = credentials.safeParse(request.body);
    if (!form.success) return page(reply, 401, { next: '/console', problem: wrong });
    const { email, password } = form.data;
    const next = localPath(form.data.next);
    const refused = (status: number, problem: string) => page(reply, status, { next, email, problem });
    const result = await orRefusal(reply, () => signIn(signing, request, { email, password }));
    if ('problem' in result) return refused(result.status, result.problem);
    if (!('answer' in result)) return refused(401, wrong);
    reply.header('set-cookie', result.answer.headers.getSetCookie());
    return result.outcome === 'code_required'
      ? reply.redirect(`/login/second-factor?next=${encodeURIComponent(next)}`, 303)
      : reply.redirect(landing(result.role, next), 303);
  });
}

/** Asks for the code, after the password or when a session lacks it. */
function secondFactorPage(app: App, signing: SignIn): void {
  const { auth, config } = signing;
  const page = async (reply: FastifyReply, status: number, next: string, problem: string | null) =>
    sendPage(reply.status(status), config, await render(SecondFactorPage({ next, problem })));

  app.get<{ Querystring: { next?: string } }>('/login/second-factor', hidden, async (request, reply) => {
    const next = localPath(request.query.next, '/');
    const headers = webHeaders(request);
    const person = await findPerson(auth, headers);
    if (person) return reply.redirect(landing(person.role, next), 303);
    if (!(await isHalfSignedIn(auth, headers))) return reply.redirect('/login', 303);
    return page(reply, 200, next, null);
  });

  app.post('/login/second-factor', hidden, async (request, reply) => {
    const { code = '', next: wanted } = formOf(request);
    const next = localPath(wanted, '/');
    const headers = credentialHeaders(request);
    const person = await findPerson(auth, headers);
    if (person) return reply.redirect(landing(person.role, next), 303);
    if (!(await isHalfSignedIn(auth, headers))) return reply.redirect('/login', 303);
    const refused = (status: number, problem: string) => page(reply, status, next, problem);
    const judged = await orRefusal(reply, () =>
      giveCode(signing, request, { headers, code, kind: kindOfCode(code) }),
    );
    if ('problem' in judged) return refused(judged.status, judged.problem);
    if (!judged.ok) return refused(401, 'This code is wrong or was used before.');
    reply.header('set-cookie', judged.answer.headers.getSetCookie());
    return reply.redirect(landing(judged.role, next), 303);
  });
}

/** What was asked for, or why it was refused; sets Retry-After. */
async function orRefusal<T extends object>(
  reply: FastifyReply,
  ask: () => Promise<T>,
): Promise<T | { status: number; problem: string }> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const { status, detail, retryAfterSeconds } = failureOf(error);
    if (retryAfterSeconds) reply.header('retry-after', String(retryAfterSeconds));
    return { status, problem: detail };
  }
}
