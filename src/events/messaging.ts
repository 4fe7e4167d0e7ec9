import { z } from 'zod';
import { id, unlock } from './fields.ts';

const ofPhone = {
  phoneId: id,
  organizationId: id.optional(),
  answeredByCarrier: z.boolean().optional(),
};

export const messagingEvents = {
  'reply.accepted': z.object({ ...unlock, inboxId: id }),
  'reply.declined': z.object({ ...unlock, inboxId: id }),
  /** A text without a clear intent while an offer is open: answered by one help text per day, and shown to an operator. */
  'reply.unclear': z.object({ ...unlock, inboxId: id }),
  /**
   * HELP or INFO. `phoneId` names (our number, their phone). `organizationId`, here and in an opt-out or opt-in: the
   * organization that submitted the text, and the only one that it concerns. `answeredByCarrier`: the carrier has sent
   * the answer.
   */
  'reply.help': z.object({ ...ofPhone, inboxId: id }),
  /** An unsigned vendor callback: the text or delivery status it names is fetched by id before it is processed. */
  'reply.notified': z.object({ inboxId: id }),
  'buyer.opted_out': z.object({ ...ofPhone, inboxId: id.optional() }),
  'buyer.opted_in': z.object({ ...ofPhone, inboxId: id.optional() }),
  /** A short notice for the buyer. `key` deduplicates it. */
  'buyer.notice': z.object({
    ...unlock,
    notice: z.enum(['no_longer_available', 'sold_out', 'refunded', 'refund_pending', 'refund_failed']),
    key: z.string(),
    reason: z.string().optional(),
  }),
  'message.delivered': z.object({ messageId: id, unlockId: id.optional(), purpose: z.string() }),
  'message.failed': z.object({
    messageId: id,
    unlockId: id.optional(),
    purpose: z.string(),
    code: z.string(),
  }),
} as const;
