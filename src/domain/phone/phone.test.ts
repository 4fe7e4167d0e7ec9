import { expect, test } from 'vitest';
import { normaliseContactPhone, parseProviderPhone } from './phone.ts';

test.each([
  ['+13055550123', { ok: true, e164: '+13055550123' }],
  [' +1 (305) 555-0123 ', { ok: true, e164: '+13055550123' }],
  ['+44 20 7183 8750', { ok: true, e164: '+442071838750' }],
  ['', { ok: false, reason: 'missing' }],
  ['305-555-0123', { ok: false, reason: 'not_e164' }],
  ['+13055550123 ext. 5', { ok: false, reason: 'not_e164' }],
  ['call +13055550123', { ok: false, reason: 'not_e164' }],
  ['+1305555012三', { ok: false, reason: 'not_e164' }],
  [`+${'1'.repeat(100)}`, { ok: false, reason: 'not_e164' }],
  ['+1234567890', { ok: false, reason: 'invalid' }],
  ['+1-555-1234', { ok: false, reason: 'invalid' }],
  ['+999123456789', { ok: false, reason: 'invalid' }],
])('a provider phone %j', (input, expected) => {
  expect(parseProviderPhone(input)).toEqual(expected);
});

test.each([
  ['(305) 555-0123', '+13055550123', true],
  ['305.555.0123', '+13055550123', true],
  ['+44 20 7183 8750', '+442071838750', true],
  ['+1234567890', '+1234567890', false],
  ['+1-555-1234', '+1-555-1234', false],
  ['305-555-0123 ext. 5', '305-555-0123 ext. 5', false],
  ['ask for\nSarah', 'ask for Sarah', false],
  ['', '', false],
])('a contact phone %j', (input, value, valid) => {
  expect(normaliseContactPhone(input)).toEqual({ value, valid });
});

test('a contact phone without a country code is parsed in the given region', () => {
  expect(normaliseContactPhone('020 7183 8750', 'GB')).toEqual({ value: '+442071838750', valid: true });
});
