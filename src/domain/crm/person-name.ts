export type NameParts = { firstName: string; lastName: string };

const TITLE = /^(mr|mrs|ms|miss|mx|dr|prof|rev|hon|sir|sr|sra|srta|don|doña|dra|ing|lic)\.?$/iu;
const SUFFIX =
  /^(jr|sr|ii|iii|iv|v|md|m\.d|dds|dmd|phd|ph\.d|esq|cpa|rn|inc|llc|ltd|corp|co|s\.?a|s\.?l)\.?$/iu;

/**
 * First and last name for a CRM that keeps them apart: the first word, and the rest. A title stays with the name that
 * follows it; `Last, First` is swapped; a name without spaces (李小龙, Cher) is a first name. Every character of the name
 * is kept in one of the two, as it was written.
 */
export function splitName(name: string): NameParts {
  const full = name.trim();
  const comma = /^([^,]+),\s*([^,]+)$/u.exec(full);
  if (comma && !SUFFIX.test(comma[2]!.trim())) {
    // "Johnson, Sarah"; a comma after more than three words belongs to a firm or a title, not to a family name.
    const [, last, first] = comma as unknown as [string, string, string];
    if (last.trim().split(/\s+/u).length <= 3) return { firstName: first.trim(), lastName: last.trim() };
  }
  const [word = ''] = /^\S+/u.exec(full) ?? [];
  const rest = full.slice(word.length).trimStart();
  if (!TITLE.test(word) || rest === '') return { firstName: word, lastName: rest };
  const [second = ''] = /^\S+/u.exec(rest) ?? [];
  const after = rest.slice(second.length).trimStart();
  // "Dr. Smith" is addressed by title; "Dr. Sarah Smith" by both.
  return after === ''
    ? { firstName: word, lastName: second }
    : { firstName: full.slice(0, full.length - rest.length + second.length), lastName: after };
}

/** The names of a lead for the CRM: as uploaded when they came apart, else split. */
export function crmName(lead: {
  name: string;
  firstName: string | null;
  lastName: string | null;
}): NameParts {
  if (lead.firstName === null && lead.lastName === null) return splitName(lead.name);
  return { firstName: lead.firstName ?? '', lastName: lead.lastName ?? '' };
}
