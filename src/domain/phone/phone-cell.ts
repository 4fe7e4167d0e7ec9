import {
  type CountryCode,
  findPhoneNumbersInText,
  getCountryCallingCode,
  parsePhoneNumberFromString,
} from 'libphonenumber-js';
import { cellText } from '../cell.ts';
import { oneLine } from '../plain-text.ts';

/** A valid number in E.164, and the extension written after it. */
export type FoundNumber = { number: string; extension: string | null };
/** `rest`: what the cell says besides the numbers. */
export type FoundNumbers = { numbers: FoundNumber[]; rest: string };

/** Cells are cut to this length. */
const LONGEST = 500;

const DIGIT = /\p{Nd}/u;

/** The value of a digit of any script. Zeros stand at code points that end in 0 or 6. */
function digitOf(character: string): string {
  const code = character.codePointAt(0)!;
  const low = code & 0xf;
  return String(DIGIT.test(String.fromCodePoint(code - low)) ? low : low - 6);
}

/** Digits, signs and spaces of any script and width as ASCII has them; line breaks stay. */
export function plainNumber(text: string): string {
  if (/^[\t\n\r\x20-\x7e]*$/.test(text)) return text;
  return text
    .normalize('NFKC')
    .replace(/(?![0-9])\p{Nd}/gu, digitOf)
    .replace(/[\p{Pd}\u2212]/gu, '-')
    .replace(/(?<=\d)[·•‧∙・](?=\d)/g, '.')
    .replace(/[^\S\n\r]/gu, ' ');
}

/** Returns the text of a phone cell, on one line, where a bar stands for a line break. */
export const phoneText = (input: string): string =>
  oneLine(plainNumber(cellText(input.slice(0, LONGEST)).replace(/[\r\n]+/g, ' | ')), LONGEST);

const EXTENSION_WORDS =
  'extension|extensi[oó]n|extn|ext|anexo|interno|int|ramal|poste|durchwahl|dw|toestel|wew|opcion|opción|option|opt|press|e|p|w';
