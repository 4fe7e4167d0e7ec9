import { describe, expect, it } from 'vitest';
import { parseLeadPhone } from './lead-phone.ts';

const valid = (value: string) => ({ ok: true, value, valid: true });

describe('the number of a fax machine is the last', () => {
  it.each([
    'Fax: 786-555-0101 / Tel: 305-555-0101',
    'F: 786-555-0101 P: 305-555-0101',
    'telefax no. 786-555-0101, 305-555-0101',
    '786-555-0101 (fax), 305-555-0101 (cell)',
    '305-555-0101, fax 786-555-0101',
  ])('%j', (input) => {
    const read = parseLeadPhone(input, 'US');
    expect(read).toMatchObject({ value: '+13055550101', others: ['+17865550101'] });
  });

  it('and the phone of a lead without another', () => {
    expect(parseLeadPhone('Fax 305-555-0101', 'US')).toMatchObject(valid('+13055550101'));
  });
});

it.each([
  ['1. 305-555-0101 2. 786-555-0101', '+13055550101', ['+17865550101'], false],
  ['1) 305-555-0101\n2) 786-555-0101', '+13055550101', ['+17865550101'], false],
  ['305-555-0101 12/24/2024', '+13055550101', [], true],
  ['12/24/24 305-555-0101', '+13055550101', [], true],
])('numbers stand in lists and beside dates: %j', (input, value, others, saysMore) => {
  const read = parseLeadPhone(input, 'US');
  expect(read).toMatchObject({ ...valid(value), others });
  expect('more' in read).toBe(saysMore);
});

it.each([
  ['Cell3055550101 Home7865550101'],
  ['c:3055550101h:7865550101'],
  ['3055550101c 7865550101h'],
  ['305-555-0101cell/786-555-0101home'],
])('letters may touch numbers: %j', (input) => {
  expect(parseLeadPhone(input, 'US')).toMatchObject({ ...valid('+13055550101'), others: ['+17865550101'] });
});

it('a number is not made of the end of one and the start of the next', () => {
  expect(parseLeadPhone('c07911 123456.07911 123456', 'US')).not.toMatchObject({ valid: true });
});

it.each(['3055550101.0', '3055550101.00', '3055550101,00'])('%j is a number with a fraction', (input) => {
  const found = { ok: true, value: '+13055550101', valid: true, extension: null, others: [] };
  expect(parseLeadPhone(input, 'US')).toEqual(found);
});

it.each([
  ['044 55 1234 5678', 'ES', '+525512345678'],
  ['0442071838750', 'GB', '+442071838750'],
  ['091 98765 43210', 'IN', '+919876543210'],
  ['06/12/34/56/78', 'FR', '+33612345678'],
  ['0xx11 96123-4567', 'BR', '+5511961234567'],
] as const)('%s in %s', (input, region, value) => {
  expect(parseLeadPhone(input, region)).toMatchObject(valid(value));
});

it('with the 0 before its own code is no number of Mexico', () => {
  expect(parseLeadPhone('office main 0442071838750', 'GB')).not.toMatchObject({ value: '+522071838750' });
});

it('numbers on lines of their own are apart, also those that are kept as given', () => {
  expect(parseLeadPhone('555-1234\n555-9876', 'US')).toMatchObject({
    ok: true,
    value: '555-1234',
    valid: false,
    others: ['555-9876'],
  });
});
