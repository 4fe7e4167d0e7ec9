import { z } from 'zod';
import { id, unlock } from './fields.ts';

export const unlockEvents = {
  /** A lead is offered to a buyer: send the teaser now, expire the offer at its TTL. */
  'unlock.offered': z.object({ ...unlock }),
  /** History: one event per state change, for any cause. */
  'unlock.moved': z.object({ ...unlock, from: z.string(), to: z.string(), reason: z.string().optional() }),
  /** An offer with a pay page ended (declined, TTL, sold out, opt-out): its open session at Stripe is closed. */
  'unlock.closed': z.object({ ...unlock, reason: z.string() }),
  /** The contact was sent to the buyer; it counts as delivered when no failure is reported. */
  'unlock.revealed': z.object({ ...unlock }),
  /** The buyer requested the details again after paying. */
  'reveal.requested': z.object({ ...unlock, inboxId: id }),
  /** The buyer read the details on the pay page. */
  'reveal.viewed': z.object({ ...unlock }),
} as const;
