/** Fields are cut to this length before they are processed and clipped to their own limit. */
const READ_LIMIT = 10_000;

/**
 * Returns one line of visible text, at most `max` UTF-16 units, as SMS vendors count.
 * Line breaks and control characters become spaces; bidirectional, zero-width, private-use and broken characters
 * are removed, because they can make a field look like another line of the message.
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

/** Like `oneLine`, but keeps line breaks: for an organization's own text, such as a footer. */
export function paragraph(value: string | null | undefined, max: number): string {
  const text = (value ?? '')
    .slice(0, READ_LIMIT)
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{Cf}\p{Cs}\p{Co}]|(?!\n)\p{Cc}/gu, '');
  return clip(text.trim(), max);
}

/** Truncates to `max` with three plain dots: the ellipsis character is not in GSM-7 and would double the cost. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max <= 3) return '';
  // A surrogate pair cut in half would be sent as a broken character.
  const end = /[\uD800-\uDBFF]/.test(text[max - 4] ?? '') ? max - 4 : max - 3;
  return `${text.slice(0, end).trimEnd()}...`;
}
