import { expect, test } from 'vitest';
import { parseProviderPhone } from './phone.ts';

test.each([
  ['+13055550123', { ok: true, e164: '+13055550123' }],
  [' +1 (305) 555-0123 ', { ok: true, e164: '+13055550123' }],
  ['+44 20 7183 8750', { ok: true, e164: '+442071838750' }],
  ['\u202a+1 305 555 0181\u202c', { ok: true, e164: '+13055550181' }],
  ['="+13055550182"', { ok: true, e164: '+13055550182' }],
  ["'+13055550183", { ok: true, e164: '+13055550183' }],
  ['"+13055550184"', { ok: true, e164: '+13055550184' }],
  ['\ufeff+13055550185\u00a0', { ok: true, e164: '+13055550185' }],
  ['+1\u2011305\u2011555\u20110186', { ok: true, e164: '+13055550186' }],
  ['＋１３０５５５５０１８７', { ok: true, e164: '+13055550187' }],
  ['tel:+13055550188', { ok: true, e164: '+13055550188' }],
  ['\u200b', { ok: false, reason: 'missing' }],
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
