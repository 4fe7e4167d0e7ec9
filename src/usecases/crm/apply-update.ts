import type { CrmContactEvent } from '../../adapters/crm.ts';
import { isCrm } from '../../adapters/crms.ts';
import type { CrmName } from '../../config.ts';
import {
  applyContactUpdate,
  findByContact,
  forgetContact,
  type SyncedLead,
} from '../../db/crm/contact-updates.ts';
import type { SealedContact } from '../../db/lead/leads.ts';
import { findReceived } from '../../db/transport/inbox.ts';
import { personHash } from '../../domain/crm/contact.ts';
import { applyCorrection, changesIn, isShared } from '../../domain/crm/contact-update.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'crms'>;
/** A contact's state as the CRM of the webhook reported it. */
type Reported = CrmContactEvent & { vendor: CrmName; contactId: string };

type LeadOfContact = SyncedLead & { shared: boolean };

const maxTries = 5;

/** Applies a webhook's contact to the leads that are this contact. Updates older than the newest applied are ignored. */
export async function applyUpdate(inboxId: string, deps: Deps, run: Run): Promise<Outcome> {
  const { db, vault, crms } = deps;
  const received = await findReceived(db, inboxId);
  if (!received?.body || !received.organizationId || !isCrm(crms, received.source))
    return skip('the webhook body was not stored');
  const { source: vendor, organizationId, receivedAt } = received;
  const event = crms[vendor].webhook.parse(JSON.parse(vault.open(received.body)), receivedAt, Infinity);
  if (event?.about !== 'contact' || !event.contactId) return skip('not about a contact');
  const reported: Reported = { ...event, vendor, contactId: event.contactId };
  const leads = await findByContact(db, reported, organizationId);
  if (leads.length === 0) return skip('the contact is not a lead');
  if (event.change === 'delete')
    return finish(forgetContact(leads, event.contactId), 'the contact was deleted');
  // Their contact becomes shared when the other lead is written.
  if (leads.some(({ isContended }) => isContended))
    return snooze(1_000, 'a lead with the same phone is being written');
  let updated = 0;
  for (const lead of leads) {
    const result = await updateLead({ ...lead, shared: isShared(leads) }, reported, deps, run);
    if (result === 'busy') return snooze(1_000, 'another update of the same contact is being applied');
    if (result === 'updated') updated += 1;
  }
  return finish({}, updated > 0 ? `updated ${updated}` : 'unchanged');
}

/** When another update of the same contact is applied concurrently, the lead is read again. */
async function updateLead(
  lead: LeadOfContact,
  reported: Reported,
  { db, vault }: Deps,
  run: Run,
): Promise<'updated' | 'unchanged' | 'busy'> {
  let seen: LeadOfContact | undefined = lead;
  for (let tried = 0; seen && tried < maxTries; tried += 1) {
    const update = updateOf(seen, reported, vault);
    if (!update) return 'unchanged';
    if (await run.advance(applyContactUpdate(update, reported.at))) return 'updated';
    if (seen.contactUpdatedAt !== null && seen.contactUpdatedAt > reported.at) return 'unchanged';
    const leads = await findByContact(db, reported, lead.organizationId);
    const again = leads.find(
      ({ leadId, connectionId }) => leadId === lead.leadId && connectionId === lead.connectionId,
    );
    seen = again && { ...again, shared: isShared(leads) };
  }
  return seen ? 'busy' : 'unchanged';
}

function updateOf(lead: LeadOfContact, reported: Reported, vault: Deps['vault']) {
  const { person, dnd } = changesIn(reported, lead);
  const isUpdate = reported.change === 'update' || reported.change === 'consent';
  // An update that changes nothing still makes older ones outdated.
  if (!person && !dnd && !isUpdate) return null;
  const { leadId, connectionId } = lead;
  const writtenHash = lead.shared && lead.writtenHash !== null ? lead.writtenHash : personHash(reported);
  const update = { leadId, connectionId, dnd: reported.smsOptOut, writtenHash };
  const unchanged = {
    contact: null,
    before: lead.contact,
    phoneHash: null,
    emailHash: null,
    phoneValid: false,
    addressHash: null,
  };
  if (!person || lead.contact === null) return { ...update, ...unchanged };
  const contact = applyCorrection(vault.openJson<SealedContact>(lead.contact), reported);
  const { phone, email } = contact;
  return {
    ...update,
    contact: vault.sealJson(contact),
    before: lead.contact,
    phoneHash: phone ? vault.index(phone) : null,
    emailHash: email ? vault.index(email.toLowerCase()) : null,
    addressHash: reported.email?.trim() ? vault.index(reported.email.trim().toLowerCase()) : null,
    phoneValid: /^\+[1-9]\d{6,14}$/.test(phone ?? ''),
  };
}
