import { readAsLatin } from './look-alikes.ts';

/**
 * A text as clauses, so that rules of language can ask who is meant and what a verb's object is. Look-alike letters are
 * Latin, short forms are spelled out, and every negation is one word: "don't", "dont" and "do not" are all `dont`.
 * A clause ends at punctuation, an emoji or a line break.
 */
export function clausesOf(text: string): string[] {
  return cut(readAsLatin(prepared(text)));
}

/** The same with digits as blanks instead of the letters they look like: "STOP2END", "stop1". */
export function clausesWithoutDigits(text: string): string[] {
  const plain = prepared(text)
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '');
  return cut(plain.toLowerCase().replace(/\p{N}/gu, ' '));
}

const APOSTROPHES = /['’‘`´]/g;

/** A sign at the end of a word ends the clause; `readAsLatin` would drop it or read it as a letter. */
const prepared = (text: string): string =>
  text
    .replace(/🛑/gu, ' stop ')
    .replace(/(?<=[\p{L}\p{N}])['’‘`´]ll\b/giu, ' will')
    .replace(/(?<=[\p{L}\p{N}])['’‘`´]d\b/giu, ' would')
    .replace(/(?<=[\p{L}\p{N}])['’‘`´](?:re|ve)\b/giu, ' have')
    .replace(/(?<=\bi)['’‘`´]m\b/giu, ' am')
    .replace(APOSTROPHES, '')
    // "S.T.O.P. texting me": letters, not sentences.
    .replace(/(?<!\p{L})(\p{L})[.*_·-](?=\p{L}(?!\p{L}))/gu, '$1 ')
    .replace(/(?<= )(\p{L})\.(?= \p{L}{2})/gu, '$1')
    .replace(/[!¡¿|]+(?=\s|$)|[!¡¿|](?=\p{Lu})/gu, '. ')
    .replace(/#/g, ' number ')
    .replace(/&/g, ' and ');

const BOUNDARY =
  /(?:[.,!?;:()…\n\r/\\[\]{}<>]|\s[-–—]+\s|—|[\p{Extended_Pictographic}\p{Regional_Indicator}])+/gu;

function cut(latin: string): string[] {
  return latin
    .split(BOUNDARY)
    .map((clause) => clause.match(/[\p{L}\p{N}]+/gu) ?? [])
    .map((words) => spelled(joinSpelled(words)))
    .filter((clause) => clause !== '');
}

/** Joins three or more consecutive single letters into one word: "S T O P", "u n s u b". */
export function joinSpelled(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < words.length; ) {
    let end = at;
    while (words[end]?.length === 1) end += 1;
    if (end - at >= 3) joined.push(words.slice(at, end).join(''));
    else joined.push(...words.slice(at, Math.max(end, at + 1)));
    at = Math.max(end, at + 1);
  }
  return joined;
}

/** Short forms, written as in texting, by what they stand for. */
const SHORT_FORMS = new Map(
  Object.entries({
    you: 'u yall yous',
    your: 'ur yr',
    'you are': 'youre',
    are: 'r',
    stop: 'ystop stahp stahpp staahp stawp stawhp stawpp',
    please: 'pls plz plss plzz pleas pleaz plase plese pleasee pleease',
    text: 'txt tex txtd',
    texts: 'txts texs',
    texting: 'txting texing texxting textin txtin texting',
    message: 'msg mesg massge mesage messege',
    messages: 'msgs mesgs mesages messeges mssgs',
    messaging: 'msging mesaging messagin',
    sending: 'sendin sendng',
    calling: 'callin',
    'i am': 'im',
    'i would': 'id',
    'i have': 'ive',
    'i will': 'ill',
    'going to': 'gonna',
    'want to': 'wanna',
    'have to': 'gotta',
    'let me': 'lemme',
    'any more': 'anymore anymor',
    'no more': 'nomore',
    dont: 'dnt donot dont',
    number: 'num nbr nmbr',
    because: 'cuz bc cause',
    que: 'q ke',
    'por favor': 'porfa porfavor xfa xfavor',
    mensajes: 'msj msjs mjs mensages mensaje',
    numero: 'nro',
    'stop all': 'stopall',
    'stop texting': 'stoptexting',
    'stop text': 'stoptext',
    'stop texts': 'stoptexts',
    'stop messages': 'stopmessages stopmsgs stopmsg',
    'stop me': 'stopme',
    'stop it': 'stopit',
    'stop now': 'stopnow',
    'stop please': 'stopplease ystopplease stoppls pleasestop plsstop',
    'stop this': 'stopthis',
    'stop spam': 'stopspam',
    'stop sms': 'stopsms',
    remove: 'rmv rmove remov remve remvoe',
    'remove me': 'removeme rmvme',
    'delete me': 'deleteme',
    optout: 'optmeout optout',
  }).flatMap(([full, forms]) => forms.split(' ').map((form) => [form, full] as const)),
);

/** Words that a person misspells when in a hurry, with how many letters may be wrong. */
const MISSPELLED: readonly (readonly [word: string, most: number])[] = [
  ['unsubscribe', 3],
  ['subscription', 2],
  ['suscripcion', 2],
  ['cancel', 1],
  ['cancelar', 1],
  ['delete', 1],
  ['messages', 1],
  ['mensajes', 1],
  ['interested', 2],
];
/** Real words that are as close to those. */
const NOT_MISSPELLED =
  /^(?:unsubscribing|suscripcion|massages?|subscrib\w*|resubscrib\w*|cancels|canceled|cancelled|cancela|cancele|cancelo|deleted|deletes|relate|dilate|passages|message|channel|chancel|candle|camel|cancer|cancion|uninterested|disinterested)$/;

function spelled(words: readonly string[]): string {
  return words
    .map((word) => wellSpelled(SHORT_FORMS.get(word) ?? word))
    .join(' ')
    .replace(/\bcan ?not\b/g, 'cant')
    .replace(/\bwill not\b/g, 'wont')
    .replace(/\b(do|does|did|is|are|was|have|has|had|would|could|should|must|may|need) not\b/g, '$1nt')
    .replace(/\bun subscri/g, 'unsubscri');
}

function wellSpelled(word: string): string {
  if (/^s+t+o+p+$/.test(word)) return 'stop';
  if (word.length < 5 || word.length > 16 || NOT_MISSPELLED.test(word)) return word;
  const meant = MISSPELLED.find(
    ([right, most]) => Math.abs(right.length - word.length) <= most && differences(word, right) <= most,
  );
  return meant?.[0] ?? word;
}

/** Letters to change, add, drop or swap until one word is the other. */
export function differences(a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1);
      }
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
