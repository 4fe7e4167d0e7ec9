import { personHash } from './contact.ts';

/** A contact as the CRM reports it. */
export type ReportedPerson = {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  /** Null: the report does not say. */
  smsOptOut: boolean | null;
};

/** What is known of the lead that is this contact. */
export type KnownContact = {
  writtenHash: string | null;
  dnd: boolean | null;
  /** See `isShared`. */
  shared?: boolean;
};

/**
 * A contact that stands for several leads who were written differently: a report does not say which of them it is about.
 * Their consent is one, because they have one phone or address; their names stay their own.
 */
export const isShared = (leads: readonly { writtenHash: string | null }[]): boolean =>
  new Set(leads.map(({ writtenHash }) => writtenHash)).size > 1;

/** Which parts of a report differ from what is known. Our own writes are reported back like any other change. */
export function changesIn(reported: ReportedPerson, known: KnownContact): { person: boolean; dnd: boolean } {
  return {
    person: !known.shared && personHash(reported) !== known.writtenHash,
    // A contact may be texted until its CRM reports otherwise, so a first report of consent is no change.
    dnd: reported.smsOptOut !== null && reported.smsOptOut !== (known.dnd ?? false),
  };
}

type Sealed = {
  name: string | null;
  phone: string | null;
  email: string | null;
  more?: Record<string, unknown> | null;
};

/** The lead's contact as corrected in the CRM. Fields that are blank there stay as they are here. */
export function applyCorrection<T extends Sealed>(contact: T, reported: ReportedPerson): T {
  const firstName = reported.firstName?.trim() || null;
  const lastName = reported.lastName?.trim() || null;
  const names = [firstName, lastName].filter((part) => part !== null);
  return {
    ...contact,
    name: names.length > 0 ? names.join(' ') : contact.name,
    phone: reported.phone?.trim() || contact.phone,
    email: reported.email?.trim() || contact.email,
    ...(names.length > 0 && { more: { ...contact.more, firstName, lastName } }),
  };
}
