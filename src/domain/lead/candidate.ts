import type { CountryCode } from 'libphonenumber-js';
import { type CellKind, optionalCell, typedCell } from '../cell.ts';
import { countryCode, phoneRegion } from '../country.ts';
import { namesOf } from './given-name.ts';
import { type LeadContact, type Regions, readContact } from './lead-contact.ts';
import { noteLines, withNoteLines } from './note-lines.ts';
import { readTags } from './tags.ts';

/** Lead fields that an upload may contain; a column of a file maps to one of them. */
export const LEAD_FIELDS = [
  'name',
  'first_name',
  'last_name',
  'phone',
  'email',
  'notes',
  'company',
  'address',
  'city',
  'state',
  'postal_code',
  'country',
  'website',
  'tags',
  'source',
] as const;
export type LeadField = (typeof LEAD_FIELDS)[number];

/** Limits in UTF-16 units. Longer values are refused, never truncated. */
export const LONGEST: Readonly<Record<LeadField, number>> = {
  name: 1_000,
  first_name: 500,
  last_name: 500,
  phone: 40,
  email: 320,
  notes: 10_000,
  company: 500,
  address: 500,
  city: 200,
  state: 200,
  postal_code: 40,
  country: 100,
  website: 2_000,
  tags: 100,
  source: 200,
};
const LONGEST_CUSTOM = 5_000;
/** Of custom fields, so that a report on many leads is not many times as long as the leads. */
const MOST_CUSTOM_ERRORS = 10;

/** Values as given in a row, a form or an API call; a value without visible text, or a sign for a missing one, is absent. */
export type GivenLead = Partial<Record<Exclude<LeadField, 'phone' | 'email' | 'tags'>, string>> & {
  /** In order of preference. */
  phones?: readonly string[];
  emails?: readonly string[];
  tags?: readonly string[];
  custom?: readonly (readonly [name: string, value: string])[];
  /** Lines of the notes, each with the name before its value. */
  noted?: readonly (readonly [name: string, value: string])[];
};

/** A valid lead, ready to be stored. Texts are cleaned as by `cellText` and otherwise as given. */
export type LeadCandidate = {
  name: string;
  /** Set only when given separately; otherwise `splitName` derives them from `name`. */
  firstName: string | null;
  lastName: string | null;
  /** E.164 when valid, otherwise as given. */
  phone: string;
  phoneValid: boolean;
  /** Further numbers of the person: E.164 when valid, otherwise as given. */
  otherPhones: string[];
  email: string | null;
  /** With an extension, further addresses and what else the phone cells say below it. */
  notes: string | null;
  company: string | null;
  address: string | null;
  city: string | null;
  state: string | null;
  postalCode: string | null;
  country: string | null;
  website: string | null;
  source: string | null;
  tags: string[];
  customFields: Record<string, string>;
};

export type FieldErrors = Record<string, string[]>;
/** `warnings`: what a valid lead was stored without or cannot be used for, by field; absent when there is none. */
export type Judged =
  | { ok: true; lead: LeadCandidate; warnings?: FieldErrors }
  | { ok: false; errors: FieldErrors };

const KIND: Partial<Record<LeadField, CellKind>> = {
  name: 'name',
  first_name: 'name',
  last_name: 'name',
  state: 'place',
  country: 'place',
};

/** Validates a lead from any source. Returns the lead, or the errors by field. */
export function judgeLead(given: GivenLead, region: CountryCode): Judged {
  const errors: FieldErrors = {};
  const warnings: FieldErrors = {};
  const text = (field: Exclude<LeadField, 'phone' | 'email' | 'tags'>): string | null => {
    const cell = given[field];
    const value = cell ? optionalCell(cell, KIND[field]) : null;
    if (value === null) return null;
    const reason = reasonAgainst(value, LONGEST[field]);
    if (reason) errors[field] = [reason];
    return value;
  };
  const names = namesOf({
    name: text('name'),
    firstName: text('first_name'),
    lastName: text('last_name'),
  });
  const company = text('company');
  const name = names.name ?? company ?? typedInsteadOfName(given);
  if (name === null) errors.name = ['is missing'];
  const country = text('country');
  const own = country === null ? null : phoneRegion(country);
  const regions: Regions = own === null || own === region ? [region] : [own, region];
  const contact = readContact({ phones: given.phones ?? [], emails: given.emails ?? [] }, regions);
  judgeContact(contact, errors, warnings);
  if (country !== null && countryCode(country) === null)
    warnings.country = ['is not a country that is known: a CRM that takes codes only is not sent it'];
  const { phone, email, further } = contact;
  const lead: LeadCandidate = {
    name: name ?? '',
    firstName: names.firstName,
    lastName: names.lastName,
    phone: phone.ok ? phone.value : '',
    phoneValid: phone.ok && phone.valid,
    otherPhones: [...(further.phones ?? [])],
    email,
    notes: withNoteLines(
      notesOf(text('notes'), given.noted ?? [], errors),
      noteLines({ ...further, phones: [] }),
    ),
    company,
    address: text('address'),
    city: text('city'),
    state: text('state'),
    postalCode: postalCode(text('postal_code')),
    country,
    website: text('website'),
    source: text('source'),
    tags: tagsOf(given.tags ?? [], errors),
    customFields: customOf(given.custom ?? [], errors),
  };
  if (!isEmpty(errors)) return { ok: false, errors };
  return isEmpty(warnings) ? { ok: true, lead } : { ok: true, lead, warnings };
}

