import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { attentionCounts } from '../../db/transport/attention.ts';
import { passwordProblem, shortestPassword } from '../../domain/account/password.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { formOf, readForms, sendPage } from '../http/forms.ts';
import { pageErrors } from '../web/error-page.ts';
import { type Chrome, render } from '../web/layout.tsx';
import type { Access } from './access.ts';
import { AccountPage, type AccountView, type SessionView } from './account-page.tsx';
import { type Auth, webHeaders } from './better-auth.ts';
import { browserName } from './browser-name.ts';
import { personOf } from './caller.ts';
import { createSignInLimits, peerOf } from './sign-in-limits.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'counters' | 'log'>;

const hidden = { schema: { hide: true } };
const doneTexts: Record<string, string> = {
  password: 'Your password is changed. You are signed out everywhere else.',
  sessions: 'You are signed out everywhere else.',
};

/** The page of the signed-in person: who they are, their password, where they are signed in. */
export function accountRoutes(deps: Deps, auth: Auth, access: Access): FastifyPluginAsync {
  return async (app) => {
    readForms(app);
    app.addHook('onRequest', access.signedIn);
    app.setErrorHandler(pageErrors(deps));
    const show = async (request: FastifyRequest, reply: FastifyReply, over: Partial<AccountView> = {}) => {
      const [chrome, sessions] = await Promise.all([chromeOf(deps, request), sessionsOf(auth, request)]);
      const nothing = { done: null, errors: {}, problem: null };
      const view = { ...nothing, sessions, shortest: shortestPassword, now: new Date(), ...over };
      return sendPage(reply, deps.config, await render(AccountPage({ chrome, view })));
    };
    app.get<{ Querystring: { done?: string } }>('/account', hidden, async (request, reply) => {
      const { done = '' } = request.query;
      return show(request, reply, { done: Object.hasOwn(doneTexts, done) ? doneTexts[done]! : null });
    });
    passwordForm(app, deps, auth, show);
    app.post('/account/sessions', hidden, async (request, reply) => {
      await auth.api.revokeOtherSessions({ headers: webHeaders(request) });
      return reply.redirect('/account?done=sessions', 303);
    });
  };
}

type Show = (
  request: FastifyRequest,
  reply: FastifyReply,
  over?: Partial<AccountView>,
) => Promise<FastifyReply>;

function passwordForm(app: Parameters<FastifyPluginAsync>[0], deps: Deps, auth: Auth, show: Show): void {
  const limits = createSignInLimits(deps);
  // Where a browser is after a refused form: reloading it leads to the page.
  app.get('/account/password', hidden, async (_request, reply) => reply.redirect('/account', 303));
  app.post('/account/password', hidden, async (request, reply) => {
    const { current = '', password = '', again = '' } = formOf(request);
    const problem = passwordProblem(password);
    const errors: Record<string, string> = {
      ...(problem ? { password: problem } : {}),
      ...(password === again ? {} : { again: 'The two passwords do not match.' }),
    };
    if (Object.keys(errors).length > 0) return show(request, reply.status(400), { errors });
    // Guesses of the current password count as attempts to sign in.
    const attempt = { email: personOf(request).email, ...peerOf(request), browser: null };
    try {
      await limits.begin(attempt);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return show(request, reply.status(error.status), { problem: error.message });
    }
    const answer = await auth.api.changePassword({
      body: { currentPassword: current, newPassword: password, revokeOtherSessions: true },
      headers: webHeaders(request),
      asResponse: true,
    });
    if (!answer.ok) {
      const wrong = { current: 'This is not your current password. Nothing was changed.' };
      return show(request, reply.status(400), { errors: wrong });
    }
    await limits.succeeded(attempt);
    return reply.header('set-cookie', answer.headers.getSetCookie()).redirect('/account?done=password', 303);
  });
}

async function chromeOf({ db }: Deps, request: FastifyRequest): Promise<Chrome> {
  const person = personOf(request);
  if (person.role !== 'operator') return { person, parked: 0, inbox: 0 };
  const { parked, inbox } = await attentionCounts(db.reader, null);
  return { person, parked, inbox };
}

/** Newest first, this one before them. */
async function sessionsOf(auth: Auth, request: FastifyRequest): Promise<SessionView[]> {
  const headers = webHeaders(request);
  const [own, sessions] = await Promise.all([
    auth.api.getSession({ headers }),
    auth.api.listSessions({ headers }),
  ]);
  return sessions
    .map(({ token, createdAt, userAgent, ipAddress }) => ({
      at: createdAt,
      agent: browserName(userAgent ?? ''),
      address: ipAddress || null,
      isThis: token === own?.session.token,
    }))
    .sort((a, b) => Number(b.isThis) - Number(a.isThis) || b.at.getTime() - a.at.getTime());
}
