import type { Config } from '../../config.ts';
import { findLink, type OpenLink } from '../../db/account/links.ts';
import { type AccountLinks, createAccountLinks, type LinkPurpose } from '../../domain/account/links.ts';
import { RefusedError } from '../../domain/errors.ts';
import { renderReset, renderVerification } from '../../domain/messaging/templates.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, skip } from '../../engine/outcome.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

/** By the oldest key, so that links survive a rotation. */
export const accountLinksOf = ({ encryptionKeys, publicUrl }: Pick<Config, 'encryptionKeys' | 'publicUrl'>) =>
  createAccountLinks(encryptionKeys.at(-1)!.key, publicUrl);

/** The link of a token, when it still works. */
export async function openLink(
  { db, links }: Pick<Runtime, 'db'> & { links: AccountLinks },
  purpose: LinkPurpose,
  token: string,
): Promise<OpenLink | null> {
  const id = links.read(purpose, token);
  const link = id === null ? null : await findLink(db, id);
  return link?.purpose === purpose ? link : null;
}

/**
 * A password that is set by a link costs a hash, which is slow on purpose: the holder of a link gets a few of them, not all
 * that the process can make. Throws RefusedError 429.
 */
export async function countLinkUse({ counters }: Pick<Runtime, 'counters'>, id: string): Promise<void> {
  const counter = { name: 'account_link', who: id, limit: 5, seconds: 900 };
  const { ok, resetMs } = await counters.take(counter);
  if (ok) return;
  counters.noteRefusal(counter.name);
  throw new RefusedError(
    429,
    'too_many_attempts',
    'This link was used too often. Nothing was changed; try again later.',
    { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) },
  );
}

const mails = {
  verify_email: { render: renderVerification, purpose: 'verify_email' },
  reset_password: { render: renderReset, purpose: 'reset_password' },
} as const;

/** Mails a link to its owner, once however often this runs. */
export async function mailLink(
  linkId: string,
  { db, config, effects }: Pick<Runtime, 'db' | 'config' | 'effects'>,
  run: Run,
): Promise<Outcome> {
  const link = await findLink(db, linkId);
  if (!link) return skip('the link was used or has expired');
  const { name, email, hours, language, organizationId, userId } = link;
  const { render, purpose } = mails[link.purpose];
  const mail = render(language, { name, url: accountLinksOf(config).url(link.purpose, linkId), hours });
  const sent = await effects.email(run.effect, {
    key: `account-link-${linkId}`,
    purpose,
    organizationId,
    subject: subjects.user(userId),
    recipient: { kind: 'member', id: userId },
    to: email,
    title: mail.subject,
    text: mail.text,
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') return park(`the e-mail was refused (${sent.code})`);
  return finish({}, 'link mailed');
}
