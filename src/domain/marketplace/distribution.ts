/**
 * How a lead of a campaign stands. `PENDING`: it waits for an eligible buyer. `DISTRIBUTED`: sold to at least one.
 * `EXPIRED`: none was found in time. `REJECTED`: taken back before it was sold. `TEST`: judged and answered, never sold.
 */
export const distributionStatuses = ['PENDING', 'DISTRIBUTED', 'EXPIRED', 'REJECTED', 'TEST'] as const;
export type DistributionStatus = (typeof distributionStatuses)[number];

/** Within how many days a buyer does not buy the same person again in one campaign. */
export const repeatWindowDays = { usual: 30, most: 365 };

/** The `rule` of a buyer who was texted an offer, because the wallet was short. */
export const offeredRule = 'offered';

/**
 * What was found about one buyer when a lead was decided. `rule`: what stood in the way, or `offered`; null for a buyer who got
 * it.
 */
export type Considered = {
  buyerId: string;
  subscriptionId: string;
  rule: string | null;
  /** The values the rule judged by. */
  seen: Readonly<Record<string, string | number | boolean | null>>;
};
