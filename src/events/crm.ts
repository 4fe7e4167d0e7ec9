import { z } from 'zod';
import { id } from './fields.ts';

export const crmEvents = {
  /** What failed, or was held, is to be tried again. */
  'lead.sync_requested': z.object({ leadId: id }),
  /** The CRM refuses a company's credentials: its rows are held until it is connected again. */
  'crm.paused': z.object({ reason: z.string() }),
  /** A company's CRM has been out of order for a while: its rows wait, and go by themselves when it is back. */
  'crm.unwell': z.object({ reason: z.string() }),
  'crm.resumed': z.object({ actor: z.string() }),
  /** The CRM reported a change of a contact (webhook, stored in the inbox). */
  'crm.notified': z.object({ inboxId: id }),
} as const;
