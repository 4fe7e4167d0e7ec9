/** What a spreadsheet takes for the beginning of a formula (OWASP: CSV injection), also in the wide forms of CJK. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

/** A cell that a spreadsheet shows and does not run; `plainCell` gives back exactly what went in. */
export const safeCell = (cell: string): string => (FORMULA.test(cell) ? `'${cell}` : cell);
export const plainCell = (cell: string): string =>
  cell.charCodeAt(0) === 39 && FORMULA.test(cell) ? cell.slice(1) : cell;

/** One row as RFC 4180 has it, with its CRLF; no cell of it is a formula. */
export function csvLine(cells: readonly string[]): string {
  const line = cells.map(safeCell).map(quoted).join(',');
  // An empty row of one column would be a blank line.
  return `${line === '' ? '""' : line}\r\n`;
}

const quoted = (cell: string): string =>
  /["\r\n,;\t|]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

/** The last column of a file of rejected rows; a file that has it is one of ours, come back corrected. */
export const REASON_COLUMN = 'Rejected because';

export type Reject = { cells: readonly string[]; errors: Readonly<Record<string, readonly string[]>> };

/**
 * The rows that were not taken, as they came, with the reason at the end: to be corrected and uploaded again. Begins
 * with a byte order mark, without which Excel reads UTF-8 as something else.
 */
export async function* rejectsCsv(
  header: readonly string[],
  rejects: AsyncIterable<Reject> | Iterable<Reject>,
): AsyncGenerator<string> {
  const known = header.at(-1) === REASON_COLUMN;
  const columns = known ? header.slice(0, -1) : header;
  yield `\ufeff${csvLine([...columns, REASON_COLUMN])}`;
  for await (const { cells, errors } of rejects) {
    const given = known ? cells.slice(0, columns.length).map(plainCell) : cells;
    const missing = Array.from({ length: Math.max(0, columns.length - given.length) }, () => '');
    yield csvLine([...given, ...missing, reasonText(errors)]);
  }
}

/** `phone: …; email: …` */
export function reasonText(errors: Reject['errors']): string {
  return Object.entries(errors)
    .map(([field, reasons]) => `${field}: ${reasons.join(', ')}`)
    .join('; ');
}
