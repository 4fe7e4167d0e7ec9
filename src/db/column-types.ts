import pg from 'pg';

/** Parses int8 (ids, counts) to a number when exact, otherwise returns the digits as text: ids are never rounded. */
export const parseInt8 = (text: string): number | string => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};

/** Keeps `date` as `2026-11-21`: a day has no time zone, and a Date at local midnight may shift it. */
export const asIs = (text: string): string => text;

const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, parseInt8],
  [pg.types.builtins.DATE, asIs],
]);

/** Type parsers for pg. Types not listed use its defaults (timestamptz → Date, numeric → text, jsonb → parsed). */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) || pg.types.getTypeParser(oid, format as 'text'),
};
