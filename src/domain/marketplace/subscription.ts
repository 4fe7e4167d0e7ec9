/** A buyer's standing order on a campaign. */
export const subscriptionStatuses = ['ACTIVE', 'PAUSED'] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/**
 * What happens when the wallet lacks the price of a lead: `skip` passes it to the next buyer, `offer` texts the buyer an offer
 * to pay by card, for which the lead is reserved.
 */
export const shortWalletChoices = ['skip', 'offer'] as const;
export type ShortWalletChoice = (typeof shortWalletChoices)[number];

/** How long a lead is reserved for a buyer who was texted an offer. */
export const reservationMs = 10 * 60_000;

/** Buyers who are offered a lead one after another; then it waits for one who can pay. */
export const mostOffersOfLead = 3;

/** Least price that a card can be charged, in cents. */
export const smallestOfferMinor = 50;
