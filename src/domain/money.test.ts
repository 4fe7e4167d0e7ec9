import { expect, it, test } from 'vitest';
import { formatMoney, minorDigits, parseCurrency } from './money.ts';

test.each([
  [2_000, 'usd', 'en', '$20'],
  [1_250, 'usd', 'en', '$12.50'],
  [2_000, 'USD', 'es', '$20'],
  [1_000_000, 'usd', 'en', '$10,000'],
  [5, 'usd', 'en', '$0.05'],
  [-2_000, 'usd', 'en', '-$20'],
  [2_000, 'jpy', 'en', '¥2,000'],
  [1_500, 'kwd', 'en', 'KWD 1.500'],
  [2_000, 'kwd', 'en', 'KWD 2'],
  [2_000, 'cad', 'en', 'CA$20'],
  [1_999, 'eur', 'en', '€19.99'],
  [2_000, 'gbp', 'fr', '£20'],
])('%i %s in %s', (minor, currency, language, text) => {
  expect(formatMoney(minor, currency, language)).toBe(text);
});

it('throws for anything but integer minor units', () => {
  for (const minor of [20.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => formatMoney(minor, 'usd', 'en')).toThrow(RangeError);
  }
});

test.each([
  ['usd', 2],
  ['JPY', 0],
  ['kwd', 3],
  ['isk', 2],
  ['mga', 0],
])('%s has %i digits at Stripe', (currency, digits) => {
  expect(minorDigits(currency)).toBe(digits);
});

test.each([
  [' USD ', 'usd'],
  ['eur', 'eur'],
  ['zzz', null],
  ['$', null],
  ['', null],
])('currency %j', (input, code) => {
  expect(parseCurrency(input)).toBe(code);
});
