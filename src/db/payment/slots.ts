import { sql } from 'drizzle-orm';
import type { Part } from '../commit.ts';
import type { UnlockView } from '../unlock/unlocks.ts';

/**
 * Takes the lowest free slot of a lead with a limit, for an unlock that is still in the state it was read in, and only
 * while the number of sold slots is the one that was read: the run that takes the last slot emits `lead.sold_out`, so
 * it must know that it is the last.
 */
export function takeSlot(unlock: UnlockView): Part {
  return {
    name: 'slot',
    statement: (held) => sql`INSERT INTO sold_slots (lead_id, slot, unlock_id)
      SELECT ${unlock.leadId}::uuid, g.n, u.id
      FROM (SELECT id FROM lead_unlocks WHERE id = ${unlock.id} AND status = ${unlock.state} AND ${held} FOR UPDATE) u,
        generate_series(1, ${unlock.maxSales}::integer) AS g(n)
      WHERE NOT EXISTS (SELECT 1 FROM sold_slots s WHERE s.lead_id = ${unlock.leadId} AND s.slot = g.n)
        AND (SELECT count(*) FROM sold_slots s WHERE s.lead_id = ${unlock.leadId}) = ${unlock.soldSlots}::integer
      ORDER BY g.n LIMIT 1
      ON CONFLICT DO NOTHING RETURNING slot`,
  };
}

/** Condition of the move: a slot was taken in the same statement. */
export const slotTaken = sql`EXISTS (SELECT 1 FROM slot)`;

/** Frees the slot of a sale that was returned in full. */
export function freeSlot(unlockId: string): Part {
  return {
    name: 'freed',
    statement: (when) => sql`DELETE FROM sold_slots WHERE unlock_id = ${unlockId} AND ${when}`,
  };
}
