import { personHash } from './contact.ts';

/** What the CRM tells of a contact. */
export type ToldPerson = {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  /** Null: it does not say. */
  smsOptOut: boolean | null;
};

/** What we know of the lead that is this contact. */
export type Known = { writtenHash: string | null; dnd: boolean | null };

/** Whether it says anything that we do not know. Our own writes come back as if they were somebody's. */
export function newsIn(told: ToldPerson, known: Known): { person: boolean; dnd: boolean } {
  return {
    person: personHash(told) !== known.writtenHash,
    // Nothing is known of a contact's consent until it is told: that it may be texted is then no news.
    dnd: told.smsOptOut !== null && told.smsOptOut !== (known.dnd ?? false),
  };
}

type Sealed = {
  name: string | null;
  phone: string | null;
  email: string | null;
  more?: Record<string, unknown> | null;
};

/** The lead's contact as corrected in the CRM. What the CRM has blank stays what it is here. */
export function corrected<T extends Sealed>(contact: T, told: ToldPerson): T {
  const firstName = told.firstName?.trim() || null;
  const lastName = told.lastName?.trim() || null;
  const names = [firstName, lastName].filter((part) => part !== null);
  return {
    ...contact,
    name: names.length > 0 ? names.join(' ') : contact.name,
    phone: told.phone?.trim() || contact.phone,
    email: told.email?.trim() || contact.email,
    ...(names.length > 0 && { more: { ...contact.more, firstName, lastName } }),
  };
}
