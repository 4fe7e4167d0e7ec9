import { type SQL, sql } from 'drizzle-orm';
import { type PaymentState, paymentState } from '../../domain/payment/payment-state.ts';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import { type Move, moveUnlock, type UnlockView } from '../unlock/unlocks.ts';
import { type Account, journal } from './ledger.ts';
import { freeSlot } from './slots.ts';

/** A payment for an unlock. */
export type PaymentRow = {
  id: string;
  organizationId: string;
  unlockId: string;
  paymentIntent: string;
  sessionId: string;
  amountMinor: number;
  refundedMinor: number;
  currency: string;
  kept: boolean;
  disputedAt: Date | null;
};

const columns =
  sql.raw(`id, organization_id AS "organizationId", unlock_id AS "unlockId", payment_intent AS "paymentIntent",
  session_id AS "sessionId", amount_minor AS "amountMinor", refunded_minor AS "refundedMinor", currency, kept, disputed_at AS "disputedAt"`);

/** Returns null when it is not the payment of an unlock. */
export async function findPayment(
  db: Queryable,
  by: { id: string } | { paymentIntent: string },
): Promise<PaymentRow | null> {
  const condition = 'id' in by ? sql`id = ${by.id}` : sql`payment_intent = ${by.paymentIntent}`;
  const [row] = await run<PaymentRow>(
    db,
    sql`SELECT ${columns} FROM payments WHERE ${condition} AND purpose = 'unlock'`,
  );
  return row ?? null;
}

/**
 * The move that starts a payment: stores the hash of the pay link's token. It matches no row when a payment of this
 * unlock is already kept.
 */
export function startPayment(unlock: UnlockView, decision: Move, tokenHash: string): Change {
  return moveUnlock(unlock, decision, {
    set: [sql`token_hash = ${tokenHash}`],
    also: sql`NOT EXISTS (SELECT 1 FROM payments p WHERE p.unlock_id = lead_unlocks.id AND p.kept)`,
  });
}

export type Capture = { paymentIntent: string; sessionId: string; amountMinor: number; currency: string };

/** The payment's row and its journal. `kept`: the one charge this unlock keeps; any other is refunded. */
export function bookPayment(unlock: UnlockView, capture: Capture, paymentId: string, kept: boolean): Part[] {
  const insert: Part = {
    name: 'payment',
    statement: (
      when,
    ) => sql`INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
      SELECT ${paymentId}::uuid, ${unlock.organizationId}::uuid, 'unlock', ${unlock.id}::uuid, ${unlock.id}::uuid, ${capture.paymentIntent}, ${capture.sessionId},
        ${capture.amountMinor}::integer, ${capture.currency}, ${kept} WHERE ${when}`,
  };
  const { amountMinor, currency } = capture;
  const booking = {
    key: `capture-${paymentId}`,
    amountMinor,
    currency,
    to: 'stripe',
    from: kept ? 'sales' : 'refunds_due',
  } as const;
  return [insert, ...journal(unlock.organizationId, booking)];
}

/**
 * Raises the refunded amount to what Stripe reports, never lowers it, and books the difference.
 * Its guard matches no row when nothing is new.
 */
export function bookRefund(
  payment: PaymentRow,
  refundedMinor: number,
): { guard: (held: SQL) => SQL; writes: Part[] } {
  return {
    guard: (held) => sql`UPDATE payments SET refunded_minor = ${refundedMinor} WHERE id = ${payment.id}
      AND refunded_minor = ${payment.refundedMinor} AND ${refundedMinor} > refunded_minor AND ${held} RETURNING id`,
    writes: refundJournal(payment, refundedMinor),
  };
}

function refundJournal(payment: PaymentRow, refundedMinor: number): Part[] {
  return journal(payment.organizationId, {
    key: `refund-${payment.id}-${refundedMinor}`,
    amountMinor: refundedMinor - payment.refundedMinor,
    currency: payment.currency,
    from: 'stripe',
    to: accountOf(payment),
  });
}

/**
 * Undoes a sale that was refunded in full before its details were shown: the slot is free again, and another charge may
 * be kept. Parts of the statement that moves the unlock; `also` prevents the move when the payment changed, a reveal was
 * claimed or the details were read on the pay page, since they were read here.
 */
export function undoSale(
  unlock: UnlockView,
  payment: PaymentRow,
): { first: Part[]; also: SQL; writes: Part[] } {
  return {
    first: [
      {
        name: 'paid',
        statement: (held) => sql`SELECT id FROM payments WHERE id = ${payment.id}
          AND refunded_minor = ${payment.refundedMinor} AND kept AND ${held} FOR UPDATE`,
      },
    ],
    also: sql`reveal_claims = ${unlock.revealClaims} AND viewed_at IS NULL AND EXISTS (SELECT 1 FROM paid)`,
    writes: [
      {
        name: 'returned',
        statement: (when) =>
          sql`UPDATE payments SET refunded_minor = amount_minor, kept = false WHERE id = ${payment.id} AND ${when}`,
      },
      freeSlot(payment.unlockId),
      ...refundJournal(payment, payment.amountMinor),
    ],
  };
}

/** The account that holds the remainder of a payment. */
const accountOf = (payment: PaymentRow): Account => accounts[paymentState(payment)];

const accounts: Record<PaymentState, Account> = {
  kept: 'sales',
  refund_due: 'refunds_due',
  disputed: 'disputed',
  // No remainder to move.
  refunded: 'refunds_due',
};

/** Flags the buyer of an unlock for review by an operator. The first flag's time is kept. */
export function flagBuyer(unlockId: string): Part {
  return {
    name: 'flag',
    statement: (when) => sql`UPDATE buyers SET flagged_at = coalesce(flagged_at, now())
      WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = ${unlockId}) AND ${when}`,
  };
}

/**
 * Books a dispute once: the remainder of the payment moves from its account to `disputed`, and the buyer is flagged.
 * Its guard matches no row when a refund was booked since the payment was read.
 */
export function bookDispute(payment: PaymentRow): { guard: (held: SQL) => SQL; writes: Part[] } {
  const left = payment.amountMinor - payment.refundedMinor;
  const reversal = { key: `dispute-${payment.id}`, amountMinor: left, currency: payment.currency } as const;
  return {
    guard: (
      held,
    ) => sql`UPDATE payments SET disputed_at = now() WHERE id = ${payment.id} AND disputed_at IS NULL
      AND refunded_minor = ${payment.refundedMinor} AND ${held} RETURNING id`,
    writes: [
      ...(left > 0
        ? journal(payment.organizationId, { ...reversal, from: 'disputed', to: accountOf(payment) })
        : []),
      flagBuyer(payment.unlockId),
    ],
  };
}
