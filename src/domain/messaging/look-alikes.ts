/**
 * Letters of other alphabets by the Latin letter they look like, so that "ЅТОР" in any alphabet counts as an opt-out
 * (docs/security.md, S17). Upper and lower case are both listed because they differ: Greek Ν looks like N, its small
 * form ν like v.
 */
const LOOKS_LIKE: Readonly<Record<string, string>> = {
  a: 'АаΑαᴀᎪ@',
  b: 'ВΒʙЬь',
  c: 'СсϹϲᴄᏟ',
  d: 'ԀԁᴅđĐꓓ',
  e: 'ЕеЁёΕεᴇᎬ3',
  f: 'ꜰϜ',
  g: 'ɢց',
  h: 'НнΗҺһʜ',
  i: 'ІіΙιıɪ1!|Ӏ',
  k: 'КкΚκᴋ',
  l: 'ʟᏞԼłŁ',
  m: 'МмΜᴍ',
  n: 'ΝηпПɴո',
  o: 'ОоΟοσᴏОՕօᎾøØ0',
  p: 'РрΡρᴘᏢ',
  q: 'Ԛԛꞯ',
  r: 'ʀг',
  s: 'ЅѕΣςꜱᏚՏ5$',
  t: 'ТтΤτᴛᎢ7+†',
  u: 'ՍսυᴜԱ',
  v: 'ѴѵνᴠѴ',
  w: 'Ԝԝω',
  x: 'ХхΧχ',
  y: 'УуҮүΥʏ',
};

const LATIN_OF = new Map(
  Object.entries(LOOKS_LIKE).flatMap(([latin, letters]) =>
    [...letters].map((letter) => [letter, latin] as const),
  ),
);

/** Negative circled, negative squared and regional-indicator letters, which NFKD does not decompose. */
const STYLED_ALPHABETS = [0x1f150, 0x1f170, 0x1f1e6];

function unstyled(symbol: string): string {
  const code = symbol.codePointAt(0) ?? 0;
  const start = STYLED_ALPHABETS.find((first) => code >= first && code < first + 26);
  return start === undefined ? symbol : String.fromCharCode('a'.charCodeAt(0) + code - start);
}

/** Lower-cases, resolves compatibility forms (full width, bold, circled), and removes accents and invisible characters. */
export function plainForm(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .toLowerCase();
}

/** `plainForm` with look-alikes replaced by Latin letters. Digits and signs are replaced only inside a word. */
export function readAsLatin(text: string): string {
  const letters = text
    .replace(/[\u{1F150}-\u{1F189}\u{1F1E6}-\u{1F1FF}]/gu, unstyled)
    // Replaced before NFKD, which would turn ϲ (looks like c) into ς (looks like s).
    .replace(/[^\p{ASCII}]/gu, (letter) => LATIN_OF.get(letter) ?? letter);
  return plainForm(letters).replace(/[a-z0-9@$!|+]{2,20}/g, readSigns);
}

function readSigns(word: string): string {
  if (!/[a-z]/.test(word)) return word;
  // A sign at either end is punctuation ("!stop!"); inside, or as a leading "$", it is a letter ("st0p", "$top").
  const start = word.search(/[^@!|+]/);
  const end = word.search(/[@$!|+]*$/);
  return word.slice(start, end).replace(/[^a-z]/g, (sign) => LATIN_OF.get(sign) ?? sign);
}
