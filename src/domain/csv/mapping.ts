import { createHash } from 'node:crypto';
import type { CountryCode } from 'libphonenumber-js';
import { RefusedError } from '../errors.ts';
import { LEAD_FIELDS, type LeadField } from '../lead/candidate.ts';
import { isEmail, readEmails } from '../lead/email.ts';
import { parseLeadPhone } from '../phone/lead-phone.ts';
import { valuesFit } from './column-values.ts';
import { fieldOfHeader, type Guess, headerWords, isOfOthers } from './headers.ts';
import { REASON_COLUMN } from './write.ts';

/**
 * Where a column is imported: a lead field, a custom field of the company by name, or the lead's notes, as a line that
 * begins with this name.
 */
export type Target = LeadField | `custom:${string}` | `note:${string}`;
/** One target per column, in column order; null skips the column. Stored and sent as plain JSON. */
export type Mapping = readonly (Target | null)[];

/**
 * Fields that any columns may map to: all phones, addresses and tags are used. Columns recognised by their names may share
 * any other field too; of these a row uses one (see `columnReader`).
 */
const REPEATABLE: readonly LeadField[] = ['phone', 'email', 'tags'];
const LONGEST_CUSTOM_NAME = 200;

export type ColumnGuess = {
  target: Target | null;
  /** From 0 (unknown) to 1 (certain). */
  confidence: number;
  /** `header`: by its name. `values`: by its cells. `remembered`: from an earlier import of the company. */
  because: 'header' | 'values' | 'remembered' | null;
};

export type Known = {
  /** Default country of phones without a country code. */
  region: CountryCode;
  /** Names of the company's custom fields. */
  customFields?: readonly string[];
};

/**
 * Guesses the target of each column by its name, when its cells in the first rows do not contradict, then by its cells.
 * Several columns may get one field: a row uses the first that is filled, by preference (`columnReader`).
 */
export function guessMapping(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { region, customFields = [] }: Known,
): ColumnGuess[] {
  const own = new Map(customFields.map((name) => [headerWords(name), name]));
  const named = recognised(header);
  const guesses = header.map((name, column): ColumnGuess => {
    const found = named[column];
    const cells = rows.map((row) => row[column] ?? '');
    const guess = found && valuesFit(name, found, cells) ? found : null;
    const custom = own.get(headerWords(name));
    const best = guess && (REPEATABLE.includes(guess.field) || column === bestColumn(named, guess.field));
    if (guess && (best || custom === undefined))
      return { target: guess.field, confidence: guess.confidence, because: 'header' };
    if (custom !== undefined) return { target: `custom:${custom}`, confidence: 1, because: 'header' };
    return { target: null, confidence: 0, because: null };
  });
  byValues(guesses, header, rows, 'phone', (cell) => {
    const phone = parseLeadPhone(cell, region);
    return phone.ok && phone.valid;
  });
  byValues(guesses, header, rows, 'email', (cell) => readEmails(cell).addresses.length > 0);
  return guesses;
}

/** What each column is by its name; null for unknown ones. */
export function recognised(header: readonly string[]): (Guess | null)[] {
  const named = header.map((name): Guess | null => (name === REASON_COLUMN ? null : fieldOfHeader(name)));
  resolveNames(header, named);
  return named;
}

const NOMBRE = /^(?!.*(?:primer|pila|primeiro|nombres))(?:.* )?(?:nombre|nome)(?: .*)?$/;

/**
 * "Nombre" and "Nome" beside a last name are the first name; without it, the full name. "Name" beside "Vorname", and
 * "Nom" beside "Prénom", are the last name. "User Email" is another person's where the lead has one of its own: the one
 * with whom an appointment was made.
 */
function resolveNames(header: readonly string[], named: (Guess | null)[]): void {
  const words = header.map(headerWords);
  const has = (field: LeadField) => named.some((guess) => guess?.field === field);
  const set = (column: number, field: LeadField) => {
    named[column] = { field, confidence: 1, rank: 0, group: '', listed: true, continues: false };
  };
  const hasLast = has('last_name');
  for (const [column, word] of words.entries()) {
    if (word === 'nombre' || word === 'nome') set(column, hasLast ? 'first_name' : 'name');
    else if (named[column]?.field === 'first_name' && !hasLast && NOMBRE.test(word))
      named[column] = { ...named[column], field: 'name' };
    if (word === 'nom' || (word === 'name' && words.includes('vorname')))
      set(column, !hasLast && (words.includes('prenom') || words.includes('vorname')) ? 'last_name' : 'name');
  }
  const isUser = (column: number) => words[column]!.startsWith('user ');
  for (const [column, guess] of named.entries())
    if (isUser(column) && named.some((other, i) => other?.field === guess?.field && !isUser(i)))
      named[column] = null;
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
  header: readonly string[],
  rows: readonly (readonly string[])[],
  field: LeadField,
  fits: (cell: string) => boolean,
): void {
  if (guesses.some(({ target }) => target === field)) return;
  for (const [column, guess] of guesses.entries()) {
    if (guess.target !== null || isOfOthers(header[column]!)) continue;
    const filled = rows.map((cells) => cells[column] ?? '').filter((cell) => cell.trim() !== '');
    if (filled.length === 0 || filled.filter(fits).length < filled.length * 0.8) continue;
    guesses[column] = { target: field, confidence: 0.5, because: 'values' };
    return;
  }
}

/** Key under which a company's mapping is stored: equal for the same columns in the same order, ignoring punctuation. */
export function headerKey(header: readonly string[]): string {
  const names = header.filter((name) => name !== REASON_COLUMN).map(headerWords);
  return createHash('sha256').update(JSON.stringify(names)).digest('hex');
}

/** Whether the first row holds phones or e-mail addresses, so that the file probably has no header. */
export const looksLikeData = (header: readonly string[], region: CountryCode): boolean =>
  header.some((cell) => isEmail(cell.trim()) || (/\d{4}/.test(cell) && isPhone(cell, region)));

/** A valid number, or one that is kept as given and has no words around it: `Notes 20240115` is a name. */
function isPhone(cell: string, region: CountryCode): boolean {
  const phone = parseLeadPhone(cell, region);
  return phone.ok && (phone.valid || !/\p{L}/u.test(cell));
}

/**
 * Validates a mapping sent by an uploader against the file's columns. Throws RefusedError (400, `invalid_mapping`)
 * with a message that the upload page shows.
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
  const named = recognised(header);
  const seen = new Map<Target, boolean>();
  for (const [column, target] of mapping.entries()) {
    if (target === null || REPEATABLE.includes(target as LeadField) || target.startsWith('note:')) continue;
    const byName = named[column]?.field === target;
    if (seen.get(target) === false || (seen.has(target) && !byName))
      throw refuse(`Two columns are mapped to ${target}.`);
    seen.set(target, byName);
  }
  if (!mapping.includes('phone')) throw refuse('Select the column that holds the phone.');
  if (!(['name', 'first_name', 'last_name', 'company'] as const).some((field) => mapping.includes(field)))
    throw refuse('Select the column that holds the name.');
  return mapping;
}

function isTarget(target: unknown): target is Target {
  if (typeof target !== 'string') return false;
  if ((LEAD_FIELDS as readonly string[]).includes(target)) return true;
  // PostgreSQL stores neither NUL nor lone surrogates.
  if (/[\0\p{Cs}]/u.test(target)) return false;
  const [prefix] = /^(?:custom|note):(?=.*\S)/s.exec(target) ?? [''];
  return prefix !== '' && target.length <= prefix.length + LONGEST_CUSTOM_NAME;
}
