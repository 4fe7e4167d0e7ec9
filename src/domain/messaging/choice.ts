import { plainForm } from './look-alikes.ts';

/** What a reply says about which offer it answers, beside a whole `lead_…` id. */
export type Choice = {
  /** Ids that are written without their prefix or sign: "Y abc12345", "Y lead abc12345". Lower case, with the prefix. */
  leadIds: string[];
  /** Chooses in a way that offers do not have: "Y 2", "yes to the second", "both". */
  otherwise: boolean;
};

const SHORTEST_ID = 4;

/** Numbers and places in an order that no text of ours names. */
const PLACE =
  /\b(?:first|1st|second|2nd|third|3rd|fourth|4th|last|latest|previous|earlier|older|newer|other|others|another|both|either|all|every|each|two|three|primer[oa]?|segund[oa]|tercer[oa]?|ultim[oa]|anterior|otr[oa]s?|amb[oa]s|tod[oa]s|(?:los|las) (?:dos|tres))\b/;
const NUMBERED =
  /^(?:(?:y|yes|yeah|yep|yup|ok|okay|sure|si|n|no|nope|skip|pass|please|thanks|por|favor|to|for|on|the|number|nr|offer|option|lead|one|numero|oferta|opcion|el|la|al|a) )*[yn]?\d{1,2}(?: (?:y|yes|si|n|no|and|e|please|thanks|\d{1,2}))*$/;
const ANSWERS = 'y|yes|yeah|yep|yup|ok|okay|sure|si|n|no|nope|skip|pass';
/** "Lead abc12345", "leadabc12345", not "leads4u". */
const AFTER_LEAD = /\blead(?:[ _]|(?=[a-z0-9]{8}(?: |$)))(?=[a-z_]*\d)(?=\d*[a-z_])([a-z0-9_]{5,64})(?: |$)/;
/** Nothing but an answer and "abc12345". */
const AFTER_ANSWER = new RegExp(
  `^(?:${ANSWERS}) (?:lead)?(?=[a-z_]*\\d)(?=\\d*[a-z_])([a-z0-9_]{5,64})(?: |$)`,
);
/** As long as the ids that we make; a shorter word may be a time: "ok 10am2pm". */
const OUR_LENGTH = 8;

/** What stands before an id: an answer, the word, or both: "yes to number 1001", "lead 1001". */
const NAMES = new RegExp(
  `\\b(?:${ANSWERS})(?: (?:to|for|on|the|number|id|offer|one|el|la|al)){0,3}$|\\blead(?: (?:number|id|nr))?$`,
);
const WORDS_BEFORE = 4;
const IS_ANSWER = new RegExp(`^(?:${ANSWERS})$`);
const MIXED = /^(?=[a-z_]*\d)(?=\d*[a-z_])/;

/** `offered`: ids of leads that were offered to the writer. `several`: more than one of them can be bought now. */
export function choiceIn(text: string, offered: readonly string[], several: boolean): Choice {
  const words = plainForm(text).match(/[a-z0-9_]+/g) ?? [];
  const line = words.join(' ');
  const tails = new Set(offered.map((id) => id.toLowerCase().replace(/^lead_/, '')));
  // Any number or word could equal the end of an id: "yes, call 305 555 1001", "yes, tomorrow".
  const isNamed = (word: string, at: number) =>
    word.startsWith('lead') ||
    MIXED.test(word) ||
    NAMES.test(words.slice(Math.max(0, at - WORDS_BEFORE), at).join(' ')) ||
    (at === 0 && IS_ANSWER.test(words[1] ?? ''));
  const tailOf = (word: string) => word.replace(/^lead_?(?=.)/, '');
  const isOffered = (tail: string) => tail.length >= SHORTEST_ID && tails.has(tail);
  const named = words.filter((word, at) => isOffered(tailOf(word)) && isNamed(word, at)).map(tailOf);
  const alone = AFTER_ANSWER.exec(line)?.[1];
  const written = AFTER_LEAD.exec(line)?.[1] ?? (several || alone?.length === OUR_LENGTH ? alone : undefined);
  const unknown = written !== undefined && named.length === 0 ? [written] : [];
  return {
    leadIds: [...new Set([...named, ...unknown])].map((id) => `lead_${id}`),
    otherwise: PLACE.test(line) || NUMBERED.test(line),
  };
}
