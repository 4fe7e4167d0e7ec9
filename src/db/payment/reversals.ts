import { type SQL, sql } from 'drizzle-orm';
import {
  balancesOf,
  type Dispute,
  disputeKind,
  type Refund,
  type RefundStatus,
  type Reversals,
  type Sums,
} from '../../domain/payment/reversals.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';
import { wakeCampaigns } from '../marketplace/pending.ts';
import type { UnlockView } from '../unlock/unlocks.ts';
import { journal } from './ledger.ts';
import type { PaymentRow } from './payments.ts';
import { freeSlot } from './slots.ts';

/** The refunds and disputes of a payment as they are booked. */
export async function findReversals(db: Queryable, paymentId: string): Promise<Reversals> {
  const [refunds, disputes] = await Promise.all([
    run<Refund>(
      db,
      sql`SELECT id, amount_minor AS "amountMinor", status, failure FROM refunds WHERE payment_id = ${paymentId}::uuid ORDER BY created_at, id`,
    ),
    run<Dispute>(
      db,
      sql`SELECT id, amount_minor AS "amountMinor", withdrawn_minor AS "withdrawnMinor", status, reason
        FROM disputes WHERE payment_id = ${paymentId}::uuid ORDER BY created_at, id`,
    ),
  ]);
  return { refunds, disputes };
}

export type RefundRow = {
  id: string;
  paymentId: string;
  organizationId: string;
  amountMinor: number;
  status: RefundStatus;
};

/** Returns null when it is not a refund of this system. */
export async function findRefund(db: Queryable, id: string): Promise<RefundRow | null> {
  const [row] = await run<RefundRow>(
    db,
    sql`SELECT r.id, r.payment_id AS "paymentId", p.organization_id AS "organizationId", r.amount_minor AS "amountMinor", r.status
      FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE r.id = ${id}`,
  );
  return row ?? null;
}

/** The key of the effect that makes a failed refund again. */
export const repeatKey = (refundId: string) => `refund-again-${refundId}`;

/** By the ids of failed refunds: the refund that each was made again as. Those that were not are left out. */
export async function findRepeats(
  db: Queryable,
  refundIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (refundIds.length === 0) return new Map();
  const rows = await run<{ key: string; madeAs: string }>(
    db,
    sql`SELECT key, coalesce(vendor_id, '') AS "madeAs" FROM effects
      WHERE state = 'accepted' AND key = ANY(${sql.param(refundIds.map(repeatKey))}::text[])`,
  );
  return new Map(rows.map(({ key, madeAs }) => [key.slice(repeatKey('').length), madeAs]));
}

export async function findDispute(db: Queryable, id: string): Promise<Dispute | null> {
  const [row] = await run<Dispute>(
    db,
    sql`SELECT id, amount_minor AS "amountMinor", withdrawn_minor AS "withdrawnMinor", status, reason FROM disputes WHERE id = ${id}`,
  );
  return row ?? null;
}

/** What is booked: the sums and objects as Stripe reports them now, and whether the buyer is flagged for this payment. */
export type Booking = { now: Reversals; sums: Sums; flagsBuyer: boolean };

/** Matches the payment only while none of its refunds and disputes was booked since it was read. */
export const unchanged = (payment: { id: string; version: number }) =>
  sql`id = ${payment.id} AND version = ${payment.version}`;

/**
 * Books the refunds and disputes of a payment, their journal and the flag of its buyer. Its guard matches no row when
 * another run booked some since the payment was read: what this run fetched may then be older.
 */
export function bookReversals(
  payment: PaymentRow,
  booking: Booking,
): { guard: (held: SQL) => SQL; writes: Part[] } {
  return {
    guard: (held) =>
      sql`UPDATE payments SET ${sumColumns(booking)} WHERE ${unchanged(payment)} AND ${held} RETURNING id`,
    writes: reversalParts(payment, payment.kept, booking),
  };
}

/**
 * Undoes a sale that was refunded in full before its details were shown: the slot is free again, and another charge may
 * be kept. Parts of the statement that moves the unlock; `also` prevents the move when the payment changed, a reveal was
 * claimed or the details were read on the pay page, since they were read here.
 */
export function undoSale(
  unlock: UnlockView,
  payment: PaymentRow,
  booking: Booking,
): { first: Part[]; also: SQL; writes: Part[] } {
  return {
    first: [
      {
        name: 'paid',
        statement: (held) =>
          sql`SELECT id FROM payments WHERE ${unchanged(payment)} AND kept AND ${held} FOR UPDATE`,
      },
    ],
    also: sql`reveal_claims = ${unlock.revealClaims} AND viewed_at IS NULL AND EXISTS (SELECT 1 FROM paid)`,
    writes: [
      {
        name: 'returned',
        statement: (when) =>
          sql`UPDATE payments SET ${sumColumns(booking)}, kept = false WHERE id = ${payment.id} AND ${when}`,
      },
      freeSlot(payment.unlockId),
      ...reversalParts(payment, false, booking),
    ],
  };
}

