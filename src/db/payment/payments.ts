import { sql } from 'drizzle-orm';
import { balancesOf, noSums, type Sums } from '../../domain/payment/reversals.ts';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import { type Move, moveUnlock, type UnlockView } from '../unlock/unlocks.ts';
import { journal } from './ledger.ts';

/** A payment for an unlock. */
export type PaymentRow = Sums & {
  id: string;
  organizationId: string;
  unlockId: string;
  paymentIntent: string;
  sessionId: string;
  amountMinor: number;
  currency: string;
  kept: boolean;
  /** Why it is refunded by us. Null for a payment that was kept. */
  refundReason: string | null;
  disputedAt: Date | null;
  version: number;
  flagsBuyer: boolean;
};

const columns =
  sql.raw(`id, organization_id AS "organizationId", unlock_id AS "unlockId", payment_intent AS "paymentIntent",
  session_id AS "sessionId", amount_minor AS "amountMinor", refunded_minor AS "refundedMinor", refunding_minor AS "refundingMinor",
  disputed_minor AS "disputedMinor", withdrawn_minor AS "withdrawnMinor", currency, kept, refund_reason AS "refundReason",
  disputed_at AS "disputedAt", version, flags_buyer AS "flagsBuyer"`);

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

/**
 * The payment's row and its journal. `refundReason`: why it is refunded; null for the one charge that this unlock keeps.
 */
export function bookPayment(
  unlock: UnlockView,
  capture: Capture,
  paymentId: string,
  refundReason: string | null,
): Part[] {
  const kept = refundReason === null;
  const insert: Part = {
    name: 'payment',
    statement: (
      when,
    ) => sql`INSERT INTO payments (id, organization_id, purpose, subject_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept, refund_reason)
      SELECT ${paymentId}::uuid, ${unlock.organizationId}::uuid, 'unlock', ${unlock.id}::uuid, ${unlock.id}::uuid, ${capture.paymentIntent}, ${capture.sessionId},
        ${capture.amountMinor}::integer, ${capture.currency}, ${kept}, ${refundReason}::text WHERE ${when}`,
  };
  const { amountMinor, currency } = capture;
  const to = balancesOf({ ...noSums, amountMinor, kept });
  return [insert, ...journal(unlock.organizationId, { key: `capture-${paymentId}`, currency, to })];
}
