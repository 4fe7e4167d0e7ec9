import type { CountryCode } from 'libphonenumber-js';
import { type GivenLead, type Judged, judgeLead, type LeadField } from '../lead/candidate.ts';
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
  const read = rowReader(header, mapping);
  return (row) => {
    const problem = rowProblem(row, header.length);
    const judged =
      problem === null
        ? judgeLead(read.given(row.cells), region)
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
  const single: [LeadField, number][] = [];
  const phones: number[] = [];
  const emails: number[] = [];
  const tags: number[] = [];
  const custom: [string, number][] = [];
  for (const [column, target] of mapping.entries()) {
    if (target === null) continue;
    if (target === 'phone') phones.push(column);
    else if (target === 'email') emails.push(column);
    else if (target === 'tags') tags.push(column);
    else if (target.startsWith('custom:')) custom.push([target.slice('custom:'.length), column]);
    else single.push([target as LeadField, column]);
  }
  // In a corrected file of rejected rows, the apostrophe that `safeCell` added is removed.
  const corrected = header.at(-1) === REASON_COLUMN;
  const cell = corrected
    ? (cells: readonly string[], column: number) => plainCell(cells[column] ?? '')
    : (cells: readonly string[], column: number) => cells[column] ?? '';
  return {
    given: (cells: readonly string[]): GivenLead => {
      const given: GivenLead = {
        phones: phones.map((column) => cell(cells, column)),
        emails: emails.map((column) => cell(cells, column)),
        tags: tags.map((column) => cell(cells, column)),
        custom: custom.map(([name, column]) => [name, cell(cells, column)] as const),
      };
      // Keys are lead fields, never text from the file's header.
      for (const [field, column] of single) given[field as 'name'] = cell(cells, column);
      return given;
    },
  };
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
