import { Refusal } from '../vendor.ts';

/**
 * The currencies that Stripe charges, with rates per US dollar of 2025, and what it refuses in them
 * (docs.stripe.com/currencies). Written apart from the product's own list, so that each shows mistakes of the other.
 */
const rates: ReadonlyMap<string, number> = new Map(
  `
  usd 1, aed 3.67, afn 70, all 83, amd 385, ang 1.79, aoa 915, ars 1400, aud 1.52, awg 1.8, azn 1.7, bam 1.68,
  bbd 2, bdt 122, bgn 1.68, bhd 0.376, bif 2950, bmd 1, bnd 1.29, bob 6.9, brl 5.4, bsd 1, bwp 13.4, byn 3,
  bzd 2, cad 1.39, cdf 2800, chf 0.8, clp 950, cny 7.15, cop 4000, crc 505, cve 95, czk 21, djf 178, dkk 6.4,
  dop 62, dzd 130, egp 48, etb 145, eur 0.86, fjd 2.26, fkp 0.75, gbp 0.75, gel 2.7, gip 0.75, gmd 72,
  gnf 8650, gtq 7.7, gyd 209, hkd 7.8, hnl 26, htg 131, huf 340, idr 16500, ils 3.3, inr 88, isk 124, jmd 160,
  jod 0.709, jpy 150, kes 129, kgs 87, khr 4010, kmf 423, krw 1420, kwd 0.306, kyd 0.83, kzt 530, lak 21600,
  lbp 89500, lkr 303, lrd 183, lsl 17.5, mad 9.2, mdl 17, mga 4450, mkd 53, mmk 2100, mnt 3590, mop 8, mur 46,
  mvr 15.4, mwk 1735, mxn 18.5, myr 4.2, mzn 64, nad 17.5, ngn 1450, nio 36.8, nok 10, npr 141, nzd 1.75,
  omr 0.385, pab 1, pen 3.4, pgk 4.2, php 58, pkr 281, pln 3.65, pyg 7050, qar 3.64, ron 4.4, rsd 101, rub 81,
  rwf 1450, sar 3.75, sbd 8.2, scr 14, sek 9.4, sgd 1.29, shp 0.75, sle 23, sos 571, srd 38, szl 17.5,
  thb 32.5, tjs 9.3, tnd 2.95, top 2.4, try 42, ttd 6.8, twd 31, tzs 2450, uah 42, ugx 3500, uyu 40, uzs 12100,
  vnd 26300, vuv 120, wst 2.75, xaf 565, xcd 2.7, xcg 1.79, xof 565, xpf 103, yer 239, zar 17.3, zmw 23
`
    .split(',')
    .map((entry) => {
      const [code = '', rate = ''] = entry.trim().split(' ');
      return [code, Number(rate)];
    }),
);

/** Minimums in major units that Stripe publishes. Any other charge must be worth 0.50 US dollars. */
const minimums: Readonly<Record<string, number>> = {
  ...{
    usd: 0.5,
    aed: 2,
    aud: 0.5,
    bgn: 1,
    brl: 0.5,
    cad: 0.5,
    chf: 0.5,
    czk: 15,
    dkk: 2.5,
    eur: 0.5,
    gbp: 0.3,
  },
  ...{
    hkd: 4,
    huf: 175,
    inr: 0.5,
    jpy: 50,
    mxn: 10,
    myr: 2,
    nok: 3,
    nzd: 0.5,
    pln: 2,
    ron: 2,
    sek: 3,
    sgd: 0.5,
    thb: 10,
  },
};

const zeroDecimal = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
const threeDecimal = new Set('bhd jod kwd omr tnd'.split(' '));
const maxAmount = 99_999_999;

export const chargedCurrencies: readonly string[] = [...rates.keys()];

const digitsOf = (currency: string) => (zeroDecimal.has(currency) ? 0 : threeDecimal.has(currency) ? 3 : 2);

/** Throws the refusal of a currency that Stripe does not charge, at this parameter. */
export function assertCharged(currency: string, param: string): void {
  if (rates.has(currency)) return;
  const known = `Stripe currently supports these currencies: ${chargedCurrencies.join(', ')}`;
  throw new Refusal(400, null, `Invalid currency: ${currency}. ${known}`, param);
}

/** Throws the refusal of an amount that the currency does not allow. */
export function assertStep(amount: number, currency: string, param: string): void {
  const step = threeDecimal.has(currency) ? 10 : ['isk', 'ugx'].includes(currency) ? 100 : 1;
  if (amount % step === 0) return;
  const message = `Invalid amount: ${amount}. Amounts in ${currency} must be evenly divisible by ${step}.`;
  throw new Refusal(400, 'parameter_invalid_integer', message, param);
}

/** Throws the refusal of a total that is too small or too large. `what`: how the refusal names it. */
export function assertTotal(total: number, currency: string, what: string): void {
  const least = minimums[currency] ?? 0.5 * (rates.get(currency) ?? 0);
  if (total < least * 10 ** digitsOf(currency)) {
    const message = `${what} must convert to at least 50 cents.`;
    throw new Refusal(400, 'amount_too_small', message);
  }
  if (total > maxAmount) {
    const message = `${what} must be no more than 99999999.`;
    throw new Refusal(400, 'amount_too_large', message);
  }
}
