import { parsePhoneNumberFromString } from 'libphonenumber-js';
import { cellText } from '../cell.ts';
import { plainNumber } from './phone-cell.ts';

/** Longer than any number with its punctuation; longer texts are not parsed. */
const MAX_PHONE_TEXT = 40;

export type ProviderPhone =
  | { ok: true; e164: string }
  | { ok: false; reason: 'missing' | 'not_e164' | 'invalid' };

/**
 * Parses the number that offers are texted to. It must be valid and include its country code (`+1…`).
 * Spaces, punctuation and the digits of other scripts are accepted; the country is never guessed.
 */
export function parseProviderPhone(input: string): ProviderPhone {
  const text = plainNumber(cellText(input.slice(0, 2 * MAX_PHONE_TEXT))).replace(/^tel:\s?/i, '');
  if (text === '') return { ok: false, reason: 'missing' };
  if (text.length > MAX_PHONE_TEXT || !/^\+\d[\d\s().-]*$/.test(text))
    return { ok: false, reason: 'not_e164' };
  const number = parsePhoneNumberFromString(text, { extract: false });
  return number?.isValid() ? { ok: true, e164: number.number } : { ok: false, reason: 'invalid' };
}
