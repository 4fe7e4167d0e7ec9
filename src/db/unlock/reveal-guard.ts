import { sql } from 'drizzle-orm';
import type { ClaimGuard } from '../transport/effects.ts';
import { paidList } from './states.ts';

/** For messages with the contact: claims one only while its unlock is paid, and counts it so that a refund sees it. */
export function paidUnlock(unlockId: string): ClaimGuard {
  return {
    name: 'paid',
    statement: sql`UPDATE lead_unlocks SET reveal_claims = reveal_claims + 1 WHERE id = ${unlockId}::uuid
      AND status IN (${paidList}) RETURNING id`,
    refusal: async () => 'not_paid',
  };
}
