import type { BetterAuthOptions } from 'better-auth';

type SessionHooks = NonNullable<BetterAuthOptions['databaseHooks']>;
/** Our columns of a session. */
type Own = { secondFactorAt?: unknown; organizationId?: unknown };

/** The library opens a session on these only after the code was right. */
const secondFactorPaths = new Set(['/two-factor/verify-totp', '/two-factor/verify-backup-code']);

/**
 * What a new session knows besides the library's columns: whether a second factor was given for it, and of the session
 * that it replaces after a change of the password, what was given and chosen there. A session of any other origin (a
 * password, Google, a factor that was switched off) starts without a second factor.
 */
export const sessionHooks: SessionHooks = {
  session: {
    create: {
      async before(session, context) {
        const path = context?.path ?? '';
        const replaced = (context?.context.session?.session ?? session) as Own;
        return { data: { ...session, ...ownColumns(path, replaced) } };
      },
    },
  },
};

function ownColumns(path: string, { secondFactorAt = null, organizationId = null }: Own): Own {
  if (secondFactorPaths.has(path)) return { secondFactorAt: new Date(), organizationId };
  if (path === '/change-password') return { secondFactorAt, organizationId };
  return { secondFactorAt: null, organizationId: path === '/two-factor/disable' ? organizationId : null };
}
