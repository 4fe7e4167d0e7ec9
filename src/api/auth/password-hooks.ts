import type { BetterAuthOptions } from 'better-auth';
import { endPasswordLinks } from '../../db/account/links.ts';
import type { Queryable } from '../../db/client.ts';

type AccountHooks = Pick<NonNullable<BetterAuthOptions['databaseHooks']>, 'account'>;

/**
 * Before a changed password is stored, the links that could set another one end: one may have been handed out, or lie in a
 * mailbox that a stranger reads. The library has judged the current password by then.
 */
export const passwordHooks = (db: Queryable): AccountHooks => ({
  account: {
    update: {
      async before(_account, context) {
        if (context?.path !== '/change-password') return;
        const userId = context.context.session?.user.id;
        if (userId !== undefined) await endPasswordLinks(db, userId);
      },
    },
  },
});
