import fc from 'fast-check';
import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js';
import examples from 'libphonenumber-js/mobile/examples';
import { expect, it } from 'vitest';
import { parseCommonNumber } from './plans.ts';

/** The library's result. */
function byLibrary(text: string, region: CountryCode): string | null {
  const number = parsePhoneNumberFromString(text, { defaultCountry: region, extract: false });
  return number?.isValid() && number.ext === undefined ? number.number : null;
}

const regions = getCountries();
const digit = fc.integer({ min: 0, max: 9 }).map(String);
const punctuation = fc.constantFrom('', '', '', ' ', '-', '.', '(', ')', ') ', ' (', ' - ', '--');

/** Numbers close to valid ones of a region: its example with some digits changed, added or removed. */
const nearNumber = (region: CountryCode) =>
  fc
    .tuple(
      fc.array(fc.tuple(fc.nat({ max: 14 }), digit), { maxLength: 4 }),
      fc.constantFrom(0, 0, 0, 0, -1, 1),
      fc.constantFrom('national', 'formatted', 'international', 'code', 'plus', 'plus zero', 'exit'),
      fc.array(punctuation, { minLength: 1, maxLength: 6 }),
    )
    .map(([changes, length, form, marks]) => {
      const example = getExampleNumber(region, examples);
      const digits = [...(example?.nationalNumber ?? '2025550123')];
      for (const [at, to] of changes) digits[at % digits.length] = to;
      if (length < 0) digits.pop();
      if (length > 0) digits.push('5');
      const code = getCountryCallingCode(region);
      const number = digits.map((d, i) => (marks[i % marks.length] ?? '') + d).join('');
      const plain = digits.join('');
      const parsed = parsePhoneNumberFromString(`+${code}${plain}`);
      if (form === 'formatted') return parsed?.formatNational() ?? plain;
      if (form === 'international') return parsed?.formatInternational() ?? plain;
      if (form === 'code') return code + number;
      if (form === 'plus') return `+${code}${number}`;
      if (form === 'plus zero') return `+${code} (0)${plain}`;
      return form === 'exit' ? `00${code}${plain}` : number;
    });

it('agrees with the library on every number it decides, in every region', () => {
  let decided = 0;
  let valid = 0;
  const some = fc.constantFrom(...regions, ...Array<CountryCode>(60).fill('US'));
  fc.assert(
    fc.property(
      some.chain((region) => fc.tuple(nearNumber(region), fc.oneof(fc.constant(region), some))),
      ([text, region]) => {
        const ours = parseCommonNumber(text, region);
        const theirs = byLibrary(text, region);
        if (theirs) valid += 1;
        if (ours === null) return;
        decided += 1;
        expect(ours).toBe(theirs);
      },
    ),
    { numRuns: 6_000 },
  );
  expect(decided).toBeGreaterThan(valid * 0.4);
});

it('decides all notations of a typical North American list', () => {
  for (const text of [
    '+13055550123',
    '13055550123',
    '3055550123',
    '(305) 555-0123',
    '305-555-0123',
    '305.555.0123',
    '+1 (305) 555-0123',
    '1-305-555-0123',
    '+1 305 555 0123',
  ])
    expect(parseCommonNumber(text, 'US'), text).toBe('+13055550123');
});

it.each([
  ['020 7183 8750', 'GB', '+442071838750'],
  ['612 34 56 78', 'ES', '+34612345678'],
  ['+34 612 34 56 78', 'US', '+34612345678'],
  ['030 12345678', 'DE', '+493012345678'],
  ['787 555 0123', 'PR', '+17875550123'],
  ['+1 555 1234', 'US', null],
  ['305-555-0123 x5', 'US', null],
  ['+44 (0)20 7183 8750', 'GB', null],
] as [string, CountryCode, string | null][])('%j in %s', (text, region, expected) => {
  expect(parseCommonNumber(text, region)).toBe(expected);
});
