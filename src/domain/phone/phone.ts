import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import { oneLine } from '../plain-text.ts';
import { usualNumber } from './plans.ts';

/** Longer than any number with its punctuation; what is longer is not worth parsing. */
const MAX_PHONE_TEXT = 40;

export type ProviderPhone =
  | { ok: true; e164: string }
  | { ok: false; reason: 'missing' | 'not_e164' | 'invalid' };

/**
 * The number offers are texted to, so it must be a real one written with its country code (`+1…`).
 * Spaces and punctuation are forgiven; a guess at the country is not made.
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
  /** E.164 when valid, otherwise what was given, on one line. */
  value: string;
  valid: boolean;
}

/**
 * A client's phone. One that cannot be parsed is kept as given, since the lead is still worth money; so is one with an
 * extension, which E.164 cannot say.
 */
export function normaliseContactPhone(input: string, defaultRegion: CountryCode = 'US'): ContactPhone {
  const usual = usualNumber(input, defaultRegion);
  if (usual !== null) return { value: usual, valid: true };
  const given = oneLine(input, MAX_PHONE_TEXT);
  const number = parsePhoneNumberFromString(given, { defaultCountry: defaultRegion, extract: false });
  return number?.isValid() && number.ext === undefined
    ? { value: number.number, valid: true }
    : { value: given, valid: false };
}

const DOTS = '•••••';

/** `+1•••••0123`, for logs and screens. A text too short or too odd to be a number shows nothing of itself. */
export function maskPhone(phone: string): string {
  const number = parsePhoneNumberFromString(phone.slice(0, MAX_PHONE_TEXT), { extract: false });
  if (number !== undefined && number.nationalNumber.length >= 7) {
    return `+${number.countryCallingCode}${DOTS}${number.nationalNumber.slice(-4)}`;
  }
  return DOTS;
}
