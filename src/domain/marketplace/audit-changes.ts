type Row = Readonly<Record<string, unknown>>;
/** One value that a change made different, as texts; null where there was none. */
export type Difference = { name: string; before: string | null; after: string | null };

const longest = 300;

/** Their values are constants such as `ROUND_ROBIN`. */
const constants = new Set(['status', 'distributionLogic']);

/**
 * What differs between two views of a row, by the names of its values, for people: without ids, which they cannot read.
 * `before` is null for what was created.
 */
export function differences(before: Row | null, after: Row | null): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names.flatMap((key) => {
    if (/Id$/.test(key)) return [];
    const [was, is] = [before?.[key], after?.[key]];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    const difference = { name: words(key), before: textOf(key, was, is), after: textOf(key, is, was) };
    return difference.before === null && difference.after === null ? [] : [difference];
  });
}

/** `dailyCap` is `Daily cap`. */
const words = (key: string): string => {
  const text = key.replace(/([A-Z])/g, ' $1').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** Of a list only what the `other` one lacks. Null for what is empty. */
function textOf(key: string, value: unknown, other: unknown): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  if (constants.has(key)) return words(String(value).toLowerCase().replaceAll('_', ' '));
  const text = Array.isArray(value) ? listText(value, other) : objectText(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text || null;
}

function listText(value: readonly unknown[], other: unknown): string {
  const known = new Set(Array.isArray(other) ? other.map((item) => JSON.stringify(item)) : []);
  return value
    .filter((item) => !known.has(JSON.stringify(item)))
    .map(objectText)
    .join(value.some((item) => typeof item === 'object') ? '; ' : ', ');
}

/** A field of a category is `roofAge (number, required)`; another object lists its values by name. */
function objectText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { name, ...rest } = value as Record<string, unknown>;
  const more = Object.entries(rest).flatMap(([key, each]) => {
    if (each === false || each === null || each === '' || (Array.isArray(each) && each.length === 0))
      return [];
    if (each === true) return [key];
    if (constants.has(key)) return words(String(value).toLowerCase().replaceAll('_', ' '));
    const text = Array.isArray(each) ? each.map(objectText).join(' | ') : objectText(each);
    return [key === 'type' ? text : `${key}: ${text}`];
  });
  if (name === undefined) return more.join(', ');
  return more.length > 0 ? `${String(name)} (${more.join(', ')})` : String(name);
}
