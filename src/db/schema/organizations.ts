import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { PriceFloors } from '../../domain/lead/terms.ts';
import { users } from './auth.ts';
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
    /** Lowest price of an offer per currency, in minor units. Unless empty, other currencies are refused. */
    priceFloors: jsonb('price_floors').$type<PriceFloors>().notNull().default({}),
    /** Share of every queue, as a multiple of the others'. */
    queueWeight: integer('queue_weight').notNull().default(1),
    /** Limits that replace those of the table of quotas, by name; null for none. */
    quotas: jsonb().$type<Record<string, number>>(),
    /** Its members need a second factor. */
    requiresTwoFactor: boolean('requires_two_factor').notNull().default(false),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    check('organizations_queue_weight', sql`${t.queueWeight} between 1 and 100`),
    index('organizations_weighted').on(t.queueWeight).where(sql`queue_weight <> 1`),
  ],
);

/** What processes count together, without a Redis. Unlogged: a crash of the server empties it. */
export const quotaCounters = pgTable(
  'quota_counters',
  {
    /** The counter's name and a keyed hash: neither address, phone number nor e-mail is stored. */
    key: text().primaryKey(),
    used: bigint({ mode: 'number' }).notNull().default(0),
    /** Places in use: the time at which each is free again, by its id. */
    places: jsonb().$type<Record<string, number>>().notNull().default({}),
    expiresAt: moment('expires_at').notNull(),
  },
  (t) => [index('quota_counters_expired').on(t.expiresAt)],
);

export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id').references(() => organizations.id),
    owner: text().notNull(),
    /** Of a supplier's key: the supplier, whose leads alone it offers and reads. Several keys may name one. */
    supplierId: uuid('supplier_id'),
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
    check('api_keys_supplier', sql`(${t.owner} = 'supplier') = (${t.supplierId} is not null)`),
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
    /** Offers and alerts are texted to it; a buyer without one is no provider of the pay-per-unlock API. */
    phone: text(),
    /** Whether the organization has set or confirmed the phone. One that a buyer typed may belong to another person. */
    phoneConfirmed: boolean('phone_confirmed').notNull().default(true),
    email: text(),
    language: text(),
    active: text().notNull().default('active'),
    flaggedAt: moment('flagged_at'),
    /** How many of its payments are a reason for the flag. */
    flags: integer().notNull().default(0),
    /** The person who registered it; null when no person signs in for it. */
    userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
    companyName: text('company_name'),
    /** IANA name; null for the seller's. */
    timeZone: text('time_zone'),
    /** Weight in WEIGHTED_ROUND_ROBIN, 1 to 10. */
    priority: integer().notNull().default(5),
    /** Most spent in a calendar month and an ISO week, in cents; null for no limit. */
    monthlySpendingLimitMinor: bigint('monthly_spending_limit_minor', { mode: 'number' }),
    weeklySpendingLimitMinor: bigint('weekly_spending_limit_minor', { mode: 'number' }),
    autoRechargeEnabled: boolean('auto_recharge_enabled').notNull().default(false),
    /** In cents; null until the buyer sets them. */
    autoRechargeThresholdMinor: bigint('auto_recharge_threshold_minor', { mode: 'number' }),
    autoRechargeAmountMinor: bigint('auto_recharge_amount_minor', { mode: 'number' }),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    unique('buyers_of').on(t.organizationId, t.id),
    uniqueIndex('buyers_external_id').on(t.organizationId, t.externalId),
    uniqueIndex('buyers_user').on(t.userId, t.organizationId),
    index('buyers_newest').on(t.organizationId, t.createdAt, t.id, t.active),
    index('buyers_phone').on(t.phone),
    check('buyers_active', sql`${t.active} in ('active', 'inactive')`),
    check('buyers_priority', sql`${t.priority} between 1 and 10`),
    check(
      'buyers_limits',
      sql`least(${t.monthlySpendingLimitMinor}, ${t.weeklySpendingLimitMinor}, ${t.autoRechargeThresholdMinor}, ${t.autoRechargeAmountMinor}) > 0`,
    ),
    check('buyers_phone_e164', sql`${t.phone} ~ '^\\+[1-9][0-9]{6,14}$'`),
  ],
);

/** One conversation: (our number, their phone), across organizations. A claim of a text locks its row. */
export const phones = pgTable(
  'phones',
  {
    id: uuid().primaryKey(),
    ourNumber: text('our_number').notNull(),
    number: text().notNull(),
    /** The carrier reported the opt-out: no organization may text the number. */
    optedOutAt: moment('opted_out_at'),
    /** The organizations that reported the opt-out themselves and may not text the number. */
    optedOutOf: uuid('opted_out_of').array().notNull().default(sql`'{}'`),
    /** When each of them did, by its id. */
    optedOutSince: jsonb('opted_out_since').$type<Record<string, string>>().notNull().default({}),
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
