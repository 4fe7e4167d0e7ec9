import { sql } from 'drizzle-orm';
import { check, index, integer, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';

export const organizations = pgTable(
  'organizations',
  {
    id: uuid().primaryKey(),
    /** The `company_id` of older clients. */
    number: integer().generatedAlwaysAsIdentity().unique(),
    name: text().notNull(),
    slug: text().notNull().unique(),
    /** Last paragraph of a reveal. */
    footer: text().notNull(),
    language: text().notNull().default('en'),
    supportContact: text('support_contact').notNull(),
    smsPerDay: integer('sms_per_day').notNull().default(10_000),
    smsPerNumberHour: integer('sms_per_number_hour').notNull().default(20),
    /** Share of every queue, as a multiple of the others'. */
    queueWeight: integer('queue_weight').notNull().default(1),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    check('organizations_queue_weight', sql`${t.queueWeight} between 1 and 100`),
    index('organizations_weighted').on(t.queueWeight).where(sql`queue_weight <> 1`),
  ],
);

export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id').references(() => organizations.id),
    owner: text().notNull(),
    name: text().notNull(),
    /** First characters, to recognise the key by. Only the SHA-256 of the key is stored. */
    prefix: text().notNull(),
    hash: text().notNull().unique(),
    scopes: text().array().notNull(),
    /** Id of the user or the key that made it; null when it was made on the command line. */
    createdBy: text('created_by'),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastUsedAt: moment('last_used_at'),
    revokedAt: moment('revoked_at'),
  },
  (t) => [
    check('api_keys_owner', sql`${t.owner} in ('organization', 'supplier', 'operator')`),
    check('api_keys_owned', sql`${t.owner} = 'operator' or ${t.organizationId} is not null`),
    index('api_keys_organization').on(t.organizationId),
    index('api_keys_created_by').on(t.createdBy).where(sql`created_by is not null`),
  ],
);

export const buyers = pgTable(
  'buyers',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    /** The `provider_id` of the pay-per-unlock API. */
    externalId: text('external_id').notNull(),
    name: text(),
    phone: text().notNull(),
    email: text(),
    language: text(),
    active: text().notNull().default('active'),
    flaggedAt: moment('flagged_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('buyers_external_id').on(t.organizationId, t.externalId),
    index('buyers_phone').on(t.phone),
    check('buyers_active', sql`${t.active} in ('active', 'inactive')`),
    check('buyers_phone_e164', sql`${t.phone} ~ '^\\+[1-9][0-9]{6,14}$'`),
  ],
);

/** One conversation: (our number, their phone). Opt-outs and reply routing live here, across organizations. */
export const phones = pgTable(
  'phones',
  {
    id: uuid().primaryKey(),
    ourNumber: text('our_number').notNull(),
    number: text().notNull(),
    optedOutAt: moment('opted_out_at'),
    badNumberAt: moment('bad_number_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [uniqueIndex('phones_conversation').on(t.ourNumber, t.number)],
);

/** Texts posted per organization and day, in 16 shards so that parallel sends do not contend for one row. */
export const smsCounters = pgTable(
  'sms_counters',
  {
    organizationId: uuid('organization_id').notNull(),
    day: text().notNull(),
    shard: integer().notNull(),
    sent: integer().notNull(),
  },
  (t) => [uniqueIndex('sms_counters_shard').on(t.organizationId, t.day, t.shard)],
);
