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
import { type LeadChannel, leadChannels } from '../../domain/lead/channel.ts';
import { openStates, paidBy, paidStates, unlockStates } from '../../domain/unlock/machine.ts';
import { moment, quoted, sealed } from './columns.ts';
import { buyers, organizations } from './organizations.ts';

export const leads = pgTable(
  'leads',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    /** `lead_…`: the id shown in API responses and texts. */
    publicId: text('public_id').notNull(),
    city: text(),
    serviceType: text('service_type'),
    region: text(),
    quality: text(),
    campaignId: uuid('campaign_id'),
    categoryId: uuid('category_id'),
    /** The supplier whose key sent it; null when the organization did. */
    supplierId: uuid('supplier_id'),
    /** The import that created it. */
    importId: uuid('import_id'),
    /** How the lead is used: sold by unlock, synced to its company's CRM, or sold through a campaign. */
    channel: text().$type<LeadChannel>().notNull(),
    /** Teaser fields: readable by every buyer with an offer. */
    public: jsonb().notNull(),
    /** The locked fields, sealed. Null after erasure. */
    contact: sealed(),
    phoneHash: text('phone_hash'),
    emailHash: text('email_hash'),
    phoneValid: boolean('phone_valid').notNull(),
    /** Default terms of its unlocks unless a request sets others; null when unlocks are not offered by request. */
    priceMinor: integer('price_minor'),
    currency: text(),
    ttlMs: bigint('ttl_ms', { mode: 'number' }),
    /** Maximum number of buyers that may unlock it; null for no limit. */
    maxSales: integer('max_sales'),
    erasedAt: moment('erased_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('leads_public_id').on(t.organizationId, t.publicId),
    index('leads_newest').on(t.organizationId, t.createdAt, t.id).where(sql`channel = 'pay_per_unlock'`),
    index('leads_supplier')
      .on(t.organizationId, t.supplierId, t.createdAt, t.id)
      .where(sql`supplier_id is not null`),
    index('leads_phone_hash').on(t.organizationId, t.phoneHash),
    index('leads_import').on(t.importId, t.id).where(sql`import_id is not null`),
    index('leads_campaign').on(t.campaignId).where(sql`campaign_id is not null`),
    index('leads_uploaded').on(t.organizationId, t.id).where(sql`channel = 'crm_upload'`),
    index('leads_marketplace')
      .on(t.organizationId, t.createdAt, t.id, t.categoryId)
      .where(sql`channel = 'marketplace'`),
    check('leads_channel', sql`${t.channel} in (${quoted(leadChannels)})`),
    check(
      'leads_terms',
      sql`num_nonnulls(${t.priceMinor}, ${t.currency}, ${t.ttlMs}) = case when ${t.channel} = 'pay_per_unlock' then 3 else 0 end`,
    ),
    check('leads_price', sql`${t.priceMinor} between 50 and 1000000`),
    check('leads_max_sales', sql`${t.maxSales} is null or ${t.maxSales} > 0`),
  ],
);

export const leadUnlocks = pgTable(
  'lead_unlocks',
  {
    id: uuid().primaryKey(),
    leadId: uuid('lead_id')
      .notNull()
      .references(() => leads.id),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    buyerId: uuid('buyer_id')
      .notNull()
      .references(() => buyers.id),
    /** The campaign and subscription that assigned it; null when the sender named the buyer. */
    campaignId: uuid('campaign_id'),
    subscriptionId: uuid('subscription_id'),
    /** The conversation of the offer; null for a buyer who is not texted. */
    ourNumber: text('our_number'),
    phone: text(),
    status: text().notNull(),
    /** A column of its own, because an index with a condition on `status` would have to change with each status. */
    isOpen: boolean('is_open').generatedAlwaysAs(sql`status in (${quoted(openStates)})`),
    reason: text(),
    priceMinor: integer('price_minor').notNull(),
    currency: text().notNull(),
    ttlExpiresAt: moment('ttl_expires_at').notNull(),
    /** SHA-256 of the pay link's token; the token itself is recomputed (domain/unlock/pay-link.ts). */
    tokenHash: text('token_hash'),
    tokenVersion: integer('token_version').notNull().default(1),
    offeredAt: moment('offered_at'),
    teasedAt: moment('teased_at'),
    confirmedAt: moment('confirmed_at'),
    linkSentAt: moment('link_sent_at'),
    paidAt: moment('paid_at'),
    /** Payment source; null until paid. */
    paidBy: text('paid_by'),
    paidLate: boolean('paid_late').notNull().default(false),
    /** Incremented by each claim of a reveal, so that a concurrent refund detects it and reads the unlock again. */
    revealClaims: integer('reveal_claims').notNull().default(0),
    revealedAt: moment('revealed_at'),
    viewedAt: moment('viewed_at'),
    doneAt: moment('done_at'),
    closedAt: moment('closed_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('lead_unlocks_once').on(t.leadId, t.buyerId),
    uniqueIndex('lead_unlocks_token').on(t.tokenHash),
    index('lead_unlocks_buyer').on(t.buyerId, t.id),
    // Ends with the price, so that what a buyer has spent is summed up from the index alone.
    index('lead_unlocks_bought')
      .on(t.buyerId, t.paidAt, t.id, t.priceMinor, t.currency)
      .where(sql`paid_at is not null`),
    index('lead_unlocks_newest').on(t.organizationId, t.id),
    index('lead_unlocks_conversation').on(t.ourNumber, t.phone, t.createdAt),
    // Whether a buyer has an open offer of a campaign, and how its last ones ended.
    index('lead_unlocks_campaign_offers')
      .on(t.buyerId, t.campaignId, t.id)
      .where(sql`campaign_id is not null and phone is not null`),
    index('lead_unlocks_open').on(t.ourNumber, t.phone).where(sql`is_open`),
    check('lead_unlocks_status', sql`${t.status} in (${quoted(unlockStates)})`),
    check(
      'lead_unlocks_price',
      sql`${t.priceMinor} between case when ${t.campaignId} is null then 50 else 1 end and 1000000`,
    ),
    check('lead_unlocks_paid', sql`${t.status} not in (${quoted(paidStates)}) or ${t.paidAt} is not null`),
    check('lead_unlocks_paid_by', sql`${t.paidBy} in (${quoted(paidBy)})`),
    check('lead_unlocks_paid_from', sql`(${t.paidBy} is null) = (${t.paidAt} is null)`),
    check('lead_unlocks_texted', sql`(${t.ourNumber} is null) = (${t.phone} is null)`),
    check('lead_unlocks_revealed', sql`${t.revealedAt} is null or ${t.paidAt} is not null`),
    check(
      'lead_unlocks_closed',
      sql`(${t.status} in ('EXPIRED', 'OPTED_OUT')) <= (${t.reason} is not null and ${t.closedAt} is not null)`,
    ),
  ],
);

/** The n-th sale of a lead with a limit. The primary key decides when two buyers compete for the last slot. */
export const soldSlots = pgTable(
  'sold_slots',
  {
    leadId: uuid('lead_id')
      .notNull()
      .references(() => leads.id),
    slot: integer().notNull(),
    unlockId: uuid('unlock_id')
      .notNull()
      .unique()
      .references(() => leadUnlocks.id),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.leadId, t.slot] })],
);
