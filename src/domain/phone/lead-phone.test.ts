import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseLeadPhone } from './lead-phone.ts';

const valid = (value: string) => ({ ok: true, value, valid: true });
const kept = (value: string) => ({ ok: true, value, valid: false });
const refused = (reason: RegExp) => ({ ok: false, reason: expect.stringMatching(reason) });

it.each([
  ['+13055550123', valid('+13055550123')],
  [' (305) 555-0123 ', valid('+13055550123')],
  ['\u202a+1 305\u00a0555\u00a00123\u202c', valid('+13055550123')],
  ['305‑555‑0123', valid('+13055550123')],
  ['="3055550123"', valid('+13055550123')],
  ["'+13055550123", valid('+13055550123')],
  ['=+13055550123', valid('+13055550123')],
  ['tel:+1-305-555-0123', valid('+13055550123')],
  ['p:+13055550123', valid('+13055550123')],
  ['13055550123.0', valid('+13055550123')],
  ['+1 305 555 0123 ::: +1 305 555 0199', valid('+13055550123')],
  ['305-555-0123; 305-555-0199', valid('+13055550123')],
  ['305-555-0123 / 305-555-0199', valid('+13055550123')],
  ['305-555-0123 or 305-555-0199', valid('+13055550123')],
  ['٣٠٥٥٥٥٠١٢٣', valid('+13055550123')],
  ['３０５５５５０１２３', valid('+13055550123')],
  ['+44 (0)20 7183 8750', valid('+442071838750')],
  ['+1-555-1234', kept('+1-555-1234')],
  ['555-1234', kept('555-1234')],
  ['0000000000', kept('0000000000')],
  ['1234567890123456', kept('1234567890123456')],
  ['(305) 555-0123 x45', kept('(305) 555-0123 x45')],
  ['305-555-0123, ext. 5', kept('305-555-0123, ext. 5')],
  ['', refused(/missing/)],
  ['  ', refused(/missing/)],
  ['1.30556E+10', refused(/scientific notation/)],
  ['1,30556E+10', refused(/scientific notation/)],
  ['1e10', refused(/scientific notation/)],
  ['="1.30556E+10"', refused(/scientific notation/)],
  ['12345', refused(/fewer than 7 digits/)],
  ['123-456', refused(/fewer than 7 digits/)],
  ['not-a-phone', refused(/not a phone/)],
  ['N/A', refused(/not a phone/)],
  ['call 305-555-0123', refused(/not a phone/)],
  ['1-800-FLOWERS', refused(/not a phone/)],
  ['ann@example.com', refused(/not a phone/)],
  ['305555\u00000123x!', refused(/not a phone/)],
  ['#REF!', refused(/not a phone/)],
  ['9'.repeat(41), refused(/not a phone/)],
  ['9'.repeat(100_000), refused(/not a phone/)],
])('%j', (input, expected) => {
  expect(parseLeadPhone(input, 'US')).toEqual(expected);
});

it('parses a number without a country code in the given region', () => {
  expect(parseLeadPhone('612 34 56 78', 'ES')).toEqual(valid('+34612345678'));
  expect(parseLeadPhone('020 7183 8750', 'GB')).toEqual(valid('+442071838750'));
});

it('never throws, and is idempotent', () => {
  const odd = fc.string({ unit: fc.constantFrom(...'0123456789+-() .xE/;,\'"=\0٣é😀'), maxLength: 50 });
  fc.assert(
    fc.property(odd, (text) => {
      const phone = parseLeadPhone(text, 'US');
      if (phone.ok) expect(parseLeadPhone(phone.value, 'US')).toEqual(phone);
    }),
    { numRuns: 2_000 },
  );
});
