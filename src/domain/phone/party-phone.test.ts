import { describe, expect, it } from 'vitest';
import { partyPhone } from './party-phone.ts';

describe('the phone of a buyer', () => {
  it.each([
    ['305-555-0123', '+13055550123'],
    ['(305) 555-0123', '+13055550123'],
    ['+1 305 555 0123', '+13055550123'],
    ['13055550123', '+13055550123'],
    ['+442079460958', '+442079460958'],
    ['tel:+13055550123', '+13055550123'],
  ])('%s is %s', (given, e164) => {
    expect(partyPhone(given)).toBe(e164);
  });

  it.each(['', '555', 'call me', '305-555-0123 ext 4', '02079460958', '+1305555012345678', '5'.repeat(100)])(
    '%s is no phone',
    (given) => {
      expect(partyPhone(given)).toBeNull();
    },
  );
});
