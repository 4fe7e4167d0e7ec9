import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { CrmName } from '../../config.ts';
import { syncStatuses } from '../../domain/crm/sync-status.ts';
import { moment, quoted, sealed } from './columns.ts';
import { leads } from './leads.ts';
import { buyers, organizations } from './organizations.ts';

/** An account of a CRM, owned by an organization or, with `buyer_id`, by one of its buyers. */
export const crmConnections = pgTable(
  'crm_connections',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    /** Null for the organization's own connection. */
    buyerId: uuid('buyer_id').references(() => buyers.id),
    /** Its name in adapters/crms.ts. No CHECK: a new CRM needs no migration. */
    vendor: text().$type<CrmName>().notNull(),
    /** The vendor's id of the account: a location of GoHighLevel. */
    accountId: text('account_id').notNull(),
    /** One of the vendor's `apis`. */
    apiVersion: text('api_version').notNull().default('v2'),
    /** `token`: a private token or an API key. `oauth`: an access token with a rotated, single-use refresh token. */
    kind: text().notNull().default('token'),
    /** `{accessToken, refreshToken?}`; null until connected. */
    credentials: sealed(),
    accessExpiresAt: moment('access_expires_at'),
    /** Incremented by each change of the credentials: a run refused with older ones reads them again. */
    credentialsVersion: integer('credentials_version').notNull().default(0),
    /** Percent of the account's rate limit that leadgate may use; other programs may share the account. */
    rateShare: integer('rate_share').notNull().default(100),
    /** Lease of the process that uses the refresh token; the others wait for the next version. */
    refreshingUntil: moment('refreshing_until'),
    pausedAt: moment('paused_at'),
    pauseReason: text('pause_reason'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('crm_connections_account').on(t.vendor, t.accountId),
    // Each owner has one connection.
    uniqueIndex('crm_connections_organization').on(t.organizationId).where(sql`buyer_id is null`),
    uniqueIndex('crm_connections_buyer').on(t.buyerId).where(sql`buyer_id is not null`),
    check('crm_connections_kind', sql`${t.kind} in ('token', 'oauth')`),
    check('crm_connections_share', sql`${t.rateShare} between 1 and 100`),
  ],
);

/**
 * The rate limit of an account: one row per call of an interval, each taken by at most one call per interval. So no
 * window of that length contains more calls than there are rows.
 */
export const crmCallSlots = pgTable(
  'crm_call_slots',
  {
    vendor: text().$type<CrmName>().notNull(),
    accountId: text('account_id').notNull(),
    slot: integer().notNull(),
    takenAt: moment('taken_at').notNull(),
  },
  // No index by time: an account has a hundred rows, and taking one then changes no index.
  (t) => [primaryKey({ columns: [t.vendor, t.accountId, t.slot] })],
);

/** Calls per account and UTC day, as counted here and as the vendor reports. */
export const crmCallDays = pgTable(
  'crm_call_days',
  {
    vendor: text().$type<CrmName>().notNull(),
    accountId: text('account_id').notNull(),
    day: text().notNull(),
    calls: integer().notNull().default(0),
    /** Remaining calls as reported by the vendor. */
    remaining: integer(),
  },
  (t) => [primaryKey({ columns: [t.vendor, t.accountId, t.day] })],
);

/**
 * Which lead is written to an account with an e-mail address, because a CRM keeps one contact per address. Leads of the
 * same person (the same phone) may be written with it as well; all others are written without it.
 */
export const crmAddresses = pgTable(
  'crm_addresses',
  {
    vendor: text().$type<CrmName>().notNull(),
    accountId: text('account_id').notNull(),
    emailHash: text('email_hash').notNull(),
    leadId: uuid('lead_id').notNull(),
    /** The lead's `phone_hash`; its id when it has no phone. */
    person: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.vendor, t.accountId, t.emailHash] })],
);

/** The sync of a lead to a connection. No row: not started (pending). */
export const leadSyncs = pgTable(
  'lead_syncs',
  {
    leadId: uuid('lead_id')
      .notNull()
      .references(() => leads.id),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => crmConnections.id),
    organizationId: uuid('organization_id').notNull(),
    importId: uuid('import_id'),
    status: text().notNull(),
    attempts: integer().notNull().default(0),
    /** The process that last ran the sync. */
    worker: text(),
    contactId: text('contact_id'),
    /** Hash of the last write, to recognize the CRM's webhook about it. */
    writtenHash: text('written_hash'),
    errorCode: text('error_code'),
    /** The vendor's error message, shown to users. */
    error: text(),
    /** What people should know of a lead that is in the CRM: what was left out, or what the CRM kept. */
    remark: text(),
    /** The contact's consent, as the CRM reported it. */
    dnd: boolean(),
    /** Time of the newest contact update that was applied. Updates older than this are ignored. */
    contactUpdatedAt: moment('contact_updated_at'),
    startedAt: moment('started_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.leadId, t.connectionId] }),
    index('lead_syncs_status').on(t.connectionId, t.status, t.updatedAt),
    index('lead_syncs_import').on(t.importId, t.status),
    index('lead_syncs_contact').on(t.connectionId, t.contactId),
    check('lead_syncs_status', sql`${t.status} in (${quoted(syncStatuses)})`),
  ],
);
