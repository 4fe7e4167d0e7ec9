/** A person's names, in full and in parts; null: not given. */
type Names = { name: string | null; firstName: string | null; lastName: string | null };

/**
 * Completes a name of which only one part was given beside it. `Name` beside `Surname` is the first name, unless it holds
 * the last name as well; what follows a first name in the full name is the last name. `Lee, Ann` is left to be split.
 */
export function namesOf({ name, firstName, lastName }: Names): Names {
  if (name === null) {
    const parts = [firstName, lastName].filter((part) => part !== null);
    return { name: parts.length > 0 ? parts.join(' ') : null, firstName, lastName };
  }
  if ((firstName === null) === (lastName === null)) return { name, firstName, lastName };
  const part = (firstName ?? lastName)!;
  const [whole, word] = [folded(name), folded(part)];
  if (whole === word) return { name, firstName, lastName };
  if (firstName !== null)
    return whole.startsWith(`${word} `)
      ? { name, firstName, lastName: name.slice(part.length).trim() }
      : { name, firstName, lastName };
  if (whole.endsWith(` ${word}`))
    return { name, firstName: name.slice(0, name.length - part.length).trim(), lastName };
  if (whole.startsWith(`${word},`)) return { name, firstName: null, lastName: null };
  return { name: `${name} ${part}`, firstName: name, lastName };
}

const folded = (text: string): string => text.toLocaleLowerCase('en');
