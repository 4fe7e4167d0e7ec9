import { drizzleAdapter } from '@better-auth/drizzle-adapter';
import { betterAuth } from 'better-auth/minimal';
import { bearer } from 'better-auth/plugins/bearer';
import { twoFactor } from 'better-auth/plugins/two-factor';
import type { FastifyRequest } from 'fastify';
import type { Logger } from '../../adapters/logger.ts';
import type { Config } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import { accounts, sessions, twoFactors, users, verifications } from '../../db/schema/auth.ts';
import { longestPassword, shortestPassword } from '../../domain/account/password.ts';
import type { Person } from '../../domain/account/person.ts';
import { newId } from '../../events/new-id.ts';
import { createPasswords } from '../../usecases/account/passwords.ts';
import { addressOf } from '../http/limits.ts';
import { type Returned, realGoogle, simulatedGoogle } from './google.ts';
import { trustedOrigins } from './origin.ts';
import { passwordHooks } from './password-hooks.ts';
import { sessionHooks } from './session-hooks.ts';

/**
 * Sign-in by better-auth: passwords stored as usecases/account/passwords.ts says, sessions in our database, no sign-up. What the library does not
 * do stands beside it: attempts per account and address (sign-in-limits.ts), and who may see what (access.ts).
 */

type AuthDeps = { config: Config; db: Database; log: Logger };

/** Set from the connection; a client's own header of this name is overwritten. */
const addressHeader = 'x-leadgate-address';

const sessionDays = 7;

/** `returned`: runs for each person who returns from Google, before the account is looked for. */
export function createAuth({ config, db, log }: AuthDeps, returned: Returned = async () => undefined) {
  const passwords = createPasswords(config);
  return betterAuth({
    appName: 'leadgate',
    baseURL: config.publicUrl,
    basePath: '/api/auth',
    secret: config.sessionSecret,
    trustedOrigins: trustedOrigins(config.publicUrl),
    database: drizzleAdapter(db.orm, {
      provider: 'pg',
      schema: {
        user: users,
        session: sessions,
        account: accounts,
        verification: verifications,
        twoFactor: twoFactors,
      },
    }),
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: shortestPassword,
      maxPasswordLength: longestPassword,
      password: {
        hash: passwords.hash,
        verify: ({ hash, password }) => passwords.verify(hash, password),
      },
    },
    socialProviders: realGoogle(config.google, returned),
    user: { additionalFields: { role: { type: 'string', input: false, defaultValue: 'member' } } },
    // A read never extends a session: a GET changes nothing.
    session: {
      expiresIn: sessionDays * 86_400,
      disableSessionRefresh: true,
      cookieCache: { enabled: false },
      additionalFields: {
        secondFactorAt: { type: 'date', required: false, input: false },
        organizationId: { type: 'string', required: false, input: false },
      },
    },
    // In this order: with bearer before it, a sign-in that still needs its second factor would answer a token.
    // Attempts are counted by second-factor-limits.ts: the library would lock an account for all, its owner included.
    plugins: [
      twoFactor({ issuer: 'leadgate', allowPasswordless: true, accountLockout: { enabled: false } }),
      ...simulatedGoogle(config.google, returned),
      bearer({ requireSignature: true }),
    ],
    databaseHooks: { ...sessionHooks, ...passwordHooks(db) },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    advanced: {
      cookiePrefix: 'leadgate',
      useSecureCookies: config.publicUrl.startsWith('https://'),
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/' },
      ipAddress: { ipAddressHeaders: [addressHeader] },
      database: { generateId: newId },
    },
    // The arguments may contain user input, so only the message is logged.
    logger: { level: 'warn', log: (level, message) => log.debug({ level, message }, 'sign-in library') },
    onAPIError: { onError: (error) => log.debug({ error: String(error) }, 'sign-in library') },
  });
}

export type Auth = ReturnType<typeof createAuth>;

/** A request's headers as the library reads them, with the address of the connection. */
export function webHeaders(request: FastifyRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  headers.set(addressHeader, addressOf(request));
  return headers;
}

