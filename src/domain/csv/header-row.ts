import { fieldOfHeader } from './headers.ts';
import { fits } from './line.ts';
import { isContact } from './people.ts';
import { REASON_COLUMN } from './write.ts';

/** The field that a cell names as a column, or null. */
export type FieldOfCell = (cell: string) => string | null;

/** Rows in which the column names are looked for. */
export const HEADER_ROWS = 20;
/** Cells of a row that are looked at, and the length of a cell that can name a column. */
const MOST_CELLS = 120;
const LONGEST_NAME = 60;

/** A cell that is exactly a known column name. A cell that only mentions one may be text. */
export const leadField: FieldOfCell = (cell) => {
  const guess = fieldOfHeader(cell);
  return guess !== null && guess.confidence === 1 ? guess.field : null;
};

/** How many different fields the cells of a row name. */
export function knownFields(cells: readonly string[], fieldOf: FieldOfCell): number {
  const fields = new Set<string>();
  for (const cell of cells.slice(0, MOST_CELLS)) {
    if (cell === '' || cell.length > LONGEST_NAME) continue;
    const field = fieldOf(cell);
    if (field !== null) fields.add(field);
  }
  return fields.size;
}

type Row = { row: number; cells: readonly string[]; problem?: string };

/**
 * The number of the row that holds the column names; 0 when there is none, because the first row holds a person. `rows`:
 * the first rows that are not blank, one at least. The first row is taken unless a later one names more fields, or is the first as
 * wide as the table.
 */
export function headerRowOf(rows: readonly Row[], fieldOf: FieldOfCell): number {
  const first = rows[0]!;
  if (first.cells.at(-1)?.trim() === REASON_COLUMN) return first.row;
  const looked = rows.slice(0, HEADER_ROWS);
  const known = looked.map(({ cells }) => knownFields(cells, fieldOf));
  const named = byNames(looked, known);
  if (named !== null) return named.row;
  if ((known[0] ?? 0) >= 2) return first.row;
  const width = widthOf(rows);
  const start =
    looked.find(({ cells, problem }) => !problem && filled(cells) >= Math.max(2, width / 2)) ?? first;
  if (holdsContact(start.cells)) return start === first ? 0 : first.row;
  return filled(first.cells) === 1 && width > 1 ? start.row : first.row;
}

/** The row below the first that names most fields, when nothing before it can be a person's row. */
function byNames(rows: readonly Row[], known: readonly number[]): Row | null {
  let best = 0;
  for (const [i, { cells, problem }] of rows.entries()) {
    const score = known[i]!;
    if (i === 0 || problem || score < 2 || score <= known[best]!) continue;
    const share = score / filled(cells);
    if (share < 0.5 || holdsContact(cells)) continue;
    const before = rows.slice(0, i);
    const afterPeople = before.some((row) => holdsContact(row.cells) && filled(row.cells) >= filled(cells));
    if (share < 0.8 && afterPeople) continue;
    best = i;
  }
  return best === 0 ? null : rows[best]!;
}

const filled = (cells: readonly string[]): number => cells.filter((cell) => cell.trim() !== '').length;
const holdsContact = (cells: readonly string[]): boolean => cells.some(isContact);

/** The number of cells that most rows have. */
export function widthOf(rows: readonly Row[]): number {
  const counts = new Map<number, number>();
  for (const { cells, problem } of rows)
    if (!problem) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const [most] = [...counts].sort(([a, n], [b, m]) => m - n || b - a);
  return most?.[0] ?? 1;
}

/** Names for the columns of a file without a header. */
export const unnamedColumns = (rows: readonly Row[]): string[] => {
  const width = rows.reduce(
    (most, { cells, problem }) => (problem || fits(cells, most) ? most : Math.max(most, cells.length)),
    widthOf(rows),
  );
  return Array.from({ length: width }, (_, i) => `Column ${i + 1}`);
};
