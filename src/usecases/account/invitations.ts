import {
  findInvitation,
  findInvited,
  type InvitationDraft,
  invite,
  type OpenInvitation,
} from '../../db/account/invitations.ts';
import { type AccountLinks, linkHours } from '../../domain/account/links.ts';
import { ContractError } from '../../domain/errors.ts';
import { renderInvitation } from '../../domain/messaging/templates.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, skip } from '../../engine/outcome.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { accountLinksOf } from './links.ts';

/**
 * Invites a person by mail, or renews and mails again the invitation that the address has. Returns its id. Throws
 * ContractError 400 for a member, 404 for a buyer or supplier of another organization.
 */
export async function inviteByMail(
  { db, relay, quotas }: Pick<Runtime, 'db' | 'relay' | 'quotas'>,
  { organizationId, actor }: { organizationId: string; actor: string },
  person: Omit<InvitationDraft, 'id'>,
): Promise<string> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const known = await findInvited(db, organizationId, person);
    if (!known.partyExists)
      throw new ContractError(
        404,
        'not_found',
        person.role === 'buyer' ? 'Buyer not found' : 'Supplier not found',
      );
    if (known.isMember)
      throw new ContractError(400, 'invalid_input', 'User is already a member', 'This person is a member.');
    if (attempt === 0) await quotas.take('invitations', { organizationId, keyId: null });
    const id = known.openId ?? newId();
    // Another request may invite the same address at the same time.
    if ((await relay.commit(invite(organizationId, actor, { ...person, id }))).moved) return id;
  }
  throw new ContractError(
    409,
    'conflict',
    'Invitation changed',
    'The invitation of this address is being changed. Try again.',
  );
}

/** The invitation of a token, when it still works. */
export async function openInvitation(
  { db, links }: Pick<Runtime, 'db'> & { links: AccountLinks },
  token: string,
): Promise<OpenInvitation | null> {
  const id = links.read('invitation', token);
  return id === null ? null : findInvitation(db, id);
}

/** Mails an invitation, once for each time it was requested. */
export async function mailInvitation(
  invitationId: string,
  requestId: string,
  { db, config, effects }: Pick<Runtime, 'db' | 'config' | 'effects'>,
  run: Run,
): Promise<Outcome> {
  const invitation = await findInvitation(db, invitationId);
  if (!invitation) return skip('the invitation was accepted or revoked, or has expired');
  const { language, organizationId, name, organization, invitedBy, email } = invitation;
  const mail = renderInvitation(language, {
    name,
    organization,
    invitedBy,
    url: accountLinksOf(config).url('invitation', invitationId),
    hours: linkHours.invitation,
  });
  const sent = await effects.email(run.effect, {
    key: `invitation-${requestId}`,
    purpose: 'invitation',
    organizationId,
    subject: subjects.invitation(invitationId),
    recipient: { kind: 'address' },
    to: email,
    title: mail.subject,
    text: mail.text,
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') return park(`the e-mail was refused (${sent.code})`);
  return finish({}, 'invitation mailed');
}
