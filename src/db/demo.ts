import { sql } from 'drizzle-orm';
import type { UnlockState } from '../domain/unlock/machine.ts';
import { subjects } from '../events/subjects.ts';
import type { Queryable } from './client.ts';
import { run } from './commit.ts';

/** Queries of the demos, which have a database of their own, and of the sample data: they are not limited to an organization. */
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

/** How many leads of campaigns the seller with this address has received; tests are not counted. */
export async function countReceived(db: Queryable, email: string): Promise<number> {
  const [row] = await run<{ count: number }>(
    db,
    sql`SELECT count(*)::int AS count FROM users u JOIN members m ON m.user_id = u.id AND m.role = 'seller'
      JOIN distributions d ON d.organization_id = m.organization_id AND d.status <> 'TEST' WHERE u.email = ${email}`,
  );
  return row!.count;
}

/** A user who signs in with a password, and how that is stored. */
export async function findStoredPerson(
  db: Queryable,
  email: string,
): Promise<{ userId: string; password: string } | null> {
  const [row] = await run<{ userId: string; password: string }>(
    db,
    sql`SELECT u.id AS "userId", a.password FROM users u JOIN accounts a ON a.user_id = u.id AND a.provider_id = 'credential'
      WHERE u.email = ${email} AND a.password IS NOT NULL`,
  );
  return row ?? null;
}
