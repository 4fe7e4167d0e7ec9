import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { sameSecret } from '../../adapters/secret.ts';
import { listOrganizations, type OwnOrganization } from '../../db/account/sessions.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { speakContract } from '../http/contract.ts';
import { failureOf } from '../http/errors.ts';
import { acceptForms, formOf } from '../http/forms.ts';
import { addressOf, type Limiter } from '../http/limits.ts';
import { type Auth, credentialHeaders, endSession, findSession, type Session } from './better-auth.ts';
import { readWanted, reasonOf, type Wanted } from './google-registration.ts';
import { beginGoogle } from './google-sign-in.ts';
import { assertSameOrigin, trustedOrigins } from './origin.ts';
import { createSignIn, type SignIn, type SignInOutcome, signIn } from './password-sign-in.ts';
import type { Registering } from './register.ts';

/*
 * The protocol of next-auth 4, whose React client signs existing front ends in, on the sessions of our own. A form carries
 * the token of a cookie, which another site's page can neither read nor set.
 */

type Deps = Pick<Runtime, 'config' | 'db' | 'counters' | 'log'>;
type App = Parameters<FastifyPluginAsync>[0];
type Site = {
  signing: SignIn;
  registering: Registering;
  limiter: Limiter;
  trusted: readonly string[];
  base: string;
  csrf: Csrf;
};

const cookieName = 'next-auth.csrf-token';

export function nextAuthRoutes(
  runtime: Deps,
  auth: Auth,
  { registering, limiter }: { registering: Registering; limiter: Limiter },
): FastifyPluginAsync {
  const { config } = runtime;
  const trusted = trustedOrigins(config.publicUrl);
  const base = `${new URL(config.publicUrl).origin}/api/auth`;
  const signing = createSignIn(runtime, auth);
  const site: Site = { signing, registering, limiter, trusted, base, csrf: createCsrf(config) };
  return async (app) => {
    speakContract(app, runtime);
    acceptForms(app);
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'private, no-cache, no-store');
      // Programs send no Origin; a browser does with every form.
      if (request.headers.origin !== undefined) assertSameOrigin(request, trusted);
    });
    describe(app, site);
    readSession(app, site);
    credentialsCallback(app, site);
    googleSignIn(app, site);
    signOut(app, site);
  };
}

const hidden = { schema: { hide: true } };

function describe(app: App, { signing, base, csrf }: Site): void {
  app.get('/api/auth/providers', hidden, async () => {
    const provider = (id: string, name: string, type: string) => ({
      id,
      name,
      type,
      signinUrl: `${base}/signin/${id}`,
      callbackUrl: `${base}/callback/${id}`,
    });
    return {
      credentials: provider('credentials', 'Credentials', 'credentials'),
      ...(signing.config.google ? { google: provider('google', 'Google', 'oauth') } : {}),
    };
  });
  app.get('/api/auth/csrf', hidden, async (request, reply) => {
    const csrfToken = csrf.tokenOf(request) ?? csrf.newToken();
    return reply.header('set-cookie', csrf.cookie(csrfToken)).send({ csrfToken });
  });
  // What the client could not do, from its console; nothing of it is kept.
  app.post('/api/auth/_log', hidden, async () => ({}));
  // Addresses that the client sends people to.
  for (const page of ['signin', 'error', 'signout'])
    app.get<{ Querystring: { error?: string } }>(`/api/auth/${page}`, hidden, async (request, reply) => {
      const { error } = request.query;
      return reply.redirect(error ? `/login?error=${encodeURIComponent(error)}` : '/login', 303);
    });
}

function readSession(app: App, { signing, limiter }: Site): void {
  app.get('/api/auth/session', hidden, async (request, reply) => {
    const session = await findSession(signing.auth, credentialHeaders(request));
    if (!session && request.headers.authorization !== undefined) {
      await limiter.take('refused', addressOf(request), reply);
      throw new ContractError(401, 'unauthorized', 'Unauthorized', 'This session is not valid.');
    }
    const used = session && !session.needsSecondFactor ? await organizationInUse(signing, session) : null;
    if (!session || session.needsSecondFactor || isClosed(session, used)) return {};
    const { id, email, name, image } = session.person;
    return {
      user: { id, email, name, image, role: roleNameOf(session, used) },
      expires: session.expiresAt.toISOString(),
    };
  });
}

/** The organization that a session acts for: the chosen one, else the first. Null for members of none. */
async function organizationInUse(
  { db }: Pick<SignIn, 'db'>,
  { person, organizationId }: Session,
): Promise<OwnOrganization | null> {
  const all = await listOrganizations(db, person.id);
  return all.find(({ id }) => id === organizationId) ?? all[0] ?? null;
}

const isClosed = ({ hasSecondFactor }: Session, used: OwnOrganization | null): boolean =>
  used?.requiresTwoFactor === true && !hasSecondFactor;

const roleNameOf = ({ person }: Session, used: OwnOrganization | null): string | null =>
  used?.role.toUpperCase() ?? (person.role === 'operator' ? 'OPERATOR' : null);

