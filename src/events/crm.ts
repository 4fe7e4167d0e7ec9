import { z } from 'zod';
import { id } from './fields.ts';

export const crmEvents = {
  /** Failed or held syncs are retried on request. */
  'lead.sync_requested': z.object({ leadId: id }),
  /** The CRM refuses a company's credentials: its rows are held until the company connects again. */
  'crm.paused': z.object({ reason: z.string() }),
  /** A company's CRM has been unavailable for some time. Its rows are held and retried automatically. */
  'crm.unwell': z.object({ reason: z.string() }),
  'crm.resumed': z.object({ actor: z.string() }),
  /** The CRM reported a change of a contact (webhook, stored in the inbox). */
  'crm.notified': z.object({ inboxId: id }),
} as const;
