/** The contact of a lead of a campaign, in the fields that texts, e-mails and the pay page show. */
export type LeadContact = {
  name: string | null;
  phone: string | null;
  email: string | null;
  address: string | null;
  notes: string | null;
};

const isPhone = (text: string) => /^\+\d{8,15}$/.test(text);
const isEmail = (text: string) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);
/** `First_Name` is `firstname`. */
const keyOf = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
/** `project_type` is `project type`. */
const labelOf = (name: string) => name.replace(/[_-]+/g, ' ').trim();

/**
 * A category names its fields as it likes: a phone and an e-mail address are known by their shape, a name and an address by
 * what the field is called. Every other value is among the notes, with the name of its field, in the order given.
 */
export function leadContactOf(values: Readonly<Record<string, unknown>>): LeadContact {
  const left = new Map(
    Object.entries(values).flatMap(([name, value]): [string, string][] => {
      const text = typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value ?? '').trim();
      return text === '' || typeof value === 'object' ? [] : [[name, text]];
    }),
  );
  const take = (matches: (key: string, text: string) => boolean): string | null => {
    for (const [name, text] of left)
      if (matches(keyOf(name), text)) {
        left.delete(name);
        return text;
      }
    return null;
  };
  const named = (...keys: string[]) => take((key) => keys.includes(key));
  const phone = take((_key, text) => isPhone(text));
  const email = take((_key, text) => isEmail(text));
  const whole = named('name', 'fullname', 'clientname', 'contactname');
  const parts = [named('firstname', 'givenname'), named('lastname', 'surname', 'familyname')];
  const address = named('address', 'fulladdress', 'streetaddress', 'street', 'address1');
  return {
    name: whole ?? (parts.filter(Boolean).join(' ') || null),
    phone,
    email,
    address,
    notes: notesOf([
      ...(whole === null ? [] : parts.flatMap((part): [string, string][] => (part ? [['name', part]] : []))),
      ...left,
    ]),
  };
}

function notesOf(values: readonly [string, string][]): string | null {
  const text = values.map(([name, value]) => `${labelOf(name)}: ${value}`).join('; ');
  return text === '' ? null : text;
}
