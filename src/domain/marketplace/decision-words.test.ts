import { describe, expect, it } from 'vitest';
import { marketRules } from '../matching/market-rules.ts';
import { outcomeOf, ruleText, shownSeen } from './decision-words.ts';

describe('ruleText', () => {
  it.each<[string, Record<string, string | number>, string]>([
    ['campaign_inactive', {}, 'Campaign not active'],
    ['state', { state: 'TX', states: 'CA FL' }, 'State TX not among CA, FL'],
    ['daily_cap', { sold: 10, cap: 10 }, 'Daily cap reached: 10 of 10'],
    ['wallet', { balanceMinor: 1_250, priceMinor: 2_500 }, 'Balance of $12.50 below the price of $25.00'],
    [
      'weekly_limit',
      { spentMinor: 9_000, priceMinor: 2_500, limitMinor: 10_000 },
      'Weekly limit of $100.00: $90.00 spent, price $25.00',
    ],
    ['a_later_rule', {}, 'a later rule'],
  ])('%s', (rule, seen, text) => {
    expect(ruleText(rule, seen)).toBe(text);
  });

  it('has words for each rule', () => {
    for (const { name } of marketRules) expect(ruleText(name, {})).not.toBe(name.replaceAll('_', ' '));
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

it('a buyer who was texted an offer was neither refused nor given the lead', () => {
  expect(outcomeOf({ rule: 'offered' })).toBe('OFFERED');
  expect(outcomeOf({ rule: 'already_offered' })).toBe('REFUSED');
});
