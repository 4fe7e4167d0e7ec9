import type { CountryCode } from 'libphonenumber-js';
import { type LeadPhone, parseLeadPhone } from '../phone/lead-phone.ts';
import { otherPhones } from './other-phones.ts';

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
const MOST_TAGS = 50;
/** Limit of a cell that holds several tags or addresses. */
const LONGEST_LIST = 16_384;
const LONGEST_CUSTOM = 5_000;
/** Of custom fields, so that a report on many leads is not many times as long as the leads. */
const MOST_CUSTOM_ERRORS = 10;

/** Values as given in a row, a form or an API call; a blank value is absent. */
export type GivenLead = Partial<Record<Exclude<LeadField, 'phone' | 'email' | 'tags'>, string>> & {
  /** In order of preference. */
  phones?: readonly string[];
  emails?: readonly string[];
  tags?: readonly string[];
  custom?: readonly (readonly [name: string, value: string])[];
};

/** A valid lead, ready to be stored. Texts are trimmed and otherwise as given. */
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
export type Judged = { ok: true; lead: LeadCandidate } | { ok: false; errors: FieldErrors };

/** Placeholders that stand for an empty field. */
const PLACEHOLDER = /^(n\/?a|none|null|nil|undefined|unknown|#n\/a|ninguno|no tiene|-+|\.+)$/i;
const EMAIL =
  /^[^\s\p{Cc}@<>"(),:;[\]\\]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}-]*[\p{L}\p{N}]$/u;

/** Checks the length first, because the pattern is slow on long texts. */
export const isEmail = (text: string): boolean => text.length <= LONGEST.email && EMAIL.test(text);

/** Validates a lead from any source. Returns the lead, or the errors by field. */
export function judgeLead(given: GivenLead, region: CountryCode): Judged {
  const errors: FieldErrors = {};
  const text = (field: LeadField): string | null => {
    const value = given[field as 'name']?.trim();
    if (!value) return null;
    const reason = reasonAgainst(value, LONGEST[field]);
    if (reason) errors[field] = [reason];
    return value;
  };
  const firstName = text('first_name');
  const lastName = text('last_name');
  const company = text('company');
  const fullName = [firstName, lastName].filter((part) => part !== null).join(' ');
  const name = text('name') ?? (fullName || company);
  if (name === null) errors.name = ['is missing'];
  const phone = bestPhone(given.phones ?? [], region);
  if (!phone.ok) errors.phone = [phone.reason];
  const lead: LeadCandidate = {
    name: name ?? '',
    firstName,
    lastName,
    phone: phone.ok ? phone.value : '',
    phoneValid: phone.ok && phone.valid,
    otherPhones: phone.ok ? otherPhones(given.phones ?? [], phone.value, region) : [],
    email: emailOf(given.emails ?? [], errors),
    notes: text('notes'),
    company,
    address: text('address'),
    city: text('city'),
    state: text('state'),
    postalCode: text('postal_code'),
    country: text('country'),
    website: text('website'),
    source: text('source'),
    tags: tagsOf(given.tags ?? [], errors),
    customFields: customOf(given.custom ?? [], errors),
  };
  return isEmpty(errors) ? { ok: true, lead } : { ok: false, errors };
}

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

/** Returns the first valid number, else the first number that may be stored, else the error of the first. */
function bestPhone(given: readonly string[], region: CountryCode): LeadPhone {
  let best: LeadPhone | null = null;
  for (const text of given) {
    if (text.trim() === '') continue;
    const phone = parseLeadPhone(text, region);
    if (phone.ok && phone.valid) return phone;
    if (best === null || (phone.ok && !best.ok)) best = phone;
  }
  return best ?? { ok: false, reason: 'is missing' };
}

/** Returns the first valid address as written. Returns null and records an error when only invalid ones are given. */
function emailOf(given: readonly string[], errors: FieldErrors): string | null {
  let reason: string | null = null;
  for (const cell of given) {
    // Checked before splitting: a cell may be as large as the whole request.
    if (cell.length > LONGEST_LIST) {
      reason ??= `is longer than ${LONGEST_LIST} characters`;
      continue;
    }
    for (const part of cell.split(/:::|[;,]/)) {
      const text = part.trim();
      if (text === '' || PLACEHOLDER.test(text)) continue;
      const wrong = reasonAgainst(text, LONGEST.email) ?? (isEmail(text) ? null : 'is not an e-mail address');
      if (wrong === null) return text;
      reason ??= wrong;
    }
  }
  if (reason) errors.email = [reason];
  return null;
}

/** Splits lists as exports write them: `a, b`, `a;b`, Google's `* a ::: * b`. Duplicates are removed. */
function tagsOf(given: readonly string[], errors: FieldErrors): string[] {
  const tags = new Set<string>();
  for (const cell of given) {
    if (cell.length > LONGEST_LIST || tags.size > MOST_TAGS) {
      errors.tags = [`are more than ${MOST_TAGS}`];
      return [];
    }
    for (const part of cell.split(/:::|[,;|\n]/)) {
      const tag = part.trim().replace(/^\* ?/, '');
      if (tag === '') continue;
      const reason = reasonAgainst(tag, LONGEST.tags);
      if (reason) errors.tags = [reason];
      tags.add(tag);
    }
  }
  if (tags.size > MOST_TAGS) errors.tags = [`are more than ${MOST_TAGS}`];
  return [...tags];
}

function customOf(given: NonNullable<GivenLead['custom']>, errors: FieldErrors): Record<string, string> {
  if (given.length === 0) return {};
  const kept: [string, string][] = [];
  let wrong = 0;
  for (const [name, cell] of given) {
    const value = cell.trim();
    if (value === '') continue;
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
