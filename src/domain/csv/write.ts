/** Characters that start a formula in a spreadsheet (OWASP: CSV injection), including their full-width forms. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

/** Prefixes cells that a spreadsheet would evaluate with an apostrophe. `plainCell` is the exact inverse. */
export const safeCell = (cell: string): string => (FORMULA.test(cell) ? `'${cell}` : cell);
export const plainCell = (cell: string): string =>
  cell.charCodeAt(0) === 39 && FORMULA.test(cell) ? cell.slice(1) : cell;

/** Formats one row as in RFC 4180, with CRLF. Cells pass through `safeCell`. */
export function csvLine(cells: readonly string[]): string {
  const line = cells.map(safeCell).map(quoted).join(',');
  // A single empty cell is quoted: unquoted it would be a blank line.
  return `${line === '' ? '""' : line}\r\n`;
}

const quoted = (cell: string): string =>
  /["\r\n,;\t|]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

/** Last column of a file of rejected rows. A file that has it is a corrected rejects file, uploaded again. */
export const REASON_COLUMN = 'Rejected because';

/** The rejected rows that are not in the file, and their number by reason. */
export type Omitted = { rows: number; reasons: Readonly<Record<string, number>> };

export type Reject = { cells: readonly string[]; errors: Readonly<Record<string, readonly string[]>> };

/**
 * The rejected rows as uploaded, with the reasons in an additional column, to be corrected and uploaded again. Cells of
 * a row beyond its columns follow the reason, and the row is rejected again until they are moved or deleted. Starts with
 * a byte order mark, without which Excel does not read the file as UTF-8. When rows are missing, the last line says how
 * many.
 */
export async function* rejectsCsv(
  header: readonly string[],
  rejects: AsyncIterable<Reject> | Iterable<Reject>,
  omitted: Omitted = { rows: 0, reasons: {} },
): AsyncGenerator<string> {
  const corrected = header.at(-1) === REASON_COLUMN;
  const columns = corrected ? header.slice(0, -1) : header;
  yield `\ufeff${csvLine([...columns, REASON_COLUMN])}`;
  for await (const { cells, errors } of rejects) {
    const given = corrected ? cells.map(plainCell) : cells;
    const known = columns.map((_name, column) => given[column] ?? '');
    // The earlier reason of a row that is rejected again is left out.
    const surplus = given.slice(corrected ? columns.length + 1 : columns.length);
    yield csvLine([...known, reasonText(errors), ...surplus]);
  }
  if (omitted.rows > 0) yield csvLine([...columns.map(() => ''), omittedText(omitted)]);
}

/** `1234 more rows were rejected and are not listed here: 1200 × phone: is missing; 34 × name: is missing`. */
export function omittedText({ rows, reasons }: Omitted): string {
  const counts = Object.entries(reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, n]) => `${n} × ${reason}`);
  const listed = `${rows} more ${rows === 1 ? 'row was' : 'rows were'} rejected and ${rows === 1 ? 'is' : 'are'} not listed here`;
  return counts.length > 0 ? `${listed}: ${counts.join('; ')}` : `${listed}.`;
}

/** Formats errors as `phone: …; email: …`. */
export function reasonText(errors: Reject['errors']): string {
  return Object.entries(errors)
    .map(([field, reasons]) => `${field}: ${reasons.join(', ')}`)
    .join('; ');
}
