import { isFirmWord, isSuffix } from './name-suffixes.ts';

export type NameParts = { firstName: string; lastName: string };

const TITLE =
  /^(?:mr|mrs|ms|miss|mx|dr|drs|prof|rev|hon|sir|sr|sra|srta|srs|sres|don|doña|dña|dra|ing|lic|arq|capt|herr|frau|familie|fam|m|mm|mme|mlle|monsieur|madame|sig|sig\.ra|signor|signora|dott|senhor|senhora)\.?$/iu;
/** Stands between two people or their titles: "Mr. & Mrs.", "Ana y Luis", "M. et Mme". */
const JOIN = /^(?:&|\+|and|und|y|e|et|u)$/iu;

/**
 * First and last name for a CRM that keeps them apart: the first word, and the rest. Titles stay with the name that
 * follows them, also those of a couple; two first names joined by "and" stay together; `Last, First` is swapped; a name
 * without spaces (李小龙, Cher) is a first name. Every character of the name is kept in one of the two, as it was written.
 */
export function splitName(name: string): NameParts {
  const full = name.trim();
  const parts = full
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) return { firstName: full, lastName: '' };
  const suffixes: string[] = [];
  while (parts.length > 1 && isSuffix(parts.at(-1)!, full)) suffixes.unshift(parts.pop()!);
  const split = splitParts(parts, full);
  if (suffixes.length === 0) return split;
  const after = suffixes.join(', ');
  return split.lastName === ''
    ? { firstName: `${split.firstName}, ${after}`, lastName: '' }
    : { firstName: split.firstName, lastName: `${split.lastName}, ${after}` };
}

function splitParts(parts: readonly string[], full: string): NameParts {
  const [last = '', first] = parts;
  if (first === undefined) return splitWords(last);
  const isFirm = parts.some((part) => isFirmWord(part.split(/\s+/u).at(-1)!, full));
  // A comma after more than three words, or a second one, belongs to a firm or a title, not to a family name.
  if (parts.length === 2 && !isFirm && last.split(/\s+/u).length <= 3)
    return { firstName: first, lastName: last };
  return isFirm ? { firstName: full, lastName: '' } : splitWords(full);
}

/** The words with the blanks before them, so that the name can be put together as it was written. */
const wordsOf = (text: string): string[] => text.match(/\s*\S+/gu) ?? [];

function splitWords(full: string): NameParts {
  const words = wordsOf(full);
  let taken = afterTitles(words, 0);
  // "Dr. Smith" and "Mr. and Mrs. Smith" are addressed by title; "Dr. Sarah Smith" by both.
  if (taken > 0 && taken === words.length - 1) return partsAt(words, taken);
  taken += 1;
  while (taken + 1 < words.length && JOIN.test(words[taken]!.trim())) {
    const next = afterTitles(words, taken + 1) + 1;
    taken = Math.min(next, words.length);
  }
  return partsAt(words, taken);
}

/** Returns the index of the first word after the titles at `start`. At least one word is left. */
function afterTitles(words: readonly string[], start: number): number {
  let at = start;
  while (at < words.length - 1 && isTitle(words[at]!)) {
    at += 1;
    const joined = at < words.length - 2 && JOIN.test(words[at]!.trim()) && isTitle(words[at + 1]!);
    if (joined) at += 1;
  }
  return at;
}

/** Also two titles written together: `Mr.&Mrs.`, `Mr/Mrs`. */
const isTitle = (word: string): boolean =>
  word
    .trim()
    .split(/[&/+]/)
    .every((part) => TITLE.test(part));

const partsAt = (words: readonly string[], count: number): NameParts => ({
  firstName: words.slice(0, count).join('').trim(),
  lastName: words.slice(count).join('').trim(),
});

/** The names of a lead for the CRM: as uploaded when they came apart, else split. */
export function crmName(lead: {
  name: string;
  firstName: string | null;
  lastName: string | null;
}): NameParts {
  if (lead.firstName === null && lead.lastName === null) return splitName(lead.name);
  return { firstName: lead.firstName ?? '', lastName: lead.lastName ?? '' };
}
