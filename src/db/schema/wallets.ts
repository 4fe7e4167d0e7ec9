import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  date,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import {
  openTopUpStates,
  type TopUpKind,
  type TopUpState,
  topUpKinds,
  topUpStates,
  type WalletTransactionType,
  walletTransactionTypes,
} from '../../domain/payment/wallet.ts';
import { moment, quoted } from './columns.ts';
import { leadUnlocks } from './leads.ts';
import { buyers, organizations } from './organizations.ts';

/**
 * The prepaid money of a buyer: the running balance of its account `wallet:<buyer>` in the ledger, which each debit is
 * guarded by, and what it has spent in the current week and month. None of these columns is indexed, because each sale
 * changes them.
 */
export const wallets = pgTable(
  'wallets',
  {
    buyerId: uuid('buyer_id').primaryKey(),
    organizationId: uuid('organization_id').notNull(),
    currency: text().notNull(),
    balanceMinor: bigint('balance_minor', { mode: 'number' }).notNull().default(0),
    /** Of its top-ups, what banks claim at present. The wallet buys nothing until it is 0. */
    disputedMinor: bigint('disputed_minor', { mode: 'number' }).notNull().default(0),
    /** What went back of top-ups although it was spent: how far the balance is below zero. */
    debtMinor: bigint('debt_minor', { mode: 'number' }).notNull().default(0),
    /** First day of the ISO week that `week_spent_minor` counts, in the buyer's time zone; null before the first purchase. */
    week: date(),
    weekSpentMinor: bigint('week_spent_minor', { mode: 'number' }).notNull().default(0),
    /** First day of the month that `month_spent_minor` counts. */
    month: date(),
    monthSpentMinor: bigint('month_spent_minor', { mode: 'number' }).notNull().default(0),
    /** Stripe's id of the customer whose cards pay for it. */
    customerId: text('customer_id').unique(),
    /** When auto-recharge stopped itself after declines; null while it may charge. A new card arms it again. */
    rechargeStoppedAt: moment('recharge_stopped_at'),
    rechargeStopReason: text('recharge_stop_reason'),
    /** When the buyer was told that the balance is low. Null once it is above the threshold again. */
    lowToldAt: moment('low_told_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    foreignKey({
      name: 'wallets_buyer_fk',
      columns: [t.organizationId, t.buyerId],
      foreignColumns: [buyers.organizationId, buyers.id],
    }),
    // Only what takes money back also sets the debt: a purchase below zero is refused here.
    check('wallets_balance', sql`${t.debtMinor} >= 0 and ${t.balanceMinor} >= -${t.debtMinor}`),
    check(
      'wallets_sums',
      sql`${t.disputedMinor} >= 0 and ${t.weekSpentMinor} >= 0 and ${t.monthSpentMinor} >= 0`,
    ),
  ],
);

/** Each change of a wallet's balance, with its journal in the ledger. Rows are added and never changed. */
export const walletTransactions = pgTable(
  'wallet_transactions',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id').notNull(),
    buyerId: uuid('buyer_id')
      .notNull()
      .references(() => wallets.buyerId),
    type: text().$type<WalletTransactionType>().notNull(),
    /** Negative for what was spent. */
    amountMinor: bigint('amount_minor', { mode: 'number' }).notNull(),
    balanceBeforeMinor: bigint('balance_before_minor', { mode: 'number' }).notNull(),
    balanceAfterMinor: bigint('balance_after_minor', { mode: 'number' }).notNull(),
    description: text().notNull(),
    /** The assignment that was bought or given back. */
    unlockId: uuid('unlock_id').references(() => leadUnlocks.id),
    /** The charge at Stripe that was credited or returned. */
    paymentIntent: text('payment_intent'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    index('wallet_transactions_newest').on(t.buyerId, t.createdAt, t.id),
    uniqueIndex('wallet_transactions_debit').on(t.unlockId).where(sql`type = 'DEBIT'`),
    check('wallet_transactions_type', sql`${t.type} in (${quoted(walletTransactionTypes)})`),
    check(
      'wallet_transactions_sum',
      sql`${t.balanceBeforeMinor} + ${t.amountMinor} = ${t.balanceAfterMinor} and ${t.amountMinor} <> 0`,
    ),
    check(
      'wallet_transactions_sale',
      sql`${t.type} <> 'DEBIT' or ${t.unlockId} is not null or ${t.paymentIntent} is not null`,
    ),
  ],
);

