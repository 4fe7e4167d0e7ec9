import { optionalCell } from '../cell.ts';
import { countryCode } from '../country.ts';
import type { LeadField } from '../lead/candidate.ts';
import { type Guess, headerWords } from './headers.ts';

/** What a column holds that answers a question with yes or no, or says what became of a message. */
const FLAG =
  /^(?:yes|no|y|n|true|false|t|f|on|off|x|si|sí|ja|nein|oui|non|sim|não|nao|verdadero|falso|wahr|falsch|vrai|faux|checked|unchecked|(?:un)?subscribed|not subscribed|opted?[ -]?(?:in|out)|enabled|disabled|accepted|declined|active|inactive|sent|delivered|not delivered|undelivered|bounced|opened|clicked|pending|confirmed|(?:un)?verified|valid|invalid|granted|denied|never|✓|✔|✗|✘)$/iu;
/** States of a lead or an order, where a state of a country is expected. */
const STAGE =
  /^(?:new|open|closed|won|lost|contacted|qualified|unqualified|working|nurturing|converted|draft|paid|unpaid|refunded|fulfilled|unfulfilled|cancell?ed|completed?|in progress|nuev[oa]|abiert[oa]|cerrad[oa]|ganad[oa]|perdid[oa]|contactad[oa]|activ[oa]|inactiv[oa]|pendiente|neu|offen|geschlossen|gewonnen|verloren)$/i;
const NUMBER = /^[\p{Nd}\s.,+#()/-]+$/u;
/** A number on its own, as flags, counts, ids and amounts have it; a phone has more digits. */
const SMALL_NUMBER = /^[$€£]?\s?\p{Nd}{1,5}(?:[.,]\p{Nd}+)?\s?[$€£%]?$/u;
const DATE = /^\p{Nd}{1,4}[-/.]\p{Nd}{1,2}[-/.]\p{Nd}{1,4}(?:[T\s].*)?$/u;
const IP = /^(?:\d{1,3}\.){3}\d{1,3}$|^[\da-f]{0,4}(?::[\da-f]{0,4}){3,7}$/i;

const digitsIn = (text: string): number => text.match(/\p{Nd}/gu)?.length ?? 0;

/** Whether one cell contradicts that its column holds the field. */
const contradicts: Readonly<Record<LeadField, (cell: string) => boolean>> = {
  name: (cell) => isOther(cell) || NUMBER.test(cell),
  first_name: (cell) => cell.includes('@') || NUMBER.test(cell),
  last_name: (cell) => cell.includes('@') || NUMBER.test(cell),
  phone: (cell) => digitsIn(cell) < 5 && (isFlag(cell) || digitsIn(cell) === 0 || SMALL_NUMBER.test(cell)),
  email: (cell) => !cell.includes('@'),
  notes: () => false,
  company: (cell) => isOther(cell) || NUMBER.test(cell),
  address: (cell) => isOther(cell) || IP.test(cell) || /^https?:/i.test(cell),
  city: (cell) => isOther(cell) || NUMBER.test(cell),
  state: (cell) => isOther(cell) || STAGE.test(cell),
  postal_code: (cell) => digitsIn(cell) === 0 || cell.length > 16,
  country: (cell) => isOther(cell) || NUMBER.test(cell),
  website: (cell) => !cell.includes('.') || cell.includes('@'),
  tags: (cell) => isFlag(cell),
  source: (cell) => isFlag(cell) || cell.includes('@'),
};

const isFlag = (cell: string): boolean => FLAG.test(cell) || /^[01]$/.test(cell);
const isOther = (cell: string): boolean => isFlag(cell) || cell.includes('@') || DATE.test(cell);

/** A column keeps its field while this part of its cells does not contradict it. */
const FITTING = 0.2;
/** For a name in which only a keyword was found. */
const FITTING_KEYWORD = 0.5;

/** Shopify exports the number of an order as `Name`. */
const ORDER_NUMBER = /^#\s?\p{L}{0,5}-?\p{Nd}+(?:-?\p{L}{0,5})?$/u;

/** Names of one word that also stand over ids, numbers and answers: `Customer`, `Lead`, `Main contact`. */
const SAYS_NAME = /\b(?:name|nombres?|nom|nome|namen)\b/;

/**
 * Whether the first cells of a column may hold the field that its name was recognised as. Blank cells say nothing. A
 * column that is plainly named `Email` or `Phone` keeps its field while it holds anything but answers and counts: its
 * rows are then rejected, or stored without the value, with a reason.
 */
export function valuesFit(header: string, guess: Guess, cells: readonly string[]): boolean {
  const filled = cells.flatMap((cell) => optionalCell(cell.slice(0, 500)) ?? []);
  const { field, confidence, listed } = guess;
  // One cell says little against a plain name.
  if (filled.length < (confidence === 1 && !ORDER_NUMBER.test(filled[0] ?? '') ? 2 : 1)) return true;
  if (field === 'name' && SAYS_NAME.test(headerWords(header)))
    return !filled.every((cell) => ORDER_NUMBER.test(cell));
  if (confidence === 1 && (field === 'email' || field === 'phone'))
    return !filled.every((cell) => isFlag(cell) || SMALL_NUMBER.test(cell) || DATE.test(cell));
  if (field === 'country' && confidence < 1)
    return share(filled, (cell) => countryCode(cell) !== null) >= 0.5;
  if (field === 'address' && !listed && share(filled, (cell) => digitsIn(cell) > 0) < 0.3) return false;
  return share(filled, (cell) => !contradicts[field](cell)) >= (listed ? FITTING : FITTING_KEYWORD);
}

const share = (cells: readonly string[], has: (cell: string) => boolean): number =>
  cells.filter(has).length / cells.length;