/** A lead needs a phone. With a valid one, an address that cannot be read is left out instead of costing the lead. */
function judgeContact({ phone, emailReason }: LeadContact, errors: FieldErrors, warnings: FieldErrors): void {
  if (!phone.ok) errors.phone = [phone.reason];
  else if (!phone.valid) warnings.phone = ['is not a valid number: kept as given, it cannot be texted'];
  if (emailReason === null) return;
  if (phone.ok && phone.valid) warnings.email = [`${emailReason}: the lead is kept without it`];
  else errors.email = [emailReason];
}

/** Forms that require a name get a dash or "unknown": the person can be reached, and is kept under it. */
function typedInsteadOfName({ name, first_name, last_name }: GivenLead): string | null {
  for (const part of [name, first_name, last_name]) {
    const typed = part ? typedCell(part) : null;
    if (typed !== null) return typed;
  }
  return null;
}

/** Meta writes `z:33101` so that spreadsheets keep the zeros, and others write `33101.0`. */
const postalCode = (text: string | null): string | null =>
  text?.replace(/^z:\s?/i, '').replace(/^(\d+)\.0$/, '$1') || null;

function isEmpty(errors: FieldErrors): boolean {
  for (const _field in errors) return false;
  return true;
}

/** Returns the reason why a text cannot be stored, or null. */
function reasonAgainst(value: string, longest: number): string | null {
  if (value.length > longest) return `is longer than ${longest} characters`;
  if (value.includes('\0')) return 'contains a NUL character';
  if (value.includes('\ufffd') || /\p{Cs}/u.test(value))
    return 'contains a character that could not be read (�): save the file as UTF-8 and upload it again';
  return null;
}

function notesOf(
  notes: string | null,
  noted: NonNullable<GivenLead['noted']>,
  errors: FieldErrors,
): string | null {
  if (noted.length === 0) return notes;
  const lines = noted.flatMap(([name, cell]) => {
    const value = optionalCell(cell, 'own');
    return value === null ? [] : [`${name}: ${value}`];
  });
  const all = withNoteLines(notes, lines);
  const reason = all === null ? null : reasonAgainst(all, LONGEST.notes);
  if (reason) errors.notes = [reason];
  return all;
}

function tagsOf(given: readonly string[], errors: FieldErrors): string[] {
  const read = readTags(given);
  if (!read.ok) errors.tags = [read.reason];
  else
    for (const tag of read.tags) {
      const reason = reasonAgainst(tag, LONGEST.tags);
      if (reason) errors.tags = [reason];
    }
  return read.ok ? read.tags : [];
}

function customOf(given: NonNullable<GivenLead['custom']>, errors: FieldErrors): Record<string, string> {
  if (given.length === 0) return {};
  const kept: [string, string][] = [];
  let wrong = 0;
  for (const [name, cell] of given) {
    const value = optionalCell(cell, 'own');
    if (value === null) continue;
    const reason = reasonAgainst(value, LONGEST_CUSTOM);
    if (reason && wrong === MOST_CUSTOM_ERRORS) {
      errors.custom_fields = [`are wrong in more than these ${MOST_CUSTOM_ERRORS}`];
      break;
    }
    if (reason) {
      errors[`custom:${name}`] = [reason];
      wrong += 1;
    }
    kept.push([name, value]);
  }
  // fromEntries defines own properties; assigning to `__proto__` would not.
  return Object.fromEntries(kept);
}
