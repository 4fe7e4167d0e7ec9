import type { CountryCode } from 'libphonenumber-js';
import { isMarked } from '../cell.ts';
import { type FoundPhone, type LeadPhone, parseLeadPhone, phoneIdentity } from '../phone/lead-phone.ts';
import { readEmails } from './email.ts';
import type { FurtherContact } from './note-lines.ts';

/** How a person can be reached, as read from the phone and e-mail cells of a row, a form or a request. */
export type LeadContact = {
  phone: LeadPhone;
  email: string | null;
  /** Why no address was found; null when none was given. */
  emailReason: string | null;
  further: FurtherContact;
};

/** Countries of numbers without a country code, the likeliest first. */
export type Regions = readonly [CountryCode, ...CountryCode[]];

/** Longest text of a cell that is repeated in the note. */
const LONGEST_NOTE = 200;
const MISSING = { ok: false, reason: 'is missing' } as const;

/**
 * Reads all phone and e-mail cells, in order of preference. The first valid number and the first address are the lead's;
 * whatever else the cells hold is returned for the note.
 */
export function readContact(
  given: { phones: readonly string[]; emails: readonly string[] },
  regions: Regions,
): LeadContact {
  const phones = phonesOf(given.phones, regions);
  const emails = emailsOf(given.emails);
  return {
    phone: phones.phone,
    email: emails.first,
    emailReason: emails.reason,
    further: { ...phones.further, ...(emails.others.length > 0 ? { emails: emails.others } : {}) },
  };
}

function phonesOf(cells: readonly string[], regions: Regions): { phone: LeadPhone; further: FurtherContact } {
  const read: FoundPhone[] = [];
  const unread: string[] = [];
  let refused: LeadPhone | null = null;
  for (const cell of cells) {
    if (cell === '' || cell.trim() === '') continue;
    const phone = phoneIn(cell, regions);
    if (phone.ok) read.push(phone);
    else if (phone.reason !== MISSING.reason) {
      refused ??= phone;
      if (!isMarked(cell)) unread.push(cell.slice(0, LONGEST_NOTE).replace(/\s+/g, ' ').trim());
    }
  }
  const main = read.find(({ valid }) => valid) ?? read[0];
  if (!main) return { phone: refused ?? MISSING, further: {} };
  // Nearly all rows have one number and nothing beside it.
  if (read.length === 1 && main.others.length === 0 && unread.length === 0 && main.more === undefined)
    return { phone: main, further: main.extension === null ? {} : { extension: main.extension } };
  return { phone: main, further: furtherOf(main, read, unread) };
}

function furtherOf(main: FoundPhone, read: readonly FoundPhone[], unread: readonly string[]): FurtherContact {
  const known = new Set([phoneIdentity(main.value)]);
  const phones: string[] = [];
  const add = (text: string, extension: string | null) => {
    const identity = phoneIdentity(text.replace(/ ext\. \d+$/, ''));
    if (known.has(identity)) return;
    known.add(identity);
    phones.push(extension === null ? text : `${text} ext. ${extension}`);
  };
  for (const phone of read) {
    if (phone !== main) add(phone.value, phone.extension);
    for (const other of phone.others) add(other, null);
  }
  const given = read.flatMap(({ more }) => (more === undefined ? [] : [more.slice(0, LONGEST_NOTE)]));
  return { phones, extension: main.extension, phonesAsGiven: [...given, ...unread] };
}

/** In the first country in which the cell holds a valid number, else as in the likeliest. */
function phoneIn(cell: string, regions: Regions): LeadPhone {
  const [likeliest, ...others] = regions;
  const first = parseLeadPhone(cell, likeliest);
  if (first.ok && first.valid) return first;
  for (const region of others) {
    const phone = parseLeadPhone(cell, region);
    if (phone.ok && phone.valid) return phone;
  }
  return first;
}

function emailsOf(cells: readonly string[]): {
  first: string | null;
  others: string[];
  reason: string | null;
} {
  let first: string | null = null;
  let reason: string | null = null;
  const others: string[] = [];
  for (const cell of cells) {
    if (cell === '') continue;
    const found = readEmails(cell);
    reason ??= found.reason;
    for (const address of found.addresses) {
      if (first === null) first = address;
      else if (!isSame(address, first) && !others.some((other) => isSame(address, other)))
        others.push(address);
    }
  }
  return { first, others, reason: first === null ? reason : null };
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** A person can be called or written to: a phone with digits, or an address. */
export const isReachable = ({ phone, email }: Pick<LeadContact, 'phone' | 'email'>): boolean =>
  phone.ok || email !== null;
