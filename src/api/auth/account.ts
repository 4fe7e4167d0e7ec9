import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import {
  chooseOrganization,
  demandSecondFactor,
  endOtherSessions,
  endSession,
  findProofs,
  listOrganizations,
  listSessions,
} from '../../db/account/sessions.ts';
import { attentionCounts } from '../../db/transport/attention.ts';
import { passwordProblem, shortestPassword } from '../../domain/account/password.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { uuidShape } from '../http/fields.ts';
import { formOf, readForms, sendPage } from '../http/forms.ts';
import { pageErrors } from '../web/error-page.ts';
import { type Chrome, render } from '../web/layout.tsx';
import type { Access } from './access.ts';
import type { OrganizationsView } from './account-organizations.tsx';
import { AccountPage, type AccountView } from './account-page.tsx';
import { type Show, secondFactorForms } from './account-security.ts';
import type { SessionView } from './account-sessions.tsx';
import { type Auth, webHeaders } from './better-auth.ts';
import { browserName } from './browser-name.ts';
import { personOf, sessionOf } from './caller.ts';
import { createSignIn, type SignIn } from './password-sign-in.ts';
import { peerOf } from './sign-in-limits.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'counters' | 'log'>;

const hidden = { schema: { hide: true } };
const doneTexts: Record<string, string> = {
  password: 'Your password is changed. You are signed out everywhere else.',
  sessions: 'You are signed out everywhere else.',
  session: 'The session is signed out.',
  organization: 'You now act for this organization.',
  'second-factor': 'The second factor is on. Signing in asks for a code from now on.',
  'second-factor-off': 'The second factor is off.',
  security: 'The settings of your organization are saved.',
};
const needs: Record<string, string> = {
  'second-factor': 'Your organization asks its members for a second factor. Set one up here to continue.',
};
const textIn = (texts: Record<string, string>, name = ''): string | null =>
  Object.hasOwn(texts, name) ? texts[name]! : null;

/** The page of the signed-in person: who they are, what they prove it with, for whom they act, where they are signed in. */
export function accountRoutes(deps: Deps, auth: Auth, access: Access): FastifyPluginAsync {
  return async (app) => {
    readForms(app);
    app.addHook('onRequest', access.account);
    app.setErrorHandler(pageErrors(deps));
    const show: Show = async (request, reply, over = {}) => {
      const [chrome, view] = await Promise.all([chromeOf(deps, request), viewOf(deps, request)]);
      const shown: AccountView = {
        ...view,
        ...over,
        secondFactor: { ...view.secondFactor, ...over.secondFactor },
      };
      return sendPage(reply, deps.config, await render(AccountPage({ chrome, view: shown })));
    };
    app.get<{ Querystring: { done?: string; needs?: string } }>('/account', hidden, async (request, reply) =>
      show(request, reply, {
        done: textIn(doneTexts, request.query.done),
        needs: textIn(needs, request.query.needs),
      }),
    );
    const signing = createSignIn(deps, auth);
    passwordForm(app, signing, show);
    secondFactorForms(app, signing, show);
    sessionForms(app, deps);
    organizationForms(app, deps);
  };
}

function sessionForms(app: FastifyInstance, { db }: Deps): void {
  app.post('/account/sessions', hidden, async (request, reply) => {
    const { id, person } = sessionOf(request);
    await endOtherSessions(db, person.id, id);
    return reply.redirect('/account?done=sessions', 303);
  });
  app.post<{ Params: { id: string } }>('/account/sessions/:id/end', hidden, async (request, reply) => {
    const { id } = request.params;
    if (!uuidShape.test(id) || !(await endSession(db, personOf(request).id, id)))
      throw new RefusedError(404, 'not_found', 'This session has ended already.');
    return reply.redirect('/account?done=session', 303);
  });
}

function organizationForms(app: FastifyInstance, { db }: Deps): void {
  app.post('/account/organization', hidden, async (request, reply) => {
    const { id, person } = sessionOf(request);
    const { organization = '' } = formOf(request);
    const isName = /^[\w-]{1,200}$/.test(organization);
    if (!isName || !(await chooseOrganization(db, { id, userId: person.id }, organization)))
      throw new RefusedError(404, 'not_found', 'You are not a member of this organization.');
    return reply.redirect('/account?done=organization', 303);
  });
  app.post('/account/organization/security', hidden, async (request, reply) => {
    const demanded = formOf(request).requireTwoFactor === 'true';
    const { inUse, demand } = await organizationsOf(db, request);
    const { id: userId } = personOf(request);
    const done =
      inUse && demand && (await demandSecondFactor(db, { organizationId: inUse.id, userId, demanded }));
    if (!done)
      throw new RefusedError(403, 'forbidden', 'Only a seller who has a second factor decides this.');
    return reply.redirect('/account?done=security', 303);
  });
}

function passwordForm(app: FastifyInstance, { auth, limits }: SignIn, show: Show): void {
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

async function viewOf({ db }: Deps, request: FastifyRequest): Promise<AccountView> {
  const { id } = personOf(request);
  const [proofs, sessions, organizations] = await Promise.all([
    findProofs(db, id),
    sessionsOf(db, request),
    organizationsOf(db, request),
  ]);
  return {
    sessions,
    organizations,
    secondFactor: {
      state: proofs.hasSecondFactor ? 'on' : 'off',
      hasPassword: proofs.hasPassword,
      uri: null,
      codes: null,
    },
    shortest: shortestPassword,
    done: null,
    needs: null,
    errors: {},
    problem: null,
    now: new Date(),
  };
}

/** Newest first, this one before them. */
async function sessionsOf(db: Deps['db'], request: FastifyRequest): Promise<SessionView[]> {
  const own = sessionOf(request);
  const sessions = await listSessions(db, own.person.id);
  return sessions
    .map(({ id, createdAt, userAgent, address }) => ({
      id,
      at: createdAt,
      agent: browserName(userAgent ?? ''),
      address,
      isThis: id === own.id,
    }))
    .sort((a, b) => Number(b.isThis) - Number(a.isThis));
}

/** The person's organizations, and the one in use, whose demand a seller decides. */
async function organizationsOf(
  db: Deps['db'],
  request: FastifyRequest,
): Promise<OrganizationsView & { inUse: { id: string } | null }> {
  const { person, organizationId, hasSecondFactor } = sessionOf(request);
  const all = await listOrganizations(db, person.id);
  const inUse = all.find(({ id }) => id === organizationId) ?? all[0] ?? null;
  // A session that the demand shuts out must not end it.
  const mayDecide = inUse?.role === 'seller' && (!inUse.requiresTwoFactor || hasSecondFactor);
  return {
    inUse,
    all: all.map(({ id, slug, name, role }) => ({ slug, name, role, isCurrent: id === inUse?.id })),
    demand: mayDecide ? { isOn: inUse.requiresTwoFactor, maySwitchOn: hasSecondFactor } : null,
  };
}
