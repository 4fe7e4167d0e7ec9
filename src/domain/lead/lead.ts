import { maskContactData } from './mask.ts';

/** Fields that may be shown before payment. */
export interface PublicLead {
  city: string | null;
  serviceType: string | null;
  preferredTimeWindow: string | null;
  budgetRange: string | null;
  /** Phones, e-mails, links and addresses are masked. */
  notesSnippet: string | null;
}

/** Fields that are encrypted at rest and revealed only after a captured payment. */
export interface ContactDetails {
  name: string | null;
  phone: string | null;
  /** False when `phone` could not be parsed: it is then what the client typed and must never be texted. */
  phoneValid: boolean;
  email: string | null;
  address: string | null;
  /** Notes as written, without masking; shown to the buyer who paid. */
  notes: string | null;
}

export interface LeadDetails extends Omit<PublicLead, 'notesSnippet'>, Omit<ContactDetails, 'notes'> {
  notes: string | null;
}

/** Shown in place of every contact field until the lead is paid for (docs/contracts.md). */
export const LOCKED = '***LOCKED***';

/** Splits a lead into its public and its locked part. Contact data in public text is masked. */
export function splitLead(lead: LeadDetails): { public: PublicLead; contact: ContactDetails } {
  const {
    city,
    serviceType,
    preferredTimeWindow,
    budgetRange,
    name,
    phone,
    phoneValid,
    email,
    address,
    notes,
  } = lead;
  return {
    public: {
      city: masked(city),
      serviceType: masked(serviceType),
      preferredTimeWindow: masked(preferredTimeWindow),
      budgetRange: masked(budgetRange),
      notesSnippet: masked(notes),
    },
    contact: { name, phone, phoneValid, email, address, notes },
  };
}

const masked = (text: string | null): string | null => (text === null ? null : maskContactData(text));

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 8;
/** 252 = 7 × 36. Bytes from 252 up are rejected: they would make the first letters of the alphabet more likely. */
const UNBIASED_BELOW = 256 - (256 % ID_ALPHABET.length);

/** Returns `lead_` + 8 characters of `[a-z0-9]`. `randomBytes` must be cryptographic. The caller retries collisions. */
export function newLeadId(randomBytes: (count: number) => Uint8Array): string {
  let id = '';
  while (id.length < ID_LENGTH) {
    for (const byte of randomBytes(ID_LENGTH)) {
      if (byte < UNBIASED_BELOW && id.length < ID_LENGTH) id += ID_ALPHABET[byte % ID_ALPHABET.length];
    }
  }
  return `lead_${id}`;
}

/** Our own ids and those of upstream services, case-sensitive. */
export const leadIdPattern = /^lead_[A-Za-z0-9_]{1,64}$/;
