import { z } from 'zod';
import { id } from './fields.ts';

export const leadEvents = {
  /** A lead was stored; emitted once per lead. Buyers named by the sender already have their unlock in NEW_LEAD. */
  'lead.received': z.object({ leadId: id, unlockIds: z.array(id).optional() }),
  /** A stored lead is offered to more buyers; their unlocks are in NEW_LEAD. */
  'offers.requested': z.object({ leadId: id, unlockIds: z.array(id) }),
  /** All slots of a lead are sold: its other offers end. */
  'lead.sold_out': z.object({ leadId: id }),
  /** The locked contact was read (audit). `actor` is an API key or user id. */
  'lead.contact_read': z.object({ leadId: id, actor: z.string() }),
  /** A company's uploaded lead was stored: sync it to the company's CRM. */
  'lead.uploaded': z.object({ leadId: id }),
} as const;
