import { intentOf } from './answer.ts';
import { isAutomatic, withoutInstructions } from './automatic.ts';
import { plainForm } from './look-alikes.ts';
import { revocationIn } from './revocation.ts';

export type ReplyKind = 'stop' | 'help' | 'start' | 'accept' | 'decline' | 'ignored' | 'unclear';

export interface Reply {
  kind: ReplyKind;
  /** Lead ids in the text, in order, lower case; compare them with stored ids ignoring case. */
  leadIds: string[];
  /** Written by a machine (an autoresponder, a delivery service) or copied from our own text: never answered by a text. */
  automatic: boolean;
}

/** A keyword that the carrier itself recognized and acted on. It knows the words that were configured there. */
export type CarrierKeyword = 'stop' | 'start' | 'help';

/** A text message has at most 1,600 characters; the rest of a longer text is ignored. */
const READ_LIMIT = 2_000;

/**
 * Classifies a buyer's reply (docs/contracts.md). Order: phone reactions, STOP, what machines write, HELP, START, then
 * yes or no. Pure and total: returns a result for any string, in time linear in its length.
 *
 * `accept` requests a payment link and never charges. A YES from an opted-out phone re-subscribes it at the carrier and
 * buys nothing: check `isCarrierResubscribe` first when the sender is opted out.
 */
export function parseReply(text: string): Reply {
  const read = readable(text);
  // Ids are not words of the answer: "yes lead_stop1" is a yes.
  return { ...readingOf(read, read.replace(LEAD_ID, ` ${LEAD_ID_WORD} `)), leadIds: leadIdsOf(read) };
}

/** The `leadIds` of `parseReply`, for a fraction of its time. */
export const leadIdsIn = (text: string): string[] => leadIdsOf(readable(text));

const readable = (text: string): string => text.slice(0, READ_LIMIT).replace(/\p{Cf}/gu, '');
const leadIdsOf = (read: string): string[] => [...new Set(plainForm(read).match(LEAD_ID) ?? [])];

/** Whether the carrier re-subscribes on this text: START, YES or UNSTOP as the whole message, in any case. */
export function isCarrierResubscribe(text: string): boolean {
  return /^(?:start|yes|unstop)$/i.test(text.trim());
}

const LEAD_ID = /(?<![\p{L}\p{N}_])lead_[a-z0-9_]{1,64}(?![a-z0-9_])/giu;

/** Placeholder for a lead id. */
const LEAD_ID_WORD = 'leadid';

function readingOf(read: string, withoutIds: string): Omit<Reply, 'leadIds'> {
  const person = (kind: ReplyKind) => ({ kind, automatic: false });
  const afterQuote = reactionRemainder(read);
  if (afterQuote !== null) return person(revocationIn(afterQuote) === 'stop' ? 'stop' : 'ignored');

  const remainder = withoutInstructions(withoutIds);
  // A person who copies the instruction and nothing else does what it says.
  const rest = remainder === null ? [] : wordsOf(plainForm(remainder)).filter((word) => !POLITE.has(word));
  const copied = remainder !== null && rest.length === 0 && COPIED.test(withoutIds);
  if (copied && CARRIER_WORD.test(withoutIds)) return person('stop');
  const own = remainder ?? withoutIds;
  const revocation = revocationIn(own);
  if (revocation === 'stop') return person('stop');
  if (remainder !== null || isAutomatic(own)) return { kind: 'unclear', automatic: true };

  const core = wordsOf(plainForm(withoutIds)).filter((word) => !POLITE.has(word));
  if (isOnly(core, HELP, HELP_AROUND)) return person('help');
  if (isOnly(core, START, START_AROUND)) return person('start');
  const intent = intentOf(core, withoutIds);
  return person(revocation === 'near' ? 'unclear' : intent);
}

/** "Reply STOP …" and "STOP to end", not "reply YES to confirm or NO to cancel". */
const CARRIER_WORD =
  /^\P{L}{0,10}(?:(?:hi|hello|hey|please|reply|respond|text|txt|send|type|with|back|the|word|responda|responde|envi[ea]|mand[ae]|contest[ae]|la|palabra)\P{L}{1,10}){0,6}(?:stop|unsubscribe|cancel|end|quit|optout|alto|baja)/iu;
const COPIED =
  /^(?:\P{L}{0,10}(?:hi|hello|hey|please)(?!\p{L}))?\P{L}{0,10}(?:reply|respond|text|txt|send|type|stop|respond[ae]|envi[ea]|mand[ae]|contest[ae])(?!\p{L})/iu;

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

const APOSTROPHES = /['’‘`´]/g;

/** Splits a `plainForm` text into words. Apostrophes are dropped ("dont"), thumbs are words, skin tones are not. */
function wordsOf(plain: string): string[] {
  return plain.replace(APOSTROPHES, '').match(/[👍👎👌✅✔☑❌🙅]|[\p{L}\p{N}]+/gu) ?? [];
}

/** Whether every word is in `words` or `around`, and at least one is in `words`. */
function isOnly(core: readonly string[], words: ReadonlySet<string>, around: ReadonlySet<string>): boolean {
  return core.some((word) => words.has(word)) && core.every((word) => words.has(word) || around.has(word));
}

const POLITE = set('please pls plz thanks thank thx ty you por favor gracias hi hello hey hola lead leadid');
const HELP = set('help info information ayuda informacion');
const HELP_AROUND = set('me i need more want get send necesito quiero mas');
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
  'liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted .{1,40}? to|removed .{1,40}? from|added .{1,40}? to|(?:a .{1,40} )?' +
  '(?:no )?le gusto|le encanto|le dio risa|se rio de|se ha reido de|le causo gracia|enfatizo|exclamo(?: por)?|' +
  'resalto|cuestiono|pregunto(?: por)?|puso en duda|reacciono .{1,40}? a|(?:elimino|quito) .{1,40}? (?:de|a)|' +
  `(?:no )?me gusta|me encanta|${EMOJI} (?:to|a|en)`;

/** Phone reactions arrive as texts: "Liked “…”", "Reacted 👍 to “…”", "👍 to “…”", "Le gustó “…”". */
const REACTION = new RegExp(`^(?:${REACTED}) ?(?:${OPEN_QUOTE}|${SOMETHING})`, 'iu');
/** A reaction in any other language: a few words, then a quotation of one of our own phrases. */
const QUOTED_BACK = new RegExp(
  `^[^“”"«»„]{1,40}${OPEN_QUOTE}.{0,1600}?(?:reply|responda) (?:y|n|si|no|stop)(?![a-z])`,
  'iu',
);

/**
 * Returns null when the text is not a reaction, otherwise the text after the quotation, which is usually empty.
 * The quotation itself contains our own "Reply Y" and must not be read as an answer.
 */
function reactionRemainder(read: string): string | null {
  const line = plainForm(read).replace(/\s+/gu, ' ').trim();
  const opening = REACTION.exec(line) ?? quotedBack(line);
  if (opening === null) return null;
  const rest = line.slice(opening[0].length);
  const closing = [...rest.matchAll(CLOSE_QUOTE)].at(-1);
  return closing === undefined ? '' : rest.slice(closing.index + 1);
}

/** Few texts quote one of our phrases: what stands before the quotation is read only then. */
function quotedBack(line: string): RegExpExecArray | null {
  const quotation = QUOTED_BACK.exec(line);
  if (quotation === null || revocationIn(line.split(/[“"«„]/u)[0] ?? '') === 'stop') return null;
  return quotation;
}
