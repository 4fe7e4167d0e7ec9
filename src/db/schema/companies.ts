import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { memberRoles } from '../../domain/account/roles.ts';
import { syncStatuses } from '../../domain/crm/sync-status.ts';
import { importStatuses } from '../../domain/imports/status.ts';
import { users } from './auth.ts';
import { moment, quoted, sealed } from './columns.ts';
import { leads } from './leads.ts';
import { buyers, organizations } from './organizations.ts';

/** An organization that brings leads of its own into its CRM. */
export const companies = pgTable(
  'companies',
  {
    organizationId: uuid('organization_id')
      .primaryKey()
      .references(() => organizations.id),
    ownerName: text('owner_name').notNull(),
    ownerEmail: text('owner_email').notNull(),
    ownerPhone: text('owner_phone').notNull(),
    /** ISO 3166: how phones without a country code are read. */
    defaultRegion: text('default_region').notNull().default('US'),
    /** A phone that came this recently is a repetition. 0: never. */
    dedupeWindowMs: bigint('dedupe_window_ms', { mode: 'number' }).notNull().default(2_592_000_000),
    /** Put on every contact beside its own. */
    tags: text().array().notNull().default(sql`'{old_lead_reactivation}'`),
    /** The CRM's `source` where a lead names none. */
    sourceLabel: text('source_label'),
    /** Our name of a custom column (or `notes`) -> the CRM's field id. */
    fieldMapping: jsonb('field_mapping').$type<Record<string, string>>().notNull().default({}),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('companies_owner_email').on(sql`lower(${t.ownerEmail})`),
    check('companies_window', sql`${t.dedupeWindowMs} >= 0`),
  ],
);

/** A company's way into its location of the CRM. */
export const crmConnections = pgTable(
  'crm_connections',
  {
    organizationId: uuid('organization_id')
      .primaryKey()
      .references(() => organizations.id),
    locationId: text('location_id').notNull(),
    apiVersion: text('api_version').notNull().default('v2'),
    /** `token`: a private token or v1 key. `oauth`: rotated, single-use refresh token. */
    kind: text().notNull().default('token'),
    /** `{accessToken, refreshToken?}`; null: not connected yet. */
    credentials: sealed(),
    accessExpiresAt: moment('access_expires_at'),
    /** Raised by each change of the credentials: whoever was refused with older ones simply reads again. */
    credentialsVersion: integer('credentials_version').notNull().default(0),
    /** Of the location's calls per ten seconds, ours: other programs may share it. Percent. */
    rateShare: integer('rate_share').notNull().default(100),
    /** Somebody spends the refresh token until then; everybody else waits for the next version. */
    refreshingUntil: moment('refreshing_until'),
    pausedAt: moment('paused_at'),
    pauseReason: text('pause_reason'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('crm_connections_location').on(t.locationId),
    check('crm_connections_version', sql`${t.apiVersion} in ('v2', 'v1')`),
    check('crm_connections_kind', sql`${t.kind} in ('token', 'oauth')`),
    check('crm_connections_share', sql`${t.rateShare} between 1 and 100`),
  ],
);

/**
 * The location's allowance: so many rows as calls per interval, each taken by at most one call per interval. So no
 * window of that length, wherever it begins, holds more calls than rows.
 */
export const crmCallSlots = pgTable(
  'crm_call_slots',
  {
    locationId: text('location_id').notNull(),
    slot: integer().notNull(),
    takenAt: moment('taken_at').notNull(),
  },
  // No index by time: a location has a hundred rows, and taking one then leaves every index as it is.
  (t) => [primaryKey({ columns: [t.locationId, t.slot] })],
);

/** Calls per location and UTC day, of our own count and as the vendor says. */
export const crmCallDays = pgTable(
  'crm_call_days',
  {
    locationId: text('location_id').notNull(),
    day: text().notNull(),
    calls: integer().notNull().default(0),
    /** What the vendor said is left. */
    remaining: integer(),
  },
  (t) => [primaryKey({ columns: [t.locationId, t.day] })],
);

/** Rows of this worker and organization stay in the outbox until then (`infinity`: until somebody lifts it). */
export const workerHolds = pgTable(
  'worker_holds',
  {
    worker: text().notNull(),
    organizationId: uuid('organization_id').notNull(),
    until: moment('until').notNull(),
    reason: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.worker, t.organizationId] })],
);

