import { CODE_PAGES, type CodePage, decodeCodePage } from './code-pages.ts';

/** `others`: encodings that fit as well and would give other letters. */
export type CodePageGuess = { page: CodePage; others: CodePage[] };

/** Letters of English, Spanish, French, German, Italian, Portuguese and the Nordic and Central European languages. */
const POINTS: readonly [letters: string, points: number][] = [
  ['áéíóúñüöäçãÁÉÍÓÚÑÜÖÄÇÃ', 2],
  ['àâåæèêëìîïòôõøùûßÀÂÅÆÈÊËÌÎÏÒÔÕØÙÛ', 1.6],
  ['šžœÿýþðłąćęńśźżčďěňřťůőűăşţŠŽŒŸÝÞÐŁĄĆĘŃŚŹŻČĎĚŇŘŤŮŐŰĂŞŢ', 0.5],
];
const LETTERS = new Map(
  POINTS.flatMap(([letters, points]) => [...letters].map((letter) => [letter, points])),
);
/** How likely an encoding is before its letters are looked at. */
const PRIOR: Record<CodePage, number> = {
  'windows-1252': 1,
  macintosh: 1,
  ibm850: 0.6,
  'iso-8859-15': 0.99,
  'windows-1250': 0.5,
};
/** An encoding fits as well as the best when it has this share of its points. */
const AS_GOOD = 0.7;

/**
 * Tells encodings of one byte apart by what the bytes above 127 would be: letters stand in words, in the case of their
 * neighbors; signs do not. `before`: the character before the bytes.
 */
export function guessCodePage(bytes: Uint8Array, before: string): CodePageGuess {
  const readings = CODE_PAGES.map((page) => {
    const text = before + decodeCodePage(bytes, page);
    return { page, text, points: pointsOf(text, before.length) * PRIOR[page] };
  });
  const best = readings.reduce((most, reading) => (reading.points > most.points ? reading : most));
  if (best.points <= 0) return { page: 'windows-1252', others: [] };
  const others = readings.filter(
    ({ page, text, points }) => page !== best.page && points >= AS_GOOD * best.points && text !== best.text,
  );
  return { page: best.page, others: others.map(({ page }) => page) };
}

function pointsOf(text: string, from: number): number {
  let points = 0;
  for (let i = from; i < text.length; i += 1) if (text.charCodeAt(i) > 0x7f) points += pointsAt(text, i);
  return points;
}

function pointsAt(text: string, i: number): number {
  const character = text[i]!;
  const [before, after] = [text[i - 1] ?? '', text[i + 1] ?? ''];
  const letter = LETTERS.get(character);
  if (letter !== undefined) return letter * letterPoints(text, i);
  const within = isLetter(before) && isLetter(after);
  if (character === '’') return within ? apostrophePoints(text, i) : 0.5;
  if (character === '\u00a0') return within && isLower(after) ? 1.6 : 2.2;
  if (character <= '\u009f') return -4;
  if (within) return -3;
  if ('“‘¡¿«'.includes(character)) return isLetter(before) ? -2 : 0.5;
  if ('”»'.includes(character)) return isLetter(after) ? -2 : 0.5;
  if ('…–—•·®©™ºª°€£¥½¼¾²³§'.includes(character)) return isLetter(after) && !isLetter(before) ? -1 : 0.5;
  return -2;
}

/** From -1.5, where the case is that of another word, to 1. */
function letterPoints(text: string, i: number): number {
  const character = text[i]!;
  const [before, after] = [text[i - 1] ?? '', text[i + 1] ?? ''];
  if (!isLetter(before) && !isLetter(after)) return 0;
  if (isOdd(character.toLowerCase(), before, after)) return -0.5;
  if (isUpper(character)) return isLower(before) || (isUpper(before) && isLower(after)) ? -1.5 : 1;
  if (isUpper(before) && (isUpper(after) || isUpper(text[i - 2] ?? ''))) return -1.5;
  return isLower(before) && isUpper(after) ? -1 : 1;
}

/** Letters beside which others hardly ever stand: `ç` and `ñ` precede a vowel, `á` and `ó` do not. */
function isOdd(letter: string, before: string, after: string): boolean {
  if (letter === 'ç') return !/[aouáóúãõ]/i.test(after);
  if (letter === 'ñ') return !/[aeiouáéíóú]/i.test(after);
  if (letter === 'á' || letter === 'ó') return /[aeiou]/i.test(after);
  return (letter === 'â' || letter === 'à') && /[aeiou]/i.test(before);
}

/** Words of up to three letters before `’s`; other short ones may be a name whose letter `í` it is: `Luís`. */
const SHORT = /(?:^|[^\p{L}])(?:it|he|she|who|let|how)$/iu;

function apostrophePoints(text: string, i: number): number {
  const before = /\p{L}*$/u.exec(text.slice(Math.max(0, i - 30), i))![0];
  const after = /^\p{L}*/u.exec(text.slice(i + 1, i + 31))![0].toLowerCase();
  if (before.length === 1) return 2;
  if (after === 't' && /n$/i.test(before)) return 4;
  if (['ll', 're', 've', 'd', 'm'].includes(after)) return 4;
  if (after === 's') return before.length > 3 || SHORT.test(before) ? 4 : 2.5;
  return -1;
}

const isUpper = (character: string): boolean => character !== character.toLowerCase();
const isLower = (character: string): boolean => character !== character.toUpperCase();
const isLetter = (character: string): boolean => isUpper(character) || isLower(character);
