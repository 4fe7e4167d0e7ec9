import { createHash } from 'node:crypto';
import type { CountryCode } from 'libphonenumber-js';
import { RefusedError } from '../errors.ts';
import { isEmail, LEAD_FIELDS, type LeadField } from '../lead/candidate.ts';
import { parseLeadPhone } from '../phone/lead-phone.ts';
import { fieldOfHeader, type Guess, headerWords } from './headers.ts';
import { REASON_COLUMN } from './write.ts';

/**
 * Where a column is imported: a lead field, a custom field of the company by name, or the lead's notes, as a line that
 * begins with this name.
 */
export type Target = LeadField | `custom:${string}` | `note:${string}`;
/** One target per column, in column order; null skips the column. Stored and sent as plain JSON. */
export type Mapping = readonly (Target | null)[];

/** Fields that several columns may map to. The first non-blank phone and e-mail are used, and all tags. */
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
 * Guesses the target of each column by its name, then by its cells in the first rows. Where several columns match one
 * field, the best is used and the others are skipped; phones, e-mails and tags are all used.
 */
export function guessMapping(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { region, customFields = [] }: Known,
): ColumnGuess[] {
  const own = new Map(customFields.map((name) => [headerWords(name), name]));
  const named = header.map((name): Guess | null => (name === REASON_COLUMN ? null : fieldOfHeader(name)));
  resolveNombre(header, named);
  keepOneAddress(header, named);
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

/** "Nombre" beside "Apellidos" is the first name; without it, it is the full name. */
function resolveNombre(header: readonly string[], named: (Guess | null)[]): void {
  const has = (field: LeadField) => named.some((guess) => guess?.field === field);
  const column = header.findIndex((name) => headerWords(name) === 'nombre');
  if (column >= 0 && !has('last_name')) named[column] = { field: 'name', confidence: 1, rank: 0 };
}

const ADDRESS: readonly LeadField[] = ['address', 'city', 'state', 'postal_code', 'country'];

/** Outlook exports a home, a business and another address. Only one is used: mixed parts would be a wrong address. */
function keepOneAddress(header: readonly string[], named: (Guess | null)[]): void {
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

/** Key under which a company's mapping is stored: equal for the same columns in the same order, ignoring punctuation. */
export function headerKey(header: readonly string[]): string {
  const names = header.filter((name) => name !== REASON_COLUMN).map(headerWords);
  return createHash('sha256').update(JSON.stringify(names)).digest('hex');
}

/** Whether the first row holds phones or e-mail addresses, so that the file probably has no header. */
export const looksLikeData = (header: readonly string[], region: CountryCode): boolean =>
  header.some((cell) => isEmail(cell.trim()) || (/\d{4}/.test(cell) && parseLeadPhone(cell, region).ok));

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
  const seen = new Set<Target>();
  for (const target of mapping) {
    if (target === null || REPEATABLE.includes(target as LeadField) || target.startsWith('note:')) continue;
    if (seen.has(target)) throw refuse(`Two columns are mapped to ${target}.`);
    seen.add(target);
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
