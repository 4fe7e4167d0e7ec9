import { findStoredPassword, replaceStoredPassword } from '../db/account/links.ts';
import { defineWorker, eventOnly, type Run } from '../engine/define.ts';
import { skip } from '../engine/outcome.ts';
import { mailInvitation } from '../usecases/account/invitations.ts';
import { mailLink } from '../usecases/account/links.ts';
import { createPasswords } from '../usecases/account/passwords.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'config'>;

/** Sets up new accounts, and mails people the links that verify an address, reset a password or accept an invitation. */
export const accountKeeper = defineWorker<'account-keeper', Deps, null>({
  name: 'account-keeper',
  about: eventOnly,
  concurrency: 10,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    async 'account.registered'({ data }, deps, run) {
      if (data.linkId === undefined) return skip('the address was verified by Google');
      await strengthen(data.userId, deps, run);
      return mailLink(data.linkId, deps, run);
    },
    'account.link_requested': ({ data }, deps, run) => mailLink(data.linkId, deps, run),
    'member.invited': ({ id, data }, deps, run) => mailInvitation(data.invitationId, id, deps, run),
  },
});

/** Replaces the quick hash of a registration. Repeating it, or a password that was changed, changes nothing. */
async function strengthen(userId: string, { db, config }: Deps, run: Run): Promise<void> {
  const stored = await findStoredPassword(db, userId);
  const strong = stored && (await createPasswords(config).strengthen(stored));
  if (stored && strong) await run.advance(replaceStoredPassword(userId, stored, strong));
}
