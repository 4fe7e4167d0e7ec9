import { createHash } from 'node:crypto';
import { countryCode } from '../country.ts';
import { noteLines, withNoteLines } from '../lead/note-lines.ts';
import { crmName } from './person-name.ts';

/** What an upload has beyond a lead's usual fields; sealed together with them. */
export type MoreOfLead = Partial<{
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  state: string | null;
  postalCode: string | null;
  country: string | null;
  website: string | null;
  source: string | null;
  tags: string[];
  /** Further numbers of the person, which go to the note. */
  otherPhones: string[];
  custom: Record<string, string>;
}>;

export type LeadForCrm = {
  name: string | null;
  phone: string | null;
  phoneValid: boolean;
  email: string | null;
  address: string | null;
  notes: string | null;
  city: string | null;
  /** The CRM's contact with this e-mail address belongs to another person's lead. */
  addressTaken?: boolean;
  more?: MoreOfLead | null;
};

/** A company's settings for its contacts. */
export type ContactSettings = {
  tags: readonly string[];
  sourceLabel: string | null;
  /** Our name of a custom column (or `notes`) -> the CRM's field id. */
  fieldMapping: Readonly<Record<string, string>>;
};

export type PlannedContact = {
  contact: {
    firstName?: string;
    lastName?: string;
    email?: string;
    phone?: string;
    address1?: string;
    city?: string;
    state?: string;
    postalCode?: string;
    country?: string;
    companyName?: string;
    website?: string;
    source?: string;
    customFields?: Record<string, string>;
  };
  tags: string[];
  /** The lead's notes and what has no field of its own. Null: there is none, or the notes are mapped to a custom field. */
  note: string | null;
  /** See `personHash`. */
  hash: string;
  /**
   * `own`: a contact of its own. `guest`: nothing but an address that is another person's, whose contact gets the note and
   * keeps its fields. `none`: nothing by which a CRM finds a contact.
   */
  place: 'own' | 'guest' | 'none';
  /** Which of the lead's phone and e-mail address are not in `contact`. */
  leftOut: ('phone' | 'email')[];
};

/**
 * What is written to the CRM for a lead. Absent fields stay as they are there. A name is written whole: its blank half
 * is sent as well, so that it does not keep the half of another person.
 */
export function planContact(lead: LeadForCrm, settings: ContactSettings): PlannedContact {
  const { addressTaken = false } = lead;
  const phone = lead.phoneValid ? lead.phone : null;
  const place = phone !== null || (lead.email !== null && !addressTaken) ? 'own' : guestOrNone(lead);
  const email = addressTaken && place === 'own' ? null : lead.email;
  const contact = fieldsOf(lead, settings, { email, phone });
  return {
    contact: place === 'guest' ? {} : contact,
    // Tags start workflows, which another person did not ask for.
    tags: place === 'guest' ? [] : [...new Set([...settings.tags, ...(lead.more?.tags ?? [])])],
    note: noteOf(lead, settings, place),
    hash: personHash(contact),
    place,
    leftOut: [
      ...(lead.phone !== null && phone === null ? (['phone'] as const) : []),
      ...(lead.email !== null && addressTaken ? (['email'] as const) : []),
    ],
  };
}

const guestOrNone = ({ email }: LeadForCrm) => (email === null ? 'none' : 'guest');

function fieldsOf(
  lead: LeadForCrm,
  settings: ContactSettings,
  found: { email: string | null; phone: string | null },
): PlannedContact['contact'] {
  const more = lead.more ?? {};
  const contact = {
    ...namesOf(lead),
    ...withoutBlanks({
      ...found,
      address1: lead.address,
      city: lead.city,
      state: more.state,
      postalCode: more.postalCode,
      country: countryCode(more.country),
      companyName: more.company,
      website: more.website,
      source: more.source ?? settings.sourceLabel,
    }),
  };
  const customFields = customOf(lead, settings.fieldMapping);
  return Object.keys(customFields).length > 0 ? { ...contact, customFields } : contact;
}

/** Both halves, or neither for a lead without a name. */
function namesOf({ name, more }: LeadForCrm): { firstName?: string; lastName?: string } {
  const names = crmName({
    name: name ?? '',
    firstName: more?.firstName ?? null,
    lastName: more?.lastName ?? null,
  });
  return names.firstName === '' && names.lastName === '' ? {} : names;
}

/** The values and lines that have no field of their own in the CRM, so that nothing a lead was sent with is dropped. */
function noteOf(
  lead: LeadForCrm,
  { fieldMapping }: ContactSettings,
  place: PlannedContact['place'],
): string | null {
  const lines = [
    ...(place === 'guest' ? [`Another lead with this e-mail address: ${lead.name ?? 'no name'}`] : []),
    ...(place === 'own' && lead.addressTaken ? [`E-mail, of another contact: ${lead.email}`] : []),
  ];
  const hasField = (name: string) => place !== 'guest' && Object.hasOwn(fieldMapping, name);
  const notes = hasField('notes') ? null : lead.notes?.trim() || null;
  const custom = Object.entries(lead.more?.custom ?? {}).filter(([name, value]) => value && !hasField(name));
  const withAll = withNoteLines(notes, [
    ...custom.map(([name, value]) => `${name}: ${value}`),
    ...noteLines({ phones: lead.more?.otherPhones }),
  ]);
  return [withAll, lines.join('\n')].filter(Boolean).join('\n\n') || null;
}

function customOf(lead: LeadForCrm, mapping: ContactSettings['fieldMapping']): Record<string, string> {
  const given: [string, string | null][] = [
    ...Object.entries(lead.more?.custom ?? {}),
    ['notes', lead.notes],
  ];
  const fields: [string, string][] = [];
  for (const [name, value] of given) {
    const field = Object.hasOwn(mapping, name) ? mapping[name] : undefined;
    if (field && value) fields.push([field, value]);
  }
  return Object.fromEntries(fields);
}

function withoutBlanks<K extends string>(fields: Record<K, string | null | undefined>) {
  const kept = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  return Object.fromEntries(kept) as Partial<Record<K, string>>;
}

type Person = {
  firstName?: string | null;
  lastName?: string | null;
  email?: string | null;
  phone?: string | null;
};

/** Equal for a contact as written and as the CRM reports it back. */
export function personHash({ firstName, lastName, email, phone }: Person): string {
  const values = [firstName, lastName, email?.toLowerCase(), phone].map((value) => value?.trim() ?? '');
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url').slice(0, 22);
}