/** Who may sign in for which organization, and as what. */
export const members = pgTable(
  'members',
  {
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: text().notNull(),
    /** Whose people a `buyer` and a `supplier` are. */
    buyerId: uuid('buyer_id').references(() => buyers.id),
    supplierId: uuid('supplier_id'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.organizationId] }),
    index('members_organization').on(t.organizationId),
    check('members_role', sql`${t.role} in (${quoted(memberRoles)})`),
    check(
      'members_of',
      sql`(${t.role} = 'buyer') = (${t.buyerId} is not null) and (${t.role} = 'supplier') = (${t.supplierId} is not null)`,
    ),
  ],
);

/** The newest lead of a phone within a company: what makes a repetition one, also of two uploads at once. */
export const knownPhones = pgTable(
  'known_phones',
  {
    organizationId: uuid('organization_id').notNull(),
    phoneHash: text('phone_hash').notNull(),
    leadId: uuid('lead_id').notNull(),
    seenAt: moment('seen_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.phoneHash] })],
);

/** One file on its way in: kept whole first, then read row by row. */
export const imports = pgTable(
  'imports',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    status: text().notNull(),
    fileName: text('file_name').notNull(),
    /** SHA-256 of its bytes; null while uploading. */
    fileHash: text('file_hash'),
    bytes: bigint({ mode: 'number' }).notNull().default(0),
    chunks: integer().notNull().default(0),
    /** What the uploader said of the file: `{encoding?, delimiter?}`. */
    dialect: jsonb().$type<{ encoding?: string; delimiter?: string }>().notNull().default({}),
    /** Target of each column; null: not settled. */
    mapping: jsonb().$type<(string | null)[]>(),
    header: jsonb().$type<string[]>(),
    /** The row the next batch begins at: what lies before is committed. The header is row 1. */
    nextRow: integer('next_row').notNull().default(0),
    totalRows: integer('total_rows').notNull().default(0),
    created: integer().notNull().default(0),
    duplicates: integer().notNull().default(0),
    rejected: integer().notNull().default(0),
    /** Why it failed, in a sentence for people. */
    problem: text(),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Its last sign of life: a piece of the file, a batch of rows. */
    updatedAt: moment('updated_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
  },
  (t) => [
    index('imports_newest').on(t.organizationId, t.createdAt, t.id),
    index('imports_file').on(t.organizationId, t.fileHash),
    index('imports_unfinished').on(t.updatedAt).where(sql`status in ('uploading', 'ready')`),
    check('imports_status', sql`${t.status} in (${quoted(importStatuses)})`),
  ],
);

/** The file's bytes, sealed; gone once it was read to its end. */
export const importChunks = pgTable(
  'import_chunks',
  {
    importId: uuid('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    number: integer().notNull(),
    bytes: integer().notNull(),
    body: sealed().notNull(),
  },
  (t) => [primaryKey({ columns: [t.importId, t.number] })],
);

/** Rows that were not taken, with the reasons; the cells are sealed. */
export const importRejects = pgTable(
  'import_rejects',
  {
    importId: uuid('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    row: integer().notNull(),
    cells: sealed().notNull(),
    errors: jsonb().$type<Record<string, string[]>>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.importId, t.row] })],
);

/** How the company mapped columns of this header before. */
export const rememberedMappings = pgTable(
  'remembered_mappings',
  {
    organizationId: uuid('organization_id').notNull(),
    headerKey: text('header_key').notNull(),
    mapping: jsonb().$type<(string | null)[]>().notNull(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.headerKey] })],
);

/** What became of an uploaded lead in the CRM. Not there: nobody has begun (pending). */
export const leadSyncs = pgTable(
  'lead_syncs',
  {
    leadId: uuid('lead_id')
      .primaryKey()
      .references(() => leads.id),
    organizationId: uuid('organization_id').notNull(),
    importId: uuid('import_id'),
    status: text().notNull(),
    attempts: integer().notNull().default(0),
    /** The process that had it last. */
    worker: text(),
    contactId: text('contact_id'),
    /** What we wrote last, hashed: the CRM's own report of it is no news. */
    writtenHash: text('written_hash'),
    errorCode: text('error_code'),
    /** The vendor's words, for people. */
    error: text(),
    /** The contact's consent as the CRM tells it. */
    dnd: boolean(),
    /** When the CRM said what it last told of the contact: older news are none. */
    toldAt: moment('told_at'),
    startedAt: moment('started_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    index('lead_syncs_status').on(t.organizationId, t.status, t.updatedAt),
    index('lead_syncs_import').on(t.importId, t.status),
    index('lead_syncs_contact').on(t.organizationId, t.contactId),
    check('lead_syncs_status', sql`${t.status} in (${quoted(syncStatuses)})`),
  ],
);
