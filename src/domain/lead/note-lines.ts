/** What a row says about reaching the person beyond one phone and one address. */
export type FurtherContact = {
  /** E.164 when valid, otherwise as given; an extension stands after the number. */
  phones?: readonly string[];
  /** Of the lead's phone, which has no place in E.164. */
  extension?: string | null;
  /** Phone cells that say more than their numbers, and further ones without a number. */
  phonesAsGiven?: readonly string[];
  emails?: readonly string[];
};

/** The lines under which further numbers, the extension and further addresses are kept in the note. */
export function noteLines({
  phones = [],
  extension = null,
  phonesAsGiven = [],
  emails = [],
}: FurtherContact): string[] {
  return [
    ...(extension === null ? [] : [`Extension: ${extension}`]),
    ...phones.map((phone) => `Other phone: ${phone}`),
    ...phonesAsGiven.map((text) => `Phone as given: ${text}`),
    ...emails.map((email) => `Other email: ${email}`),
  ];
}

/** The note with lines below it; a line that it already contains is not added. Returns null when there is neither. */
export function withNoteLines(note: string | null, lines: readonly string[]): string | null {
  if (lines.length === 0) return note;
  const written = new Set(note?.split(/\r?\n/).map((line) => line.trim()));
  const added = lines.filter((line) => !written.has(line));
  return [...(note === null ? [] : [note]), ...added].join('\n');
}
