import { type PlannedContact, personHash } from './contact.ts';

/** A contact's fields by which people are told apart. */
export type ContactPerson = {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
};
type Sent = Partial<Record<'firstName' | 'lastName' | 'email' | 'phone', string>>;

/** A field that was sent, and that the contact does not have after the call. */
export type KeptField = 'phone' | 'email' | 'lastName';

/**
 * Which fields the CRM kept as they were: the phone or the address belongs to another contact, or a blank last name was
 * ignored. A vendor may write a number or an address in its own way.
 */
export function keptFields(sent: Sent, answered: ContactPerson): KeptField[] {
  const kept: KeptField[] = [];
  if (sent.phone && !sameNumber(sent.phone, answered.phone)) kept.push('phone');
  if (sent.email && folded(sent.email) !== folded(answered.email)) kept.push('email');
  if (sent.lastName === '' && folded(answered.lastName) !== '') kept.push('lastName');
  return kept;
}

const folded = (text: string | null) => text?.trim().toLowerCase() ?? '';

function sameNumber(sent: string, answered: string | null): boolean {
  const [a, b] = [sent, answered ?? ''].map((text) => text.replace(/\D/g, '')) as [string, string];
  // National digits without the country code are the same number.
  return a === b || (b.length >= 7 && a.endsWith(b));
}

/** What happened to a lead on its way into the CRM. */
export type Happened = {
  /** The CRM's label. */
  crm: string;
  /** `guest`: see `PlannedContact`. */
  place: PlannedContact['place'];
  leftOut: PlannedContact['leftOut'];
  /** Public id of the lead that the address belongs to; null when it is the lead's own, or unknown. */
  ownerId: string | null;
  kept: readonly KeptField[];
  /** The contact existed before the first call for this lead. */
  existed: boolean;
};

/** The sentences that people read beside a lead that is in the CRM. Returns null when there is nothing to say. */
export function remarkOn({ crm, place, leftOut, ownerId, kept, existed }: Happened): string | null {
  const owner = ownerId ?? 'another lead';
  const sentences: string[] = [];
  if (place === 'guest')
    sentences.push(
      `Merged into the contact of ${owner}, which has this e-mail address: the lead has no phone that ${crm} accepts. Its name and notes are in a note there.`,
    );
  else if (leftOut.includes('email'))
    sentences.push(
      `The e-mail address is in a note only: ${crm} keeps one contact per address, and this one belongs to ${owner}.`,
    );
  if (place === 'own' && leftOut.includes('phone'))
    sentences.push(`The phone was left out: it is not a number that ${crm} accepts.`);
  if (kept.includes('phone'))
    sentences.push(
      `The phone stayed with another contact in ${crm}, so it is in a note only. Merge or correct the two contacts there.`,
    );
  if (kept.includes('email'))
    sentences.push(`The e-mail address stayed with another contact in ${crm}, so it is in a note only.`);
  if (kept.includes('lastName')) sentences.push(`${crm} kept the last name that the contact had.`);
  if (existed && place === 'own')
    sentences.push(`${crm} had a contact with this phone or e-mail address already; it was updated.`);
  return sentences.length > 0 ? sentences.join(' ') : null;
}

/** Lines of the note for fields that stayed with another contact, so that they are not lost. */
export const keptLines = (kept: readonly KeptField[], { phone, email }: Sent): string[] => [
  ...(kept.includes('phone') ? [`Phone, of another contact: ${phone}`] : []),
  ...(kept.includes('email') ? [`E-mail, of another contact: ${email}`] : []),
];

/** What is shown beside a lead: that its contact in the CRM is another lead's as well, and the remark of its sync. */
export function shownRemark({
  remark,
  mergedWith,
}: {
  remark: string | null;
  mergedWith: string | null;
}): string | null {
  if (mergedWith === null) return remark;
  const merged = `Merged with ${mergedWith}: both are one contact in the CRM, which keeps one contact per phone and per e-mail address.`;
  return remark === null ? merged : `${merged} ${remark}`;
}

/** The hash of what the contact is after the call, by which the CRM's own report of it is recognized. */
export const answeredHash = (answered: ContactPerson | null, planned: string): string =>
  answered === null ? planned : personHash(answered);
