import { describe, expect, it } from 'vitest';
import type { RefusedError } from '../errors.ts';
import { defaultTerms, type GivenTerms, type PriceFloors, type Terms, termsOf } from './terms.ts';

const given = (priceMinor: number | null, currency: string | null = null): GivenTerms => ({
  priceMinor,
  currency,
  ttlMs: null,
});
const lead: Terms = { priceMinor: 20_000, currency: 'usd', ttlMs: 1_000 };

/** `20 usd`, or the refused field with its message. */
const result = (
  order: GivenTerms,
  otherwise: Terms,
  floors: PriceFloors = {},
  notBelow: Terms | null = null,
) => {
  try {
    const terms = termsOf(order, otherwise, { floors, notBelow });
    return `${terms.priceMinor} ${terms.currency}`;
  } catch (error) {
    const { status, fields } = error as RefusedError;
    return `${status} ${fields![0]!.path} ${fields![0]!.message}`;
  }
};

describe('[S33] a currency and the default price', () => {
  it.each([
    ['nothing', given(null), '2000 usd'],
    ['the default currency', given(null, 'usd'), '2000 usd'],
    ['a zero-decimal currency with a price', given(500_000, 'vnd'), '500000 vnd'],
    ['another currency with a price', given(900, 'eur'), '900 eur'],
  ] as const)('%s', (_name, order, expected) => {
    expect(result(order, defaultTerms)).toBe(expected);
  });

  it.each(['vnd', 'jpy', 'kwd', 'eur'])('%s without a price is refused', (currency) => {
    expect(result(given(null, currency), defaultTerms)).toBe(
      `400 config.price_cents is required in ${currency}: the default price is in usd`,
    );
  });

  it('the default of a stored lead is its own price, in its own currency', () => {
    const yen = { ...lead, priceMinor: 3_000, currency: 'jpy' };
    expect(result(given(null), yen)).toBe('3000 jpy');
    expect(result(given(null, 'jpy'), yen)).toBe('3000 jpy');
    expect(result(given(null, 'usd'), yen)).toMatch(/^400 config.price_cents is required in usd/);
  });
});

describe('[S33] the price of a supplier’s stored lead', () => {
  it.each([
    ['its own', given(null), '20000 usd'],
    ['a higher one', given(25_000), '25000 usd'],
    ['a lower one', given(50), '400 config.price_cents must not be below the price of the lead, $200'],
    ['another currency', given(500_000, 'vnd'), '400 config.currency must be that of the lead: usd'],
  ] as const)('%s', (_name, order, expected) => {
    expect(result(order, lead, {}, lead)).toBe(expected);
  });
});

describe('[S33] the lowest price of the organization', () => {
  const floors = { usd: 5_000, eur: 4_500 };
  it.each([
    [
      'the default price below it',
      given(null),
      '400 config.price_cents must be at least $50, the lowest price of the organization',
    ],
    [
      'a price below it',
      given(4_999),
      '400 config.price_cents must be at least $50, the lowest price of the organization',
    ],
    ['the price itself', given(5_000), '5000 usd'],
    ['its other currency', given(4_500, 'eur'), '4500 eur'],
    [
      'a currency without one',
      given(1_000_000, 'vnd'),
      '400 config.currency must be one the organization sells in: eur, usd',
    ],
  ] as const)('%s', (_name, order, expected) => {
    expect(result(order, defaultTerms, floors)).toBe(expected);
  });
});

describe('a price that Stripe refuses', () => {
  it.each([
    [
      'less than the minimum',
      given(174_99, 'huf'),
      'price_cents must be at least HUF 175: Stripe charges no less',
    ],
    [
      'off the step',
      given(1_505, 'kwd'),
      'price_cents must be a multiple of KWD 0.010: Stripe charges no other amounts',
    ],
    [
      'a fraction of a whole unit',
      given(500_001, 'ugx'),
      'price_cents must be a multiple of UGX 1: Stripe charges no other amounts',
    ],
    [
      'a currency whose minimum is above the largest price',
      given(1_000_000, 'lak'),
      'currency no price in lak is possible: Stripe charges at least LAK 11,000, and a price is at most LAK 10,000',
    ],
    ['a currency it does not take', given(2_000, 'irr'), 'currency Stripe takes no payments in irr'],
    ['that currency without a price', given(null, 'irr'), 'currency Stripe takes no payments in irr'],
  ] as const)('%s', (_name, order, expected) => {
    expect(result(order, defaultTerms)).toBe(`400 config.${expected}`);
  });

  it('a stored lead whose own price is refused is offered at another price only', () => {
    const stored = { ...lead, priceMinor: 1_505, currency: 'kwd' };
    expect(result(given(null), stored)).toMatch(/^400 config.price_cents must be a multiple/);
    expect(result(given(1_510), stored)).toBe('1510 kwd');
  });
});
