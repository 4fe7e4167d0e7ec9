import type { CountryCode } from 'libphonenumber-js';
import { type Judged, judgeLead } from '../lead/candidate.ts';
import { columnReader } from './columns.ts';
import { hasSurplus } from './line.ts';
import type { Mapping } from './mapping.ts';
import type { CsvRow } from './reader.ts';
import { plainCell, REASON_COLUMN } from './write.ts';

export type JudgedRow = Judged & CsvRow;

/** Returns a function that maps one row of the file to a lead, or to the errors by field. */
export function rowJudge(
  header: readonly string[],
  mapping: Mapping,
  region: CountryCode,
): (row: CsvRow) => JudgedRow {
  const given = rowReader(header, mapping);
  return (row) => {
    const problem = rowProblem(row, header.length);
    const judged =
      problem === null
        ? judgeLead(given(row.cells), region)
        : { ok: false as const, errors: { row: [problem] } };
    return { ...judged, ...row };
  };
}

/**
 * Why a row cannot be used, as a sentence without its subject; null when it can. A longer row than the header is refused:
 * its cells may be in the wrong columns.
 */
export function rowProblem({ cells, problem }: CsvRow, columns: number): string | null {
  if (problem !== undefined) return problem;
  return hasSurplus(cells, columns)
    ? `has ${cells.length} cells where the header has ${columns}: a text with a separator in it needs quotes`
    : null;
}

/** A row shorter than the header is padded with blanks, because many programs omit trailing cells. */
function rowReader(header: readonly string[], mapping: Mapping) {
  // In a corrected file of rejected rows, the apostrophe that `safeCell` added is removed.
  const corrected = header.at(-1) === REASON_COLUMN;
  const cell = corrected
    ? (cells: readonly string[], column: number) => plainCell(cells[column] ?? '')
    : (cells: readonly string[], column: number) => cells[column] ?? '';
  return columnReader(header, mapping, cell);
}

/** The number of leads with a warning, by the field it is about. */
export function warningsOf(judged: readonly Judged[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of judged) {
    if (!each.ok || each.warnings === undefined) continue;
    for (const field of Object.keys(each.warnings)) counts[field] = (counts[field] ?? 0) + 1;
  }
  return counts;
}

/** A row as an object keyed by column name, for API answers. A repeated name keeps its first cell. */
export function rowData(header: readonly string[], cells: readonly string[]): Record<string, string> {
  const data = new Map<string, string>();
  const surplus = hasSurplus(cells, header.length) ? cells.length - header.length : 0;
  for (const [column, name] of [...header, ...Array<string>(surplus).fill('')].entries()) {
    const key = name === '' ? `column ${column + 1}` : name;
    if (!data.has(key)) data.set(key, cells[column] ?? '');
  }
  return Object.fromEntries(data);
}
