/** What stands after the name of a person. */
const PERSON =
  'jr sr jnr snr ii iii iv v vi md m.d do d.o dds d.d.s dmd dvm od dc pt phd ph.d psyd edd jd j.d esq esquire cpa cfa cfp mba ma msc ' +
  'bsc bs ba rn bsn np pa pa-c dpm lcsw lmft lmhc lmt pe p.e aia usmc usn usaf usa ret obe mbe cbe realtor';
/** What stands at the end of the name of a firm. */
const FIRM =
  'inc incorporated llc l.l.c pllc llp l.l.p lp ltd limited corp corporation co company gmbh ag kg ug ohg gbr e.v e.k plc pty pvt ' +
  'bv b.v nv n.v sa s.a sl s.l slu s.l.u sas s.a.s srl s.r.l spa s.p.a s.c cv c.v sarl eurl ltda eireli oy ab aps as a.s sro s.r.o ' +
  'kft group holding holdings partners associates assoc enterprises services solutions consulting realty properties roofing ' +
  'plumbing construction clinic foundation university bank sons bros brothers hnos hermanos n.a';
/** Also names or words of other meanings: only in capitals, or with a full stop. */
const AMBIGUOUS = new Set(
  'do ma np pe pa pt od dc bs ba ret usa co ag ug kg lp as ab oy sa sl cv spa v vi bank sons brothers'.split(
    ' ',
  ),
);

const person = new Set(PERSON.split(' '));
const firm = new Set(FIRM.split(' '));

function isOf(words: ReadonlySet<string>, word: string, full: string): boolean {
  const plain = word.toLowerCase().replace(/\.$/, '');
  if (!words.has(plain)) return false;
  if (!AMBIGUOUS.has(plain)) return true;
  // In a name that is written in capitals, capitals say nothing.
  return (
    word.endsWith('.') || plain.length > 3 || (word === word.toUpperCase() && full !== full.toUpperCase())
  );
}

/** `full`: the whole name, whose capitals tell whether `DO` is a degree or a family name. */
export const isFirmWord = (word: string, full: string): boolean => isOf(firm, word, full);

/** Whether all words of a text stand after names, of people or of firms: `Jr.`, `MD, PhD`, `Inc.`, `S. de R.L. de C.V.`. */
export function isSuffix(text: string, full: string): boolean {
  const words = text.split(/\s+/u);
  return words.every(
    (word) =>
      isOf(person, word, full) || isOf(firm, word, full) || /^(?:s\.?|r\.?l\.?|de|&|and|y)$/i.test(word),
  );
}
