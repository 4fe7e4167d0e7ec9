import { sql } from 'drizzle-orm';
import type { Dispute, Refund } from '../../domain/payment/reversals.ts';
import type { SaleMoney, UnlockMoney } from '../../domain/payment/sale-money.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { ofOrganization } from '../organization.ts';
import { repeatKey } from './reversals.ts';

/**
 * What the pages tell of money: gross, refunded, disputed and net, as Stripe reports them. Each payment `p` is divided
 * into parts that add up to its amount.
 */

/** Negative when a bank got back what had been refunded before: that is a loss. */
const rest = '(p.amount_minor - p.refunded_minor - p.refunding_minor - p.disputed_minor)';

const sums = sql.raw(`sum(p.amount_minor)::int8 AS gross, sum(p.refunded_minor)::int8 AS refunded,
  sum(p.refunding_minor)::int8 AS refunding, sum(p.disputed_minor)::int8 AS disputed,
  coalesce(sum(greatest(${rest}, 0)) FILTER (WHERE NOT p.kept), 0)::int8 AS due,
  sum(CASE WHEN p.kept THEN ${rest} ELSE least(${rest}, 0) END)::int8 AS net`);

/**
 * The money of an organization's sales, or of all for null, by currency, largest first: of payments booked since `first`,
 * the smallest id of that time.
 */
export async function salesMoney(
  db: Queryable,
  organizationId: string | null,
  first: string,
): Promise<SaleMoney[]> {
  return run(
    db,
    sql`SELECT p.currency, ${sums} FROM payments p
      WHERE p.id >= ${first}::uuid AND p.purpose = 'unlock' AND ${ofOrganization('p.organization_id', organizationId)}
      GROUP BY p.currency ORDER BY gross DESC, p.currency`,
  );
}

/** The money of these unlocks. An unlock without a payment is left out. */
export async function moneyOfUnlocks(db: Queryable, unlockIds: readonly string[]): Promise<UnlockMoney[]> {
  return run(
    db,
    sql`SELECT p.unlock_id AS "unlockId", p.currency, ${sums},
      bool_or(p.kept AND p.refunded_minor + p.refunding_minor > 0) AS "keptRefunded",
      bool_or(EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.status IN ('failed', 'canceled')
        AND r.amount_minor <= ${sql.raw(rest)}
        AND NOT EXISTS (SELECT 1 FROM effects e WHERE e.key = ${repeatKey('')} || r.id AND e.state = 'accepted'))) AS "refundFailed",
      bool_or(EXISTS (SELECT 1 FROM disputes d WHERE d.payment_id = p.id AND d.kind = 'inquiry'
        AND d.status NOT IN ('warning_closed', 'prevented'))) AS inquiry,
      bool_or(p.disputed_minor > 0) AND NOT bool_or(EXISTS (SELECT 1 FROM disputes d WHERE d.payment_id = p.id AND d.kind = 'open'))
        AND bool_or(EXISTS (SELECT 1 FROM disputes d WHERE d.payment_id = p.id AND d.kind = 'lost')) AS lost
    FROM payments p WHERE p.unlock_id = ANY(${sql.param([...unlockIds])}::uuid[]) GROUP BY p.unlock_id, p.currency`,
  );
}

/** One payment as the history of its unlock shows it, in minor units. */
export type PaymentEntry = {
  id: string;
  createdAt: Date;
  amountMinor: number;
  currency: string;
  kept: boolean;
  refundReason: string | null;
  paymentIntent: string;
  refundedMinor: number;
  refundingMinor: number;
  disputedMinor: number;
};

/** The payments of one unlock, newest first. */
export async function paymentsOfUnlock(
  db: Queryable,
  unlockId: string,
  limit: number,
): Promise<PaymentEntry[]> {
  return run(
    db,
    sql`SELECT p.id, p.created_at AS "createdAt", p.amount_minor AS "amountMinor", p.currency, p.kept,
      p.refund_reason AS "refundReason", p.payment_intent AS "paymentIntent", p.refunded_minor AS "refundedMinor",
      p.refunding_minor AS "refundingMinor", p.disputed_minor AS "disputedMinor"
    FROM payments p WHERE p.unlock_id = ${unlockId}::uuid ORDER BY p.created_at DESC LIMIT ${limit}`,
  );
}

export type RefundEntry = Refund & { currency: string; createdAt: Date; updatedAt: Date };
export type DisputeEntry = Dispute & { currency: string; createdAt: Date; updatedAt: Date };

/** Every refund and dispute of one unlock, newest first. */
export async function reversalsOfUnlock(
  db: Queryable,
  unlockId: string,
): Promise<{ refunds: RefundEntry[]; disputes: DisputeEntry[] }> {
  const times = sql.raw('x.created_at AS "createdAt", x.updated_at AS "updatedAt", p.currency');
  const of = sql`x JOIN payments p ON p.id = x.payment_id WHERE p.unlock_id = ${unlockId}::uuid ORDER BY x.created_at DESC, x.id LIMIT 100`;
  const [refunds, disputes] = await Promise.all([
    run<RefundEntry>(
      db,
      sql`SELECT x.id, x.amount_minor AS "amountMinor", x.status, x.failure, ${times} FROM refunds ${of}`,
    ),
    run<DisputeEntry>(
      db,
      sql`SELECT x.id, x.amount_minor AS "amountMinor", x.withdrawn_minor AS "withdrawnMinor", x.status, x.reason, ${times} FROM disputes ${of}`,
    ),
  ]);
  return { refunds, disputes };
}
