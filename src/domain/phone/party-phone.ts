import { parsePhoneNumberFromString } from 'libphonenumber-js';
import { cellText } from '../cell.ts';
import { plainNumber } from './phone-cell.ts';

/** Longer than any number with its punctuation; longer texts are not parsed. */
const longest = 40;

/** The number of a buyer as E.164, read as one of the United States unless it has a country code. Null for anything else. */
export function partyPhone(input: string): string | null {
  const text = plainNumber(cellText(input.slice(0, 2 * longest))).replace(/^tel:\s?/i, '');
  if (text.length > longest || !/^\+?\(?\d[\d\s().-]*$/.test(text)) return null;
  const number = parsePhoneNumberFromString(text, { defaultCountry: 'US', extract: false });
  return number?.isValid() ? number.number : null;
}
