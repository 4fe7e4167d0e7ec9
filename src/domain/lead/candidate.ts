import type { CountryCode } from 'libphonenumber-js';
import { type LeadPhone, parseLeadPhone } from '../phone/lead-phone.ts';

/** What an uploader may say of a lead; also what a column of a file can be. */
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

/** In characters as JavaScript counts them. What is longer is refused, never cut. */
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
/** Of a cell with several tags or addresses in it. */
const LONGEST_LIST = 16_384;
const LONGEST_CUSTOM = 5_000;

/** Texts as they were given, from a row, a form or the API; blank means absent. */
export type GivenLead = Partial<Record<Exclude<LeadField, 'phone' | 'email' | 'tags'>, string>> & {
  /** In the order they should be tried. */
  phones?: readonly string[];
  emails?: readonly string[];
  tags?: readonly string[];
  custom?: readonly (readonly [name: string, value: string])[];
};

/** A lead that may be stored. Texts are as given, without the white space around them. */
export type LeadCandidate = {
  name: string;
  /** Only where they came apart; else `splitName` has a rule. */
  firstName: string | null;
  lastName: string | null;
  /** E.164 when valid, else as given. */
  phone: string;
  phoneValid: boolean;
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

/** Where an optional field says that there is nothing in it. */
const NOTHING = /^(n\/?a|none|null|nil|undefined|unknown|#n\/a|ninguno|no tiene|-+|\.+)$/i;
const EMAIL =
  /^[^\s\p{Cc}@<>"(),:;[\]\\]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}-]*[\p{L}\p{N}]$/u;

/** The length comes first: on a text of any length the pattern would take its time. */
export const isEmail = (text: string): boolean => text.length <= LONGEST.email && EMAIL.test(text);

/** The one judgement of a lead, whichever way it came: one reason for each field that cannot be taken. */
export function judgeLead(given: GivenLead, region: CountryCode): Judged {
  const errors: FieldErrors = {};
  const text = (field: LeadField): string | null => {
    const value = given[field as 'name']?.trim();
    if (!value) return null;
    const reason = unfit(value, LONGEST[field]);
    if (reason) errors[field] = [reason];
    return value;
  };
  const firstName = text('first_name');
  const lastName = text('last_name');
  const company = text('company');
  const together = [firstName, lastName].filter((part) => part !== null).join(' ');
  const name = text('name') ?? (together || company);
  if (name === null) errors.name = ['is missing'];
  const phone = bestPhone(given.phones ?? [], region);
  if (!phone.ok) errors.phone = [phone.reason];
  const lead: LeadCandidate = {
    name: name ?? '',
    firstName,
    lastName,
    phone: phone.ok ? phone.value : '',
    phoneValid: phone.ok && phone.valid,
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
  return noneIn(errors) ? { ok: true, lead } : { ok: false, errors };
}

function noneIn(errors: FieldErrors): boolean {
  for (const _field in errors) return false;
  return true;
}

/** Why a text cannot be kept. */
function unfit(value: string, longest: number): string | null {
  if (value.length > longest) return `is longer than ${longest} characters`;
  if (value.includes('\0')) return 'contains a NUL character';
  if (value.includes('\ufffd') || /\p{Cs}/u.test(value))
    return 'contains a character that could not be read (�): save the file as UTF-8 and upload it again';
  return null;
}

/** The first that is a real number; else the first that may be kept; else what is wrong with the first. */
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

/** As with phones, the first that is one; kept as written. */
function emailOf(given: readonly string[], errors: FieldErrors): string | null {
  let reason: string | null = null;
  for (const cell of given) {
    // Before it is taken apart: a cell may be as long as its request.
    if (cell.length > LONGEST_LIST) {
      reason ??= `is longer than ${LONGEST_LIST} characters`;
      continue;
    }
    for (const part of cell.split(/:::|[;,]/)) {
      const text = part.trim();
      if (text === '' || NOTHING.test(text)) continue;
      const wrong = unfit(text, LONGEST.email) ?? (isEmail(text) ? null : 'is not an e-mail address');
      if (wrong === null) return text;
      reason ??= wrong;
    }
  }
  if (reason) errors.email = [reason];
  return null;
}

/** Lists as exports write them: `a, b`, `a;b`, Google's `* a ::: * b`. Repetitions are one. */
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
      const reason = unfit(tag, LONGEST.tags);
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
  for (const [name, cell] of given) {
    const value = cell.trim();
    if (value === '') continue;
    const reason = unfit(value, LONGEST_CUSTOM);
    if (reason) errors[`custom:${name}`] = [reason];
    kept.push([name, value]);
  }
  // Own properties, whatever they are called: an assignment to `__proto__` would be none.
  return Object.fromEntries(kept);
}
