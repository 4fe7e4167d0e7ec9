import { type FieldOfCell, HEADER_ROWS, headerRowOf, knownFields, unnamedColumns } from './header-row.ts';
import { LineTooLongError, Records } from './records.ts';

/** Cell separators that are recognised without being named by the uploader. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;

/** A row of the start of the file; `problem` as in records.ts. */
export type HeadRow = { row: number; cells: string[]; problem?: string };

export type Dialect = {
  delimiter: string;
  /** A CR alone ends a row. */
  crEnds: boolean;
  /** Length of Excel's `sep=;` line at the start of the text, in characters; it is not a row. */
  skip: number;
  /** The row that holds the column names; 0: none does; null: the first that is not blank. */
  headerRow: number | null;
  /** The names of the columns when no row holds them. */
  unnamed: string[];
  /** The first rows that are not blank. */
  rows: HeadRow[];
};

export type Known = {
  delimiter: string | undefined;
  /** As named by the uploader, or `first`: the first row that is not blank. */
  headerRow: number | 'first' | undefined;
  fieldOf: FieldOfCell;
  maxRow: number;
  /** `head` is not the whole text: its last row may be incomplete. */
  cut: boolean;
};

/** Detects the dialect from the start of the text. What the uploader named takes precedence. */
export function dialectOf(head: string, known: Known): Dialect {
  const sep = /^"?sep=([^"\r\n])"?[ ,;\t|]*(\r\n|\n|\r|$)/i.exec(head);
  const skip = sep?.[0].length ?? 0;
  const text = head.slice(skip);
  const crEnds = !unquoted(text).includes('\n');
  const rowsOf = (delimiter: string) =>
    headRows(text, { delimiter, crEnds, maxRow: known.maxRow }, known.cut);
  const named = known.delimiter ?? sep?.[1];
  const { delimiter, rows } =
    named === undefined ? detected(rowsOf, known.fieldOf) : { delimiter: named, rows: rowsOf(named) };
  return {
    delimiter,
    crEnds,
    skip,
    headerRow: headerIn(rows, known),
    unnamed: unnamedColumns(rows),
    rows: rows.slice(0, HEADER_ROWS),
  };
}

function headerIn(rows: readonly HeadRow[], { headerRow, fieldOf }: Known): number | null {
  if (headerRow === 'first') return null;
  if (headerRow !== undefined) return headerRow;
  return rows.length === 0 ? null : headerRowOf(rows, fieldOf);
}

const ROWS_COUNTED = 50;

function headRows(text: string, syntax: ConstructorParameters<typeof Records>[0], cut: boolean): HeadRow[] {
  const records = new Records(syntax);
  records.push(text);
  const rows: HeadRow[] = [];
  let row = 0;
  try {
    for (let next = records.next(true); next && rows.length <= ROWS_COUNTED; next = records.next(true)) {
      row += 1;
      if (!isBlankRow(next.cells)) rows.push({ row, ...next });
    }
  } catch (error) {
    if (!(error instanceof LineTooLongError)) throw error;
  }
  if (cut && rows.length > 1) rows.pop();
  return rows.slice(0, ROWS_COUNTED);
}

export const isBlankRow = (cells: readonly string[]): boolean =>
  cells.every((cell) => cell === '' || cell.trim() === '');

/**
 * Picks the delimiter with which a row names the most columns, or else splits most rows into as many cells. Ties go to
 * the delimiter that yields more cells.
 */
function detected(rowsOf: (delimiter: string) => HeadRow[], fieldOf: FieldOfCell) {
  let best = { delimiter: ',', rows: null as HeadRow[] | null, rank: [0, 0, 1] };
  for (const delimiter of DELIMITERS) {
    const rows = rowsOf(delimiter);
    const { cells, share } = usualWidth(rows);
    if (cells === 1) continue;
    const known = Math.max(...rows.slice(0, HEADER_ROWS).map((row) => knownFields(row.cells, fieldOf)));
    const rank = [known >= 2 ? known : 0, share, cells];
    if (isAbove(rank, best.rank)) best = { delimiter, rows, rank };
  }
  return { delimiter: best.delimiter, rows: best.rows ?? rowsOf(best.delimiter) };
}

/** The number of cells, above one, that most rows have, and the share of these rows. */
function usualWidth(rows: readonly HeadRow[]): { cells: number; share: number } {
  const counts = new Map<number, number>();
  for (const { cells, problem } of rows)
    if (!problem && cells.length > 1) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const [most] = [...counts].sort(([a, n], [b, m]) => m - n || b - a);
  return most ? { cells: most[0], share: most[1] / rows.length } : { cells: 1, share: 0 };
}

function isAbove(a: readonly number[], b: readonly number[]): boolean {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value > b[i]!;
  return false;
}

/** Removes quoted text, which may contain line breaks of its own. */
const unquoted = (text: string): string => text.replace(/"[^"]*("|$)/g, '');
