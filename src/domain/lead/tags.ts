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

function withoutLoneQuote(tag: string): string {
  if (tag.indexOf('"') !== tag.lastIndexOf('"')) return tag;
  if (tag.startsWith('"')) return tag.slice(1).trimStart();
  return tag.endsWith('"') ? tag.slice(0, -1).trimEnd() : tag;
}

const BETWEEN = /(?:[\s,;|]|:::)*/y;
const QUOTED = /\*?\s*"([^"]*)"[ \t]*(?=[,;|\n\t"]|:::|$)/y;
const UNQUOTED = /[^,;|\n\t]+/y;

/** A separator inside quotes belongs to the tag, when the quotes are closed. */
function partsOf(text: string): string[] {
  if (!text.includes('"')) return text.split(SEPARATOR);
  const parts: string[] = [];
  let at = 0;
  const next = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    at += found?.[0].length ?? 0;
    return found;
  };
  for (next(BETWEEN); at < text.length; next(BETWEEN)) {
    const quoted = next(QUOTED);
    if (quoted) parts.push(quoted[1]!);
    else parts.push(...next(UNQUOTED)![0].split(':::'));
  }
  return parts;
}
