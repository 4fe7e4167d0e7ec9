import { topLevelDomains } from './top-level-domains.ts';

/**
 * Recognises what phones turn into a link: any name that ends with a top-level domain, and any host with a port or path.
 * Doubtful matches are masked ("great massage.Today"), because phones link them too. All patterns are linear in the
 * text.
 */

/** Full stops of other scripts and widths, which browsers treat as dots in a host name. */
const DOT = String.raw`[.\u2024\u3002\uFE52\uFF0E\uFF61]`;
const IN_LABEL = String.raw`\p{L}\p{N}\p{M}_-`;
const START = `(?<![${IN_LABEL}])`;
const PORT = String.raw`(?::\d{1,5}(?!\d))`;
const PATH = String.raw`(?:[/?#\\]\S*)`;

/** Schemes that work without `//`. A name before `://` is one in any case. */
const SCHEMES =
  'https?|hxxps?|ftp|smsto|sms|mms|tel|callto|mailto|whatsapp|tg|skype|viber|sips?|facetime|geo|maps|market|intent|data|javascript';

const CANDIDATE = new RegExp(
  [
    String.raw`(?<scheme>${START}(?:(?:${SCHEMES}):(?:\/\/)?\S{2,}|[\p{L}\p{N}][\p{L}\p{N}+.-]{0,30}:\/\/\S+))`,
    String.raw`(?<www>${START}www${DOT}\S+)`,
    String.raw`(?<six>\[[\da-f:.]{2,45}\]${PORT}?${PATH})`,
    String.raw`(?<mail>${START}[\p{L}\p{N}\p{M}._%+'-]{1,64}@)?${START}(?<host>[${IN_LABEL}]+(?:${DOT}[${IN_LABEL}]+)*)(?<rest>${PORT}?${PATH}?)`,
  ].join('|'),
  'giu',
);
/** Every link contains one of these. */
const MAYBE = new RegExp(`${DOT}|:`, 'u');
const DOTS = new RegExp(DOT, 'gu');

/** Removes zero-width and variation characters, which would split a name for the patterns but not for a reader. */
export function withoutInvisible(text: string): string {
  // Most texts are plain, and the test is cheaper than the pattern.
  if (!/\P{ASCII}/u.test(text)) return text;
  return text.replace(/\p{Cf}|\p{Variation_Selector}|\u{20E3}|\u{34F}/gu, '');
}

/**
 * Replaces links by `replacement`, and keeps e-mail addresses. Phones turn every domain name in a text message into a
 * link, and the product must only link to its own host. Returns text without links unchanged.
 */
export function maskLinks(text: string, replacement = '[link]'): string {
  const visible = withoutInvisible(text);
  if (!MAYBE.test(visible)) return text;
  // No link contains a space, so that words without a dot or colon are not looked at.
  const masked = visible.replace(/\S+/g, (word) =>
    MAYBE.test(word) ? withoutLinks(word, replacement) : word,
  );
  // Once more after a change: the rest of a name can begin another link ("evil.com.http://host").
  return masked === visible ? text : maskLinks(masked, replacement);
}

const withoutLinks = (word: string, replacement: string): string =>
  word.replace(CANDIDATE, (...match) =>
    withoutLink(match[0] as string, match.at(-1) as Candidate, replacement),
  );

type Candidate = { host?: string; mail?: string; rest?: string };

function withoutLink(given: string, { host, mail = '', rest = '' }: Candidate, replacement: string): string {
  if (host === undefined) return replacement;
  const dotted = host.replace(DOTS, '.');
  if (isAddress(dotted.normalize('NFKC')))
    return rest === '' ? mail + dotted.replaceAll('.', ' ') : replacement;
  if (/^:\d{2,5}[/?#\\]/.test(rest) && /\p{L}/u.test(host)) return replacement;
  const labels = dotted.split('.');
  // A path makes a link of any ending, listed or not.
  if (labels.length > 1 && /^(?::\d+)?[/\\]./.test(rest) && /^\p{L}{2,24}$/u.test(labels.at(-1)!))
    return replacement;
  const end = endOfDomain(labels);
  if (end === null) return given;
  const whole = end === host.length;
  // `name@host` is an e-mail address; with a port or path it is a link with a user's name.
  if (mail !== '' && whole && rest === '') return given;
  return whole ? replacement : `${replacement}${host.slice(end)}${rest}`;
}

/** Returns the length of the longest part of the host that ends with a top-level domain, or null. */
function endOfDomain(labels: readonly string[]): number | null {
  let end = labels.join('.').length;
  for (let last = labels.length - 1; last >= 1; last -= 1) {
    const label = labels[last]!;
    const length = endingOf(label);
    if (length > 0 && labels[last - 1] !== '') return end - label.length + length;
    end -= label.length + 1;
  }
  return null;
}

/** The length of the top-level domain at the start of a label, which ends at a hyphen or another script; 0 if none. */
function endingOf(label: string): number {
  const name = label.normalize('NFKC').toLowerCase();
  if (topLevelDomains.has(name) || /^xn--[a-z0-9-]+$/.test(name)) return label.length;
  const latin = /^[a-z]{2,}(?![a-z\d_])/i.exec(label)?.[0] ?? '';
  return topLevelDomains.has(latin.toLowerCase()) ? latin.length : 0;
}

/** An IPv4 address. Phone numbers can look the same ("12.34.56.78"), so that only the dots are removed. */
const isAddress = (host: string) =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) && host.split('.').every((part) => Number(part) <= 255);
