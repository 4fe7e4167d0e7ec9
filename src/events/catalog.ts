import { z } from 'zod';

/**
 * Every domain event: name -> the shape of its data. The page to read first.
 *
 * Data holds ids, never personal data: events are kept as the audit trail and shown in every timeline. New fields
 * are optional, so that rows written before a deploy still parse after it.
 */

const id = z.uuid();
const unlock = { unlockId: id };
const state = z.string();

export const catalog = {
  /** A lead was stored, once for each; buyers named by the sender already have their unlock in NEW_LEAD. */
  'lead.received': z.object({ leadId: id, unlockIds: z.array(id).optional() }),
  /** A stored lead is to be offered to more buyers; their unlocks are in NEW_LEAD. */
  'offers.requested': z.object({ leadId: id, unlockIds: z.array(id) }),
  /** All slots of a lead are sold: its other offers end. */
  'lead.sold_out': z.object({ leadId: id }),
  /** The locked contact was read (audit). `actor` is an API key or user id. */
  'lead.contact_read': z.object({ leadId: id, actor: z.string() }),

  /** `actor` is an API key or user id. */
  'company.registered': z.object({ actor: z.string() }),
  /** A lead of a company's own was stored: bring it into its CRM. */
  'lead.uploaded': z.object({ leadId: id }),
  /** What failed, or was held, is to be tried again. */
  'lead.sync_requested': z.object({ leadId: id }),
  /** A file is whole and its columns are settled: read it. */
  'import.started': z.object({ importId: id }),
  /** What the CRM did not take of an import's leads is to be brought there once more. */
  'import.retry_requested': z.object({ importId: id }),
  'import.ended': z.object({ importId: id, status: z.enum(['done', 'failed', 'cancelled']) }),
  /** The CRM refuses a company's credentials: its rows are held until it is connected again. */
  'crm.paused': z.object({ reason: z.string() }),
  /** A company's CRM has been out of order for a while: its rows wait, and go by themselves when it is back. */
  'crm.unwell': z.object({ reason: z.string() }),
  'crm.resumed': z.object({ actor: z.string() }),
  /** The CRM reported a change of a contact (webhook, stored in the inbox). */
  'crm.notified': z.object({ inboxId: id }),

  /** A buyer may have this lead: tease now, expire at its TTL. */
  'unlock.offered': z.object({ ...unlock }),
  /** The history: one per move, whatever caused it. */
  'unlock.moved': z.object({ ...unlock, from: state, to: state, reason: z.string().optional() }),
  /** An offer with a pay page ended (declined, TTL, sold out, opt-out): its open session at Stripe is closed. */
  'unlock.closed': z.object({ ...unlock, reason: z.string() }),
  /** The contact was sent to the buyer; it counts as delivered when no failure is reported. */
  'unlock.revealed': z.object({ ...unlock }),

  'reply.accepted': z.object({ ...unlock, inboxId: id }),
  'reply.declined': z.object({ ...unlock, inboxId: id }),
  /** A text without a clear intent, with an offer open: one help text a day. */
  'reply.unclear': z.object({ ...unlock, inboxId: id }),
  /** HELP or INFO. `phoneId` names (our number, their phone). */
  'reply.help': z.object({ phoneId: id, inboxId: id }),
  /** An unsigned vendor callback: the text or delivery status it names is fetched by id before it counts. */
  'reply.notified': z.object({ inboxId: id }),

  'buyer.opted_out': z.object({ phoneId: id, inboxId: id.optional() }),
  'buyer.opted_in': z.object({ phoneId: id, inboxId: id.optional() }),
  /** A short sentence the buyer should hear; `key` makes it one message, however often it is asked for. */
  'buyer.notice': z.object({
    ...unlock,
    notice: z.enum(['no_longer_available', 'sold_out', 'refunded']),
    key: z.string(),
    reason: z.string().optional(),
  }),

  /** A Checkout Session was opened: poll it, in case its webhook never arrives. */
  'checkout.opened': z.object({ ...unlock, sessionId: z.string() }),
  /** A session ended unpaid at Stripe. */
  'checkout.ended': z.object({ ...unlock, sessionId: z.string() }),

  /** Stripe reported a payment: fetch, verify, and book it; kept, or to be refunded. */
  'payment.reported': z.object({ ...unlock, sessionId: z.string() }),
  /** Verified and booked: reveal. */
  'payment.captured': z.object({ ...unlock, paymentId: id }),
  /** A payment that must be refunded in full. */
  'payment.unwanted': z.object({ ...unlock, paymentId: id, reason: z.string() }),
  /** Stripe reported a refund or dispute: fetch the payment and book its state. */
  'payment.changed': z.object({ paymentIntent: z.string() }),
  'payment.refunded': z.object({ ...unlock, paymentId: id, amount: z.number().int() }),
  'payment.disputed': z.object({ ...unlock, paymentId: id }),
  /** A paid session that does not match what was asked for: nothing is revealed, a person must look. */
  'payment.quarantined': z.object({ ...unlock, sessionId: z.string(), reason: z.string() }),

  /** Details were asked for again after they were paid for. */
  'reveal.requested': z.object({ ...unlock, inboxId: id }),
  /** The buyer read the details on the pay page. */
  'reveal.viewed': z.object({ ...unlock }),

  'message.delivered': z.object({ messageId: id, unlockId: id.optional(), purpose: z.string() }),
  'message.failed': z.object({
    messageId: id,
    unlockId: id.optional(),
    purpose: z.string(),
    code: z.string(),
  }),

  /** A worker gave up on a row: visible in the console, and an operator hears of it. */
  'work.parked': z.object({ outboxId: z.number(), worker: z.string(), error: z.string() }),
  'work.resumed': z.object({ outboxId: z.number(), worker: z.string(), actor: z.string() }),
} as const;

export type EventType = keyof typeof catalog;
export type EventData<T extends EventType> = z.infer<(typeof catalog)[T]>;
export const eventTypes = Object.keys(catalog) as EventType[];
