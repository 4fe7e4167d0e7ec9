import {
  findLinkOwner,
  findStoredPassword,
  requestLink,
  spendOnPassword,
  spendVerification,
} from '../../db/account/links.ts';
import { type AccountLinks, linkHours } from '../../domain/account/links.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../runtime.ts';
import type { Counters } from './counters.ts';
import { countLinkUse, openLink } from './links.ts';
import type { Passwords } from './passwords.ts';

/** An answer about an address comes this long after the question, so that its time does not tell whether there is an account. */
const evenlyMs = 150;
const seconds = 900;

type Deps = Pick<Runtime, 'db' | 'relay' | 'counters'>;
type Asking = {
  email: string;
  address: string;
  /** The address is a proxy's, and so that of all people. */
  internal: boolean;
};

/** Mails a link to reset the password, if the address has an account. Throws RefusedError 429. */
export async function askForReset(deps: Deps, asking: Asking): Promise<void> {
  await takeMail(deps, asking);
  await evenly(async () => {
    const owner = await findLinkOwner(deps.db, asking.email);
    if (owner) await deps.relay.commit(requestLink(owner, 'reset_password', linkHours.reset_password));
  });
}

/** Mails the link that verifies an address again, if it has an account and is not verified. Throws RefusedError 429. */
export async function askForVerification(deps: Deps, asking: Asking): Promise<void> {
  await takeMail(deps, asking);
  await evenly(async () => {
    const owner = await findLinkOwner(deps.db, asking.email);
    if (owner && !owner.emailVerified)
      await deps.relay.commit(requestLink(owner, 'verify_email', linkHours.verify_email));
  });
}

/** Counted whether or not there is an account. */
async function takeMail({ counters }: Deps, { email, address, internal }: Asking): Promise<void> {
  for (const counter of [
    { name: 'account_mail_address', who: address, limit: internal ? 1_000 : 20, seconds },
    { name: 'account_mail', who: email, limit: 3, seconds },
  ]) {
    const { ok, resetMs } = await counters.take(counter);
    if (ok) continue;
    counters.noteRefusal(counter.name);
    throw new RefusedError(429, 'too_many_attempts', 'Too many e-mails were requested. Try again later.', {
      retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
    });
  }
}

async function evenly(work: () => Promise<void>): Promise<void> {
  const even = new Promise<void>((resolve) => setTimeout(resolve, evenlyMs));
  await Promise.all([work(), even]);
}

type Spending = Pick<Runtime, 'db'> & { links: AccountLinks; passwords: Passwords; counters: Counters };

/** Sets the password by a link, and ends all sessions. Returns null for a link that does not work. Throws RefusedError 429. */
export async function resetPassword(
  deps: Spending,
  token: string,
  password: string,
): Promise<{ email: string; userId: string } | null> {
  const link = await openLink(deps, 'reset_password', token);
  if (!link) return null;
  await countLinkUse(deps, link.id);
  // Before the link is used: a refused turn leaves it as it is.
  return spendOnPassword(deps.db, link, await deps.passwords.hash(password));
}

/**
 * How the owner of a mailbox shows that the account is theirs too, and not one that a stranger made with their address: by a
 * session of it (`userId`), by its password, or by setting another one.
 */
export type OwnerProof = { userId: string } | { password: string } | { newPassword: string };

/**
 * Verifies an address by a link. Returns null for a link that does not work, and `unproven`, with nothing changed, for the
 * session or the password of another account. Throws RefusedError 429.
 */
export async function verifyAddress(
  deps: Spending,
  token: string,
  proof: OwnerProof,
): Promise<{ email: string } | 'unproven' | null> {
  const { db, passwords } = deps;
  const link = await openLink(deps, 'verify_email', token);
  if (!link) return null;
  if ('userId' in proof) return proof.userId === link.userId ? spendVerification(db, link.id) : 'unproven';
  await countLinkUse(deps, link.id);
  if ('newPassword' in proof) return spendOnPassword(db, link, await passwords.hash(proof.newPassword));
  const stored = await findStoredPassword(db, link.userId);
  if (stored === null || !(await passwords.verify(stored, proof.password))) return 'unproven';
  return spendVerification(db, link.id);
}
