import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import {
  type CampaignStatus,
  campaignStatuses,
  type DistributionLogic,
  distributionLogics,
} from '../../domain/marketplace/campaign.ts';
import type { CategoryField } from '../../domain/marketplace/category-fields.ts';
import {
  type Considered,
  type DistributionStatus,
  distributionStatuses,
} from '../../domain/marketplace/distribution.ts';
import { type PartyStatus, partyStatuses } from '../../domain/marketplace/party.ts';
import {
  type ShortWalletChoice,
  type SubscriptionStatus,
  shortWalletChoices,
  subscriptionStatuses,
} from '../../domain/marketplace/subscription.ts';
import { moment, quoted } from './columns.ts';
import { leads } from './leads.ts';
import { buyers, organizations } from './organizations.ts';

/*
 * Foreign keys between these tables include the organization, so that the database itself refuses a row that joins two
 * organizations.
 */

/** An organization that sells leads through campaigns. Its name is the organization's. */
export const sellers = pgTable(
  'sellers',
  {
    organizationId: uuid('organization_id')
      .primaryKey()
      .references(() => organizations.id),
    contactName: text('contact_name').notNull(),
    /** Buyers register with it. Replaced by a new one, it is worth nothing. */
    inviteCode: text('invite_code').notNull().unique(),
    inviteCodeAt: moment('invite_code_at').notNull().defaultNow(),
    /** Added to what texts and e-mails cost, in hundredths of a percent. */
    smsMarkupBasisPoints: integer('sms_markup_basis_points').notNull().default(2_000),
    emailMarkupBasisPoints: integer('email_markup_basis_points').notNull().default(1_500),
    platformFeeBasisPoints: integer('platform_fee_basis_points').notNull().default(500),
    /** IANA name. Days of caps begin by it unless a buyer has a zone of its own. */
    timeZone: text('time_zone').notNull().default('America/New_York'),
    branding: jsonb().$type<Record<string, string>>().notNull().default({}),
    trialEndsAt: moment('trial_ends_at').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    check('sellers_invite_code', sql`${t.inviteCode} ~ '^[A-Z0-9]{8}$'`),
    check(
      'sellers_shares',
      sql`${t.smsMarkupBasisPoints} between 0 and 100000 and ${t.emailMarkupBasisPoints} between 0 and 100000 and ${t.platformFeeBasisPoints} between 0 and 10000`,
    ),
  ],
);

/** A kind of leads and the values that each of them has. */
export const categories = pgTable(
  'categories',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    name: text().notNull(),
    description: text(),
    fields: jsonb().$type<CategoryField[]>().notNull(),
    isActive: boolean('is_active').notNull().default(true),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    unique('categories_of').on(t.organizationId, t.id),
    uniqueIndex('categories_name').on(t.organizationId, sql`lower(${t.name})`),
    check('categories_fields', sql`jsonb_typeof(${t.fields}) = 'array'`),
  ],
);

/** A category sold at a price by one distribution logic. */
export const campaigns = pgTable(
  'campaigns',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    categoryId: uuid('category_id').notNull(),
    name: text().notNull(),
    description: text(),
    /** Price of a lead, in cents. */
    priceMinor: integer('price_minor').notNull(),
    distributionLogic: text('distribution_logic').$type<DistributionLogic>().notNull(),
    allowStateSelection: boolean('allow_state_selection').notNull().default(true),
    status: text().$type<CampaignStatus>().notNull().default('ACTIVE'),
    /** How many buyers may buy one lead of a BROADCAST; null for every eligible one. */
    maxSales: integer('max_sales'),
    leadTtlHours: integer('lead_ttl_hours').notNull().default(72),
    /** Within how many days a buyer does not buy the same person again. */
    repeatWindowDays: integer('repeat_window_days').notNull().default(30),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    unique('campaigns_of').on(t.organizationId, t.id),
    foreignKey({
      name: 'campaigns_category_fk',
      columns: [t.organizationId, t.categoryId],
      foreignColumns: [categories.organizationId, categories.id],
    }),
    index('campaigns_newest').on(t.organizationId, t.createdAt, t.id),
    index('campaigns_category').on(t.categoryId),
    check('campaigns_status', sql`${t.status} in (${quoted(campaignStatuses)})`),
    check('campaigns_logic', sql`${t.distributionLogic} in (${quoted(distributionLogics)})`),
    check('campaigns_price', sql`${t.priceMinor} between 1 and 1000000`),
    check('campaigns_max_sales', sql`${t.maxSales} > 0`),
    check('campaigns_ttl', sql`${t.leadTtlHours} between 1 and 8760`),
    check('campaigns_repeat_window', sql`${t.repeatWindowDays} between 0 and 365`),
  ],
);

