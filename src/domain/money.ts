import { languageOf } from './language.ts';

/** Bounds of an unlock's price, in minor units of any currency. */
export const PRICE_MIN_MINOR = 50;
export const PRICE_MAX_MINOR = 1_000_000;

/**
 * Decimal digits of Stripe's minor units (docs.stripe.com/currencies). They differ from ISO 4217 for mga (ISO 2) and
 * for isk and ugx (ISO 0, but Stripe expects amounts × 100). Currencies not listed have two.
 */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));

/** US locales in both languages, because recipients read `$` as US dollars. */
const LOCALES = { en: 'en-US', es: 'es-US' } as const;

const CURRENCIES = new Set(Intl.supportedValuesOf('currency').map((code) => code.toLowerCase()));

export interface Money {
  /** Integer minor units: cents for usd, yen for jpy. */
  minor: number;
  /** ISO 4217, lower case. */
  currency: string;
}

/** Returns the ISO code in lower case, or null when the currency does not exist. */
export function parseCurrency(input: string): string | null {
  const code = input.trim().toLowerCase();
  return CURRENCIES.has(code) ? code : null;
}

export function minorDigits(currency: string): 0 | 2 | 3 {
  const code = currency.toLowerCase();
  if (ZERO_DECIMAL.has(code)) return 0;
  return THREE_DECIMAL.has(code) ? 3 : 2;
}

/**
 * Formats `$20`, `$12.50`, `¥2,000`, `KWD 1.500`: no cents when whole. Only plain spaces, so that an SMS stays GSM-7.
 * Throws RangeError when `minor` is not an integer.
 */
export function formatMoney(minor: number, currency: string, language: string): string {
  if (!Number.isSafeInteger(minor)) throw new RangeError(`money is integer minor units, got ${minor}`);
  const digits = minorDigits(currency);
  const whole = minor % 10 ** digits === 0;
  return formatOf(LOCALES[languageOf(language)], currency, whole ? 0 : digits, digits)
    .format(minor / 10 ** digits)
    .replace(/[\u00A0\u202F]/g, ' ');
}

/** Making a format takes a hundred times longer than using it. There are at most four for each currency. */
const formats = new Map<string, Intl.NumberFormat>();

function formatOf(locale: string, currency: string, fewest: number, most: number): Intl.NumberFormat {
  const key = `${locale} ${currency.toLowerCase()} ${fewest}`;
  let format = formats.get(key);
  if (!format) {
    const digits = { minimumFractionDigits: fewest, maximumFractionDigits: most };
    format = new Intl.NumberFormat(locale, { style: 'currency', currency, ...digits });
    formats.set(key, format);
  }
  return format;
}
