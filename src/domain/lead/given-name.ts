/** A person's names, in full and in parts; null: not given. */
type Names = { name: string | null; firstName: string | null; lastName: string | null };

/**
 * Completes a name of which only one part was given beside it. `Name` beside `Surname` is the first name, unless it holds
 * a word of the last name as well; what follows a first name in the full name is the last name. A name with a comma,
 * such as `Lee, Ann` and `Ann Lee, MD`, is left to be split.
 */
export function namesOf({ name, firstName, lastName }: Names): Names {
  if (name === null) {
    const parts = [firstName, lastName].filter((part) => part !== null);
    return { name: parts.length > 0 ? parts.join(' ') : null, firstName, lastName };
  }
  if ((firstName === null) === (lastName === null)) return { name, firstName, lastName };
  const words = name.split(/\s+/u);
  const part = (firstName ?? lastName)!.split(/\s+/u);
  if (isSame(words, part)) return { name, firstName, lastName };
  if (firstName !== null) {
    const rest = words.slice(part.length);
    const isFirst = isSame(words.slice(0, part.length), part) && !words[part.length - 1]!.endsWith(',');
    return { name, firstName, lastName: isFirst ? rest.join(' ') : null };
  }
  const before = words.slice(0, -part.length);
  if (before.length > 0 && isSame(words.slice(before.length), part))
    return { name, firstName: before.join(' '), lastName };
  const own = new Set(part.flatMap(familyWords));
  if (!words.some((word) => familyWords(word).some((each) => own.has(each))))
    return { name: `${name} ${lastName}`, firstName: name, lastName };
  return name.includes(',')
    ? { name, firstName: null, lastName: null }
    : { name, firstName: beside(words, own), lastName };
}

/** `Ann` of `Ann Lee Jr.` and of `Lee Ann`, where the last name is `Lee`. */
function beside(words: readonly string[], own: ReadonlySet<string>): string | null {
  const isOwn = (word: string) => familyWords(word).some((each) => own.has(each));
  const at = words.findIndex(isOwn);
  const first = at > 0 ? words.slice(0, at) : words.filter((word) => !isOwn(word));
  return first.join(' ') || null;
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((word, i) => folded(word) === folded(others[i]!));

/** Without accents and punctuation: `López,` is `lopez`. */
const folded = (word: string): string => marksRemoved(word).replace(/[^\p{L}\p{N}]/gu, '');

/** Words before many last names, which say nothing about one. */
const PARTICLE = /^(?:d|de|del|la|las|los|le|el|da|do|dos|das|di|du|van|von|der|den|ten|ter|al|bin|y|e)$/;

/** The names in a word: `Smith-Lee` has two. */
const familyWords = (word: string): string[] =>
  marksRemoved(word)
    .replace(/['’]/g, '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((each) => each !== '' && !PARTICLE.test(each));

const marksRemoved = (text: string): string =>
  text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase('en');
