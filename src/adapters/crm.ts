import type { IncomingHttpHeaders } from 'node:http';
import type { CrmName } from '../config.ts';
import { PermanentError } from '../domain/errors.ts';

/** Calls to one account that the vendor allows, per interval and per UTC day. */
export type CrmLimits = { calls: number; intervalMs: number; perDay: number };

/**
 * A CRM, as the rest of the product knows it. Each has a folder in adapters/ that exports a function making one, and a
 * line in adapters/crms.ts. An account is what a token opens: a location of GoHighLevel, a portal of HubSpot.
 */
export type CrmVendor = {
  /** As in connections, inbox rows and paths. */
  readonly name: CrmName;
  /** As people read it in a sentence. */
  readonly label: string;
  /** Null: calls are not limited. */
  readonly limits: CrmLimits | null;
  /** The APIs a connection can speak; new connections speak the first. */
  readonly apis: readonly [CrmApi, ...CrmApi[]];
  /** Null: the installation has no app at the vendor, so accounts are connected by token only. */
  readonly oauth: CrmOauth | null;
  readonly webhook: CrmWebhook;
  /** Where people find what the settings page asks for. */
  readonly hints: CrmHints;
  /** Closes the kept-alive connections; calls in progress fail. */
  close(): void;
};

export type CrmApi = {
  readonly version: string;
  readonly label: string;
  /** A token of this API opens one account only; false: an operator must confirm which account it is for. */
  readonly tokenNamesAccount: boolean;
  /** The installation's token, for accounts without credentials; null: there is none. */
  readonly sharedToken: string | null;
  readonly gateway: CrmGateway;
};

export type CrmTokens = {
  accessToken: string;
  /** Good for one refresh: store it together with the access token before either is used. */
  refreshToken: string;
  expiresAt: Date;
  /** The account they open; null: not a single account. */
  accountId: string | null;
};

/**
 * OAuth with the installation's app. `exchange` and `refresh` throw PermanentError (`invalid_grant`: connect again),
 * TransientError (`account_inactive`: the refresh token is still good) or UnknownOutcomeError (no answer: the refresh
 * token may be spent).
 */
export type CrmOauth = {
  /** Origin of the consent page. */
  readonly origin: string;
  authorizeUrl(given: { redirectUri: string; state: string }): string;
  exchange(given: { code: string; redirectUri: string }): Promise<CrmTokens>;
  /** Spends the refresh token: one caller at a time per connection. */
  refresh(refreshToken: string): Promise<CrmTokens>;
};

/** What the CRM reported by a webhook. */
export type CrmEvent = CrmContactEvent | CrmAccountEvent;

type ReportedEvent = {
  /** Unique per event: the key to deduplicate by. */
  id: string;
  /** The vendor's name for it, for the inbox. */
  type: string;
  at: Date;
};

/** A change of a contact. */
export type CrmContactEvent = ReportedEvent & {
  about: 'contact';
  /** `update` and `consent` carry the contact as it is now; `other` (created, tagged) may do so. */
  change: 'update' | 'consent' | 'delete' | 'other';
  accountId: string;
  contactId: string | null;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  /** The contact wants no texts. Null: the event does not say. */
  smsOptOut: boolean | null;
};

/** `removed`: the account removed the installation's app. `other`: of no use here. */
export type CrmAccountEvent = ReportedEvent & {
  about: 'account';
  change: 'removed' | 'other';
  /** Null: an event of the vendor's agency, which has many accounts. */
  accountId: string | null;
};

export type CrmWebhook = {
  /** The status after which the vendor sends an event again. */
  readonly retryStatus: number;
  /** Older events are refused: longer than the vendor's own retries take. */
  readonly maxAgeMs: number;
  /** Whether the vendor signed this body. */
  verify(request: { headers: IncomingHttpHeaders; rawBody: Buffer }): boolean;
  /** Returns null for what is not an event, is older than `maxAgeMs` or lies in the future. */
  parse(body: unknown, now: Date, maxAgeMs: number): CrmEvent | null;
};

export type CrmHints = {
  /** The vendor's word for an account, in lower case. */
  account: string;
  accountId: string;
  token: string;
  limits: string;
  fields: string;
};

