/** Recognizes secrets that were typed, not generated. What it accepts may still be weak; what it names is weak. */

const placeholders =
  /change.?me|pass.?word|passwort|placeholder|example|insert|replace|default|secret|leadgate|sandbox|development|qwerty|qazwsx|letmein|iloveyou|foobar|12345678|your[-_]|x{6}|\.{4}/i;

/** Occur by chance in long random texts, so only where chance is unlikely. */
const shortPlaceholders = /^admin|admin(?=\d\d|$)|(?<=^.{0,10})123456(?=.{0,10}$)/i;
/** Only words are between the brackets: random punctuation may begin and end with one. */
const bracketed = /^<[\w ,.:-]*>$|^\$\{[\w ,.:-]*\}$/;

/** Fewer distinct characters than this are improbable in 16 random hexadecimal digits. */
const fewestDistinct = 6;

/** Returns what is wrong with the text as a secret, or null when it looks generated. `least`: its shortest length. */
export function weaknessOf(text: string, least: number): string | null {
  if (/\s/.test(text)) return 'it contains a space or a line break';
  if (text.length < least) return `it is shorter than ${least} characters`;
  if (bracketed.test(text)) return 'it is in brackets, as a placeholder is';
  const word = placeholders.exec(text)?.[0] ?? shortPlaceholders.exec(text)?.[0];
  if (word) return `it contains "${word}", as a placeholder does`;
  if (new Set(text).size < Math.min(fewestDistinct, least) || mostOften(text) > text.length / 2)
    return 'it repeats a few characters';
  if (isPeriodic([...text])) return 'it repeats itself';
  if (isSequence([...text].map((letter) => letter.charCodeAt(0)))) return 'its characters are a sequence';
  return null;
}

/** As `weaknessOf`, for a key of bytes. */
export function weaknessOfKey(key: Buffer): string | null {
  const bytes = [...key];
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'it is text, not random bytes';
  if (new Set(bytes).size < key.length / 2) return 'it repeats a few bytes';
  if (isPeriodic(bytes)) return 'it repeats itself';
  return isSequence(bytes) ? 'its bytes are a sequence' : null;
}

/** How often the most frequent character occurs. */
function mostOften(text: string): number {
  const times = new Map<string, number>();
  for (const letter of text) times.set(letter, (times.get(letter) ?? 0) + 1);
  return Math.max(0, ...times.values());
}

/** Whether a shorter part, repeated at least twice, makes up the whole. */
function isPeriodic(parts: readonly unknown[]): boolean {
  for (let period = 1; period <= parts.length / 2; period += 1)
    if (parts.every((part, at) => at < period || part === parts[at - period])) return true;
  return false;
}

/** Whether most steps from one value to the next are the same, as in "abcdefgh" or 0, 1, 2, … */
function isSequence(values: readonly number[]): boolean {
  const steps = new Map<number, number>();
  for (let at = 1; at < values.length; at += 1) {
    const step = values[at]! - values[at - 1]!;
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  return Math.max(0, ...steps.values()) > values.length * 0.7;
}
