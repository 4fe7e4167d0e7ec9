/** How much of a location's allowance is left, as the vendor said with its last answer. */
export type CrmQuota = {
  /** Calls per `intervalMs`, and how many of them are left now. */
  max: number;
  remaining: number;
  intervalMs: number;
  dailyMax: number | null;
  dailyRemaining: number | null;
};

/** One company's way into its location. */
export type CrmAccess = {
  locationId: string;
  /** OAuth access token, private token or (v1) location key. */
  token: string;
  /** Told after every answer that carries it, refusals too. */
  onQuota?: (quota: CrmQuota) => void;
};

/** What we write on a contact. Absent: left as it is there. Phones are E.164. */
export type CrmContact = {
  firstName?: string;
  lastName?: string;
  email?: string;
  phone?: string;
  address1?: string;
  city?: string;
  state?: string;
  postalCode?: string;
  country?: string;
  companyName?: string;
  website?: string;
  source?: string;
  /** By the vendor's field id. */
  customFields?: Record<string, string | number | boolean>;
};

/**
 * `adopted`: the vendor refused a duplicate and named the contact it has; nothing of ours was written to it
 * (`updateContact` would).
 */
export type CrmUpserted = {
  contactId: string;
  outcome: 'created' | 'updated' | 'adopted';
  /** Wants no messages on any channel; null: the answer does not say. */
  dnd: boolean | null;
};

export type CrmFoundContact = {
  contactId: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  tags: string[];
  /** Wants no messages on any channel. */
  dnd: boolean;
};

export type CrmField = { id: string; key: string; name: string; dataType: string };

/**
 * The one way into a CRM. Each method is one call of the vendor's API and is never repeated by itself. All throw
 * PermanentError (`unauthorized` on 401: refresh and try once more; `words` hold the vendor's own) or TransientError
 * (429 with `retryAfterMs`, burning no attempt; what can be repeated and got no answer). The three marked so throw
 * UnknownOutcomeError where a lost answer leaves open whether it happened.
 */
export interface CrmGateway {
  readonly vendor: 'ghl';
  readonly version: 'v2' | 'v1';
  /** Finds the contact by e-mail or phone and writes to it, or makes it. Its tags stay as they are. */
  upsertContact(access: CrmAccess, contact: CrmContact): Promise<CrmUpserted>;
  /**
   * Makes a contact with its tags in a single call; one that exists is adopted untouched. Unknown outcome possible; in a
   * location that allows no duplicates repeating is safe all the same. v1 has no such call: there it updates a known
   * contact and replaces its tags, so use `upsertContact`.
   */
  createContact(access: CrmAccess, contact: CrmContact, tags: string[]): Promise<CrmUpserted>;
  updateContact(access: CrmAccess, contactId: string, contact: CrmContact): Promise<void>;
  /** Adds to the contact's own tags; answers all of them. */
  addTags(access: CrmAccess, contactId: string, tags: string[]): Promise<string[]>;
  /** Unknown outcome possible. */
  addNote(access: CrmAccess, contactId: string, body: string): Promise<void>;
  /** The texts of a contact's notes. */
  notes(access: CrmAccess, contactId: string): Promise<string[]>;
  /** Unknown outcome possible. */
  addToWorkflow(access: CrmAccess, contactId: string, workflowId: string): Promise<void>;
  /** By phone (E.164), e-mail or both; null: there is none. */
  findContact(access: CrmAccess, by: { phone?: string; email?: string }): Promise<CrmFoundContact | null>;
  getContact(access: CrmAccess, contactId: string): Promise<CrmFoundContact | null>;
  customFields(access: CrmAccess): Promise<CrmField[]>;
  /** Ends the kept-alive connections; calls under way fail. */
  close(): void;
}
