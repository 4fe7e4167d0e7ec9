import { cellText, isMarked } from '../cell.ts';

const MOST_TAGS = 50;
/** Limit of a cell that holds several tags. */
const LONGEST_LIST = 16_384;
const TOO_MANY = { ok: false, reason: `are more than ${MOST_TAGS}` } as const;

export type ReadTags = { ok: true; tags: string[] } | { ok: false; reason: string };

/**
 * Splits lists of tags as exports write them: `a, b`, `a;b`, `"a","b"`, `["a", "b"]`, Google's `* a ::: * b`. Duplicates
 * and signs for a missing value are removed.
 */
export function readTags(cells: readonly string[]): ReadTags {
  const tags = new Set<string>();
  for (const cell of cells) {
    if (cell.length > LONGEST_LIST || tags.size > MOST_TAGS) return TOO_MANY;
    for (const part of partsOf(withoutBrackets(cellText(cell)))) {
      const tag = withoutLoneQuote(cellText(part.trim().replace(BULLET, '')));
      if (tag !== '' && !isMarked(tag)) tags.add(tag);
    }
  }
  return tags.size > MOST_TAGS ? TOO_MANY : { ok: true, tags: [...tags] };
}

const SEPARATOR = /:::|[,;|\n\t]/;
const BULLET = /^(?:\* ?|[•·–-] )/;

/** `["a","b"]` of JSON and `{a,"b c"}` of PostgreSQL. */
const withoutBrackets = (text: string): string =>
  (text.startsWith('[') && text.endsWith(']')) || (text.startsWith('{') && text.endsWith('}'))
    ? text.slice(1, -1)
    : text;

const withoutLoneQuote = (tag: string): string =>
  tag.indexOf('"') === tag.lastIndexOf('"') ? tag.replace(/^"\s*|\s*"$/g, '') : tag;

/** A separator inside quotes belongs to the tag, when the quotes are closed. */
function partsOf(text: string): string[] {
  if (!text.includes('"')) return text.split(SEPARATOR);
  const parts: string[] = [];
  let rest = text;
  while (rest !== '') {
    const quoted = /^[\s,;|*]*"([^"]*)"[ \t]*(?=[,;|\n\t"]|:::|$)/.exec(rest);
    const found = quoted ?? /^[^,;|\n]*/.exec(rest);
    if (found === null) break;
    parts.push(...(quoted ? [quoted[1]!] : found[0].split(':::')));
    rest = rest.slice(found[0].length).replace(/^(?:[,;|\n]|:::)/, '');
  }
  return parts;
}
