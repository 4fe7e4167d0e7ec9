import { sql } from 'drizzle-orm';
import type { UnlockState } from '../../domain/unlock/machine.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** Counts over whole tables. Slow: call it rarely, and not during a user's request. */

export async function unlockCounts(db: Queryable): Promise<{ state: UnlockState; count: number }[]> {
  return run(db, sql`SELECT status AS state, count(*)::int AS count FROM lead_unlocks GROUP BY status`);
}

export type EffectCount = { vendor: string; kind: string; outcome: string; count: number };

export async function effectCounts(db: Queryable): Promise<EffectCount[]> {
  return run(
    db,
    sql`SELECT vendor, kind, state AS outcome, count(*)::int AS count FROM effects
      WHERE claimed_at > now() - interval '24 hours' GROUP BY vendor, kind, state`,
  );
}
