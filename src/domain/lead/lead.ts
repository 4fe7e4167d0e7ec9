import { maskContactData } from './mask.ts';

/** What anyone may see before paying. */
export interface PublicLead {
  city: string | null;
  serviceType: string | null;
  preferredTimeWindow: string | null;
  budgetRange: string | null;
  /** Phones, e-mails, links and addresses are already masked in it. */
  notesSnippet: string | null;
}

/** What is encrypted, and revealed only after a captured payment. */
export interface ContactDetails {
  name: string | null;
  phone: string | null;
  /** False: `phone` is what the client typed; it could not be parsed, and must never be texted. */
  phoneValid: boolean;
  email: string | null;
  address: string | null;
  /** The notes as written, before masking: the buyer who paid reads these. */
  notes: string | null;
}

export interface LeadDetails extends Omit<PublicLead, 'notesSnippet'>, Omit<ContactDetails, 'notes'> {
  notes: string | null;
}

/** Stands in for every contact field until it is paid for (docs/contracts.md). */
export const LOCKED = '***LOCKED***';

/** Sorts a lead into its two halves; the public half carries no way to reach the client. */
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
/** 252 = 7 × 36: bytes above it would make the first letters of the alphabet more likely. */
const UNBIASED_BELOW = 256 - (256 % ID_ALPHABET.length);

/** `lead_` + 8 of `[a-z0-9]`. Pass a cryptographic source; collisions are the caller's to retry. */
export function newLeadId(randomBytes: (count: number) => Uint8Array): string {
  let id = '';
  while (id.length < ID_LENGTH) {
    for (const byte of randomBytes(ID_LENGTH)) {
      if (byte < UNBIASED_BELOW && id.length < ID_LENGTH) id += ID_ALPHABET[byte % ID_ALPHABET.length];
    }
  }
  return `lead_${id}`;
}

/** Also the ids an upstream service brings along: `lead_` + 1 to 64 of `[A-Za-z0-9_]`, case kept. */
export function isLeadId(value: string): boolean {
  return /^lead_[A-Za-z0-9_]{1,64}$/.test(value);
}
