export const campaignStatuses = ['ACTIVE', 'PAUSED', 'ARCHIVED'] as const;
export type CampaignStatus = (typeof campaignStatuses)[number];

/** Who gets a lead; the rules of each are in domain/matching. */
export const distributionLogics = ['ROUND_ROBIN', 'WEIGHTED_ROUND_ROBIN', 'WATERFALL', 'BROADCAST'] as const;
export type DistributionLogic = (typeof distributionLogics)[number];

/** How long a lead waits for an eligible buyer, in hours. */
export const leadTtlHours = { usual: 72, most: 8_760 };
/** Highest price of a lead, in cents. */
export const mostPriceMinor = 1_000_000;
