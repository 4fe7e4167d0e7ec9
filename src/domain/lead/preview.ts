import { parsePhoneNumberFromString } from 'libphonenumber-js';

/** What a buyer gets for the price, as far as it may be seen before: enough to trust that it exists, too little to use. */
export type Preview = { field: PreviewField; masked: string | null }[];
export type PreviewField = 'name' | 'phone' | 'email' | 'address';

type Contact = Record<PreviewField, string | null>;

const hidden = '••••';

/**
 * The fields that the client gave. Of a name the initials, of a valid phone its country or area code and the last two
 * digits. Of an email and an address nothing: a domain or a street can be looked up.
 */
export function previewOf({ name, phone, email, address }: Contact): Preview {
  const fields: [PreviewField, string | null, (value: string) => string | null][] = [
    ['name', name, maskedName],
    ['phone', phone, maskedPhone],
    ['email', email, () => null],
    ['address', address, () => null],
  ];
  return fields.flatMap(([field, value, mask]) =>
    value?.trim() ? [{ field, masked: mask(value.trim()) }] : [],
  );
}

/** Two words at most, each by its first letter; the number of dots says nothing of its length. */
function maskedName(name: string): string | null {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const shown = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return shown.length === 0 ? null : shown.map((word) => `${[...word][0]}${hidden}`).join(' ');
}

/** Returns null for what is not a valid number: its digits may be anything. */
function maskedPhone(phone: string): string | null {
  const number = parsePhoneNumberFromString(phone);
  if (!number?.isValid()) return null;
  const national = number.nationalNumber;
  const end = national.slice(-2);
  return number.countryCallingCode === '1'
    ? `(${national.slice(0, 3)}) •••-••${end}`
    : `+${number.countryCallingCode} ••• ••${end}`;
}