/** Cards that buyers saved at Stripe. A removed one stays for what it has paid. */
export const paymentMethods = pgTable(
  'payment_methods',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id').notNull(),
    buyerId: uuid('buyer_id')
      .notNull()
      .references(() => wallets.buyerId),
    /** `pm_…` */
    stripeId: text('stripe_id').notNull().unique(),
    brand: text().notNull(),
    last4: text().notNull(),
    expMonth: integer('exp_month').notNull(),
    expYear: integer('exp_year').notNull(),
    fingerprint: text(),
    isPrimary: boolean('is_primary').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    removedAt: moment('removed_at'),
  },
  (t) => [
    index('payment_methods_buyer').on(t.buyerId, t.createdAt).where(sql`removed_at is null`),
    uniqueIndex('payment_methods_primary').on(t.buyerId).where(sql`is_primary and removed_at is null`),
    check('payment_methods_last4', sql`${t.last4} ~ '^[0-9]{4}$'`),
  ],
);

/** Money on its way into a wallet. What was captured for it is in `payments`, whose subject it is. */
export const topUps = pgTable(
  'top_ups',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    buyerId: uuid('buyer_id')
      .notNull()
      .references(() => wallets.buyerId),
    kind: text().$type<TopUpKind>().notNull(),
    state: text().$type<TopUpState>().notNull(),
    amountMinor: bigint('amount_minor', { mode: 'number' }).notNull(),
    currency: text().notNull(),
    /** Null on Stripe's page. */
    paymentMethodId: uuid('payment_method_id').references(() => paymentMethods.id),
    paymentIntent: text('payment_intent'),
    /** Charges that Stripe has answered for good. The next one has the number after it. */
    attempts: integer().notNull().default(0),
    /** When it is charged again, while `retrying`. */
    nextAttemptAt: moment('next_attempt_at'),
    /** Stripe's code of the last decline. */
    declineCode: text('decline_code'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (t) => [
    uniqueIndex('top_ups_one_recharge').on(t.buyerId).where(sql`kind = 'recharge' and ended_at is null`),
    index('top_ups_newest').on(t.buyerId, t.createdAt),
    uniqueIndex('top_ups_payment_intent').on(t.paymentIntent).where(sql`payment_intent is not null`),
    check('top_ups_kind', sql`${t.kind} in (${quoted(topUpKinds)})`),
    check('top_ups_state', sql`${t.state} in (${quoted(topUpStates)})`),
    check('top_ups_ended', sql`(${t.state} in (${quoted(openTopUpStates)})) = (${t.endedAt} is null)`),
    check('top_ups_amount', sql`${t.amountMinor} between 50 and 99999999`),
    check('top_ups_attempts', sql`${t.attempts} between 0 and 4`),
  ],
);

/**
 * The people that a buyer bought in a campaign, by the hash of their phone or e-mail address. It decides when two leads of
 * one person are sold at once.
 */
export const boughtPeople = pgTable(
  'bought_people',
  {
    buyerId: uuid('buyer_id').notNull(),
    campaignId: uuid('campaign_id').notNull(),
    hash: text().notNull(),
    leadId: uuid('lead_id').notNull(),
    boughtAt: moment('bought_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.campaignId, t.hash, t.buyerId] }),
    index('bought_people_lead').on(t.leadId),
    index('bought_people_old').on(t.boughtAt),
  ],
);
