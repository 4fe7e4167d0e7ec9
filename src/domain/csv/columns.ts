import { isMarked } from '../cell.ts';
import type { GivenLead, LeadField } from '../lead/candidate.ts';
import type { Guess } from './headers.ts';
import { type Mapping, recognised } from './mapping.ts';

type Cell = (cells: readonly string[], column: number) => string;
type Single = Exclude<LeadField, 'phone' | 'email' | 'tags'>;
type Column = { column: number; rank: number; group: string; continues: boolean };
/** A column chosen by the uploader comes before those with a doubtful name. */
const CHOSEN_RANK = 500;

/** Fields that describe one person, or one place: parts of two would be a person or a place that does not exist. */
const FAMILIES: readonly (readonly Single[])[] = [
  ['name', 'first_name', 'last_name'],
  ['address', 'city', 'state', 'postal_code', 'country'],
];

/**
 * Returns a function that reads the mapped cells of a row. Where several columns are mapped to a field, phones and
 * e-mail addresses are read in the order of preference of their names, and of the others the first that is filled is used.
 * The parts of a name and of an address come from columns of one group (`Home`, `Billing`): the first group that is filled.
 */
export function columnReader(
  header: readonly string[],
  mapping: Mapping,
  cell: Cell,
): (cells: readonly string[]) => GivenLead {
  const named = recognised(header);
  const columnsOf = (field: LeadField) => ranked(mapping, named, field);
  const [phones, emails, tags] = [columnsOf('phone'), columnsOf('email'), columnsOf('tags')];
  const custom = prefixed(mapping, 'custom:');
  const noted = prefixed(mapping, 'note:');
  const readers = [
    ...FAMILIES.flatMap((fields) => familyReader(fields, columnsOf, cell)),
    ...(['notes', 'company', 'website', 'source'] as const).flatMap((field) =>
      singleReader(field, columnsOf(field), cell),
    ),
  ];
  return (cells) => {
    const given: GivenLead = {
      phones: phones.map(({ column }) => cell(cells, column)),
      emails: emails.map(({ column }) => cell(cells, column)),
      tags: tags.map(({ column }) => cell(cells, column)),
      custom: custom.map(([name, column]) => [name, cell(cells, column)] as const),
      noted: noted.map(([name, column]) => [name, cell(cells, column)] as const),
    };
    for (const read of readers) read(cells, given);
    return given;
  };
}

/** The columns whose target has this prefix, by the name after it. */
const prefixed = (mapping: Mapping, prefix: 'custom:' | 'note:') =>
  mapping.flatMap((target, column) =>
    target?.startsWith(prefix) ? [[target.slice(prefix.length), column] as const] : [],
  );

function ranked(mapping: Mapping, named: readonly (Guess | null)[], field: LeadField): Column[] {
  const columns = mapping.flatMap((target, column): Column[] => {
    if (target !== field) return [];
    const guess = named[column];
    const known = guess?.field === field ? guess : null;
    return [
      {
        column,
        rank: known?.rank ?? CHOSEN_RANK,
        group: known?.group ?? '',
        continues: known?.continues ?? false,
      },
    ];
  });
  return columns.sort((a, b) => a.rank - b.rank || a.column - b.column);
}

type Reader = (cells: readonly string[], given: GivenLead) => void;

function singleReader(field: Single, columns: readonly Column[], cell: Cell): Reader[] {
  const [first, ...others] = columns;
  if (!first) return [];
  if (others.length === 0)
    return [
      (cells, given) => {
        given[field] = cell(cells, first.column);
      },
    ];
  return [
    (cells, given) => {
      const found = columns.find(({ column }) => !isMarked(cell(cells, column))) ?? first;
      given[field] = cell(cells, found.column);
    },
  ];
}

type Group = { name: string; fields: Map<Single, Column[]> };

function familyReader(
  fields: readonly Single[],
  columnsOf: (field: LeadField) => Column[],
  cell: Cell,
): Reader[] {
  const groups = new Map<string, Group>();
  for (const field of fields) {
    for (const column of columnsOf(field)) {
      const group = groups.get(column.group) ?? { name: column.group, fields: new Map() };
      groups.set(column.group, group);
      group.fields.set(field, [...(group.fields.get(field) ?? []), column]);
    }
  }
  const plain = [...groups.values()].every(
    ({ fields: own }) => [...own.values()].every((columns) => columns.length === 1) && groups.size === 1,
  );
  if (plain) return fields.flatMap((field) => singleReader(field, columnsOf(field), cell));
  const preferred = inOrder([...groups.values()], fields.includes('name'));
  const general = groups.get('');
  return [
    (cells, given) => {
      const filled = (group: Group) =>
        [...group.fields.values()].some((columns) =>
          columns.some(({ column }) => !isMarked(cell(cells, column))),
        );
      const chosen = preferred.find(filled) ?? preferred[0]!;
      for (const field of fields) {
        // A part that the group has no column for is taken from the columns without a group.
        const columns = chosen.fields.get(field) ?? general?.fields.get(field);
        if (columns) given[field] = joined(columns, cells, cell);
      }
    },
  ];
}

/**
 * Of a person the columns without a group come first. Of addresses the fullest, which is the one a file is about, then the
 * first in the file.
 */
function inOrder(groups: Group[], isPerson: boolean): Group[] {
  const least = ({ fields }: Group, of: 'rank' | 'column') =>
    Math.min(...[...fields.values()].flat().map((column) => column[of]));
  return groups.sort((a, b) => {
    if (isPerson) return Number(a.name !== '') - Number(b.name !== '') || least(a, 'rank') - least(b, 'rank');
    return b.fields.size - a.fields.size || least(a, 'column') - least(b, 'column');
  });
}

/** The first filled column; the second line of an address continues the first. */
function joined(columns: readonly Column[], cells: readonly string[], cell: Cell): string {
  const filled = columns.filter(({ column }) => !isMarked(cell(cells, column)));
  const first = filled.find(({ continues }) => !continues) ?? filled[0];
  if (!first) return '';
  let text = cell(cells, first.column).trim();
  for (const { column, continues } of filled) {
    const line = cell(cells, column).trim();
    // Some programs write the whole address in its first line, too.
    if (continues && column !== first.column && !holds(text, line)) text = `${text}, ${line}`;
  }
  return text;
}

/** One word or number must be a part of its own, because `14 Oak St` does not hold the flat `4`, nor `4 Oak St`. */
function holds(address: string, line: string): boolean {
  const words = (text: string) => ` ${text.replace(/[\s,;]+/g, ' ').trim()} `;
  if (words(line).trim().includes(' ')) return words(address).includes(words(line));
  return address
    .split(/[,;\r\n]/)
    .slice(1)
    .some((part) => part.trim() === line);
}
