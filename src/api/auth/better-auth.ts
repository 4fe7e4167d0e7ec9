import { drizzleAdapter } from '@better-auth/drizzle-adapter';
import { betterAuth } from 'better-auth/minimal';
import { v7 as uuidv7 } from 'uuid';
import type { Logger } from '../../adapters/logger.ts';
import type { Config } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import { accounts, sessions, users, verifications } from '../../db/schema/auth.ts';
import { trustedOrigins } from './origin.ts';

/**
 * Sign-in by better-auth: passwords by scrypt, sessions in our database, accounts made by the command line only. What
 * it does not do is around it: limits per account and address (sign-in-limits.ts), who may see what (operator.ts).
 */

export type AuthDeps = { config: Config; db: Database; log: Logger };
export type Person = { id: string; name: string; email: string; role: 'operator' | 'member' };

/** Set by us from the connection; a client's own header of this name is overwritten. */
export const addressHeader = 'x-leadgate-address';

export const sessionDays = 7;
export const shortestPassword = 12;

export function createAuth({ config, db, log }: AuthDeps) {
  return betterAuth({
    appName: 'leadgate',
    baseURL: config.publicUrl,
    basePath: '/api/auth',
    secret: config.sessionSecret,
    trustedOrigins: trustedOrigins(config.publicUrl),
    database: drizzleAdapter(db.orm, {
      provider: 'pg',
      schema: { user: users, session: sessions, account: accounts, verification: verifications },
    }),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: shortestPassword },
    socialProviders: config.google
      ? { google: { ...config.google, disableSignUp: true, disableImplicitSignUp: true } }
      : {},
    user: { additionalFields: { role: { type: 'string', input: false, defaultValue: 'member' } } },
    // Never prolonged by reading: a GET changes nothing.
    session: {
      expiresIn: sessionDays * 86_400,
      disableSessionRefresh: true,
      cookieCache: { enabled: false },
    },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    advanced: {
      cookiePrefix: 'leadgate',
      useSecureCookies: config.publicUrl.startsWith('https://'),
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/' },
      ipAddress: { ipAddressHeaders: [addressHeader] },
      database: { generateId: () => uuidv7() },
    },
    // Its arguments may carry what somebody typed; the message alone is logged.
    logger: { level: 'warn', log: (level, message) => log.debug({ level, message }, 'sign-in library') },
    onAPIError: { onError: (error) => log.debug({ error: String(error) }, 'sign-in library') },
  });
}

export type Auth = ReturnType<typeof createAuth>;

/** Whose session these headers carry. Null: nobody's, or one that ended. */
export async function personOf(auth: Auth, headers: Headers): Promise<Person | null> {
  if (!headers.has('cookie')) return null;
  const found = await auth.api.getSession({ headers });
  if (!found) return null;
  const { id, name, email, role } = found.user;
  return { id, name, email, role: role === 'operator' ? 'operator' : 'member' };
}

/**
 * Makes the account, or makes an existing one an operator with this password. Repeating it changes nothing; a new
 * password ends the sessions opened with the old one.
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
