import { type CategoryField, fieldTypes, mostFields } from '../../../domain/marketplace/category-fields.ts';
import type { Given } from '../../http/contract.ts';

/** A category's form: `name`, `description`, and rows of fields named `field-<row>-<key>`, of which some are empty. */

/** Empty rows of a form, and how many a press of "More rows" adds. */
export const emptyRows = 3;

export const fieldName = (row: number, key: string) => `field-${row}-${key}`;

/** How many rows were posted. */
export function rowsIn(values: Record<string, string>): number {
  const rows = Object.keys(values).flatMap((name) => /^field-(\d{1,3})-/.exec(name)?.[1] ?? []);
  return Math.min(mostFields, Math.max(0, ...rows.map((row) => Number(row) + 1)));
}

const keys = ['name', 'description', 'options'] as const;

/** The rows that are filled in: a row without a name and all else is no field. */
const filledRows = (values: Record<string, string>): number[] =>
  Array.from({ length: rowsIn(values) }, (_, row) => row).filter((row) =>
    keys.some((key) => (values[fieldName(row, key)] ?? '').trim() !== ''),
  );

/** One value a line. */
const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** What the API takes of the same category. */
export function categoryIn(values: Record<string, string>): Given {
  const fields = filledRows(values).map((row) => {
    const value = (key: string) => values[fieldName(row, key)];
    const locked = value('locked');
    return {
      name: value('name') ?? '',
      type: value('type') ?? '',
      required: value('required') !== undefined,
      ...(locked === 'true' || locked === 'false' ? { locked: locked === 'true' } : {}),
      description: value('description') ?? '',
      options: linesOf(value('options') ?? ''),
    };
  });
  return { name: values.name, description: values.description, fields };
}

/** The field of the form that `fields.<place>.<key>` of the API is. */
export function fieldAt(values: Record<string, string>): (path: string) => string {
  const rows = filledRows(values);
  return (path) => {
    const [, place, key = 'name'] = /^fields\.(\d+)(?:\.(\w+))?/.exec(path) ?? [];
    const row = place === undefined ? undefined : rows[Number(place)];
    return row === undefined ? path : fieldName(row, key);
  };
}

/** The values of a row of a category that exists. */
export const typedOf = (field: CategoryField | undefined) => ({
  name: field?.name ?? '',
  type: field?.type ?? fieldTypes[0],
  isRequired: field?.required ?? false,
  locked: field === undefined ? '' : String(field.locked),
  description: field?.description ?? '',
  options: field?.options.join('\n') ?? '',
});
