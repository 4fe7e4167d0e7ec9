/**
 * Whether a lead may be offered to a buyer. Rules are judged in order, and the first that fails is the recorded reason;
 * a rule is one entry of the table of its campaign's logic.
 */

export type LeadFacts = {
  /** Its contact is gone: there is nothing left to sell. */
  erased: boolean;
};

/** What a lead is sold through. `NAMED`: offered to every buyer that a request names. */
export type Campaign = {
  logic: 'NAMED';
  /** How many buyers may buy it; null: everyone it is offered to. */
  maxSales: number | null;
};

/** A buyer's standing order; for a buyer named in a request, that request. */
export type Subscription = {
  buyerId: string;
  active: boolean;
  optedOut: boolean;
  badNumber: boolean;
};

/** What was sold and offered of this lead so far. */
export type Counters = {
  sold: number;
  offeredTo: ReadonlySet<string>;
};

export type Facts = {
  lead: LeadFacts;
  campaign: Campaign;
  subscription: Subscription;
  counters: Counters;
  now: Date;
};

export type RuleName =
  | 'already_offered'
  | 'buyer_inactive'
  | 'opted_out'
  | 'bad_number'
  | 'lead_erased'
  | 'sold_out';

/** The values a rule judged by, kept with the decision. */
export type Seen = Readonly<Record<string, string | number | boolean | null>>;

type Rule = {
  name: RuleName;
  fails(facts: Facts): boolean;
  seen?(facts: Facts): Seen;
};

const rules: Record<Campaign['logic'], readonly Rule[]> = {
  NAMED: [
    {
      name: 'already_offered',
      fails: ({ counters, subscription }) => counters.offeredTo.has(subscription.buyerId),
    },
    { name: 'buyer_inactive', fails: ({ subscription }) => !subscription.active },
    { name: 'opted_out', fails: ({ subscription }) => subscription.optedOut },
    { name: 'bad_number', fails: ({ subscription }) => subscription.badNumber },
    { name: 'lead_erased', fails: ({ lead }) => lead.erased },
    {
      name: 'sold_out',
      fails: ({ campaign, counters }) => campaign.maxSales !== null && counters.sold >= campaign.maxSales,
      seen: ({ campaign, counters }) => ({ sold: counters.sold, maxSales: campaign.maxSales }),
    },
  ],
};

export type Refusal = { rule: RuleName; seen: Seen };

/** The first rule that stands in the way, with what it saw. Returns null when the lead may be offered. */
export function refusalOf(facts: Facts): Refusal | null {
  const failed = rules[facts.campaign.logic].find((rule) => rule.fails(facts));
  return failed ? { rule: failed.name, seen: failed.seen?.(facts) ?? {} } : null;
}
