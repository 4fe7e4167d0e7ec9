import { describe, expect, it } from 'vitest';
import { chargeRules, refusalOf, stripeCurrencies } from './currencies.ts';

describe('what Stripe charges', () => {
  it.each([
    [50, 'usd'],
    [175_00, 'huf'],
    [50, 'jpy'],
    [1_500, 'kwd'],
    [1_510, 'kwd'],
    [500_000, 'vnd'],
    [230_000, 'ugx'],
    [10_000, 'isk'],
    [2_000, 'chf'],
  ])('%i %s is taken', (minor, currency) => {
    expect(refusalOf(minor, currency)).toBeNull();
  });

  it.each([
    [49, 'usd', 'too_small'],
    [174_99, 'huf', 'too_small'],
    [49, 'jpy', 'too_small'],
    [9_99, 'mxn', 'too_small'],
    [14_99, 'czk', 'too_small'],
    [50, 'vnd', 'too_small'],
    [50, 'krw', 'too_small'],
    [50, 'zar', 'too_small'],
    [1_505, 'kwd', 'off_step'],
    [2_001, 'bhd', 'off_step'],
    [1_999, 'jod', 'off_step'],
    [5_001, 'tnd', 'off_step'],
    [1_234, 'omr', 'off_step'],
    [500_001, 'ugx', 'off_step'],
    [50_050, 'isk', 'off_step'],
    [1_000_000, 'lak', 'no_price'],
    [1_000_000, 'lbp', 'no_price'],
    [2_000, 'irr', 'not_charged'],
    [2_000, 'kpw', 'not_charged'],
    [2_000, 'cup', 'not_charged'],
    [2_000, 'syp', 'not_charged'],
    [2_000, 'ghs', 'not_charged'],
    [2_000, 'zzz', 'not_charged'],
  ])('%i %s is refused: %s', (minor, currency, because) => {
    expect(refusalOf(minor, currency)?.because).toBe(because);
  });

  it('every currency has a minimum that it charges, and the next step below is refused', () => {
    expect(stripeCurrencies.length).toBe(139);
    for (const currency of stripeCurrencies) {
      const { minimum, step } = chargeRules(currency)!;
      const isOffered = !['lak', 'lbp'].includes(currency);
      expect(refusalOf(minimum, currency)?.because ?? null, currency).toBe(isOffered ? null : 'no_price');
      if (!isOffered) continue;
      expect(refusalOf(minimum - step, currency)?.because, currency).toBe('too_small');
    }
  });
});