/** A buyer's standing order on a campaign. One that was ended stays for what was bought by it. */
export const subscriptions = pgTable(
  'subscriptions',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    campaignId: uuid('campaign_id').notNull(),
    buyerId: uuid('buyer_id').notNull(),
    /** Most leads of a day; null for no limit. */
    dailyCap: integer('daily_cap'),
    /** USPS codes; empty for all. */
    states: text().array().notNull().default(sql`'{}'`),
    status: text().$type<SubscriptionStatus>().notNull().default('ACTIVE'),
    onShortWallet: text('on_short_wallet').$type<ShortWalletChoice>().notNull().default('skip'),
    /** 1 comes first, null last. */
    waterfallPriority: integer('waterfall_priority'),
    lastDistributedAt: moment('last_distributed_at'),
    /** Its place in the rotation: the lowest one is next, and each lead adds to it (domain/matching). */
    pass: bigint({ mode: 'bigint' }).notNull().default(sql`0`),
    /** The day that `day_count` counts, in the buyer's time zone; null before the first lead. */
    day: date(),
    dayCount: integer('day_count').notNull().default(0),
    /** The run of leads in which it was last sold one in weighted turns, and its sales in that run (domain/matching). */
    run: bigint({ mode: 'number' }).notNull().default(0),
    runCount: integer('run_count').notNull().default(0),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (t) => [
    foreignKey({
      name: 'subscriptions_campaign_fk',
      columns: [t.organizationId, t.campaignId],
      foreignColumns: [campaigns.organizationId, campaigns.id],
    }),
    foreignKey({
      name: 'subscriptions_buyer_fk',
      columns: [t.organizationId, t.buyerId],
      foreignColumns: [buyers.organizationId, buyers.id],
    }),
    uniqueIndex('subscriptions_once').on(t.campaignId, t.buyerId).where(sql`ended_at is null`),
    index('subscriptions_buyer').on(t.buyerId).where(sql`ended_at is null`),
    index('subscriptions_newest').on(t.campaignId, t.id).where(sql`ended_at is null`),
    check('subscriptions_status', sql`${t.status} in (${quoted(subscriptionStatuses)})`),
    check('subscriptions_short_wallet', sql`${t.onShortWallet} in (${quoted(shortWalletChoices)})`),
    check('subscriptions_cap', sql`${t.dailyCap} > 0`),
    check('subscriptions_waterfall', sql`${t.waterfallPriority} > 0`),
  ],
);

/** A party that sends leads with keys of its own (`api_keys.supplier_id`). */
export const suppliers = pgTable(
  'suppliers',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    name: text().notNull(),
    email: text().notNull(),
    status: text().$type<PartyStatus>().notNull().default('ACTIVE'),
    /** Its leads are judged and answered, and sold to no buyer. */
    testMode: boolean('test_mode').notNull().default(true),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    unique('suppliers_of').on(t.organizationId, t.id),
    uniqueIndex('suppliers_email').on(t.organizationId, sql`lower(${t.email})`),
    index('suppliers_newest').on(t.organizationId, t.createdAt, t.id),
    check('suppliers_status', sql`${t.status} in (${quoted(partyStatuses)})`),
  ],
);

/** The categories that a supplier may send and see. */
export const supplierCategories = pgTable(
  'supplier_categories',
  {
    organizationId: uuid('organization_id').notNull(),
    supplierId: uuid('supplier_id').notNull(),
    categoryId: uuid('category_id').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.supplierId, t.categoryId] }),
    index('supplier_categories_category').on(t.categoryId),
    foreignKey({
      name: 'supplier_categories_supplier_fk',
      columns: [t.organizationId, t.supplierId],
      foreignColumns: [suppliers.organizationId, suppliers.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'supplier_categories_category_fk',
      columns: [t.organizationId, t.categoryId],
      foreignColumns: [categories.organizationId, categories.id],
    }),
  ],
);

