import { decodeCodePage } from './code-pages.ts';

/** Encodings of two bytes per character. */
const WIDE = ['shift_jis', 'gb18030', 'big5', 'euc-kr', 'euc-jp'] as const;
/** Without half-width Katakana, which are single bytes and may be any two letters with accents. */
const EAST_ASIAN = /(?![\uff61-\uff9f])[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u;

/**
 * Whether bytes that are not UTF-8 are text of another script than the Latin one: words of three letters or more without
 * one of ASCII, or characters of East Asia throughout. As Windows-1252 it would be read without an error, and wrong.
 */
export const isOtherScript = (bytes: Uint8Array): boolean => isOfOtherLetters(bytes) || isEastAsian(bytes);

function isOfOtherLetters(bytes: Uint8Array): boolean {
  const words = decodeCodePage(bytes, 'windows-1252').match(/[\p{L}\p{M}\u0080-\u00ff]+/gu) ?? [];
  const marked = words.filter((word) => /[\u0080-\uffff]/.test(word));
  const whole = marked.filter((word) => /^[\u0080-\uffff]{3,}$/.test(word) && /\p{L}.*\p{L}/u.test(word));
  // Three signs in a row may be dashes and quotes.
  return whole.length > marked.length / 2 && whole.some((word) => word.length > 3);
}

function isEastAsian(bytes: Uint8Array): boolean {
  return WIDE.some((encoding) => {
    const text = decoded(bytes, encoding);
    if (text === null) return false;
    const high = text.match(/[^\p{ASCII}]+/gu) ?? [];
    const characters = high.join('');
    const asian = [...characters].filter((character) => EAST_ASIAN.test(character)).length;
    // A letter with an accent and the one after it can be a single such character, within a word.
    const within = /[A-Za-z][^\p{ASCII}]|[^\p{ASCII}][A-Za-z]/u.test(text);
    return !within && asian >= 0.9 * characters.length && asian >= 2 * high.length;
  });
}

/** Returns null when the bytes are not in this encoding. The last character may be cut. */
function decoded(bytes: Uint8Array, encoding: (typeof WIDE)[number]): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}
