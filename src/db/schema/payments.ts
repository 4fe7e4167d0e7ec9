import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  boolean,
  check,
  index,
  integer,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { checkoutStates, openCheckoutStates } from '../../domain/payment/checkout-state.ts';
import { type PaymentPurpose, paymentPurposes } from '../../domain/payment/purpose.ts';
import {
  type DisputeKind,
  disputeKinds,
  type RefundStatus,
  refundStatuses,
} from '../../domain/payment/reversals.ts';
import { moment, quoted } from './columns.ts';
import { leadUnlocks } from './leads.ts';
import { organizations } from './organizations.ts';

const purposeIn = (purpose: AnyPgColumn) => sql`${purpose} in (${quoted(paymentPurposes)})`;
/** A payment for an unlock references it; any other payment has only its subject's id. */
const tiedToUnlock = (t: { purpose: AnyPgColumn; subjectId: AnyPgColumn; unlockId: AnyPgColumn }) =>
  sql`(${t.purpose} = 'unlock') = (${t.unlockId} is not null) and (${t.unlockId} is null or ${t.unlockId} = ${t.subjectId})`;

/** Checkout Sessions at Stripe, one row each; `id` is null until Stripe has responded. */
export const checkoutSessions = pgTable(
  'checkout_sessions',
  {
    purpose: text().$type<PaymentPurpose>().notNull(),
    /** The unlock or top-up that is paid for. */
    subjectId: uuid('subject_id').notNull(),
    unlockId: uuid('unlock_id').references(() => leadUnlocks.id),
    number: integer().notNull(),
    id: text().unique(),
    state: text().notNull(),
    url: text(),
    expiresAt: moment('expires_at').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** When its payment was found to differ from what the unlock asked for. It is held until an operator decides. */
    quarantinedAt: moment('quarantined_at'),
    closedAt: moment('closed_at'),
  },
  (t) => [
    uniqueIndex('checkout_sessions_number').on(t.purpose, t.subjectId, t.number),
    uniqueIndex('checkout_sessions_one_open')
      .on(t.purpose, t.subjectId)
      .where(sql`state in (${quoted(openCheckoutStates)})`),
    check('checkout_sessions_purpose', purposeIn(t.purpose)),
    check('checkout_sessions_subject', tiedToUnlock(t)),
    check('checkout_sessions_state', sql`${t.state} in (${quoted(checkoutStates)})`),
  ],
);

export const payments = pgTable(
  'payments',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id),
    purpose: text().$type<PaymentPurpose>().notNull(),
    /** The unlock or top-up that is paid for. */
    subjectId: uuid('subject_id').notNull(),
    unlockId: uuid('unlock_id').references(() => leadUnlocks.id),
    paymentIntent: text('payment_intent').notNull().unique(),
    /** Null for a charge of a saved card. */
    sessionId: text('session_id'),
    amountMinor: integer('amount_minor').notNull(),
    /** Of refunds that succeeded. */
    refundedMinor: integer('refunded_minor').notNull().default(0),
    /** Of refunds that are on their way. */
    refundingMinor: integer('refunding_minor').notNull().default(0),
    /** Claimed by disputes that are open or lost. */
    disputedMinor: integer('disputed_minor').notNull().default(0),
    /** Taken by Stripe for disputes, and not given back. */
    withdrawnMinor: integer('withdrawn_minor').notNull().default(0),
    /** Taken from the wallet to be refunded, and not refunded yet. */
    reservedMinor: integer('reserved_minor').notNull().default(0),
    currency: text().notNull(),
    /** The one charge kept for its subject; any other is refunded. */
    kept: boolean().notNull(),
    refundReason: text('refund_reason'),
    /** Since when a dispute is open or lost. Null again once all are won. */
    disputedAt: moment('disputed_at'),
    /** Counts the changes of its refunds and disputes: one read before another was booked is not booked over it. */
    version: integer().notNull().default(0),
    /** It is counted in the `flags` of its buyer. */
    flagsBuyer: boolean('flags_buyer').notNull().default(false),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('payments_one_kept').on(t.purpose, t.subjectId).where(sql`kept`),
    index('payments_unlock').on(t.unlockId).where(sql`unlock_id is not null`),
    check('payments_purpose', purposeIn(t.purpose)),
    check('payments_subject', tiedToUnlock(t)),
    check('payments_session', sql`${t.purpose} <> 'unlock' or ${t.sessionId} is not null`),
    check('payments_amount', sql`${t.amountMinor} > 0 and ${t.refundedMinor} between 0 and ${t.amountMinor}`),
    check('payments_reserved', sql`${t.reservedMinor} between 0 and ${t.amountMinor}`),
    check(
      'payments_reversals',
      sql`${t.refundingMinor} >= 0 and ${t.refundedMinor} + ${t.refundingMinor} <= ${t.amountMinor}
        and ${t.disputedMinor} between 0 and ${t.amountMinor} and ${t.withdrawnMinor} between 0 and ${t.amountMinor}`,
    ),
  ],
);

/** Refunds at Stripe, one row each, in the state that Stripe reported last. */
export const refunds = pgTable(
  'refunds',
  {
    id: text().primaryKey(),
    paymentId: uuid('payment_id')
      .notNull()
      .references(() => payments.id),
    amountMinor: integer('amount_minor').notNull(),
    status: text().$type<RefundStatus>().notNull(),
    /** Stripe's word for why it failed. */
    failure: text(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    index('refunds_payment').on(t.paymentId),
    check('refunds_status', sql`${t.status} in (${quoted(refundStatuses)})`),
  ],
);

/** Disputes and inquiries at Stripe, one row each, in the state that Stripe reported last. */
export const disputes = pgTable(
  'disputes',
  {
    id: text().primaryKey(),
    paymentId: uuid('payment_id')
      .notNull()
      .references(() => payments.id),
    amountMinor: integer('amount_minor').notNull(),
    withdrawnMinor: integer('withdrawn_minor').notNull(),
    kind: text().$type<DisputeKind>().notNull(),
    /** Stripe's own word. */
    status: text().notNull(),
    reason: text().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    index('disputes_payment').on(t.paymentId),
    check('disputes_kind', sql`${t.kind} in (${quoted(disputeKinds)})`),
  ],
);

/** One booking; its entries sum to zero (a deferred constraint trigger checks at commit). */
export const journals = pgTable('journals', {
  id: uuid().primaryKey(),
  /** Idempotency key of the booking: `capture-<payment>`, `refund-<payment>-v<version>`, `dispute-<payment>-v<version>`. */
  key: text().notNull().unique(),
  organizationId: uuid('organization_id')
    .notNull()
    .references(() => organizations.id),
  createdAt: moment('created_at').notNull().defaultNow(),
});

export const journalEntries = pgTable(
  'journal_entries',
  {
    journalId: uuid('journal_id')
      .notNull()
      .references(() => journals.id),
    account: text().notNull(),
    amountMinor: bigint('amount_minor', { mode: 'number' }).notNull(),
    currency: text().notNull(),
  },
  (t) => [index('journal_entries_journal').on(t.journalId), index('journal_entries_account').on(t.account)],
);