/** How much of an account's allowance is left, as the vendor said with its last answer. */
export type CrmQuota = {
  /** Calls per `intervalMs`, and how many of them are left now. */
  max: number;
  remaining: number;
  intervalMs: number;
  dailyMax: number | null;
  dailyRemaining: number | null;
};

/** The credentials of one call. */
export type CrmAccess = {
  accountId: string;
  /** OAuth access token, private token or API key. */
  token: string;
  /** Called after every answer that carries the quota, refusals included. */
  onQuota?: (quota: CrmQuota) => void;
};

/** What is written to a contact. Absent fields stay as they are there. Phones are E.164. */
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

/** Who a contact is, as the vendor's answer has it. */
export type CrmPerson = {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
};

/**
 * `adopted`: the vendor refused a duplicate and named the contact it has; nothing was written to it (`updateContact`
 * writes to it). `updated`: the contact existed, or the answer does not say.
 */
export type CrmUpserted = {
  contactId: string;
  outcome: 'created' | 'updated' | 'adopted';
  /** True when the answer says that the contact existed. */
  existed: boolean;
  /** The contact after the call, which may differ from what was written. Null: the answer does not say. */
  person: CrmPerson | null;
  /** The contact wants no messages on any channel; null: the answer does not say. */
  dnd: boolean | null;
};

/** A phone or e-mail address belongs to another contact. */
export class CrmConflict extends PermanentError {
  /** Null: the vendor does not say. */
  readonly field: 'phone' | 'email' | null;

  constructor(message: string, vendor: string, field: 'phone' | 'email' | null) {
    super(message, { vendor, code: 'conflict', vendorCode: 'duplicate' });
    this.field = field;
  }
}

export type CrmFoundContact = {
  contactId: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  tags: string[];
  /** The contact wants no messages on any channel. */
  dnd: boolean;
};

export type CrmField = { id: string; key: string; name: string; dataType: string };

/**
 * The calls of one API of a CRM. Each method is one HTTP request and does not retry. All throw PermanentError
 * (`unauthorized` on 401: refresh and try once more; `words` hold the vendor's message) or TransientError (429 with
 * `retryAfterMs`, burning no attempt; repeatable calls without an answer). The three marked so throw UnknownOutcomeError
 * when the answer is lost.
 */
export interface CrmGateway {
  /** Finds the contact by e-mail or phone and updates it, or creates it. Its tags stay as they are. */
  upsertContact(access: CrmAccess, contact: CrmContact): Promise<CrmUpserted>;
  /**
   * Creates a contact with its tags in one call; one that exists is adopted unchanged. Unknown outcome possible;
   * repeating is safe in an account that allows no duplicates. An API without such a call updates the contact it knows
   * and replaces its tags: use `upsertContact` there.
   */
  createContact(access: CrmAccess, contact: CrmContact, tags: string[]): Promise<CrmUpserted>;
  /** Throws CrmConflict when its phone or address is another contact's. */
  updateContact(access: CrmAccess, contactId: string, contact: CrmContact): Promise<void>;
  /** Adds to the contact's tags and returns all of them. */
  addTags(access: CrmAccess, contactId: string, tags: string[]): Promise<string[]>;
  /** Unknown outcome possible. */
  addNote(access: CrmAccess, contactId: string, body: string): Promise<void>;
  /** The texts of a contact's notes. */
  notes(access: CrmAccess, contactId: string): Promise<string[]>;
  /** Unknown outcome possible. */
  addToWorkflow(access: CrmAccess, contactId: string, workflowId: string): Promise<void>;
  /** By phone (E.164), e-mail or both. Returns null when there is none. */
  findContact(access: CrmAccess, by: { phone?: string; email?: string }): Promise<CrmFoundContact | null>;
  getContact(access: CrmAccess, contactId: string): Promise<CrmFoundContact | null>;
  customFields(access: CrmAccess): Promise<CrmField[]>;
  /** Makes a custom field for a line of text. Unknown outcome possible. Null: this API has no such call. */
  createField: ((access: CrmAccess, name: string) => Promise<CrmField>) | null;
  /** Closes the kept-alive connections; calls in progress fail. */
  close(): void;
}
