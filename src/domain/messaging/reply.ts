import { plainForm, readAsLatin } from './look-alikes.ts';

export type ReplyKind = 'stop' | 'help' | 'start' | 'accept' | 'decline' | 'ignored' | 'unclear';

export interface Reply {
  kind: ReplyKind;
  /** Lead ids in the text, in order, lower case; compare them with stored ids ignoring case. */
  leadIds: string[];
}

/** A text message has at most 1,600 characters; what comes after is not read. */
const READ_LIMIT = 2_000;

/**
 * What a buyer's text means (docs/contracts.md). Order: phone reactions, STOP, HELP, START, then yes or no.
 * Pure and total: any string has an answer, in time linear in its length.
 *
 * `accept` asks for a payment link and is never a charge. Whoever is opted out and texts YES is re-subscribed
 * by the carrier, not buying: check `isCarrierResubscribe` first when the sender is opted out.
 */
export function parseReply(text: string): Reply {
  const read = text.slice(0, READ_LIMIT).replace(/\p{Cf}/gu, '');
  const leadIds = [...new Set(plainForm(read).match(LEAD_ID) ?? [])];
  // An id is no word of the answer: "yes lead_stop1" is a yes.
  return { kind: kindOf(read, read.replace(LEAD_ID, ` ${LEAD_ID_WORD} `)), leadIds };
}

/** START, YES, UNSTOP as the carrier reads them: the whole message, in any case, and nothing else. */
export function isCarrierResubscribe(text: string): boolean {
  return /^(?:start|yes|unstop)$/i.test(text.trim());
}

const LEAD_ID = /(?<![\p{L}\p{N}_])lead_[a-z0-9_]{1,64}(?![a-z0-9_])/giu;

/** Stands where an id was. */
const LEAD_ID_WORD = 'leadid';

