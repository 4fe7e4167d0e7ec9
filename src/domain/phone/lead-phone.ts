import type { CountryCode } from 'libphonenumber-js';
import { cellText } from '../cell.ts';
import { numbersIn, phoneText } from './phone-cell.ts';
import { parseCommonNumber } from './plans.ts';

/**
 * `value` is E.164 when valid, otherwise as given. `others`: the further numbers of the cell, with their extensions.
 * `more`: the cell, when it says more than numbers and labels: `305-555-0101/02`, `305-555-0101 ask for Ann`.
 */
export type FoundPhone = {
  ok: true;
  value: string;
  valid: boolean;
  extension: string | null;
  others: readonly string[];
  more?: string;
};
export type LeadPhone = FoundPhone | { ok: false; reason: string };

const LONGEST = 40;
const FEWEST_DIGITS = 7;
const NO_OTHERS: readonly string[] = [];

/** A long number as a spreadsheet writes it. Digits are lost, so it must never be accepted as a phone. */
const SCIENTIFIC = /^[+']?\d(?:[.,]\d+)?e\+?\d{1,2}$/i;
/** Digits, and the punctuation used between them. */
const PHONE_CHARACTERS = /^[\d+()[\]./~\s-]+$/;
const EXTENSION =
  /[\s,;(]{0,4}(?:ext\.?|extension|x|#|anexo|interno|int\.?|ramal|poste|dw)[\s:.]{0,3}(\d{1,7})\)?$/i;
/** Words before or after a number that is not valid: `Cell: 555-1234`, `555-1234 (home)`. */
const LABEL_BEFORE = /^[\p{L}\p{M}.#'’ /-]{1,40}[:.#]?\s{0,3}(?=[+(\d])/u;
const LABEL_AFTER = /\s{0,3}(?:\([\p{L}\p{M}.'’ /-]{1,40}\)|(?<=\s)[\p{L}\p{M}.'’]{1,40})$/u;

const SCIENTIFIC_REASON =
  'is in scientific notation: a spreadsheet has lost its digits; format the column as text and export it again';

const found = (
  value: string,
  valid: boolean,
  extension: string | null = null,
  others: readonly string[] = NO_OTHERS,
): FoundPhone => ({ ok: true, value, valid, extension, others });

/**
 * Reads the phone of a lead from any source (docs/contracts.md): the first valid number of the cell becomes E.164, and
 * its extension and the further numbers are returned beside it. Without one, a text of 7 or more digits and phone
 * characters is kept as given with `valid: false`; anything else is an error.
 */
export function parseLeadPhone(input: string, region: CountryCode): LeadPhone {
  const common = parseCommonNumber(input, region);
  if (common !== null) return found(common, true);
  const text = unwrapped(input);
  if (text === '') return { ok: false, reason: 'is missing' };
  if (input.includes('\0')) return { ok: false, reason: 'is not a phone number' };
  if (SCIENTIFIC.test(text)) return { ok: false, reason: SCIENTIFIC_REASON };
  const { numbers, rest } = numbersIn(text, region);
  const [first, ...others] = numbers;
  if (!first) return keptAsGiven(text);
  return {
    ...found(first.number, true, first.extension, others.map(withExtension)),
    ...(saysMore(rest) ? { more: text } : {}),
  };
}

const saysMore = (rest: string): boolean => /\d|\p{L}+[^\p{L}]+\p{L}+[^\p{L}]+\p{L}/u.test(rest);

const withExtension = ({ number, extension }: { number: string; extension: string | null }): string =>
  extension === null ? number : `${number} ext. ${extension}`;

/** `3,055,550,101` as spreadsheets group it, and `305,555,0101`. */
const GROUPED = /^(?:\+?\d{1,3}(?:,\d{3}){3,4}|\d{3},\d{3},\d{4})$/;

/** Removes what exports write before a number and between its digits, and the fraction that a program gave it: `tel:`, `p:`, `3055550123.0`. */
const unwrapped = (input: string): string =>
  phoneText(input)
    .replace(/^(?:tel|p|phone|whatsapp):\s*/i, '')
    .replace(/^'/, '')
    .replace(/^(\+?\d{7,15})[.,]0{1,2}$/, '$1')
    .replace(/^\+{2,}(?=\d)/, '+')
    .replace(/(?<=\d)_(?=\d)/g, '-')
    .replace(GROUPED, (number) => number.replaceAll(',', ''))
    .trim();

/** A cell without a valid number: the first part that could be one, as given. */
function keptAsGiven(text: string): LeadPhone {
  const parts = partsOf(text).map((part) => withoutLabels(part));
  if (parts.some((part) => SCIENTIFIC.test(part))) return { ok: false, reason: SCIENTIFIC_REASON };
  const kept = parts.flatMap((part) => {
    const extension = EXTENSION.exec(part)?.[1] ?? null;
    const bare = part.replace(EXTENSION, '').trim();
    return isPhoneLike(bare) && digitsIn(bare) >= FEWEST_DIGITS ? [{ number: bare, extension }] : [];
  });
  const [first, ...others] = kept;
  if (first) return found(first.number, false, first.extension, others.map(withExtension));
  const short = parts.some((part) => isPhoneLike(part) && digitsIn(part) > 0);
  return { ok: false, reason: short ? `has fewer than ${FEWEST_DIGITS} digits` : 'is not a phone number' };
}

const isPhoneLike = (text: string): boolean => text.length <= LONGEST && PHONE_CHARACTERS.test(text);
const digitsIn = (text: string): number => text.replace(/\D/g, '').length;

const withoutLabels = (part: string): string =>
  part.replace(LABEL_BEFORE, '').replace(LABEL_AFTER, '').trim();

/** Splits a cell as contact exports write several numbers. */
const partsOf = (text: string): string[] =>
  text
    .split(/:::|[;,|&](?!\s*(?:ext|x|#))|\s\/\s|\s(?:or|o|and|y)\s/i)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/**
 * What tells that two phones are the same: E.164 for a valid one. Of a number that is kept as given it is the digits, so
 * that `555-1234` and `555 1234` are one.
 */
export function phoneIdentity(value: string): string {
  if (/^\+\d+$/.test(value)) return value;
  const digits = cellText(value).replace(/\D/g, '');
  return digits.length >= FEWEST_DIGITS ? digits : value;
}
