import { z } from 'zod';
import { type CellKind, cellText, optionalCell, typedCell } from '../../domain/cell.ts';
import { RefusedError } from '../../domain/errors.ts';

/** A length is checked before what follows, which reads the whole text. */
const lengthFirst = { abort: true };

const storable = (value: string) => !/[\0\p{Cs}]/u.test(value);
/** Checked before what follows, which need not expect a broken character. */
const notStorable = { error: 'must not contain NUL or broken characters', abort: true };

/** Text that the database can store: no NUL, no lone surrogates. Trimmed, never empty. */
export const text = (max: number) =>
  z.string().trim().min(1).max(max, lengthFirst).refine(storable, notStorable);

/** Text that another program may have written: cleaned as the cells of files are, and never empty. */
export const cell = (max: number) =>
  z.string().overwrite(cellText).min(1).max(max, lengthFirst).refine(storable, notStorable);

/**
 * As `cell`, and refuses the signs by which a program says that the value is missing, such as `NULL`. What a person types
 * instead of a value, such as `-` or `n/a`, is accepted.
 */
export const requiredCell = (max: number, kind?: CellKind) =>
  cell(max).refine((value) => value === '' || typedCell(value, kind) !== null, 'must not be blank');

/** Absent, null, blank and a sign for a missing value all become null. */
export const optionalText = (max: number) =>
  z
    .string()
    .overwrite(cellText)
    .max(max, lengthFirst)
    .refine(storable, notStorable)
    .transform((value) => optionalCell(value))
    .nullish()
    .transform((value) => value ?? null);

export const uuidShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const limit = z.coerce.number().int().min(1).max(200).default(50);

export const cursorOf = (parts: readonly string[]) =>
  Buffer.from(JSON.stringify(parts)).toString('base64url');

/** Where the next page begins; opaque to clients. Returns null on the last page. */
export function nextCursor<T>(
  rows: readonly T[],
  pageSize: number,
  parts: (last: T) => readonly string[],
): string | null {
  const last = rows.at(-1);
  return rows.length === pageSize && last ? cursorOf(parts(last)) : null;
}

/** The checked parts of a cursor. Throws 400 for anything else. */
export function readCursor(cursor: string | undefined, shapes: readonly RegExp[]): string[] | null {
  if (cursor === undefined) return null;
  const parts = partsOf(cursor);
  if (!Array.isArray(parts) || parts.length !== shapes.length) throw badCursor();
  return parts.map((part, i) => {
    if (typeof part !== 'string' || !shapes[i]!.test(part)) throw badCursor();
    return part;
  });
}

function partsOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

const badCursor = () =>
  new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
    fields: [{ path: 'cursor', message: 'not a cursor of this list' }],
  });
