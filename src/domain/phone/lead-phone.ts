import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import { oneLine } from '../plain-text.ts';
import { parseCommonNumber } from './plans.ts';

export type LeadPhone =
  /** `value` is E.164 when valid, otherwise as given. */
  { ok: true; value: string; valid: boolean } | { ok: false; reason: string };

const LONGEST = 40;
const FEWEST_DIGITS = 7;

/** A long number as a spreadsheet writes it. Digits are lost, so it must never be accepted as a phone. */
const SCIENTIFIC = /^[+']?\d(?:[.,]\d+)?e\+?\d{1,2}$/i;
/** Digits of any script, and the punctuation used between them. */
const PHONE_CHARACTERS = /^[\p{Nd}\p{Pd}+＋()（）[\]./~\s]+$/u;
const EXTENSION = /\s*(?:[,;]?\s*(?:ext\.?|extension|x|#|anexo|int\.?)\s*\d{1,7})$/i;

const SCIENTIFIC_REASON =
  'is in scientific notation: a spreadsheet has lost its digits; format the column as text and export it again';

/**
 * Parses the phone of an uploaded lead (docs/contracts.md): a valid number becomes E.164; other texts of 7 or more
 * digits and phone characters, and numbers with an extension, are kept as given with `valid: false`; anything else is
 * an error.
 */
export function parseLeadPhone(input: string, region: CountryCode): LeadPhone {
  const common = parseCommonNumber(input, region);
  if (common !== null) return { ok: true, value: common, valid: true };
  const given = unwrapped(input);
  if (given === '') return { ok: false, reason: 'is missing' };
  if (SCIENTIFIC.test(given)) return { ok: false, reason: SCIENTIFIC_REASON };
  const text = firstOf(given);
  const unwrappedNumber = parseCommonNumber(text, region);
  if (unwrappedNumber !== null) return { ok: true, value: unwrappedNumber, valid: true };
  if (SCIENTIFIC.test(text)) return { ok: false, reason: SCIENTIFIC_REASON };
  const bare = text.replace(EXTENSION, '');
  if (text.length > LONGEST || !PHONE_CHARACTERS.test(bare))
    return { ok: false, reason: 'is not a phone number' };
  if ((bare.match(/\p{Nd}/gu)?.length ?? 0) < FEWEST_DIGITS)
    return { ok: false, reason: `has fewer than ${FEWEST_DIGITS} digits` };
  const number = parsePhoneNumberFromString(text, { defaultCountry: region, extract: false });
  return number?.isValid() && number.ext === undefined && bare === text
    ? { ok: true, value: number.number, valid: true }
    : { ok: true, value: text, valid: false };
}

/** Removes the wrappers that keep spreadsheets from reformatting a number, and prefixes: `="305…"`, `'305…`, `tel:`. */
function unwrapped(input: string): string {
  const text = oneLine(input, 500);
  return text
    .replace(/^=?"([^"]*)"$/, '$1')
    .replace(/^=(?=[+(\d])/, '')
    .replace(/^'/, '')
    .replace(/^(?:tel|p|phone|whatsapp):\s*/i, '')
    .replace(/^(\d{7,15})\.0$/, '$1')
    .trim();
}

/** Returns the first of several numbers in one cell, as contact exports write them. */
const firstOf = (text: string): string =>
  text
    .split(/:::|[;,|](?!\s*(?:ext|x|#))|\s\/\s|\s(?:or|o|and|y)\s/i)
    .map((part) => part.trim())
    .find((part) => part !== '') ?? text;
