/** A buyer's standing order on a campaign. */
export const subscriptionStatuses = ['ACTIVE', 'PAUSED'] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];
