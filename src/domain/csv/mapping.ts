import { createHash } from 'node:crypto';
import type { CountryCode } from 'libphonenumber-js';
import { RefusedError } from '../errors.ts';
import { isEmail, LEAD_FIELDS, type LeadField } from '../lead/candidate.ts';
import { parseLeadPhone } from '../phone/lead-phone.ts';
import { fieldOfHeader, type Guess, headerWords } from './headers.ts';
import { REASON_COLUMN } from './write.ts';

/** What a column is for: one of our fields, or a field of the company's own by its name. */
export type Target = LeadField | `custom:${string}`;
/** One for each column, in their order; null: the column is left out. Plain JSON, to be stored and sent. */
export type Mapping = readonly (Target | null)[];

/** Any number of columns may be these: the first that holds something counts, of tags all. */
const REPEATABLE: readonly LeadField[] = ['phone', 'email', 'tags'];
const LONGEST_CUSTOM_NAME = 200;

export type ColumnGuess = {
  target: Target | null;
  /** 1: certain; 0: nothing is known. */
  confidence: number;
  /** `header`: its name. `values`: what stands in it. `remembered`: the company said so before. */
  because: 'header' | 'values' | 'remembered' | null;
};

export type Known = {
  /** For numbers without a country code. */
  region: CountryCode;
  /** The names of the company's own fields. */
  customFields?: readonly string[];
};

/**
 * Guesses what each column is: by its name, then by what stands in the first rows. Of several columns for one field
 * the best is taken, and the others are left out; phones, e-mails and tags are all taken.
 */
export function guessMapping(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { region, customFields = [] }: Known,
): ColumnGuess[] {
  const own = new Map(customFields.map((name) => [headerWords(name), name]));
  const named = header.map((name): Guess | null => (name === REASON_COLUMN ? null : fieldOfHeader(name)));
  wholeNames(header, named);
  oneAddress(header, named);
  const guesses = header.map((name, column): ColumnGuess => {
    const guess = named[column];
    if (guess && (REPEATABLE.includes(guess.field) || column === bestColumn(named, guess.field)))
      return { target: guess.field, confidence: guess.confidence, because: 'header' };
    const custom = own.get(headerWords(name));
    if (custom !== undefined) return { target: `custom:${custom}`, confidence: 1, because: 'header' };
    return { target: null, confidence: 0, because: null };
  });
  byValues(guesses, rows, 'phone', (cell) => {
    const phone = parseLeadPhone(cell, region);
    return phone.ok && phone.valid;
  });
  byValues(guesses, rows, 'email', (cell) => isEmail(cell.trim()));
  return guesses;
}

/** "Nombre" beside "Apellidos" is the first name, alone the whole. */
function wholeNames(header: readonly string[], named: (Guess | null)[]): void {
  const has = (field: LeadField) => named.some((guess) => guess?.field === field);
  const column = header.findIndex((name) => headerWords(name) === 'nombre');
  if (column >= 0 && !has('last_name')) named[column] = { field: 'name', confidence: 1, rank: 0 };
}

const ADDRESS: readonly LeadField[] = ['address', 'city', 'state', 'postal_code', 'country'];

/** Outlook has a home, a business and another address: parts of two would make an address that is nowhere. */
function oneAddress(header: readonly string[], named: (Guess | null)[]): void {
  const kind = (column: number) =>
    /^(home|business|mailing|billing|other|shipping|property) /.exec(headerWords(header[column]!))?.[1] ?? '';
  const columns = [...named.keys()].filter((column) => ADDRESS.includes(named[column]?.field as LeadField));
  const parts = new Map<string, Set<LeadField>>();
  for (const column of columns) {
    const known = parts.get(kind(column)) ?? new Set();
    parts.set(kind(column), known.add(named[column]!.field));
  }
  const [fullest] = [...parts].sort(([, a], [, b]) => b.size - a.size)[0] ?? [''];
  for (const column of columns) if (kind(column) !== '' && kind(column) !== fullest) named[column] = null;
}

function bestColumn(named: readonly (Guess | null)[], field: LeadField): number {
  let best = -1;
  for (const [column, guess] of named.entries()) {
    if (guess?.field === field && (best < 0 || guess.rank < named[best]!.rank)) best = column;
  }
  return best;
}

function byValues(
  guesses: ColumnGuess[],
  rows: readonly (readonly string[])[],
  field: LeadField,
  fits: (cell: string) => boolean,
): void {
  if (guesses.some(({ target }) => target === field)) return;
  for (const [column, guess] of guesses.entries()) {
    if (guess.target !== null) continue;
    const filled = rows.map((cells) => cells[column] ?? '').filter((cell) => cell.trim() !== '');
    if (filled.length === 0 || filled.filter(fits).length < filled.length * 0.8) continue;
    guesses[column] = { target: field, confidence: 0.5, because: 'values' };
    return;
  }
}

/** Under which a company's mapping is remembered: the same columns in the same order, however they are punctuated. */
export function headerKey(header: readonly string[]): string {
  const names = header.filter((name) => name !== REASON_COLUMN).map(headerWords);
  return createHash('sha256').update(JSON.stringify(names)).digest('hex');
}

/** A first row that has phones or e-mail addresses in it is no header. */
export const looksLikeData = (header: readonly string[], region: CountryCode): boolean =>
  header.some((cell) => isEmail(cell.trim()) || (/\d{4}/.test(cell) && parseLeadPhone(cell, region).ok));

/**
 * A mapping as an uploader sends it, checked against the file's columns. Throws RefusedError with what is wrong, in
 * words for the page.
 */
export function checkMapping(given: unknown, header: readonly string[]): Mapping {
  const refuse = (message: string) =>
    new RefusedError(400, 'invalid_mapping', message, { fields: [{ path: 'mapping', message }] });
  if (!Array.isArray(given) || given.length !== header.length)
    throw refuse(`The mapping must name a field or null for each of the ${header.length} columns.`);
  const mapping = given.map((target): Target | null => {
    if (target === null || target === '') return null;
    if (isTarget(target)) return target;
    throw refuse(
      typeof target === 'string'
        ? `${JSON.stringify(target.slice(0, 80))} is not a field.`
        : 'The mapping must name a field or null for each column.',
    );
  });
  const seen = new Set<Target>();
  for (const target of mapping) {
    if (target === null || REPEATABLE.includes(target as LeadField)) continue;
    if (seen.has(target)) throw refuse(`Two columns are mapped to ${target}.`);
    seen.add(target);
  }
  if (!mapping.includes('phone')) throw refuse('Say which column is the phone.');
  if (!(['name', 'first_name', 'last_name', 'company'] as const).some((field) => mapping.includes(field)))
    throw refuse('Say which column is the name.');
  return mapping;
}

function isTarget(target: unknown): target is Target {
  if (typeof target !== 'string') return false;
  if ((LEAD_FIELDS as readonly string[]).includes(target)) return true;
  // The database keeps neither NUL nor half a character.
  if (/[\0\p{Cs}]/u.test(target)) return false;
  return /^custom:.*\S/s.test(target) && target.length <= 'custom:'.length + LONGEST_CUSTOM_NAME;
}
