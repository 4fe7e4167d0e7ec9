import { maskLinks, withoutInvisible } from './links.ts';
import { topLevelDomains } from './top-level-domains.ts';

/**
 * Masks contact data in public text. Used for everything a buyer sees before paying (docs/contracts.md).
 * Doubtful matches are masked: a hidden house number costs nothing, a leaked phone costs the sale.
 * All repetitions are bounded, so that the time is linear in the text.
 */
export const HIDDEN = '[hidden]';

/** Replaces e-mails, links, handles, phones and street addresses by `[hidden]`. */
export function maskContactData(text: string): string {
  const visible = withoutInvisible(text);
  return maskNumbers(maskLinks(maskEmails(visible, HIDDEN), HIDDEN))
    .replace(STREET_FIRST, hideStreet)
    .replace(STREET_LAST, HIDDEN)
    .replace(NUMBERED_AVENUE, HIDDEN)
    .replace(POST_BOX, HIDDEN)
    .replace(/\[hidden\](?:[\s,;/]{0,3}\[hidden\])+/g, HIDDEN);
}

// --- e-mails, handles ------------------------------------------------------------------------------------------------

const AT = String.raw`(?:\s{0,2}[@＠﹫]\s{0,2}|\s{0,2}[([{<]\s?(?:at|arroba|@)\s?[)\]}>]\s{0,2})`;
const DOT = String.raw`(?:\s?[.．。]\s?|\s{0,2}[([{<]\s?(?:dot|punto|\.)\s?[)\]}>]\s{0,2}|\s{1,2}(?:dot|punto)\s{1,2})`;
/** The bare word "at" requires a dot without spaces or a spelled one: "look at this. Me too" is a sentence. */
const AT_WORD = String.raw`\s{1,2}(?:at|arroba)\s{1,2}`;
const TIGHT_DOT = String.raw`(?:[.．。]|\s{1,2}(?:dot|punto)\s{1,2})`;
const TLD = `(?:${[...topLevelDomains].sort((a, b) => b.length - a.length).join('|')}|xn--[a-z0-9-]{2,59})`;
const WORD_START = String.raw`(?<![\p{L}\p{N}_-])`;
const WORD_END = String.raw`(?![\p{L}\p{N}_-])`;

