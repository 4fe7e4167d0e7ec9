import { RefusedError } from '../errors.ts';
import { formatMoney, PRICE_MAX_MINOR } from '../money.ts';
import { refusalOf } from '../payment/currencies.ts';

/** Price, currency and lifetime of an offer. */
export type Terms = { priceMinor: number; currency: string; ttlMs: number };

/** The terms a request names; null for those it leaves to their default. */
export type GivenTerms = { [T in keyof Terms]: Terms[T] | null };

export const defaultTerms: Terms = { priceMinor: 2_000, currency: 'usd', ttlMs: 24 * 3_600_000 };

/** An organization's lowest price per currency, in minor units. Unless empty, other currencies are refused. */
export type PriceFloors = Readonly<Record<string, number>>;

type Rules = {
  floors: PriceFloors;
  /** A supplier sells a stored lead for no less than its price. */
  notBelow: Terms | null;
};

/**
 * The terms of an offer. A default price counts in its own currency only, and only what Stripe would charge is offered.
 * Throws RefusedError 400 with the field that breaks a rule.
 */
export function termsOf(given: GivenTerms, otherwise: Terms, { floors, notBelow }: Rules): Terms {
  const currency = given.currency ?? otherwise.currency;
  const price = (minor: number) => formatMoney(minor, currency, 'en');
  if (notBelow && currency !== notBelow.currency)
    throw refused('currency', `must be that of the lead: ${notBelow.currency}`);
  assertCharged(given.priceMinor, currency);
  if (given.priceMinor === null && currency !== otherwise.currency)
    throw refused('price_cents', `is required in ${currency}: the default price is in ${otherwise.currency}`);
  const priceMinor = given.priceMinor ?? otherwise.priceMinor;
  if (notBelow && priceMinor < notBelow.priceMinor)
    throw refused('price_cents', `must not be below the price of the lead, ${price(notBelow.priceMinor)}`);
  const floor = floors[currency];
  if (floor === undefined && Object.keys(floors).length > 0)
    throw refused(
      'currency',
      `must be one the organization sells in: ${Object.keys(floors).sort().join(', ')}`,
    );
  if (floor !== undefined && priceMinor < floor)
    throw refused('price_cents', `must be at least ${price(floor)}, the lowest price of the organization`);
  assertCharged(priceMinor, currency);
  return { priceMinor, currency, ttlMs: given.ttlMs ?? otherwise.ttlMs };
}

/** `priceMinor`: null when only the currency is known. */
function assertCharged(priceMinor: number | null, currency: string): void {
  const words = chargeProblem(priceMinor ?? 0, currency);
  if (words && (priceMinor !== null || words.field === 'currency'))
    throw refused(words.field === 'currency' ? 'currency' : 'price_cents', words.message);
}

/** What is wrong with a price for Stripe, as the message of its field. Returns null when Stripe would charge it. */
export function chargeProblem(
  priceMinor: number,
  currency: string,
): { field: 'currency' | 'price'; message: string } | null {
  const refusal = refusalOf(priceMinor, currency);
  if (!refusal) return null;
  const price = (minor: number) => formatMoney(minor, currency, 'en');
  const { field } = refusal;
  switch (refusal.because) {
    case 'not_charged':
      return { field, message: `Stripe takes no payments in ${currency}` };
    case 'no_price':
      return {
        field,
        message: `no price in ${currency} is possible: Stripe charges at least ${price(refusal.minimum)}, and a price is at most ${price(PRICE_MAX_MINOR)}`,
      };
    case 'off_step':
      return {
        field,
        message: `must be a multiple of ${price(refusal.step)}: Stripe charges no other amounts`,
      };
    case 'too_small':
      return { field, message: `must be at least ${price(refusal.minimum)}: Stripe charges no less` };
  }
}

const refused = (field: 'price_cents' | 'currency', message: string) =>
  new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
    fields: [{ path: `config.${field}`, message }],
  });