/**
 * A request's headers with one credential: of an Authorization header and a cookie, the header alone. The library would
 * fall back to the cookie when the header is not valid.
 */
export function credentialHeaders(request: FastifyRequest): Headers {
  const headers = webHeaders(request);
  if (headers.has('authorization')) headers.delete('cookie');
  return headers;
}

/** A valid session and whose it is. */
export type Session = {
  id: string;
  /** Identifies the session to the library; never shown. */
  token: string;
  expiresAt: Date;
  person: Person & { image: string | null };
  /** The organization that a member of several has chosen; null for the first one. */
  organizationId: string | null;
  /** Whether the person has a second factor and gave it in this session. */
  hasSecondFactor: boolean;
  /** The person has a second factor, which this session still lacks: it opens nothing but the page that asks for it. */
  needsSecondFactor: boolean;
};

/**
 * The session of a request: of its Authorization header when there is one, else of its cookie, never of both. Returns null
 * when there is none or it has expired.
 */
export async function findSession(auth: Auth, headers: Headers): Promise<Session | null> {
  const credentials = new Headers(headers);
  if (headers.has('authorization')) credentials.delete('cookie');
  else if (!headers.has('cookie')) return null;
  const found = await auth.api.getSession({ headers: credentials });
  if (!found) return null;
  const { id, name, email, role, image = null, twoFactorEnabled } = found.user;
  const { secondFactorAt = null, organizationId = null } = found.session;
  const isProtected = twoFactorEnabled === true;
  return {
    id: found.session.id,
    token: found.session.token,
    expiresAt: found.session.expiresAt,
    person: { id, name, email, image, role: role === 'operator' ? 'operator' : 'member' },
    organizationId,
    hasSecondFactor: isProtected && secondFactorAt !== null,
    needsSecondFactor: isProtected && secondFactorAt === null,
  };
}

/** The user of a session that lacks nothing. Returns null for any other request. */
export async function findPerson(auth: Auth, headers: Headers): Promise<Person | null> {
  const session = await findSession(auth, headers);
  return session && !session.needsSecondFactor ? session.person : null;
}

/**
 * Ends the session of these headers, and answers what clears its cookie. Throws when it could not be ended, of which the
 * library's own route says nothing.
 */
export async function endSession(auth: Auth, headers: Headers): Promise<Response> {
  const session = await findSession(auth, headers);
  if (session) await (await auth.$context).internalAdapter.deleteSession(session.token);
  return auth.api.signOut({ headers, asResponse: true });
}

/**
 * Creates an operator account, or gives an existing account the role and this password. Repeating it changes nothing; a
 * different password ends the existing sessions.
 */
export async function ensureOperator(
  deps: AuthDeps,
  request: { email: string; password: string; name: string },
): Promise<{ id: string; created: boolean }> {
  const { internalAdapter, password } = await createAuth(deps).$context;
  const email = request.email.trim().toLowerCase();
  const known = await internalAdapter.findUserByEmail(email, { includeAccounts: true });
  if (!known) {
    const user = await internalAdapter.createUser(
      { email, name: request.name, emailVerified: true, role: 'operator' },
      { method: 'email-password' },
    );
    const hash = await password.hash(request.password);
    await internalAdapter.linkAccount({
      userId: user.id,
      providerId: 'credential',
      accountId: user.id,
      password: hash,
    });
    return { id: user.id, created: true };
  }
  const { id } = known.user;
  await internalAdapter.updateUser(id, { role: 'operator' });
  const credential = known.accounts.find((account) => account.providerId === 'credential')?.password;
  if (credential && (await password.verify({ hash: credential, password: request.password })))
    return { id, created: false };
  const hash = await password.hash(request.password);
  if (credential) await internalAdapter.updatePassword(id, hash);
  else
    await internalAdapter.linkAccount({
      userId: id,
      providerId: 'credential',
      accountId: id,
      password: hash,
    });
  await internalAdapter.deleteUserSessions(id);
  return { id, created: false };
}
