/**
 * The reason of a failure as people read it. Reasons are written for logs by adapters and workers, with the code of
 * domain/errors.ts in parentheses, the vendor's own code, and ids. Here ids go, and codes and vendors become words.
 */

const vendors: Readonly<Record<string, string>> = {
  twilio: 'Twilio',
  textmagic: 'TextMagic',
  sendgrid: 'SendGrid',
  stripe: 'Stripe',
  ghl: 'GoHighLevel',
};

const codes: Readonly<Record<string, string>> = {
  opted_out: 'the number has opted out',
  bad_number: 'the number cannot receive texts',
  bad_address: 'the address cannot receive mail',
  bad_request: 'the request was rejected',
  not_found: 'not found',
  conflict: 'a conflicting change',
  unauthorized: 'the credentials were rejected',
  misconfigured: 'the address of the service is wrong',
  rate_limited: 'too many requests',
  unavailable: 'the service is unavailable',
  timeout: 'no answer in time',
  connection: 'the connection broke',
  key_reused: 'the same request was sent with other values',
  spend_cap: 'the SMS limit is reached',
  no_phone: 'there is no phone number',
};

export const vendorName = (vendor: string): string => vendors[vendor] ?? vendor;

/** Reasons that differ in ids only, ours or Stripe's, are one cause. */
export const causeIn = (error: string): string =>
  reasonInWords(error).replace(/\b(?:cs|pi|ch|py|re|dp|du|evt)_\w+/g, '#');

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** One sentence without ids and codes of ours. The vendor's own code stays, because its support asks for it. */
export function reasonInWords(error: string | null): string {
  if (error === null || error.trim() === '') return 'No reason was recorded.';
  const words = error
    // "on unlock:<id>", "payment <id>": what it is about is named beside it.
    .replace(new RegExp(`\\s*\\b(?:on|of|for)?\\s*\\w+:${uuid.source}`, 'g'), '')
    .replace(new RegExp(`\\s*${uuid.source}`, 'g'), '')
    .replace(/^(\w+): \1\b/, '$1')
    .replace(/\b(\w+) refused: (\w+) \((\w+)\)/g, (_all, vendor: string, code: string, own: string) => {
      const why = codes[code] ?? code.replaceAll('_', ' ');
      return `${vendorName(vendor)} rejected it: ${why} (${own})`;
    })
    .replace(/\(([a-z]+(?:_[a-z]+)*)\)/g, (all, code: string) => (codes[code] ? `(${codes[code]})` : all))
    .replace(/^[a-z]+\b/, (vendor) => vendorName(vendor))
    .replace(/\s{2,}/g, ' ')
    .trim();
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
