import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AccountLinks } from '../../domain/account/links.ts';
import { passwordProblem } from '../../domain/account/password.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import { accountLinksOf, openLink } from '../../usecases/account/links.ts';
import { createPasswords } from '../../usecases/account/passwords.ts';
import { askForReset, resetPassword, verifyAddress } from '../../usecases/account/recovery.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { failureOf } from '../http/errors.ts';
import { formOf, readForms, sendPage } from '../http/forms.ts';
import { addressOf, type Limiter } from '../http/limits.ts';
import { pageErrors } from '../web/error-page.ts';
import { render } from '../web/layout.tsx';
import { MessagePage, type Way } from '../web/message-page.tsx';
import { type Auth, findPerson, webHeaders } from './better-auth.ts';
import { assertSameOrigin, trustedOrigins } from './origin.ts';
import {
  ForgotPasswordPage,
  ResetPasswordPage,
  type VerificationWay,
  VerifyEmailPage,
} from './recovery-page.tsx';
import { emailOf, findInviting, type Registering, registerPerson } from './register.ts';
import { BuyerRegistrationPage, SellerRegistrationPage } from './register-page.tsx';
import { sentenceOf } from './sign-in-errors.ts';
import { peerOf } from './sign-in-limits.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'relay' | 'counters' | 'log'>;

export const hidden = { schema: { hide: true } };
export const toSignIn: Way = { href: '/login', label: 'Sign in' };
const toReset: Way = { href: '/forgot-password', label: 'Request another link' };

export type Show = (
  reply: FastifyReply,
  page: Parameters<typeof render>[0],
  status?: number,
) => Promise<FastifyReply>;

/** Prepares a scope of pages for people who are not signed in. */
export function entryPages(app: FastifyInstance, deps: Pick<Deps, 'config' | 'log'>): Show {
  const trusted = trustedOrigins(deps.config.publicUrl);
  readForms(app);
  app.setErrorHandler(pageErrors(deps));
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    assertSameOrigin(request, trusted);
  });
  return async (reply, page, status = 200) => sendPage(reply.status(status), deps.config, await render(page));
}

export const sayExpired = (show: Show, reply: FastifyReply, ways: readonly Way[] = [toSignIn]) =>
  show(
    reply,
    MessagePage({ title: 'This link no longer works', text: 'It was already used or has expired.', ways }),
    404,
  );

/** What a form says of a refusal. Rethrows every other error. */
export function refusalIn(error: unknown, reply: FastifyReply): { status: number; problem: string } {
  if (!(error instanceof RefusedError)) throw error;
  const { status, detail, retryAfterSeconds } = failureOf(error);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  const isWorded = error instanceof ContractError && !/^Invalid (password|phoneNumber)/.test(error.wording);
  return { status, problem: isWorded && error.status === 400 ? `${error.wording}.` : detail };
}

export const passwordsDiffer = (password: string, again: string): string | null =>
  passwordProblem(password) ?? (password === again ? null : 'The two passwords do not match.');

/** The pages by which people get into their account: registering, a forgotten password, verifying an address. */
export function entryRoutes(
  deps: Deps,
  { auth, registering, limiter }: { auth: Auth; registering: Registering; limiter: Limiter },
): FastifyPluginAsync {
  return async (app) => {
    const show = entryPages(app, deps);
    registrationPages(app, { deps, registering, limiter, show });
    recoveryPages(app, deps, show);
    verificationPages(app, deps, { auth, show });
  };
}

type Entry = { deps: Deps; registering: Registering; limiter: Limiter; show: Show };

function registrationPages(app: FastifyInstance, entry: Entry): void {
  const { deps, show } = entry;
  const google = deps.config.google !== null;
  app.get<{ Querystring: { error?: string } }>('/register', hidden, async (request, reply) => {
    const problem = sentenceOf(request.query.error) ?? undefined;
    return show(reply, SellerRegistrationPage({ typed: {}, google, problem }));
  });
  app.post('/register', hidden, async (request, reply) => {
    const typed = formOf(request);
    try {
      return await register(entry, request, reply, { ...typed, role: 'SELLER' });
    } catch (error) {
      const { status, problem } = refusalIn(error, reply);
      return show(reply, SellerRegistrationPage({ typed, google, problem }), status);
    }
  });

  buyerRegistration(app, entry);
}

function buyerRegistration(app: FastifyInstance, entry: Entry): void {
  const { deps, registering, show } = entry;
  const google = deps.config.google !== null;
  type Query = { Querystring: { code?: string; error?: string } };
  app.get<Query>('/register/buyer', hidden, async (request, reply) => {
    const { code, error } = request.query;
    const said = sentenceOf(error) ?? undefined;
    if (typeof code !== 'string' || code.trim() === '')
      return show(reply, BuyerRegistrationPage({ typed: {}, google, seller: null, problem: said }));
    const typed = { inviteCode: code };
    try {
      const seller = await findInviting(registering, request, code);
      const unknown = seller
        ? undefined
        : 'This invite code does not work. Ask your seller for the current one.';
      const page = { typed, google, seller: seller?.companyName ?? null, problem: said ?? unknown };
      return show(reply, BuyerRegistrationPage(page));
    } catch (error) {
      const { status, problem } = refusalIn(error, reply);
      return show(reply, BuyerRegistrationPage({ typed, google, seller: null, problem }), status);
    }
  });
  app.post('/register/buyer', hidden, async (request, reply) => {
    const typed = formOf(request);
    try {
      return await register(entry, request, reply, { ...typed, role: 'BUYER' });
    } catch (error) {
      const { status, problem } = refusalIn(error, reply);
      return show(reply, BuyerRegistrationPage({ typed, google, seller: null, problem }), status);
    }
  });
}

