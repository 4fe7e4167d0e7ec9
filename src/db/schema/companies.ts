import { sql } from 'drizzle-orm';
import {
  bigint,
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
import { type MemberRole, memberRoles } from '../../domain/account/roles.ts';
import { importStatuses } from '../../domain/imports/status.ts';
import { users } from './auth.ts';
import { moment, quoted, sealed } from './columns.ts';
import { buyers, organizations } from './organizations.ts';

/** An organization that uploads its own leads to its CRM. */
export const companies = pgTable(
  'companies',
  {
    organizationId: uuid('organization_id')
      .primaryKey()
      .references(() => organizations.id),
    ownerName: text('owner_name').notNull(),
    ownerEmail: text('owner_email').notNull(),
    ownerPhone: text('owner_phone').notNull(),
    /** ISO 3166: default country for phones without a country code. */
    defaultRegion: text('default_region').notNull().default('US'),
    /** A phone seen within this window is a duplicate. 0 disables deduplication. */
    dedupeWindowMs: bigint('dedupe_window_ms', { mode: 'number' }).notNull().default(2_592_000_000),
    /** Added to every contact in addition to its own tags. */
    tags: text().array().notNull().default(sql`'{old_lead_reactivation}'`),
    /** Default for the CRM's `source` when a lead has none. */
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

/** Rows of this worker and organization stay in the outbox until then (`infinity`: until released). */
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

/** Users of an organization and their roles. */
export const members = pgTable(
  'members',
  {
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: text().$type<MemberRole>().notNull(),
    /** The buyer or supplier that a member with this role belongs to. */
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

/**
 * An invitation of a person to an organization, by mail. Its token is recomputed from the id, so none is stored; it works
 * once, until it expires, and for that e-mail address alone.
 */
export const invitations = pgTable(
  'invitations',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    email: text().notNull(),
    name: text().notNull(),
    role: text().$type<MemberRole>().notNull(),
    buyerId: uuid('buyer_id').references(() => buyers.id),
    supplierId: uuid('supplier_id'),
    /** Id of the user who invited; null when it was made on the command line. */
    invitedBy: uuid('invited_by'),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
    acceptedAt: moment('accepted_at'),
    revokedAt: moment('revoked_at'),
  },
  (t) => [
    index('invitations_organization').on(t.organizationId, t.createdAt),
    uniqueIndex('invitations_open')
      .on(t.organizationId, t.email)
      .where(sql`accepted_at is null and revoked_at is null`),
    check('invitations_role', sql`${t.role} in (${quoted(memberRoles)})`),
    check('invitations_email_lower', sql`${t.email} = lower(${t.email})`),
    check(
      'invitations_of',
      sql`(${t.role} = 'buyer') = (${t.buyerId} is not null) and (${t.role} = 'supplier') = (${t.supplierId} is not null)`,
    ),
  ],
);

/** The newest lead of a phone within a company: deduplicates leads, also across concurrent uploads. */
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

/** One uploaded file: stored completely first, then read row by row. */
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
    /** File options given by the uploader: `{encoding?, delimiter?, headerRow?}`. */
    dialect: jsonb()
      .$type<{ encoding?: string; delimiter?: string; headerRow?: number }>()
      .notNull()
      .default({}),
    /** The file options as given or detected. Null in imports of older releases, whose first row that is not blank is the header. */
    readAs: jsonb('read_as').$type<{
      encoding: string;
      delimiter: string;
      headerRow: number;
      otherEncodings: string[];
    }>(),
    /** Target of each column; null while the mapping is incomplete. */
    mapping: jsonb().$type<(string | null)[]>(),
    header: jsonb().$type<string[]>(),
    /** First row of the next batch; all rows before it are committed. The header is row 1. */
    nextRow: integer('next_row').notNull().default(0),
    totalRows: integer('total_rows').notNull().default(0),
    created: integer().notNull().default(0),
    duplicates: integer().notNull().default(0),
    rejected: integer().notNull().default(0),
    /** Rejected rows that were stored; the others are only counted. */
    rejectsKept: integer('rejects_kept').notNull().default(0),
    /** Rejected rows that were not stored, by reason. */
    rejectReasons: jsonb('reject_reasons').$type<Record<string, number>>().notNull().default({}),
    /** Leads that were stored with a warning, by the field it is about. */
    warnings: jsonb().$type<Record<string, number>>().notNull().default({}),
    /** Reason of the failure, as a sentence for users. */
    problem: text(),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Last progress: a stored chunk of the file or a committed batch of rows. */
    updatedAt: moment('updated_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    /** When its file was read, or given up. A later stop of the sending does not change it. */
    endedAt: moment('ended_at'),
    /** The status before its sending was stopped, when the file had been read or had failed by then. */
    stoppedFrom: text('stopped_from').$type<'done' | 'failed'>(),
    /** When its leads were last kept from the CRM by a person; null while they are sent. */
    stoppedAt: moment('stopped_at'),
    /** When its leads were last sent again after a stop. A cancelled import with this time is being sent. */
    resumedAt: moment('resumed_at'),
  },
  (t) => [
    index('imports_newest').on(t.organizationId, t.createdAt, t.id),
    index('imports_file').on(t.organizationId, t.fileHash),
    index('imports_running').on(t.organizationId, t.startedAt, t.id).where(sql`status = 'running'`),
    index('imports_unfinished').on(t.updatedAt).where(sql`status in ('uploading', 'ready')`),
    check('imports_status', sql`${t.status} in (${quoted(importStatuses)})`),
    check('imports_stopped_from', sql`${t.stoppedFrom} in ('done', 'failed')`),
  ],
);

/** The file's bytes, sealed; deleted when the import ends. */
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

/** Rejected rows with the reasons; the cells are sealed. */
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

/** The company's previous mapping for this header. */
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