function credentialsCallback(app: App, site: Site): void {
  const { signing, base, csrf } = site;
  app.post('/api/auth/callback/credentials', hidden, async (request, reply) => {
    const { email = '', password = '', code, csrfToken = '', callbackUrl } = formOf(request);
    if (!csrf.isValid(request, csrfToken)) return reply.send({ url: `${base}/signin?csrf=true` });
    const failed = (status: number, error: string) =>
      reply.status(status).send({ url: `${base}/error?error=${encodeURIComponent(error)}` });
    if (email.length > 254 || password.length > 128) return failed(401, 'Invalid credentials');
    let result: SignInOutcome;
    try {
      result = await signIn(signing, request, { email, password, code });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const { status, retryAfterSeconds } = failureOf(error);
      if (retryAfterSeconds) reply.header('retry-after', String(retryAfterSeconds));
      return failed(status, 'TooManyAttempts');
    }
    if (result.outcome === 'refused') return failed(401, 'Invalid credentials');
    if (result.outcome === 'code_required') return failed(401, 'SecondFactorRequired');
    if (result.outcome === 'code_refused') return failed(401, 'InvalidCode');
    if (await endIfClosed(signing, result.answer)) return failed(401, 'SecondFactorSetupRequired');
    reply.header('set-cookie', result.answer.headers.getSetCookie());
    return reply.send({ url: ownAddress(site, callbackUrl) });
  });
}

/** Ends the session that was just opened when its organization asks for a second factor that the person lacks. */
async function endIfClosed({ auth, db }: SignIn, answer: Response): Promise<boolean> {
  const bearer = answer.headers.get('set-auth-token');
  const session = await findSession(auth, new Headers({ authorization: `Bearer ${bearer}` }));
  if (!session || !isClosed(session, await organizationInUse({ db }, session))) return false;
  await (await auth.$context).internalAdapter.deleteSession(session.token);
  return true;
}

function googleSignIn(app: App, site: Site): void {
  const { signing, registering, limiter, base, csrf } = site;
  app.post('/api/auth/signin/google', hidden, async (request, reply) => {
    const given = formOf(request);
    const { csrfToken = '', callbackUrl } = given;
    if (!csrf.isValid(request, csrfToken)) return reply.send({ url: `${base}/signin?csrf=true` });
    if (!signing.config.google) return reply.status(404).send({ url: `${base}/error?error=Configuration` });
    let wanted: Wanted | null;
    try {
      if (given.role) await limiter.take('registration', addressOf(request), reply);
      wanted = await readWanted({ registering, config: signing.config }, request, given);
    } catch (error) {
      const { status, retryAfterSeconds } = failureOf(error);
      const reason = reasonOf(error);
      if (reason === null) throw error;
      if (retryAfterSeconds) reply.header('retry-after', String(retryAfterSeconds));
      return reply.status(status).send({ url: `${base}/error?error=${reason}` });
    }
    const headers = credentialHeaders(request);
    headers.delete('cookie');
    const landing = ownAddress(site, callbackUrl);
    const { url, cookies } = await beginGoogle(signing.auth, headers, { wanted, landing, refused: '/login' });
    return reply.header('set-cookie', cookies).send({ url });
  });
}

function signOut(app: App, site: Site): void {
  const { signing, base, csrf } = site;
  app.post('/api/auth/signout', hidden, async (request, reply) => {
    const { csrfToken = '', callbackUrl } = formOf(request);
    if (!csrf.isValid(request, csrfToken)) return reply.send({ url: `${base}/signout?csrf=true` });
    const answer = await endSession(signing.auth, credentialHeaders(request));
    reply.header('set-cookie', answer.headers.getSetCookie());
    return reply.send({ url: ownAddress(site, callbackUrl) });
  });
}

/** An address of our own origin: a page of another site is never a place to go on to. */
function ownAddress({ trusted, base }: Pick<Site, 'trusted' | 'base'>, wanted: string | undefined): string {
  const home = new URL('/', base);
  if (wanted === undefined || wanted.length > 2_000 || !URL.canParse(wanted, home)) return home.origin;
  const address = new URL(wanted, home);
  return trusted.includes(address.origin) ? address.href : home.origin;
}

type Csrf = ReturnType<typeof createCsrf>;

/** The cookie holds a token and its hash with a secret, so that a cookie set by another site is not taken. */
function createCsrf({ sessionSecret, publicUrl }: Pick<Runtime['config'], 'sessionSecret' | 'publicUrl'>) {
  const secret = createHmac('sha256', sessionSecret).update('next-auth csrf').digest('hex');
  const hashOf = (token: string) => createHash('sha256').update(`${token}${secret}`).digest('hex');
  const secure = publicUrl.startsWith('https://') ? '; Secure' : '';
  const tokenOf = ({ headers }: FastifyRequest): string | null => {
    const own = (headers.cookie ?? '').split(/;\s*/).find((cookie) => cookie.startsWith(`${cookieName}=`));
    const [token = '', hash = ''] = (own ?? '')
      .slice(cookieName.length + 1)
      .replace('%7C', '|')
      .split('|');
    return /^[0-9a-f]{64}$/.test(token) && sameSecret(hash, hashOf(token)) ? token : null;
  };
  return {
    tokenOf,
    newToken: () => randomBytes(32).toString('hex'),
    cookie: (token: string) =>
      `${cookieName}=${token}|${hashOf(token)}; Path=/; HttpOnly; SameSite=Lax${secure}`,
    isValid: (request: FastifyRequest, given: string) => {
      const token = tokenOf(request);
      return token !== null && sameSecret(given, token);
    },
  };
}
