import { sql } from 'drizzle-orm';
import type { Account, Reversals } from '../../domain/payment/reversals.ts';
import type { WalletTransactionType } from '../../domain/payment/wallet.ts';
import { walletAccount } from '../../domain/payment/wallet-accounts.ts';
import { type ChargeMoney, chargeBalances, walletDelta } from '../../domain/payment/wallet-reversals.ts';
import { type Actor, auditPart } from '../audit.ts';
import type { Queryable, Tx } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import { balanceEntries, journalOf } from './ledger.ts';
import { storeDisputes, storeRefunds, sumColumns, unchanged } from './reversals.ts';
import { changeBalance } from './wallet-credit.ts';

/** A booked charge of a wallet. */
export type WalletCharge = ChargeMoney & {
  id: string;
  topUpId: string;
  organizationId: string;
  buyerId: string;
  paymentIntent: string;
  currency: string;
  version: number;
};

const columns =
  sql.raw(`y.id, t.id AS "topUpId", t.organization_id AS "organizationId", t.buyer_id AS "buyerId",
  y.payment_intent AS "paymentIntent", y.currency, y.version, y.amount_minor AS "amountMinor", y.refunded_minor AS "refundedMinor",
  y.refunding_minor AS "refundingMinor", y.disputed_minor AS "disputedMinor", y.withdrawn_minor AS "withdrawnMinor",
  y.reserved_minor AS "reservedMinor"`);
const from = sql.raw(`FROM payments y JOIN top_ups t ON t.id = y.subject_id AND y.purpose = 'top_up'`);

/** Returns null before the charge is booked. */
export async function findWalletCharge(
  db: Queryable,
  by: { paymentIntent: string } | { id: string },
): Promise<WalletCharge | null> {
  const which = 'id' in by ? sql`y.id = ${by.id}::uuid` : sql`y.payment_intent = ${by.paymentIntent}`;
  const [row] = await run<WalletCharge>(db, sql`SELECT ${columns} ${from} WHERE ${which}`);
  return row ?? null;
}

/** Records who gave back how much of a buyer's balance. */
export async function noteGivenBack(
  tx: Tx,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
  amountMinor: number,
  actor: Actor,
): Promise<void> {
  await run(
    tx,
    auditPart(
      { organizationId, actor, action: 'buyer.given_back' },
      {
        subject: sql`${`buyer:${buyerId}`}::text`,
        before: sql`NULL::jsonb`,
        after: sql`jsonb_build_object('amount_minor', ${amountMinor}::bigint)`,
        rows: sql`(SELECT 1) given`,
      },
    ),
  );
}

const mostCharges = 200;

/** The newest charges of a wallet that can still go back, locked for the transaction in the order of locks. */
export async function lockCharges(db: Queryable, buyerId: string): Promise<WalletCharge[]> {
  const rows = await run<WalletCharge>(
    db,
    sql`SELECT ${columns} ${from} WHERE y.id IN (SELECT p.id FROM payments p JOIN top_ups o ON o.id = p.subject_id
        WHERE o.buyer_id = ${buyerId}::uuid AND p.purpose = 'top_up' AND p.kept
          AND p.amount_minor > p.refunded_minor + p.refunding_minor + p.disputed_minor + p.reserved_minor
        ORDER BY p.id DESC LIMIT ${mostCharges}::integer)
      ORDER BY y.id FOR UPDATE OF y`,
  );
  return rows.reverse();
}

/** A request to give back is a repetition, such as a double click, for this long after an equal one. */
const repetitionSeconds = 10;

/**
 * What an equal request gave back of a wallet a moment ago; null without one. Asked while the wallet is locked. The events
 * name the charges' top-ups, whose newest ones are looked up.
 */
export async function findGivenBack(tx: Tx, buyerId: string, asked: number): Promise<number | null> {
  const [row] = await run<{ total: number | null }>(
    tx,
    sql`SELECT sum((e.data->>'amount')::bigint)::float8 AS total FROM events e
      WHERE e.subject IN (SELECT 'top_up:' || t.id FROM top_ups t WHERE t.buyer_id = ${buyerId}::uuid AND t.state = 'paid'
          ORDER BY t.created_at DESC LIMIT ${mostCharges}::integer)
        AND e.type = 'wallet.give_back_opened' AND e.occurred_at > now() - make_interval(secs => ${repetitionSeconds}::float8)
        AND (e.data->>'asked')::bigint = ${asked}::bigint`,
  );
  return row?.total ?? null;
}

export type ChargeBooking = {
  to: ChargeMoney;
  now: Reversals;
  /** How much more banks claim than before; negative for claims that were decided. */
  claimDelta: number;
  description: string;
};

/**
 * Books the refunds and disputes of a charge with its wallet: what goes back leaves the balance, and what is missing of it
 * becomes debt. Its guard matches no row when another run booked some since the charge was read.
 */
export function bookCharge(charge: WalletCharge, booking: ChargeBooking): Pick<Change, 'guard' | 'writes'> {
  const { to, now } = booking;
  return {
    guard: (
      held,
    ) => sql`UPDATE payments SET ${sumColumns({ now, sums: to, flagsBuyer: false })}, reserved_minor = ${to.reservedMinor}::integer
      WHERE ${unchanged(charge)} AND ${held} RETURNING id`,
    writes: [
      ...(now.refunds.length > 0 ? [storeRefunds(charge.id, now.refunds)] : []),
      ...(now.disputes.length > 0 ? [storeDisputes(charge.id, now.disputes)] : []),
      ...moneyParts(charge, to, { key: `return-${charge.id}-v${charge.version + 1}`, ...booking }),
    ],
  };
}

/**
 * Reserves an amount of a charge to be refunded, or releases it: it leaves the wallet or comes back to it. Its guard
 * matches no row when the charge changed since it was read.
 */
export function reserve(
  charge: WalletCharge,
  { amountMinor, description }: { amountMinor: number; description: string },
): Pick<Change, 'guard' | 'writes'> {
  const to = { ...charge, reservedMinor: charge.reservedMinor + amountMinor };
  return {
    guard: (
      held,
    ) => sql`UPDATE payments SET reserved_minor = ${to.reservedMinor}::integer, version = version + 1
      WHERE ${unchanged(charge)} AND ${held} RETURNING id`,
    writes: moneyParts(charge, to, { key: `give-back-${charge.id}-v${charge.version + 1}`, description }),
  };
}

function moneyParts(
  charge: WalletCharge,
  to: ChargeMoney,
  { key, description, claimDelta = 0 }: { key: string; description: string; claimDelta?: number },
): Part[] {
  const { organizationId, buyerId, currency, paymentIntent } = charge;
  const nameOf = (account: Account) => {
    if (account === 'stripe') return account;
    return account === 'sales' ? walletAccount(buyerId) : `${account}:${organizationId}`;
  };
  const entries = balanceEntries(nameOf, chargeBalances(charge), chargeBalances(to));
  const amountMinor = walletDelta(charge, to);
  const type: WalletTransactionType = amountMinor > 0 ? 'CREDIT' : 'DEBIT';
  return [
    ...changeBalance({ organizationId, buyerId, amountMinor, claimDelta, type, description, paymentIntent }),
    ...journalOf(organizationId, { key, currency, entries }),
  ];
}
