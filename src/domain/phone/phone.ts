import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import { oneLine } from '../plain-text.ts';
import { parseCommonNumber } from './plans.ts';

/** Longer than any number with its punctuation; longer texts are not parsed. */
const MAX_PHONE_TEXT = 40;

export type ProviderPhone =
  | { ok: true; e164: string }
  | { ok: false; reason: 'missing' | 'not_e164' | 'invalid' };

/**
 * Parses the number that offers are texted to. It must be valid and include its country code (`+1…`).
 * Spaces and punctuation are accepted; the country is never guessed.
 */
export function parseProviderPhone(input: string): ProviderPhone {
  const text = input.trim();
  if (text === '') return { ok: false, reason: 'missing' };
  if (text.length > MAX_PHONE_TEXT || !/^\+\d[\d\s().-]*$/.test(text))
    return { ok: false, reason: 'not_e164' };
  const number = parsePhoneNumberFromString(text, { extract: false });
  return number?.isValid() ? { ok: true, e164: number.number } : { ok: false, reason: 'invalid' };
}

export interface ContactPhone {
  /** E.164 when valid, otherwise as given, on one line. */
  value: string;
  valid: boolean;
}

/**
 * Parses a client's phone. A number that cannot be parsed is kept as given, because the lead can still be sold; so is a
 * number with an extension, which E.164 cannot represent.
 */
export function normaliseContactPhone(input: string, defaultRegion: CountryCode = 'US'): ContactPhone {
  const common = parseCommonNumber(input, defaultRegion);
  if (common !== null) return { value: common, valid: true };
  const given = oneLine(input, MAX_PHONE_TEXT);
  const number = parsePhoneNumberFromString(given, { defaultCountry: defaultRegion, extract: false });
  return number?.isValid() && number.ext === undefined
    ? { value: number.number, valid: true }
    : { value: given, valid: false };
}
