import { readEmails } from '../lead/email.ts';
import { parseLeadPhone } from '../phone/lead-phone.ts';
import { type CategoryField, type FieldType, isReservedName } from './category-fields.ts';
import { stateOf } from './us-states.ts';

export type DataValue = string | number | boolean;
export type Values = Readonly<Record<string, DataValue>>;

export type JudgedData =
  /** Every value is in one of the two. */
  | { ok: true; locked: Values; public: Values }
  /** `field`: null when the data as a whole is refused. */
  | { ok: false; problem: 'missing' | 'invalid' | 'too_many_unknown'; field: string | null };

/** Keys that the category does not name are kept up to this number. */
export const mostUnknown = 50;
const longestUnknownName = 200;
const longestText = 2_000;

/**
 * Judges the data of a lead by the fields of its category. Missing required values are reported before invalid ones, each in
 * the order of the fields. Values are stored as their type says: phones as E.164, states as USPS codes. Keys that the
 * category does not name are kept and locked, because what they hold is not known.
 */
export function judgeData(
  fields: readonly CategoryField[],
  data: Readonly<Record<string, unknown>>,
): JudgedData {
  const givenFor = (name: string) => (Object.hasOwn(data, name) ? data[name] : undefined);
  const absent = fields.find(({ name, required }) => required && isBlank(givenFor(name)));
  if (absent) return { ok: false, problem: 'missing', field: absent.name };
  const locked: [string, DataValue][] = [];
  const open: [string, DataValue][] = [];
  for (const field of fields) {
    const given = givenFor(field.name);
    if (isBlank(given)) continue;
    const value = readers[field.type](given, field);
    if (value === null) return { ok: false, problem: 'invalid', field: field.name };
    (field.locked ? locked : open).push([field.name, value]);
  }
  const unknown = unknownOf(fields, data);
  if (!unknown.ok) return unknown;
  return {
    ok: true,
    locked: Object.fromEntries([...locked, ...unknown.values]),
    public: Object.fromEntries(open),
  };
}

/** 0 and false are values. */
const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

function unknownOf(
  fields: readonly CategoryField[],
  data: Readonly<Record<string, unknown>>,
): { ok: true; values: [string, DataValue][] } | Extract<JudgedData, { ok: false }> {
  const named = new Set(fields.map(({ name }) => name));
  const given = Object.entries(data).filter(
    ([name, value]) => !named.has(name) && !isReservedName(name) && !isBlank(value),
  );
  if (given.length > mostUnknown) return { ok: false, problem: 'too_many_unknown', field: null };
  const values: [string, DataValue][] = [];
  for (const [name, value] of given) {
    const kept = typeof value === 'object' ? null : scalarOf(value);
    if (kept === null || name.length > longestUnknownName || !isStorable(name))
      return { ok: false, problem: 'invalid', field: name };
    values.push([name, kept]);
  }
  return { ok: true, values };
}

const isStorable = (text: string): boolean => !/[\0\p{Cs}]/u.test(text);

function scalarOf(value: unknown): DataValue | null {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return textOf(value);
}

/** A text of a usual length; a number is written out. Returns null for anything else. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') return null;
  const text = value.trim();
  return text.length <= longestText && isStorable(text) ? text : null;
}

type Read = (value: unknown, field: CategoryField) => DataValue | null;

/** Each returns null for what is not a value of its type. */
const readers: Readonly<Record<FieldType, Read>> = {
  text: (value) => (typeof value === 'boolean' ? String(value) : textOf(value)),
  number: (value) => {
    const text = textOf(value);
    if (typeof value === 'number' || text === null)
      return typeof value === 'number' && text !== null ? value : null;
    return /^[-+]?\d{1,15}(?:\.\d{1,10})?$/.test(text) ? Number(text) : null;
  },
  email: (value) => (typeof value === 'string' ? (readEmails(value).addresses[0] ?? null) : null),
  phone: (value) => {
    const text = textOf(value);
    const phone = text === null || text.length > 80 ? null : parseLeadPhone(text, 'US');
    return phone?.ok && phone.valid ? phone.value : null;
  },
  date: (value) => (typeof value === 'string' ? dateOf(value.trim()) : null),
  boolean: (value) => {
    if (typeof value === 'boolean') return value;
    const word = textOf(value)?.toLowerCase();
    if (word === 'true' || word === 'yes' || word === '1') return true;
    return word === 'false' || word === 'no' || word === '0' ? false : null;
  },
  select: (value, { options }) => {
    const text = textOf(value);
    if (text === null) return null;
    const folded = text.toLowerCase();
    return (
      options.find((each) => each === text) ?? options.find((each) => each.toLowerCase() === folded) ?? null
    );
  },
  state: (value) => (typeof value === 'string' ? stateOf(value) : null),
  zip: (value) => {
    // A ZIP code that was made a number has lost its leading zeros.
    const text = typeof value === 'number' ? textOf(value)?.padStart(5, '0') : textOf(value);
    const parts = text ? /^(\d{5})(?:[- ]?(\d{4}))?$/.exec(text) : null;
    if (!parts) return null;
    return parts[2] === undefined ? parts[1]! : `${parts[1]}-${parts[2]}`;
  },
  url: (value) => {
    const text = textOf(value);
    if (text === null || !/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
    const { href } = new URL(text);
    return href.length <= longestText ? href : null;
  },
};

/** `2026-11-28`, a moment in ISO 8601, or the American `11/28/2026`. */
function dateOf(text: string): string | null {
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  if (american) {
    const [, month = '', day = '', year = ''] = american;
    return calendarDay(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`);
  }
  const parts = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/.exec(
    text,
  );
  if (!parts) return null;
  const day = calendarDay(parts[1]!);
  if (day === null || parts[2] === undefined) return day;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? null : text;
}

/** Returns null for a day that no calendar has, such as 30 February. */
function calendarDay(text: string): string | null {
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? text : null;
}
