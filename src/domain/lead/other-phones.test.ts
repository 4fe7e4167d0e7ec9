import { expect, it } from 'vitest';
import { otherPhones } from './other-phones.ts';

const phone = '+13055550142';

it.each([
  [['(305) 555-0142'], []],
  [['(305) 555-0142', ''], []],
  [['(305) 555-0142', '+1 305 555 0142'], []],
  [
    ['(305) 555-0142', '305-555-0143', '305.555.0144'],
    ['+13055550143', '+13055550144'],
  ],
  [['', '305-555-0143', '(305) 555-0142', '+13055550143'], ['+13055550143']],
  [['(305) 555-0142', '+34 612 345 678', 'none', 'work'], ['+34612345678']],
  [['(305) 555-0142', '555-0143'], ['555-0143']],
] as const)('%j beside the phone keeps %j', (given, kept) =>
  expect(otherPhones(given, phone, 'US')).toEqual(kept),
);

it('keeps ten of more numbers', () => {
  const many = Array.from({ length: 30 }, (_, n) => `+13055550${200 + n}`);
  expect(otherPhones(many, phone, 'US')).toEqual(many.slice(0, 10));
});
