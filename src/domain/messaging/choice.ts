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
/** "Lead abc12345", or nothing but an answer and "abc12345". */
const WRITTEN_ID =
  /(?:\blead ?|^(?:y|yes|yeah|yep|ok|okay|sure|si|n|no|skip|pass) )(?=[a-z_]*\d)(?=\d*[a-z_])([a-z0-9_]{5,64})(?: |$)/;

/** `offered`: ids of leads that were offered to the writer. */
export function choiceIn(text: string, offered: readonly string[]): Choice {
  const words = plainForm(text).match(/[a-z0-9_]+/g) ?? [];
  const line = words.join(' ');
  const tails = new Set(offered.map((id) => id.toLowerCase().replace(/^lead_/, '')));
  const named = words
    .map((word) => word.replace(/^lead_?(?=.)/, ''))
    .filter((word) => word.length >= SHORTEST_ID && tails.has(word));
  const written = WRITTEN_ID.exec(line)?.[1];
  const unknown = written !== undefined && named.length === 0 ? [written] : [];
  return {
    leadIds: [...new Set([...named, ...unknown])].map((id) => `lead_${id}`),
    otherwise: PLACE.test(line) || NUMBERED.test(line),
  };
}
