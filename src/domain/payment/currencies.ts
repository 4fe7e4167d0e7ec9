import { minorDigits, PRICE_MAX_MINOR } from '../money.ts';

/**
 * What Stripe charges (docs.stripe.com/currencies, sections "Presentment currencies", "Minimum and maximum charge
 * amounts", "Three-decimal currencies" and "Special cases", as of November 2026). All amounts are minor units.
 */

/** The minimums that Stripe publishes. */
const published = `
  usd 50, aed 200, aud 50, bgn 100, brl 50, cad 50, chf 50, czk 1500, dkk 250, eur 50, gbp 30, hkd 400,
  huf 17500, inr 50, jpy 50, mxn 1000, myr 200, nok 300, nzd 50, pln 200, ron 200, sek 300, sgd 50, thb 1000
`;

/**
 * The other currencies. Stripe requires the equivalent of 0.50 US dollars at its rate of the day: these are that and up
 * to a quarter more, at rates of 2025. A price between the two is refused here and would be accepted there.
 */
const equivalents = `
  afn 4500, all 6000, amd 25000, ang 110, aoa 60000, ars 100000, awg 110, azn 110, bam 110, bbd 120, bdt 7500,
  bhd 230, bif 1800, bmd 60, bnd 80, bob 420, bsd 60, bwp 850, byn 200, bzd 120, cdf 170000, clp 600, cny 450,
  cop 250000, crc 32000, cve 6000, djf 110, dop 4000, dzd 8500, egp 3000, etb 9000, fjd 140, fkp 50, gel 170,
  gip 50, gmd 4500, gnf 5500, gtq 480, gyd 13000, hnl 1600, htg 8000, idr 850000, ils 220, isk 7500, jmd 10000,
  jod 430, kes 8000, kgs 5500, khr 250000, kmf 300, krw 850, kwd 190, kyd 50, kzt 33000, lak 1100000,
  lbp 4500000, lkr 19000, lrd 12000, lsl 1100, mad 600, mdl 1100, mga 2700, mkd 3300, mmk 130000, mnt 220000,
  mop 500, mur 2800, mvr 950, mwk 110000, mzn 4000, nad 1100, ngn 100000, nio 2300, npr 8500, omr 240, pab 60,
  pen 220, pgk 260, php 3500, pkr 18000, pyg 4500, qar 220, rsd 6500, rub 5500, rwf 900, sar 230, sbd 500,
  scr 900, shp 50, sle 1400, sos 35000, srd 2400, szl 1100, tjs 600, tnd 1800, top 150, try 2600, ttd 420,
  twd 2000, tzs 160000, uah 2600, ugx 220000, uyu 2500, uzs 760000, vnd 16000, vuv 75, wst 170, xaf 350,
  xcd 170, xcg 110, xof 350, xpf 65, yer 15000, zar 1100, zmw 1500
`;

/** Fractions of these are not charged, although Stripe counts in hundredths: 5 ISK are 500. */
const wholeUnits: ReadonlySet<string> = new Set(['isk', 'ugx']);

const minimums: ReadonlyMap<string, number> = new Map(
  `${published},${equivalents}`.split(',').map((entry) => {
    const [code = '', minimum = ''] = entry.trim().split(' ');
    return [code, Number(minimum)];
  }),
);

export const stripeCurrencies: readonly string[] = [...minimums.keys()].sort();

/** `minimum` and `step` of an amount, or null for a currency that Stripe does not charge. */
export function chargeRules(currency: string): { minimum: number; step: number } | null {
  const minimum = minimums.get(currency);
  if (minimum === undefined) return null;
  // Of three decimals the last must be 0.
  const step = wholeUnits.has(currency) ? 100 : minorDigits(currency) === 3 ? 10 : 1;
  return { minimum, step };
}

/** Why Stripe would refuse a price, or null when it would take it. */
export type Refusal =
  | { field: 'currency'; because: 'not_charged' }
  /** Every price is too small for Stripe or too large for us. */
  | { field: 'currency'; because: 'no_price'; minimum: number }
  | { field: 'price'; because: 'off_step'; step: number }
  | { field: 'price'; because: 'too_small'; minimum: number };

export function refusalOf(minor: number, currency: string): Refusal | null {
  const rules = chargeRules(currency);
  if (!rules) return { field: 'currency', because: 'not_charged' };
  if (rules.minimum > PRICE_MAX_MINOR)
    return { field: 'currency', because: 'no_price', minimum: rules.minimum };
  if (minor % rules.step !== 0) return { field: 'price', because: 'off_step', step: rules.step };
  if (minor < rules.minimum) return { field: 'price', because: 'too_small', minimum: rules.minimum };
  return null;
}
