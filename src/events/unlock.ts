import { z } from 'zod';
import { id, unlock } from './fields.ts';

export const unlockEvents = {
  /** A buyer may have this lead: tease now, expire at its TTL. */
  'unlock.offered': z.object({ ...unlock }),
  /** The history: one per move, whatever caused it. */
  'unlock.moved': z.object({ ...unlock, from: z.string(), to: z.string(), reason: z.string().optional() }),
  /** An offer with a pay page ended (declined, TTL, sold out, opt-out): its open session at Stripe is closed. */
  'unlock.closed': z.object({ ...unlock, reason: z.string() }),
  /** The contact was sent to the buyer; it counts as delivered when no failure is reported. */
  'unlock.revealed': z.object({ ...unlock }),
  /** Details were asked for again after they were paid for. */
  'reveal.requested': z.object({ ...unlock, inboxId: id }),
  /** The buyer read the details on the pay page. */
  'reveal.viewed': z.object({ ...unlock }),
} as const;
