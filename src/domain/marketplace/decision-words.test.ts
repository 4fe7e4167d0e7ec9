import { describe, expect, it } from 'vitest';
import { decisionText, outcomeOf, shownSeen } from './decision-words.ts';

describe('decisionText', () => {
  it.each<[string | null, Record<string, string | number>, string]>([
    [null, {}, 'Got the lead'],
    ['campaign_inactive', {}, 'The campaign was not active'],
    ['state', { state: 'TX', states: 'CA FL' }, 'Takes no leads of TX, only of CA, FL'],
    ['daily_cap', { sold: 10, cap: 10 }, 'The daily cap was reached: 10 of 10'],
    [
      'wallet',
      { balanceMinor: 1_250, priceMinor: 2_500 },
      'The balance of $12.50 was below the price of $25.00',
    ],
    [
      'weekly_limit',
      { spentMinor: 9_000, priceMinor: 2_500, limitMinor: 10_000 },
      'Spent $90.00 this week; with the price of $25.00 more than the limit of $100.00',
    ],
    ['a_later_rule', {}, 'a later rule'],
  ])('%s', (rule, seen, text) => {
    expect(decisionText(rule, seen)).toBe(text);
  });
});

it('amounts are shown in dollars, other values as they are', () => {
  expect(shownSeen({ balanceMinor: 1_250, priceMinor: 2_500, cap: null, state: 'CA' })).toEqual({
    balance: 12.5,
    price: 25,
    cap: null,
    state: 'CA',
  });
});

it('a buyer without a rule in the way got the lead', () => {
  expect([outcomeOf({ rule: null }), outcomeOf({ rule: 'wallet' })]).toEqual(['ASSIGNED', 'REFUSED']);
});
