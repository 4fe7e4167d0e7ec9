import type { CountryCode } from 'libphonenumber-js';
import { type GivenLead, type Judged, judgeLead, type LeadField } from '../lead/candidate.ts';
import type { Mapping } from './mapping.ts';
import type { CsvRow } from './reader.ts';
import { plainCell, REASON_COLUMN } from './write.ts';

export type JudgedRow = Judged & CsvRow;

/** The rule for all rows of one file: which cell is what, and whether the lead can be taken. */
export function rowJudge(
  header: readonly string[],
  mapping: Mapping,
  region: CountryCode,
): (row: CsvRow) => JudgedRow {
  const read = rowReader(header, mapping);
  return (row) => {
    const { cells } = row;
    const judged = read.tooMany(cells)
      ? {
          ok: false as const,
          errors: {
            row: [
              `has ${cells.length} cells where the header has ${header.length}: a text with a separator in it needs quotes`,
            ],
          },
        }
      : judgeLead(read.given(cells), region);
    return { ...judged, ...row };
  };
}

/** A short row ends in blanks, as many programs write it. A long one may have its texts in the wrong columns. */
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
  // Our own file of rejected rows: what was put before its formulas is taken away again.
  const ours = header.at(-1) === REASON_COLUMN;
  const cell = ours
    ? (cells: readonly string[], column: number) => plainCell(cells[column] ?? '')
    : (cells: readonly string[], column: number) => cells[column] ?? '';
  return {
    tooMany: (cells: readonly string[]): boolean => {
      for (let i = header.length; i < cells.length; i += 1) if (cells[i]!.trim() !== '') return true;
      return false;
    },
    given: (cells: readonly string[]): GivenLead => {
      const given: GivenLead = {
        phones: phones.map((column) => cell(cells, column)),
        emails: emails.map((column) => cell(cells, column)),
        tags: tags.map((column) => cell(cells, column)),
        custom: custom.map(([name, column]) => [name, cell(cells, column)] as const),
      };
      // The keys are the fields of ours, never what a header says.
      for (const [field, column] of single) given[field as 'name'] = cell(cells, column);
      return given;
    },
  };
}

/** A row as an object, for answers: what its header says, whatever that is; a repeated name keeps its first cell. */
export function rowData(header: readonly string[], cells: readonly string[]): Record<string, string> {
  const data = new Map<string, string>();
  for (const [column, name] of header.entries()) {
    const key = name === '' ? `column ${column + 1}` : name;
    if (!data.has(key)) data.set(key, cells[column] ?? '');
  }
  return Object.fromEntries(data);
}
