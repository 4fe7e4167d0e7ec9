import { type SQL, sql } from 'drizzle-orm';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';

export type RechargeWanted = {
  /** A new id. Unused when no recharge is opened. */
  topUpId: string;
  organizationId: string;
  buyerId: string;
  /** The price that the balance must reach; null for the buyer's own threshold. */
  neededMinor: number | null;
};

export type WalletLimits = { mostPerDayMinor: number; mostBalanceMinor: number };

/**
 * Opens a recharge of each wallet whose balance is too low, as part of the caller's statement. None is opened while one is
 * open, after auto-recharge stopped itself, for a disputed wallet, or beyond a limit: most per day, most in the wallet, and
 * the buyer's limits of the week and month, which count the recharges since it began. One for the threshold also waits for
 * what the buyer adds at present.
 *
 * It begins by the clock and not with the transaction, which may have waited for the recharge before to end.
 *
 * `balances`: rows of `buyer_id` and `balance_minor`, such as what a debit of the same statement returns; the wallets as
 * they are unless given. `opened`: the subjects of the recharges that were opened, for the `eventsOf` of the change.
 */
export function openRecharges(
  wanted: readonly RechargeWanted[],
  { limits, balances = sql`wallets` }: { limits: WalletLimits; balances?: SQL },
): { parts: Part[]; events: EventDraft[]; opened: SQL } {
  const asked = sql`${JSON.stringify(wanted)}::jsonb`;
  return {
    parts: [
      {
        name: 'recharges',
        statement: (
          when,
        ) => sql`INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency, payment_method_id, created_at)
          SELECT r."topUpId", w.organization_id, w.buyer_id, 'recharge', 'open', b.auto_recharge_amount_minor, w.currency, c.id, clock_timestamp()
          FROM jsonb_to_recordset(${asked}) AS r("topUpId" uuid, "organizationId" uuid, "buyerId" uuid, "neededMinor" bigint)
          JOIN ${balances} n ON n.buyer_id = r."buyerId"
          JOIN wallets w ON w.buyer_id = r."buyerId" AND w.organization_id = r."organizationId"
          JOIN buyers b ON b.id = w.buyer_id
          JOIN payment_methods c ON c.buyer_id = w.buyer_id AND c.is_primary AND c.removed_at IS NULL
          WHERE ${when} AND ${isWanted} AND ${isWithinLimits(limits)}
          ORDER BY w.buyer_id ON CONFLICT DO NOTHING RETURNING id`,
      },
    ],
    events: wanted.map(({ topUpId, organizationId, buyerId }) => ({
      type: 'wallet.recharge_opened',
      organizationId,
      subject: subjects.top_up(topUpId),
      data: { topUpId, buyerId },
    })),
    opened: sql`SELECT 'top_up:' || id FROM recharges`,
  };
}

/** How long a page of Stripe's may still be paid, and its payment booked, after it was opened. */
const pageCountsHours = 2;

/** Top-up `t` was charged or is being charged, or its page at Stripe may still be paid. */
export const isCharge = sql.raw(
  `(t.state = 'paid' OR t.state IN ('open', 'needs_action', 'retrying')
    AND (t.kind <> 'checkout' OR t.created_at > now() - interval '${pageCountsHours} hours'))`,
);

export const totalOf = (which: SQL) =>
  sql`(SELECT coalesce(sum(t.amount_minor), 0) FROM top_ups t WHERE t.buyer_id = w.buyer_id AND ${which})`;

/** What is on its way into wallet `w`. */
export const openTotal = totalOf(
  sql`t.ended_at IS NULL AND t.created_at > now() - interval '30 days' AND ${isCharge}`,
);

/** On wallet `w`, its buyer `b`, the balance `n` and the request `r`. */
const isWanted = sql`b.auto_recharge_enabled AND b.active = 'active' AND w.recharge_stopped_at IS NULL AND w.disputed_minor = 0
  AND b.auto_recharge_amount_minor BETWEEN 50 AND 99999999
  AND n.balance_minor < coalesce(r."neededMinor", b.auto_recharge_threshold_minor)
  AND NOT EXISTS (SELECT 1 FROM top_ups o WHERE o.buyer_id = w.buyer_id AND o.kind = 'recharge' AND o.ended_at IS NULL)
  AND (r."neededMinor" IS NOT NULL OR ${openTotal} = 0)`;

/** Days, ISO weeks and months begin in the buyer's time zone. */
const isWithinLimits = ({ mostPerDayMinor, mostBalanceMinor }: WalletLimits) =>
  sql`n.balance_minor + ${openTotal} + b.auto_recharge_amount_minor <= ${mostBalanceMinor}::bigint AND (
    SELECT coalesce(sum(t.amount_minor) FILTER (WHERE t.created_at >= z.day), 0) + b.auto_recharge_amount_minor <= ${mostPerDayMinor}::bigint
      AND coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'recharge' AND t.created_at >= z.week), 0)
        + b.auto_recharge_amount_minor <= coalesce(b.weekly_spending_limit_minor, 9007199254740991)
      AND coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'recharge' AND t.created_at >= z.month), 0)
        + b.auto_recharge_amount_minor <= coalesce(b.monthly_spending_limit_minor, 9007199254740991)
    FROM (SELECT date_trunc('day', local) AT TIME ZONE zone AS day, date_trunc('week', local) AT TIME ZONE zone AS week,
        date_trunc('month', local) AT TIME ZONE zone AS month
      FROM (SELECT zone, now() AT TIME ZONE zone AS local FROM (SELECT ${zoneOfBuyer} AS zone) named) at) z
    LEFT JOIN top_ups t ON t.buyer_id = w.buyer_id AND t.created_at >= least(z.day, z.week, z.month) AND ${isCharge})`;

/** The time zone of buyer `b`. */
export const zoneOfBuyer = sql.raw(
  `coalesce(b.time_zone, (SELECT s.time_zone FROM sellers s WHERE s.organization_id = b.organization_id), 'UTC')`,
);

/** Those of these buyers whose saved card is being charged now. */
export async function findRecharging(db: Queryable, buyerIds: readonly string[]): Promise<Set<string>> {
  const rows = await run<{ buyerId: string }>(
    db,
    sql`SELECT buyer_id AS "buyerId" FROM top_ups
      WHERE buyer_id = ANY(${sql.param([...buyerIds])}::uuid[]) AND kind = 'recharge' AND state = 'open' AND ended_at IS NULL`,
  );
  return new Set(rows.map(({ buyerId }) => buyerId));
}
