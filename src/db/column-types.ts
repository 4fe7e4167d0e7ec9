import pg from 'pg';

/** int8 (ids, counts) as a number while exact, else the digits as text: never a rounded id. */
export const parseInt8 = (text: string): number | string => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};

/** `date` stays `2026-11-21`: a day has no time zone, and a Date at local midnight moves it. */
export const asIs = (text: string): string => text;

const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, parseInt8],
  [pg.types.builtins.DATE, asIs],
]);

/** For pg: everything else as it does it by itself (timestamptz → Date, numeric → text, jsonb → parsed). */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) || pg.types.getTypeParser(oid, format as 'text'),
};
