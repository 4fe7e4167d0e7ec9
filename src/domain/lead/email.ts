import { cellText, optionalCell } from '../cell.ts';

/** RFC 5321: the longest address, and the longest part before the @. */
const LONGEST = 320;
const LONGEST_LOCAL = 64;
/** Limit of a cell, which may hold several addresses. */
const LONGEST_CELL = 16_384;

const ADDRESS =
  /^[^\s\p{C}@<>"(),:;[\]\\.\ufffd]+(?:\.[^\s\p{C}@<>"(),:;[\]\\.\ufffd]+)*@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}])?\.)+[\p{L}][\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}]$/u;

/** Whether the text is an e-mail address and nothing else. Checks the length first, because the pattern is slow on long texts. */
export const isEmail = (text: string): boolean =>
  text.length <= LONGEST && ADDRESS.test(text) && text.indexOf('@') <= LONGEST_LOCAL;

/** `reason`: why the cell holds no address; null when it is blank or holds one. */
export type FoundEmails = { addresses: readonly string[]; reason: string | null };

const NONE: FoundEmails = { addresses: [], reason: null };
const NO_ADDRESS: FoundEmails = { addresses: [], reason: 'is a placeholder, not an address' };

/**
 * Finds the addresses in a cell, as `Ann <ann@x.com>`, `mailto:`, lists and labels have them. The name of a domain in
 * other scripts is returned in its ASCII form (punycode), which all mail servers accept; the rest is as written.
 */
export function readEmails(input: string): FoundEmails {
  // Checked before anything else: a cell may be as large as the whole request.
  if (input.length > LONGEST_CELL)
    return { addresses: [], reason: `is longer than ${LONGEST_CELL} characters` };
  // Nearly all addresses. One that begins with a sign may have a guard of a spreadsheet before it.
  if (/^[a-z\d]/i.test(input) && isAscii(input) && isEmail(input))
    return PLACEHOLDER.test(input) ? NO_ADDRESS : { addresses: [input], reason: null };
  const cell = optionalCell(input);
  if (cell === null) return NONE;
  if (PLACEHOLDER.test(cell)) return NO_ADDRESS;
  const addresses = new Map<string, string>();
  for (const part of partsOf(spelledOut(cell))) {
    const address = addressOf(part);
    if (address !== null && !addresses.has(address.toLowerCase()))
      addresses.set(address.toLowerCase(), address);
  }
  return addresses.size > 0
    ? { addresses: [...addresses.values()], reason: null }
    : { addresses: [], reason: reasonFor(cell) };
}

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

function reasonFor(cell: string): string {
  if (cell.includes('\0')) return 'contains a NUL character';
  if (cell.includes('\ufffd') || /\p{Cs}/u.test(cell))
    return 'contains a character that could not be read (�): save the file as UTF-8 and upload it again';
  return cell.length > LONGEST ? `is longer than ${LONGEST} characters` : 'is not an e-mail address';
}

/** Addresses that are kept from collectors of addresses, full-width signs, and blanks around the @. */
const spelledOut = (cell: string): string =>
  cell
    .normalize('NFC')
    .replace(/[＠﹫]/g, '@')
    .replace(/[．｡]/g, '.')
    .replace(/\s{0,3}[[({]\s?(?:at|@)\s?[\])}]\s{0,3}/gi, '@')
    .replace(/\s{0,3}[[({]\s?(?:dot|\.)\s?[\])}]\s{0,3}/gi, '.')
    .replace(/&lt;|&gt;|&quot;|&#0?39;/gi, ' ')
    .replace(/&#64;|&commat;|%40/gi, '@')
    // A line break as other programs write it.
    .replace(/(@[^\s@\\]*)(?:\\[rnt])+/g, '$1 ')
    .replace(/[^\S\r\n]{1,3}@[^\S\r\n]{0,3}|@[^\S\r\n]{1,3}/g, '@')
    // ann@x. com, but not ann@x. bob@x.com
    .replace(
      /(@[\p{L}\p{N}-]{1,63})(?:[^\S\r\n]{1,2}\.[^\S\r\n]{0,2}|\.[^\S\r\n]{1,2})(?=\p{L})(?![^\s@,;:<>()|/]*@)/gu,
      '$1.',
    );

/** Words that may stand before an address without a colon. Another word may be half of an address with a blank in it. */
const NO_PART =
  /^(?:e-?mails?|mail|address|is|my|correo|electr[oó]nico|work|office|business|home|personal|private|primary|other|and|or|y|o|u|und|oder|et|ou|e|[^\p{L}\p{N}]+)$/iu;

/** A sign after a domain; before the @ it belongs to the address: o&leary@x.com. */
const AFTER_ADDRESS = /(@[^@/\\&+:]*)[/\\&+:]/g;

/** The words of a cell that may be addresses: `john smith@x.com` is not `smith@x.com`. */
function partsOf(cell: string): string[] {
  const found: string[] = [];
  for (const segment of cell.split(/[\r\n,;<>()[\]{}"“”|]+|:::|:\s/u)) {
    for (const word of segment.trim().split(/\s+/u)) {
      // Two addresses that only a slash or a sign separates are two.
      if (word.includes('@'))
        found.push(
          ...(word.indexOf('@') === word.lastIndexOf('@')
            ? [word]
            : word.replace(AFTER_ADDRESS, '$1 ').split(' ')),
        );
      else if (!NO_PART.test(word)) break;
    }
  }
  return found;
}

const LABEL =
  /^(?:mailto|email|e-mail|mail|smtp|internet|correo|home|work|private|primary|personal|p|e|m):(?:\/\/)?/i;

/** Returns null when the word is not an address once its label and the punctuation around it are removed. */
function addressOf(word: string): string | null {
  let text = cellText(word).slice(0, LONGEST + 50);
  for (let label = LABEL.exec(text); label; label = LABEL.exec(text)) text = text.slice(label[0].length);
  text = trimmedOf(text.replace(/\?(?:subject|body|cc|bcc)=.*$/is, ''));
  if (!isEmail(text) || PLACEHOLDER.test(text)) return null;
  if (isAscii(text)) return text;
  const at = text.lastIndexOf('@');
  const domain = text.slice(at + 1);
  const ascii = isAscii(domain) ? domain : asciiDomain(domain);
  return ascii === null ? null : `${text.slice(0, at)}@${ascii}`;
}

/** `münchen.example` is `xn--mnchen-3ya.example`. Returns null for what cannot be the name of a host. */
const asciiDomain = (domain: string): string | null =>
  URL.canParse(`http://${domain}`) ? new URL(`http://${domain}`).hostname : null;

/** Signs that stand around an address and are not part of it. At the start a hyphen can be. */
const END = new Set('.,;:!?\'"`´‘’“”«»*~#=/\\-–—|<>()[]{}…•·');
const START = new Set('.,;:!?\'"`´‘’“”«»*#=/\\–—|<>()[]{}');

function trimmedOf(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && START.has(text[start]!)) start += 1;
  while (end > start && END.has(text[end - 1]!)) end -= 1;
  return text.slice(start, end);
}

/** What people and forms type where an address is required: noemail@noemail.com, none@none.com. */
const NO_WORD =
  '(?:no|none|na|null|nil|nomail|noemail|no-email|no-mail|noreply|unknown|notprovided|notgiven|ninguno|sincorreo|notiene)';
const PLACEHOLDER = new RegExp(
  `^(?:${NO_WORD}@${NO_WORD}\\.[^@\\s]+|(?:no|none|no-?e?-?mail)@(?:e?mail|gmail|yahoo|hotmail|outlook|aol)\\.com)$`,
  'i',
);
