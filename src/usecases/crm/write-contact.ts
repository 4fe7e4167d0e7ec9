import { CrmConflict, type CrmContact, type CrmUpserted } from '../../adapters/crm.ts';
import { recordContact, type SyncKey } from '../../db/crm/syncs.ts';
import type { PlannedContact } from '../../domain/crm/contact.ts';
import { answeredHash, type KeptField, keptFields, keptLines, remarkOn } from '../../domain/crm/remark.ts';
import type { CrmSession, SessionDeps } from './session.ts';

/**
 * A lead about to be written. `isRepeat`: an earlier run may have written it already. `ownerId`: public id of the lead
 * that its address belongs to; null when it is the lead's own, or unknown.
 */
export type LeadToWrite = SyncKey & {
  planned: PlannedContact;
  ownerId: string | null;
  isRepeat: boolean;
  /** The CRM's label. */
  crm: string;
};

export type WrittenContact = Pick<CrmUpserted, 'contactId' | 'outcome'> & { remark: string | null };

/** Writes a lead to its CRM: the contact, its tags, its note. Each call may be repeated by the next run. */
export async function writeContact(
  session: CrmSession,
  lead: LeadToWrite,
  { db }: Pick<SessionDeps, 'db'>,
): Promise<WrittenContact> {
  const { planned, isRepeat } = lead;
  const { contact, tags } = planned;
  const made = await session.call((crm, access) => crm.upsertContact(access, contact));
  const { contactId, outcome, dnd, person } = made;
  // At once: the contact may answer a workflow's text with STOP while the next calls wait for the rate limit.
  await recordContact(db, lead, { contactId, writtenHash: answeredHash(person, planned.hash), dnd });
  const kept = await keptOf(session, made, contact);
  if (tags.length > 0) await session.call((crm, access) => crm.addTags(access, contactId, tags));
  const note = noteWith(planned.note, keptLines(kept, contact));
  if (note !== null) await postNote(session, contactId, note, isRepeat);
  return {
    contactId,
    outcome,
    remark: remarkOn({ ...lead, ...planned, kept, existed: made.existed && !isRepeat }),
  };
}

/** Adds a lead to the contact of another person that has its address, as a note: no field and no tag is changed. */
export async function writeGuest(
  session: CrmSession,
  lead: LeadToWrite & { contactId: string },
  { db }: Pick<SessionDeps, 'db'>,
): Promise<WrittenContact> {
  const { planned, contactId, isRepeat } = lead;
  await recordContact(db, lead, { contactId, writtenHash: planned.hash, dnd: null });
  if (planned.note !== null) await postNote(session, contactId, planned.note, isRepeat);
  return {
    contactId,
    outcome: 'updated',
    remark: remarkOn({ ...lead, ...planned, kept: [], existed: false }),
  };
}

/** Which fields stayed with another contact. An adopted contact is updated first. */
async function keptOf(session: CrmSession, made: CrmUpserted, contact: CrmContact): Promise<KeptField[]> {
  if (made.outcome === 'adopted') return update(session, made.contactId, contact);
  return made.person === null ? [] : keptFields(contact, made.person);
}

/** Updates the existing contact, without its phone or address when the CRM has it at another contact. Returns those. */
async function update(session: CrmSession, contactId: string, contact: CrmContact): Promise<KeptField[]> {
  const kept: ('phone' | 'email')[] = [];
  for (let rest = contact; ; ) {
    try {
      await session.call((crm, access) => crm.updateContact(access, contactId, rest));
      return kept;
    } catch (error) {
      if (!(error instanceof CrmConflict)) throw error;
      const named = error.field !== null && rest[error.field] !== undefined ? [error.field] : null;
      const conflicting = named ?? (['phone', 'email'] as const).filter((field) => rest[field] !== undefined);
      if (conflicting.length === 0) throw error;
      kept.push(...conflicting);
      rest = withoutFields(rest, conflicting);
    }
  }
}

function withoutFields(contact: CrmContact, fields: readonly ('phone' | 'email')[]): CrmContact {
  const rest = { ...contact };
  for (const field of fields) delete rest[field];
  return rest;
}

const noteWith = (note: string | null, lines: readonly string[]): string | null =>
  lines.length === 0 ? note : [note, lines.join('\n')].filter(Boolean).join('\n\n');

/** Notes have no idempotency key: after a run with an unknown end, the contact's notes are read first. */
async function postNote(
  session: CrmSession,
  contactId: string,
  note: string,
  mayExist: boolean,
): Promise<void> {
  if (mayExist) {
    const notes = await session.call((crm, access) => crm.notes(access, contactId));
    if (notes.some((body) => body.trim() === note)) return;
  }
  await session.call((crm, access) => crm.addNote(access, contactId, note));
}