const EXTENSION_WORD = new RegExp(
  `(?<=\\d)[\\s,;:(-]{0,3}(?:${EXTENSION_WORDS})\\.?\\s{0,2}[:#=.]?\\s{0,2}(?=\\d{1,7}(?![\\s().-]{0,3}\\d))`,
  'gi',
);
/** A separator before seven digits or more: without it the finder takes the next number for an extension. */
const SEPARATOR = /[,;]+(?=\s{0,3}[+(]?(?:\d[\s().-]{0,2}){7})/g;
const TEN_DIGITS = String.raw`(?=(?:[\s().-]{0,3}\d){10}(?!\d))`;
/**
 * Until 2019 numbers of Mexico were dialled with 1, 01, 044 or 045 before their ten digits, and many lists still have
 * them so. The national prefixes of other countries are known to the library.
 */
const MEXICO = new RegExp(
  String.raw`((?:\+|(?<!\d)00)\s?\(?52\)?|(?<![\d+])52)[\s.-]{0,2}\(?(?:1|01|044|045)\)?${TEN_DIGITS}`,
  'g',
);
const IN_MEXICO = new RegExp(String.raw`(?<![\d+(.-]|\d\s)\(?(?:044|045|01)\)?${TEN_DIGITS}`, 'g');

/** Prefixes of mobiles that only Mexico had. */
const MOBILE_IN_MEXICO = new RegExp(String.raw`(?<![\d+(.-]|\d\s)\(?(?:044|045)\)?${TEN_DIGITS}`, 'g');
const OLD_MOBILE = new RegExp(String.raw`(?<![\d+(.-]|\d\s)1${TEN_DIGITS}`, 'g');

/** Prepares the text for the library's finder, which takes words, several numbers and extensions as they are common in English. */
function prepared(text: string, region: CountryCode): string {
  const plain = text
    .replace(/[^\s;,<]{1,64}@[^\s;,>]{1,64}/g, ' ')
    .replace(/\(\s{0,2}((?:ext|extension|x|anexo|int)\.?[\s:]{0,2}\d{1,7})\s{0,2}\)/gi, ' $1')
    // "1. 305-555-0101 2. 786-555-0101"
    .replace(/(?<=^|[\s|;,])\d[.)]\s{1,3}(?=[+(]?\d{3})/g, ' | ')
    // In Brazil `0xx11` is any carrier's prefix and the area.
    .replace(/\(?\b0?xx\s?(\d\d)\b\)?/gi, ' ($1)')
    .replace(EXTENSION_WORD, ' ext ')
    .replace(SEPARATOR, ' | ')
    // The finder may begin in the middle of a number that touches a sign or a letter.
    .replace(/(?<=[\p{L}:._#*])(?=[+(]?\d{3})/gu, ' ')
    .replace(MEXICO, '+52 ');
  if (region === 'MX') return plain.replace(IN_MEXICO, '');
  // No number of North America begins with 0: without this its last ten digits would be taken for one.
  const own = getCountryCallingCode(region) === '1' ? plain.replace(MOBILE_IN_MEXICO, '+52 ') : plain;
  return ownCode(own, region);
}

/** `0057 321…` in Colombia, where 005 and 007 are prefixes of carriers for calls abroad. */
function ownCode(text: string, region: CountryCode): string {
  const code = getCountryCallingCode(region);
  return text.replace(/^\+?\(?00\s?(\d{1,3})/, (prefix, digits: string) =>
    digits.startsWith(code) ? `+${code} ${digits.slice(code.length)}` : prefix,
  );
}

/** The valid numbers in a cell, in order and each once, those of fax machines last. `text` is a `phoneText`. */
export function numbersIn(text: string, region: CountryCode): FoundNumbers {
  const ready = prepared(text, region);
  const whole = parsePhoneNumberFromString(ready, { defaultCountry: region, extract: false });
  if (whole?.isValid())
    return { numbers: [{ number: whole.number, extension: whole.ext ?? null }], rest: '' };
  const found = findIn(ready, region);
  if (found.numbers.length > 0) return found;
  const abroad = asFromAbroad(ready, region);
  const again = abroad === ready ? found : findIn(abroad, region);
  return again.numbers.length > 0 ? again : besideDates(ready, region, again);
}

/** The finder takes a date beside a number for a part of it. The date is returned with the rest. */
function besideDates(text: string, region: CountryCode, otherwise: FoundNumbers): FoundNumbers {
  const dates = text.match(DATE);
  if (dates === null) return otherwise;
  const { numbers, rest } = findIn(text.replace(DATE, ' | '), region);
  return { numbers, rest: `${rest} ${dates.join(' ')}` };
}

const DATE = /(?<![\d/])\d{1,2}\/\d{1,2}\/(?:\d{4}|\d\d)(?![\d/])/g;

const FAX_BEFORE = /(?:^|[^\p{L}])(?:tele)?(?:fax|f|fx)(?: (?:no|nr|number))?\s{0,2}[:.#-]?\s{0,2}$/iu;
const FAX_AFTER = /^\s{0,2}[([-]\s?(?:tele)?fax\b/i;

/** Whether the words beside a number say that it is a fax machine's. */
const isFax = (text: string, startsAt: number, endsAt: number): boolean =>
  FAX_BEFORE.test(text.slice(Math.max(0, startsAt - 20), startsAt)) ||
  FAX_AFTER.test(text.slice(endsAt, endsAt + 12));

function findIn(text: string, region: CountryCode): FoundNumbers {
  const found = new Map<string, FoundNumber>();
  const faxes = new Set<FoundNumber>();
  let rest = '';
  let end = 0;
  for (const { number, startsAt, endsAt } of findPhoneNumbersInText(text, {
    defaultCountry: region,
    extended: true,
  })) {
    if (!number.isValid()) continue;
    rest += `${text.slice(end, startsAt)} `;
    end = endsAt;
    const known = found.get(number.number);
    if (known === undefined) {
      const fresh = { number: number.number, extension: number.ext ?? null };
      found.set(number.number, fresh);
      if (isFax(text, startsAt, endsAt)) faxes.add(fresh);
    } else known.extension ??= number.ext ?? null;
  }
  const numbers = [...found.values()].sort((a, b) => Number(faxes.has(a)) - Number(faxes.has(b)));
  return { numbers, rest: rest + text.slice(end) };
}

/**
 * `0044 20 …` where calls abroad begin otherwise, as lists are typed that several countries use; `091 98765…` with the 0 of
 * calls within India before its code; and in Mexico the 1 that once stood before the ten digits of a mobile.
 */
function asFromAbroad(text: string, region: CountryCode): string {
  const plus = text.replace(/(?<!\d[\s().-]{0,3})\+?00\s?(?=[1-9])/g, '+');
  if (region === 'MX') return plus.replace(OLD_MOBILE, '');
  const code = getCountryCallingCode(region);
  return (
    plus
      .replace(/^0(\d{1,3})(?=[\s-]?\d)/, (prefix, digits: string) =>
        // In North America `01 55…` is a number of Mexico more likely than one of its own.
        code !== '1' && digits.startsWith(code) ? `+${digits}` : prefix,
      )
      // 044 and 045 may also be the 0 before the code of the region.
      .replace(MOBILE_IN_MEXICO, (prefix) => (prefix.includes(`0${code}`) ? prefix : '+52 '))
  );
}
