import {
  type Campaign,
  type Counters,
  type LeadFacts,
  type Refusal,
  refusalOf,
  type Subscription,
} from './eligibility.ts';

export type PassedOver = Refusal & { buyerId: string };

/** Each subscription given is in one of the two, in the order given. */
export type Choice<S extends Subscription> = { offers: S[]; passedOver: PassedOver[] };

/**
 * Who is offered a lead, and why the others are not. Pure: the same facts give the same choice. `NAMED` offers to every
 * eligible buyer, in the order they were named; a buyer named twice is offered it once.
 */
export function choose<S extends Subscription>(
  lead: LeadFacts,
  campaign: Campaign,
  subscriptions: readonly S[],
  counters: Counters,
  now: Date,
): Choice<S> {
  const offeredTo = new Set(counters.offeredTo);
  const choice: Choice<S> = { offers: [], passedOver: [] };
  for (const subscription of subscriptions) {
    const refusal = refusalOf({ lead, campaign, subscription, counters: { ...counters, offeredTo }, now });
    if (refusal) choice.passedOver.push({ buyerId: subscription.buyerId, ...refusal });
    else {
      choice.offers.push(subscription);
      offeredTo.add(subscription.buyerId);
    }
  }
  return choice;
}