async function register(
  { deps, registering, limiter, show }: Entry,
  request: FastifyRequest,
  reply: FastifyReply,
  given: Record<string, string>,
): Promise<FastifyReply> {
  await limiter.take('registration', addressOf(request), reply);
  const { user, warnings } = await registerPerson(registering, deps.config, request, given);
  const text = [`We sent an e-mail to ${user.email}: open its link to verify the address.`, ...warnings].join(
    ' ',
  );
  return show(reply, MessagePage({ title: 'Your account is ready', text, ways: [toSignIn] }), 201);
}

function recoveryPages(app: FastifyInstance, deps: Deps, show: Show): void {
  const { config, db, counters } = deps;
  const links: AccountLinks = accountLinksOf(config);
  const passwords = createPasswords(config);

  app.get('/forgot-password', hidden, async (_request, reply) => show(reply, ForgotPasswordPage({})));
  app.post('/forgot-password', hidden, async (request, reply) => {
    const { email = '' } = formOf(request);
    try {
      await askForReset(deps, { email: emailOf(email), ...peerOf(request) });
    } catch (error) {
      const { status, problem } = refusalIn(error, reply);
      return show(reply, ForgotPasswordPage({ email, problem }), status);
    }
    const text =
      'If there is an account with this address, an e-mail with a link is on its way. It works for one hour.';
    return show(reply, MessagePage({ title: 'Look into your mailbox', text, ways: [toSignIn] }));
  });

  app.get<{ Params: { token: string } }>('/reset-password/:token', hidden, async (request, reply) => {
    const { token } = request.params;
    const link = await openLink({ db, links }, 'reset_password', token);
    if (!link) return sayExpired(show, reply, [toReset, toSignIn]);
    return show(reply, ResetPasswordPage({ token, email: link.email }));
  });
  app.post<{ Params: { token: string } }>('/reset-password/:token', hidden, async (request, reply) => {
    const { token } = request.params;
    const link = await openLink({ db, links }, 'reset_password', token);
    if (!link) return sayExpired(show, reply, [toReset, toSignIn]);
    const { password = '', again = '' } = formOf(request);
    const problem = passwordsDiffer(password, again);
    if (problem) return show(reply, ResetPasswordPage({ token, email: link.email, problem }), 400);
    if (!(await resetPassword({ db, links, passwords, counters }, token, password)))
      return sayExpired(show, reply, [toReset, toSignIn]);
    const text = 'Your new password is set, and you are signed out everywhere. Sign in with it now.';
    return show(reply, MessagePage({ title: 'Password changed', text, ways: [toSignIn] }));
  });
}

/** An account may have been made by a stranger, whose password would stay: only its own person verifies it by the button alone. */
function verificationPages(
  app: FastifyInstance,
  deps: Deps,
  { auth, show }: { auth: Auth; show: Show },
): void {
  const { db, counters } = deps;
  const links = accountLinksOf(deps.config);
  const spending = { db, links, passwords: createPasswords(deps.config), counters };
  type Page = { Params: { token: string }; Querystring: { password?: string } };
  const wayOf = async (request: FastifyRequest<Page>, userId: string): Promise<VerificationWay> => {
    if (request.query.password === 'new') return 'new_password';
    const person = await findPerson(auth, webHeaders(request));
    return person?.id === userId ? 'session' : 'password';
  };

  app.get<Page>('/verify-email/:token', hidden, async (request, reply) => {
    const { token } = request.params;
    const link = await openLink(spending, 'verify_email', token);
    if (!link) return sayExpired(show, reply);
    const way = await wayOf(request, link.userId);
    return show(reply, VerifyEmailPage({ token, email: link.email, way }));
  });
  app.post<Page>('/verify-email/:token', hidden, async (request, reply) => {
    const { token } = request.params;
    const link = await openLink(spending, 'verify_email', token);
    if (!link) return sayExpired(show, reply);
    const { email, userId } = link;
    const way = await wayOf(request, userId);
    const refused = (status: number, problem: string) =>
      show(reply, VerifyEmailPage({ token, email, way, problem }), status);
    const { password = '', again = '' } = formOf(request);
    const problem = way === 'new_password' ? passwordsDiffer(password, again) : null;
    if (problem) return refused(400, problem);
    const proof = { session: { userId }, password: { password }, new_password: { newPassword: password } }[
      way
    ];
    const verified = await verifyAddress(spending, token, proof).catch((error: unknown) =>
      refusalIn(error, reply),
    );
    if (!verified) return sayExpired(show, reply);
    if (verified === 'unproven') return refused(400, 'This is not the password of this account.');
    if ('problem' in verified) return refused(verified.status, verified.problem);
    const text = `${email} is verified. Thank you.${way === 'new_password' ? ' Sign in with your new password.' : ''}`;
    return show(reply, MessagePage({ title: 'Address verified', text, ways: [toSignIn] }));
  });
}
