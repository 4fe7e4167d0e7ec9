import type { CountryCode } from 'libphonenumber-js';
import { isMarked } from '../cell.ts';
import { readContact } from './lead-contact.ts';
import { noteLines } from './note-lines.ts';

type Channel = 'phone' | 'email';

export type SaleContact = {
  /** E.164 when valid, otherwise as given. */
  phone: { value: string; valid: boolean } | null;
  email: string | null;
  /** Further numbers, the extension and further addresses, for the notes that the buyer gets. */
  noteLines: string[];
  /** What was left out because the person cannot be reached by it. */
  leftOut: Partial<Record<Channel, string>>;
};

export type JudgedSaleContact =
  | { ok: true; contact: SaleContact }
  | { ok: false; errors: Partial<Record<Channel, string>> };

/**
 * Judges the contact of a lead that is sold, after cleaning. The buyer pays for a way to reach the person: a phone, or an
 * e-mail address. With a valid phone, an address that cannot be read is left out, and the other way round.
 */
export function judgeSaleContact(
  given: { phone: string | null; email: string | null },
  region: CountryCode,
): JudgedSaleContact {
  const { phone, email, emailReason, further } = readContact(
    { phones: [given.phone ?? ''], emails: [given.email ?? ''] },
    [region],
  );
  const phoneReason = phone.ok || isMarked(given.phone ?? '') ? null : phone.reason;
  const isCallable = phone.ok && phone.valid;
  if (email === null && !phone.ok)
    return {
      ok: false,
      errors: {
        phone: phoneReason ?? 'client_phone or client_email is required',
        ...(emailReason === null ? {} : { email: emailReason }),
      },
    };
  if (emailReason !== null && !isCallable) return { ok: false, errors: { email: emailReason } };
  const leftOut = {
    ...(phoneReason === null ? {} : { phone: `${phoneReason}: the lead was stored without it` }),
    ...(emailReason === null ? {} : { email: `${emailReason}: the lead was stored without it` }),
  };
  return {
    ok: true,
    contact: {
      phone: phone.ok ? { value: phone.value, valid: phone.valid } : null,
      email,
      noteLines: noteLines(further),
      leftOut,
    },
  };
}