/** Where the turns of a campaign stand, and when its waiting leads are tried again. A row is made when one is needed. */
export const campaignTurns = pgTable(
  'campaign_turns',
  {
    campaignId: uuid('campaign_id')
      .primaryKey()
      .references(() => campaigns.id),
    /** The current run of weighted turns, and a hash of the subscriptions that are eligible in it. */
    run: bigint({ mode: 'number' }).notNull().default(0),
    eligible: text().notNull().default(''),
    /** When its waiting leads are tried; null when nothing has changed that they wait for. */
    dueAt: moment('due_at'),
    /** They are being tried, in the order of arrival. This one was the last so far. */
    draining: boolean().notNull().default(false),
    lastReceivedAt: moment('last_received_at'),
    lastLeadId: uuid('last_lead_id'),
  },
  (t) => [index('campaign_turns_due').on(t.dueAt).where(sql`due_at is not null`)],
);

/** How each lead of the marketplace stands. A narrow row of its own, because the lead's row has many indexes. */
export const distributions = pgTable(
  'distributions',
  {
    leadId: uuid('lead_id')
      .primaryKey()
      .references(() => leads.id),
    organizationId: uuid('organization_id').notNull(),
    campaignId: uuid('campaign_id').notNull(),
    status: text().$type<DistributionStatus>().notNull(),
    receivedAt: moment('received_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
    /** The first sale. */
    distributedAt: moment('distributed_at'),
    /** Until when it waited for a recharge of the buyer whose turn it was; it waits once. */
    waitedUntil: moment('waited_until'),
    /** Offers by text that are open. While it has one, the lead is reserved for who got it. */
    openOffers: integer('open_offers').notNull().default(0),
  },
  (t) => [
    foreignKey({
      name: 'distributions_campaign_fk',
      columns: [t.organizationId, t.campaignId],
      foreignColumns: [campaigns.organizationId, campaigns.id],
    }),
    index('distributions_newest').on(t.organizationId, t.status, t.receivedAt, t.leadId),
    index('distributions_pending').on(t.campaignId, t.receivedAt, t.leadId).where(sql`status = 'PENDING'`),
    check('distributions_status', sql`${t.status} in (${quoted(distributionStatuses)})`),
    check('distributions_open_offers', sql`${t.openOffers} >= 0`),
    check('distributions_sold', sql`(${t.status} = 'DISTRIBUTED') = (${t.distributedAt} is not null)`),
  ],
);

/** Why each considered buyer was or was not given a lead: one row for each time it was decided. Rows are never changed. */
export const decisions = pgTable(
  'decisions',
  {
    leadId: uuid('lead_id')
      .notNull()
      .references(() => leads.id),
    number: integer().notNull(),
    organizationId: uuid('organization_id').notNull(),
    at: moment('at').notNull().defaultNow(),
    considered: jsonb().$type<Considered[]>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.leadId, t.number] })],
);

/** What a supplier sent last, by the hash of it: the same data within seconds gets the answer of the first lead. */
export const recentIngests = pgTable(
  'recent_ingests',
  {
    supplierId: uuid('supplier_id').notNull(),
    hash: text().notNull(),
    leadId: uuid('lead_id').notNull(),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.supplierId, t.hash] }), index('recent_ingests_old').on(t.at)],
);

/** Who changed what, with the row before and after. Rows are added and never changed. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    organizationId: uuid('organization_id').notNull(),
    /** Id of a user or an API key, or `cli`. */
    actor: text().notNull(),
    /** `campaign.updated` */
    action: text().notNull(),
    /** `campaign:<id>` */
    subject: text().notNull(),
    /** Null for what was created. */
    before: jsonb().$type<Record<string, unknown>>(),
    /** Null for what was removed. */
    after: jsonb().$type<Record<string, unknown>>(),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [
    index('audit_log_newest').on(t.organizationId, t.id),
    index('audit_log_subject').on(t.organizationId, t.subject, t.id),
  ],
);
