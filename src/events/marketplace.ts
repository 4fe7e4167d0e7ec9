import { z } from 'zod';
import { id } from './fields.ts';

const lead = { leadId: id, campaignId: id };

export const marketplaceEvents = {
  /** A lead was sold to a buyer from its wallet: deliver it. */
  'lead.assigned': z.object({ ...lead, unlockId: id }),
  /** No buyer could buy a lead: it waits until something changes, and expires when nothing does. */
  'lead.waiting': z.object(lead),
  /** A lead found no buyer in time. */
  'lead.expired': z.object(lead),
  /** Something that the waiting leads of a campaign wait for has changed: try them again. */
  'campaign.woken': z.object({ campaignId: id }),
} as const;
