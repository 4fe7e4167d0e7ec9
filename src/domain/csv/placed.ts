import type { Target } from './mapping.ts';

const prefix = 'custom:';

/**
 * Returns the names of custom fields in a mapping that the CRM has no field for: their values would not arrive. `fields`:
 * our name of a custom field -> the CRM's field id.
 */
export function unplaced(
  mapping: readonly (Target | null)[],
  fields: Readonly<Record<string, string>>,
): string[] {
  return mapping.flatMap((target) => {
    if (!target?.startsWith(prefix)) return [];
    const name = target.slice(prefix.length);
    return Object.hasOwn(fields, name) ? [] : [name];
  });
}

const mostNamed = 5;

/** Says what to do about columns without a place in the CRM. Returns null when there are none. */
export function unplacedProblem(
  mapping: readonly (Target | null)[],
  fields: Readonly<Record<string, string>>,
): string | null {
  const names = unplaced(mapping, fields);
  if (names.length === 0) return null;
  const [first] = names as [string];
  const listed = names.slice(0, mostNamed).map((name) => `“${name.slice(0, 100)}”`);
  const others = names.length - listed.length;
  const which = [...listed, ...(others > 0 ? [`${others} more`] : [])].join(', ');
  return `The CRM has no field for ${which}, so the values would not arrive. Choose one of the CRM's fields for each, add it to the notes (note:${first.slice(0, 100)}), or leave it out. A field's id is entered in the settings (field_mapping).`;
}
