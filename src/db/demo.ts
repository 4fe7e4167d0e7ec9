import { sql } from 'drizzle-orm';
import type { UnlockState } from '../domain/unlock/machine.ts';
import { subjects } from '../events/subjects.ts';
import type { Queryable } from './client.ts';
import { run } from './commit.ts';

/** Queries of the demo. It has its own database, so they are not limited to an organization. */
export type EndedUnlock = { id: string; provider: string; status: UnlockState; reason: string | null };

/** All unlocks by the external id of their buyer. */
export async function listEndedUnlocks(db: Queryable): Promise<EndedUnlock[]> {
  return run<EndedUnlock>(
    db,
    sql`SELECT u.id, b.external_id AS provider, u.status, u.reason FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id ORDER BY b.external_id`,
  );
}

/** State changes of one unlock, oldest first. */
export async function listUnlockMoves(
  db: Queryable,
  unlockId: string,
): Promise<{ at: Date; to: string; reason: string | null }[]> {
  return run(
    db,
    sql`SELECT occurred_at AS at, to_status AS "to", reason FROM unlock_history WHERE unlock_id = ${subjects.unlock(unlockId)} ORDER BY event_id`,
  );
}

/** The Stripe account's balance and the sum of the journal in minor units, and the number of parked outbox rows. */
export async function ledgerTotals(db: Queryable): Promise<{ stripe: number; sum: number; parked: number }> {
  const [totals] = await run<{ stripe: number; sum: number; parked: number }>(
    db,
    sql`SELECT (SELECT coalesce(sum(amount_minor), 0)::int FROM journal_entries WHERE account = 'stripe') AS stripe,
      (SELECT coalesce(sum(amount_minor), 0)::int FROM journal_entries) AS sum, (SELECT count(*)::int FROM outbox WHERE parked_at IS NOT NULL) AS parked`,
  );
  return totals!;
}

export type MarketTotals = {
  stripe: number;
  wallets: number;
  earned: number;
  /** Leads sold from wallets, once for each buyer. */
  sales: number;
  parked: number;
};

/** In cents: the Stripe account, the wallets' balances and what sellers earned; the number of sales and of parked outbox rows. */
export async function marketTotals(db: Queryable): Promise<MarketTotals> {
  const [totals] = await run<MarketTotals>(
    db,
    sql`SELECT (SELECT coalesce(sum(amount_minor), 0)::int FROM journal_entries WHERE account = 'stripe') AS stripe,
      (SELECT coalesce(sum(balance_minor), 0)::int FROM wallets) AS wallets,
      (SELECT coalesce(-sum(amount_minor), 0)::int FROM journal_entries WHERE starts_with(account, 'seller:')) AS earned,
      (SELECT count(*)::int FROM lead_unlocks WHERE paid_by = 'wallet') AS sales,
      (SELECT count(*)::int FROM outbox WHERE parked_at IS NOT NULL) AS parked`,
  );
  return totals!;
}
