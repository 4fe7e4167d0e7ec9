/** No field shown in a text is read further than this before it is clipped to its own limit. */
const READ_LIMIT = 10_000;

/**
 * One line of visible text, at most `max` characters (UTF-16 units, as SMS vendors count).
 * Line breaks and control characters become spaces; bidirectional, zero-width, private-use and broken characters
 * go away: they are how a field pretends to be another line of the message around it.
 */
export function oneLine(value: string | null | undefined, max = 160): string {
  const line = (value ?? '')
    .slice(0, READ_LIMIT)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  return clip(line, max);
}

/** Several lines of an organization's own text (a footer): line breaks stay, everything else as in `oneLine`. */
export function paragraph(value: string | null | undefined, max: number): string {
  const text = (value ?? '')
    .slice(0, READ_LIMIT)
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{Cf}\p{Cs}\p{Co}]|(?!\n)\p{Cc}/gu, '');
  return clip(text.trim(), max);
}

/** Cuts to `max` with three plain dots (the one-character ellipsis would make a GSM-7 text cost twice as much). */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max <= 3) return '';
  // A surrogate pair cut in half would be sent as a broken character.
  const end = /[\uD800-\uDBFF]/.test(text[max - 4] ?? '') ? max - 4 : max - 3;
  return `${text.slice(0, end).trimEnd()}...`;
}
