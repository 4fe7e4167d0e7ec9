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
  /** The lead's notes and further numbers. Null: there is none, or the notes are mapped to a custom field. */
  note: string | null;
  /** See `personHash`. */
  hash: string;
};

/** What is written to the CRM for a lead. Absent fields stay as they are there. */
export function planContact(lead: LeadForCrm, settings: ContactSettings): PlannedContact {
  const more = lead.more ?? {};
  const names = crmName({
    name: lead.name ?? '',
    firstName: more.firstName ?? null,
    lastName: more.lastName ?? null,
  });
  // The CRM refuses the whole contact for an invalid number, and an address alone is enough for a contact.
  const phone = lead.phoneValid || lead.email === null ? lead.phone : null;
  const customFields = customOf(lead, settings.fieldMapping);
  const contact = withoutBlanks({
    ...names,
    email: lead.email,
    phone,
    address1: lead.address,
    city: lead.city,
    state: more.state,
    postalCode: more.postalCode,
    country: countryCode(more.country),
    companyName: more.company,
    website: more.website,
    source: more.source ?? settings.sourceLabel,
  });
  return {
    contact: Object.keys(customFields).length > 0 ? { ...contact, customFields } : contact,
    tags: [...new Set([...settings.tags, ...(more.tags ?? [])])],
    note: withNoteLines(
      Object.hasOwn(settings.fieldMapping, 'notes') ? null : lead.notes?.trim() || null,
      noteLines({ phones: more.otherPhones }),
    ),
    hash: personHash(contact),
  };
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
