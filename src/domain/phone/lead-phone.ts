import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import { oneLine } from '../plain-text.ts';
import { usualNumber } from './plans.ts';

export type LeadPhone =
  /** `value` is E.164 when valid, else what was given. */
  { ok: true; value: string; valid: boolean } | { ok: false; reason: string };

const LONGEST = 40;
const FEWEST_DIGITS = 7;

/** What a spreadsheet makes of a long number. Its digits are gone, so it must never pass for a phone. */
const SCIENTIFIC = /^[+']?\d(?:[.,]\d+)?e\+?\d{1,2}$/i;
/** Digits of any script, and what people put between them. */
const PHONE_CHARACTERS = /^[\p{Nd}\p{Pd}+＋()（）[\]./~\s]+$/u;
const EXTENSION = /\s*(?:[,;]?\s*(?:ext\.?|extension|x|#|anexo|int\.?)\s*\d{1,7})$/i;

const SCIENTIFIC_REASON =
  'is in scientific notation: a spreadsheet has lost its digits; format the column as text and export it again';

/**
 * The phone of an uploaded lead (docs/contracts.md): a real number becomes E.164; 7 or more digits and phone characters
 * that are none, or have an extension, are kept as given with `valid: false`; anything else is an error.
 */
export function parseLeadPhone(input: string, region: CountryCode): LeadPhone {
  const usual = usualNumber(input, region);
  if (usual !== null) return { ok: true, value: usual, valid: true };
  const given = unwrapped(input);
  if (given === '') return { ok: false, reason: 'is missing' };
  if (SCIENTIFIC.test(given)) return { ok: false, reason: SCIENTIFIC_REASON };
  const text = firstOf(given);
  const again = usualNumber(text, region);
  if (again !== null) return { ok: true, value: again, valid: true };
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

/** Without what programs wrap a number in so that a spreadsheet leaves it alone: `="305…"`, `'305…`, `tel:`, `p:`. */
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

/** Several in one cell, as contact programs put them: the first. */
const firstOf = (text: string): string =>
  text
    .split(/:::|[;,|](?!\s*(?:ext|x|#))|\s\/\s|\s(?:or|o|and|y)\s/i)
    .map((part) => part.trim())
    .find((part) => part !== '') ?? text;
