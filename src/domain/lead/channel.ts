/**
 * What happens with a lead. `pay_per_unlock`: offered to named buyers, who pay for it one by one. `crm_upload`: brought
 * by a company for its own CRM, never offered. `marketplace`: sold through a campaign.
 */
export const leadChannels = ['pay_per_unlock', 'crm_upload', 'marketplace'] as const;
export type LeadChannel = (typeof leadChannels)[number];