function kindOf(read: string, withoutIds: string): ReplyKind {
  const afterQuote = reactionRemainder(read);
  if (afterQuote !== null) return isStop(afterQuote) ? 'stop' : 'ignored';
  if (isStop(withoutIds)) return 'stop';

  const core = wordsOf(plainForm(withoutIds)).filter((word) => !POLITE.has(word));
  if (isOnly(core, HELP, HELP_AROUND)) return 'help';
  if (isOnly(core, START, START_AROUND)) return 'start';
  return intentOf(core, withoutIds.includes('?'));
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

const APOSTROPHES = /['’‘`´]/g;

/** Words of a `plainForm` text. Apostrophes join ("don't" → "dont"), thumbs are words, skin tones are not. */
function wordsOf(plain: string): string[] {
  return plain.replace(APOSTROPHES, '').match(/👍|👎|[\p{L}\p{N}]+/gu) ?? [];
}

/** Every word is one of `words` or `around`, and at least one is of `words`. */
function isOnly(core: readonly string[], words: ReadonlySet<string>, around: ReadonlySet<string>): boolean {
  return core.some((word) => words.has(word)) && core.every((word) => words.has(word) || around.has(word));
}

const POLITE = set('please pls plz thanks thank thx ty you por favor gracias hi hello hey hola lead leadid');
const HELP = set('help info information ayuda');
const HELP_AROUND = set('me i need more want get send');
const START = set('start unstop');
const START_AROUND = set('again now me');

// --- reactions -------------------------------------------------------------------------------------------------------

const OPEN_QUOTE = '[“”"«„‟❝]';
const CLOSE_QUOTE = /[“”"»‟❞]/gu;
const SOMETHING =
  '(?:(?:an?|the|your|una?|el|la|tu) (?:image|photo|picture|video|movie|message|attachment|audio|voice|link|sticker|' +
  'gif|file|contact|location|imagen|foto|mensaje|archivo|enlace)(?![a-z]))';
const EMOJI = String.raw`[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u{FE0F}]{1,8}`;
const REACTED =
  'liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted .{1,40}? to|removed .{1,40}? from|' +
  '(?:no )?le gusto|le encanto|le dio risa|se rio de|se ha reido de|le causo gracia|enfatizo|exclamo(?: por)?|' +
  'resalto|cuestiono|pregunto(?: por)?|puso en duda|reacciono .{1,40}? a|(?:elimino|quito) .{1,40}? (?:de|a)|' +
  `(?:no )?me gusta|me encanta|${EMOJI} (?:to|a|en)`;

/** Phone reactions arrive as texts: "Liked “…”", "Reacted 👍 to “…”", "👍 to “…”", "Le gustó “…”". */
const REACTION = new RegExp(`^(?:${REACTED}) ?(?:${OPEN_QUOTE}|${SOMETHING})`, 'iu');
/** The same in a language not listed: a few words, then a quotation of something only we write. */
const QUOTED_BACK = new RegExp(
  `^[^“”"«»„]{1,40}${OPEN_QUOTE}.{0,1600}?(?:reply (?:y|stop)|responda (?:si|stop))`,
  'iu',
);

/**
 * Null when the text is the sender's own words; otherwise what they wrote after the quotation, mostly nothing.
 * Never an answer: the quotation contains our own "Reply Y".
 */
function reactionRemainder(read: string): string | null {
  const line = plainForm(read).replace(/\s+/gu, ' ').trim();
  const opening =
    REACTION.exec(line) ?? (isStop(line.split(/[“"«„]/u)[0] ?? '') ? null : QUOTED_BACK.exec(line));
  if (opening === null) return null;
  const rest = line.slice(opening[0].length);
  const closing = [...rest.matchAll(CLOSE_QUOTE)].at(-1);
  return closing === undefined ? '' : rest.slice(closing.index + 1);
}

// --- opt-out ---------------------------------------------------------------------------------------------------------

/** Say nothing but "leave me alone", wherever they stand. */
const STOP_ANYWHERE = /^(?:unsub(?:scribe[dr]?)?|unsuscribe|unsubcribe|optout|stopall|stoptexting)$/;
const STOP_WORD = /^s+t+o+p+$/;
/** Everyday words: an opt-out only as the whole message. "The end of the day works" is not one. */
const STOP_WHOLE = set('cancel end quit revoke cancelar parar alto baja');
const STOP_WHOLE_AROUND = set(
  'me now all my these the text texts texting sms message messages subscription ahora',
);
const NOT_STOP = /\b(?:dont|not|never|non)[ -]{1,2}s+t+o+p+\b/g;
const STOP_OBJECTS = set(
  'all texting texts text sending messaging messages message sms contacting calling bothering spamming these this it me',
);
const OPT_OUT_PHRASE =
  /\b(?:opt (?:me )?out|remove me|take me off|(?:dont|do not|never) (?:text|message|contact|sms) me|no more (?:texts?|messages?|sms))\b/;
/** As many words may surround STOP and it still means us. */
const SHORT = 8;

/**
 * Carriers match their stop words as the whole message only. Losing an opt-out is worse than a false one (a law
 * against a confirmation text), so STOP is taken in any message of up to 8 words, at the start, the end or before
 * "texting me", unless denied ("don't stop"); UNSUBSCRIBE and OPT OUT anywhere; CANCEL, END, QUIT and REVOKE, which
 * people use for other things, only alone or with please/me/now/all/texts beside them.
 */
function isStop(text: string): boolean {
  const latin = readAsLatin(text).replace(APOSTROPHES, '');
  const words = joinSpelled(wordsOf(latin));
  if (words.some((word) => STOP_ANYWHERE.test(word)) || OPT_OUT_PHRASE.test(words.join(' '))) return true;

  const meant = wordsOf(latin.replace(NOT_STOP, ' '));
  if (STOP_WORD.test(meant.join('')) || saysStop(joinSpelled(meant))) return true;
  if (saysStop(lettersOnly(text))) return true;
  // "Cancel lead_…" is about one lead, not about every text.
  const core = words.filter((word) => word === 'lead' || word === LEAD_ID_WORD || !POLITE.has(word));
  return isOnly(core, STOP_WHOLE, STOP_WHOLE_AROUND);
}

/** The reading in which a digit is no letter: "STOP2END", "stop1". */
function lettersOnly(text: string): string[] {
  const plain = plainForm(text).replace(APOSTROPHES, '').replace(NOT_STOP, ' ');
  return plain.match(/\p{L}+/gu) ?? [];
}

function saysStop(words: readonly string[]): boolean {
  return words.some(
    (word, at) =>
      STOP_WORD.test(word) &&
      (words.length <= SHORT || at === 0 || at === words.length - 1 || STOP_OBJECTS.has(words[at + 1] ?? '')),
  );
}

/** "S T O P", "u n sub": three or more single letters in a row are one word. */
function joinSpelled(words: readonly string[]): string[] {
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

// --- yes or no -------------------------------------------------------------------------------------------------------

/** Sure signs count anywhere; the others also mean "and", "if", "fine", and count where an answer stands. */
const ACCEPT_SURE = set('yes yeah yep yup yea 👍');
const ACCEPT_FIRST = set('y ok okay sure si');
const ACCEPT_LAST = set('y si');
const DECLINE_SURE = set('nope 👎');
const DECLINE_EDGE = set('n no pass skip');
const DENIALS = set('not dont never cant cannot wont didnt doesnt isnt');
const QUESTIONS = set('what when who how why where which que cuanto cuanta cuando como quien donde cual');
/** "No problem" refuses nothing, "why not" asks nothing. */
const IDIOMS = /\b(?:no (?:hay )?(?:problema?s?|worries|doubt|rush|idea|clue)|why not|not a problem)\b/g;
/** A longer text is a letter, for the operator's inbox. */
const ANSWER_WORDS = 20;

/** Anything that could be read both ways is `unclear`: a help text is cheaper than an answer nobody gave. */
function intentOf(core: readonly string[], asks: boolean): 'accept' | 'decline' | 'unclear' {
  const words = core.join(' ').replace(IDIOMS, ' ').split(' ').filter(Boolean);
  if (words.length === 0 || words.length > ANSWER_WORDS) return 'unclear';
  const accepts = words.some((word) => ACCEPT_SURE.has(word) || ACCEPT_FIRST.has(word));
  const declines = words.some((word) => DECLINE_SURE.has(word) || DECLINE_EDGE.has(word));
  if (accepts && declines) return 'unclear';
  if (accepts) return isAccept(words, asks) ? 'accept' : 'unclear';
  return isDecline(words) ? 'decline' : 'unclear';
}

function isAccept(words: readonly string[], asks: boolean): boolean {
  if (words.some((word) => DENIALS.has(word))) return false;
  if (words.some((word) => ACCEPT_SURE.has(word))) return true;
  // "Y?" is a hesitant yes; "ok what is this?" is a question.
  if (words.length > 1 && (asks || words.some((word) => QUESTIONS.has(word)))) return false;
  return ACCEPT_FIRST.has(words[0] ?? '') || ACCEPT_LAST.has(words.at(-1) ?? '');
}

function isDecline(words: readonly string[]): boolean {
  const [first, last] = [words[0] ?? '', words.at(-1) ?? ''];
  if (words.some((word) => DECLINE_SURE.has(word))) return true;
  if (DENIALS.has(words.at(-2) ?? '')) return false;
  return DECLINE_EDGE.has(first) || DECLINE_EDGE.has(last);
}