export const sumColumns = ({
  sums,
  flagsBuyer,
}: Booking) => sql`refunded_minor = ${sums.refundedMinor}::integer,
  refunding_minor = ${sums.refundingMinor}::integer, disputed_minor = ${sums.disputedMinor}::integer,
  withdrawn_minor = ${sums.withdrawnMinor}::integer,
  disputed_at = CASE WHEN ${sums.disputedMinor}::integer > 0 THEN coalesce(disputed_at, now()) END,
  flags_buyer = ${flagsBuyer}::boolean, version = version + 1`;

function reversalParts(payment: PaymentRow, kept: boolean, { now, sums, flagsBuyer }: Booking): Part[] {
  const back = ({ refundedMinor, refundingMinor }: Sums) => refundedMinor + refundingMinor;
  const what = back(sums) === back(payment) ? 'dispute' : 'refund';
  return [
    ...(now.refunds.length > 0 ? [storeRefunds(payment.id, now.refunds)] : []),
    ...(now.disputes.length > 0 ? [storeDisputes(payment.id, now.disputes)] : []),
    ...journal(payment.organizationId, {
      key: `${what}-${payment.id}-v${payment.version + 1}`,
      currency: payment.currency,
      from: balancesOf(payment),
      to: balancesOf({ ...sums, amountMinor: payment.amountMinor, kept }),
    }),
    ...(flagsBuyer === payment.flagsBuyer ? [] : flagBuyer(payment.unlockId, flagsBuyer)),
  ];
}

export function storeRefunds(paymentId: string, refunds: readonly Refund[]): Part {
  return {
    name: 'refunds_now',
    statement: (when) => sql`INSERT INTO refunds AS known (id, payment_id, amount_minor, status, failure)
      SELECT r.id, ${paymentId}::uuid, r."amountMinor", r.status, r.failure
      FROM jsonb_to_recordset(${JSON.stringify(refunds)}::jsonb) AS r(id text, "amountMinor" integer, status text, failure text)
      WHERE ${when}
      ON CONFLICT (id) DO UPDATE SET amount_minor = excluded.amount_minor, status = excluded.status, failure = excluded.failure,
        updated_at = now() WHERE (known.status, known.failure) IS DISTINCT FROM (excluded.status, excluded.failure)`,
  };
}

export function storeDisputes(paymentId: string, disputes: readonly Dispute[]): Part {
  const rows = disputes.map((dispute) => ({ ...dispute, kind: disputeKind(dispute) }));
  return {
    name: 'disputes_now',
    statement: (
      when,
    ) => sql`INSERT INTO disputes AS known (id, payment_id, amount_minor, withdrawn_minor, kind, status, reason)
      SELECT d.id, ${paymentId}::uuid, d."amountMinor", d."withdrawnMinor", d.kind, d.status, d.reason
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS d(id text, "amountMinor" integer, "withdrawnMinor" integer, kind text, status text, reason text)
      WHERE ${when}
      ON CONFLICT (id) DO UPDATE SET amount_minor = excluded.amount_minor, withdrawn_minor = excluded.withdrawn_minor,
        kind = excluded.kind, status = excluded.status, reason = excluded.reason, updated_at = now()
        WHERE (known.status, known.amount_minor, known.withdrawn_minor)
          IS DISTINCT FROM (excluded.status, excluded.amount_minor, excluded.withdrawn_minor)`,
  };
}

/**
 * Counts this payment among the reasons to flag its buyer for an operator, or no longer. The buyer is flagged while there
 * is one; the first flag's time is kept. Leads may wait for a buyer who is flagged no longer.
 */
function flagBuyer(unlockId: string, flagged: boolean): Part[] {
  const set = flagged
    ? sql`flags = flags + 1, flagged_at = coalesce(flagged_at, now())`
    : sql`flags = greatest(flags - 1, 0), flagged_at = CASE WHEN flags > 1 THEN flagged_at END`;
  const flag: Part = {
    name: 'flag',
    statement: (when) => sql`UPDATE buyers SET ${set}
      WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = ${unlockId}) AND ${when} RETURNING id, flagged_at`,
  };
  const woken: Part = {
    name: 'unflagged',
    statement: () =>
      wakeCampaigns(sql`SELECT s.campaign_id FROM flag JOIN subscriptions s ON s.buyer_id = flag.id AND s.ended_at IS NULL
        WHERE flag.flagged_at IS NULL`),
  };
  return flagged ? [flag] : [flag, woken];
}