/** `sarah@x.com`, `sarah (at) x (dot) com`, `sarah at x dot com`. The spelled forms require a known TLD. */
const EMAIL = new RegExp(
  String.raw`(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+'-]{1,64}(?:${AT}(?:[\p{L}\p{N}-]{1,63}${DOT}){1,5}|${AT_WORD}(?:[\p{L}\p{N}-]{1,63}${TIGHT_DOT}){1,5})${TLD}${WORD_END}`,
  'giu',
);
/** Any word with an at sign: e-mails not matched above, and handles (`@sarah_j`). */
const HANDLE = /[\p{L}\p{N}._%+'-]{0,64}[@＠﹫][\p{L}\p{N}_][\p{L}\p{N}._-]{1,252}/gu;

function maskEmails(text: string, replacement: string): string {
  return text.replace(EMAIL, replacement).replace(HANDLE, replacement);
}

// --- numbers -----------------------------------------------------------------------------------------------------

const DIGIT_WORDS =
  '(?:zero|one|two|three|four|five|six|seven|eight|nine|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)';
const DIGIT = String.raw`(?:[\p{Nd}\p{No}]|${WORD_START}${DIGIT_WORDS}(?!\p{L}))`;
/** Letters used in place of digits, accepted only after a digit: `3O5 555 O123`. */
const DIGIT_LIKE = String.raw`(?:${DIGIT}|[oOlI](?!\p{L}))`;
const BETWEEN = String.raw`(?:[\s().\-\u2010-\u2015\u2212\/·•_*,:;|+~#]|dash|dot|guion|punto){0,5}`;

/**
 * Seven or more digits with only separators between them: a phone, or dates, hours and a budget in a row. Its middle can
 * be hidden already, where it looked like a host's address (`305000) 0.0.0.0/00 - 0`).
 */
const PHONE = String.raw`[+(]{0,2}${DIGIT}(?:${BETWEEN}(?:\[hidden\]${BETWEEN})?${DIGIT_LIKE}){6,}`;
const ONE_DIGIT = new RegExp(DIGIT_LIKE, 'giu');

const MONTH = '(?:0?[1-9]|1[0-2])';
const DAY = String.raw`(?:0?[1-9]|[12]\d|3[01])`;
const NOT_LONGER = String.raw`(?!\d|[-\/.:]\d)`;
const DATE = String.raw`(?<date>(?:19|20)\d\d[-\/.]${MONTH}[-\/.]${DAY}|${DAY}[-\/.]${DAY}[-\/.](?:19|20)\d\d)${NOT_LONGER}`;
const DAY_OF_YEAR = String.raw`${MONTH}\/${DAY}${NOT_LONGER}`;
const HOUR = String.raw`(?:[01]?\d|2[0-4])[:.][0-5][05]`;
const HOURS = String.raw`${HOUR}(?:[\s,;–—-]{1,3}${HOUR}){0,7}${NOT_LONGER}`;
const RANGE = String.raw`(?<low>\d{2,5})\s?[-–—]\s?(?<high>\d{3,5})(?!\d|\s?[-–—.\/(]\s?\d|\s\d)`;
const TIME_OR_BUDGET = new RegExp(`(?<!\\d)(?:${DATE}|${DAY_OF_YEAR}|${HOURS}|${RANGE})`, 'giu');

function maskNumbers(text: string): string {
  return text.replace(new RegExp(PHONE, 'giu'), maskPhone);
}

/**
 * Digits stay readable as far as they are dates, hours and a budget. Two more may follow (`1500-2000, 3`), or four where
 * they and all that could belong to a phone are fewer than seven (`10/12/2024, 150`). More are a phone of their own, or
 * the pieces of one that looks like a date in its middle (`305 - 000) 1/10) 0000`).
 */
function maskPhone(found: string): string {
  const others: string[] = [];
  let doubtful = 0;
  let end = 0;
  for (const match of found.matchAll(TIME_OR_BUDGET)) {
    const [known] = match;
    const { date, low, high } = match.groups ?? {};
    if (low !== undefined && high !== undefined && !isPriceRange(low, high)) continue;
    if (date === undefined && !known.includes(':')) doubtful += digitCount(known);
    others.push(found.slice(end, match.index));
    end = match.index + known.length;
  }
  const last = found.slice(end);
  if (end === 0 || digitCount(others[0] ?? '') > 0) return HIDDEN;
  const loose = digitCount(others.join(' ')) + digitCount(last);
  if (loose <= 2 || (loose <= 4 && loose + doubtful < 7)) return found;
  const endsWithPhone = digitCount(last) >= 7 && loose - digitCount(last) <= 2 && doubtful === 0;
  return endsWithPhone ? found.slice(0, end) + last.replace(new RegExp(PHONE, 'giu'), HIDDEN) : HIDDEN;
}

/**
 * `1500-2000` is a budget, `555-0123` is a phone: the bounds of a budget ascend and are round. One in 2,500
 * seven-digit numbers is mistaken for a budget, and it lacks its area code.
 */
function isPriceRange(low: string, high: string): boolean {
  const [from, to] = [Number(low), Number(high)];
  const step = high.length >= 5 ? 500 : 50;
  return from < to && from % step === 0 && to % step === 0 && !low.startsWith('0') && !high.startsWith('0');
}

const digitCount = (text: string): number => text.match(ONE_DIGIT)?.length ?? 0;

// --- addresses -------------------------------------------------------------------------------------------------------

const STREET_KINDS =
  'street|str|st|avenue|ave|av|road|rd|drive|dr|lane|ln|boulevard|blvd|court|ct|place|pl|terrace|ter|trail|trl|' +
  'highway|hwy|parkway|pkwy|circle|cir|square|sq|way|plaza|causeway|cswy|alley|loop|crescent|row|walk|close';
const UNIT = String.raw`(?:,?\s{0,2}(?:apt|apartment|unit|suite|ste|floor|fl|room|rm|piso|depto|#)\.?\s{0,2}#?\s?[\p{L}\p{N}-]{1,8})?`;
/** City, state and postal code are masked with the address only when all three are present. */
const TAIL = String.raw`(?:,?\s{0,2}(?:[\p{L}.']{1,30}\s){0,2}[\p{L}.']{1,30},?\s{1,2}[A-Z]{2}\.?,?\s{1,2}\d{5}(?:-\d{4})?)?`;

/** `123 Ocean Drive, Apt 4B, Miami Beach, FL 33139`, `450 NW 5th Ave`. */
const STREET_FIRST = new RegExp(
  String.raw`(?<![\p{L}\p{N}$€£.,:-])\p{Nd}{1,6}[a-z]?(?:-\p{Nd}{1,4})?,?\s{1,2}((?:[\p{L}\p{N}.'-]{1,30}\s{1,2}){1,4}?)(?:${STREET_KINDS})\b\.?(?:\s(?:NW|NE|SW|SE|N|S|E|W)\b)?${UNIT}${TAIL}`,
  'giu',
);
/** `Calle Ocho 123`, `Av. Reforma #222`, `Carrera 7 # 12-34`. */
const STREET_LAST = new RegExp(
  String.raw`${WORD_START}(?:calle|avenida|avda|av|carrera|cra|paseo|camino|calzada)\b\.?\s{1,2}(?:[\p{L}\p{N}.'-]{1,30},?\s{1,2}){0,4}?(?:n[oº°]?\.?\s?|#\s?)?\p{Nd}{1,6}(?:-\p{Nd}{1,4})?${UNIT}${TAIL}`,
  'giu',
);
/** `1211 Avenue of the Americas`, `12 Calle de la Luna`. */
const NUMBERED_AVENUE =
  /(?<![\p{L}\p{N}])\p{Nd}{1,6},?\s{1,2}(?:avenue|avenida|calle|camino|paseo|rue|via)\s{1,2}(?:(?:of|the|de|del|la|las|el|los)\s{1,2}){0,3}[\p{L}\p{N}.'-]{1,30}/giu;
const POST_BOX = /(?<!\p{L})p\.?\s?o\.?\s?box\s{0,2}#?\s?\p{Nd}{1,8}/giu;

/** Words that follow a number in a sentence but never occur in a street name: `60 min massage on the way`. */
const NOT_A_STREET =
  /(?:^|\s)(?:min|mins|minutes?|h|hrs?|hours?|days?|weeks?|months?|years?|people|persons?|guests?|pm|am|rooms?|beds?|x|to|in|on|at|a|an|my|your|our|is|are|want|wants|for|with|and|or|near|per|massages?|sessions?|times?)(?:\s|$)/iu;

function hideStreet(found: string, words: string): string {
  return NOT_A_STREET.test(words) ? found : HIDDEN;
}
