import type { DistributionLogic } from '../marketplace/campaign.ts';
import { smallestOfferMinor } from '../marketplace/subscription.ts';
import type { Seen } from './eligibility.ts';

/**
 * Whether a subscription may buy a lead of its campaign. Rules are judged in order; the first that fails is the recorded
 * reason, and what it saw is kept with the decision. Amounts are in cents.
 */

export type MarketLead = {
  /** USPS code; null when the lead has none. */
  state: string | null;
  /** Buyers who bought the same phone number or e-mail address within the campaign's window. */
  boughtBy: ReadonlySet<string>;
  /** Buyers who were offered it by text and did not pay. */
  offeredTo: ReadonlySet<string>;
  /**
   * It may be offered by text: it has locked values, without which there is nothing to pay for, time for a reservation and
   * another buyer after it, and few buyers have had an offer of it.
   */
  isOfferable: boolean;
};

export type MarketCampaign = {
  /** Another one after each edit. */
  version: string;
  active: boolean;
  logic: DistributionLogic;
  priceMinor: number;
  /** How many buyers may buy one lead of a BROADCAST; null for every eligible one. */
  maxSales: number | null;
};

/** `armed`: a recharge may be opened; `open`: one is under way. */
export type RechargeState = 'off' | 'armed' | 'open';

/** A live subscription with its buyer and wallet. Days, weeks and months are those of the buyer's time zone. */
export type Candidate = {
  subscriptionId: string;
  buyerId: string;
  active: boolean;
  buyerActive: boolean;
  buyerFlagged: boolean;
  /** USPS codes; empty for all. */
  states: readonly string[];
  /** Null for no limit. */
  dailyCap: number | null;
  soldToday: number;
  weeklyLimitMinor: number | null;
  spentThisWeekMinor: number;
  monthlyLimitMinor: number | null;
  spentThisMonthMinor: number;
  balanceMinor: number;
  /** A disputed top-up blocks spending. */
  walletBlocked: boolean;
  recharge: RechargeState;
  /** What a recharge adds to the balance. */
  rechargeMinor: number;
  /** When the wallet is short, the buyer is texted an offer, and can be: no other one of this campaign is open. */
  takesOffers: boolean;
  /** 1 to 10; the weight in WEIGHTED_ROUND_ROBIN. */
  priority: number;
  /** 1 is first, null is last. */
  waterfallPriority: number | null;
  /** Its place in the line of the campaign: the lowest is next. */
  pass: number;
  /** The run of its last weighted sale, and its sales in that run. */
  run: number;
  runCount: number;
};

export type MarketFacts = { lead: MarketLead; campaign: MarketCampaign; candidate: Candidate };

export type MarketRuleName =
  | 'campaign_inactive'
  | 'subscription_inactive'
  | 'buyer_inactive'
  | 'buyer_flagged'
  | 'same_person'
  | 'already_offered'
  | 'state'
  | 'daily_cap'
  | 'weekly_limit'
  | 'monthly_limit'
  | 'wallet_blocked'
  | 'wallet';

type Rule = {
  name: MarketRuleName;
  /** The lead decides: another lead may pass. */
  byLead?: true;
  fails(facts: MarketFacts): boolean;
  seen?(facts: MarketFacts): Seen;
};

const over = (limit: number | null, spent: number, price: number) => limit !== null && spent + price > limit;

export const marketRules: readonly Rule[] = [
  { name: 'campaign_inactive', fails: ({ campaign }) => !campaign.active },
  { name: 'subscription_inactive', fails: ({ candidate }) => !candidate.active },
  { name: 'buyer_inactive', fails: ({ candidate }) => !candidate.buyerActive },
  { name: 'buyer_flagged', fails: ({ candidate }) => candidate.buyerFlagged },
  {
    name: 'same_person',
    byLead: true,
    fails: ({ lead, candidate }) => lead.boughtBy.has(candidate.buyerId),
  },
  {
    name: 'already_offered',
    byLead: true,
    fails: ({ lead, candidate }) => lead.offeredTo.has(candidate.buyerId),
  },
  {
    name: 'state',
    byLead: true,
    fails: ({ lead, candidate: { states } }) =>
      states.length > 0 && lead.state !== null && !states.includes(lead.state),
    seen: ({ lead, candidate: { states } }) => ({ state: lead.state, states: states.join(' ') }),
  },
  {
    name: 'daily_cap',
    fails: ({ candidate: { dailyCap, soldToday } }) => dailyCap !== null && soldToday >= dailyCap,
    seen: ({ candidate: { dailyCap, soldToday } }) => ({ sold: soldToday, cap: dailyCap }),
  },
  {
    name: 'weekly_limit',
    fails: ({ candidate, campaign }) =>
      over(candidate.weeklyLimitMinor, candidate.spentThisWeekMinor, campaign.priceMinor),
    seen: ({ candidate, campaign }) => ({
      spentMinor: candidate.spentThisWeekMinor,
      priceMinor: campaign.priceMinor,
      limitMinor: candidate.weeklyLimitMinor,
    }),
  },
  {
    name: 'monthly_limit',
    fails: ({ candidate, campaign }) =>
      over(candidate.monthlyLimitMinor, candidate.spentThisMonthMinor, campaign.priceMinor),
    seen: ({ candidate, campaign }) => ({
      spentMinor: candidate.spentThisMonthMinor,
      priceMinor: campaign.priceMinor,
      limitMinor: candidate.monthlyLimitMinor,
    }),
  },
  { name: 'wallet_blocked', fails: ({ candidate }) => candidate.walletBlocked },
  {
    name: 'wallet',
    fails: ({ candidate, campaign }) => candidate.balanceMinor < campaign.priceMinor,
    seen: ({ candidate, campaign }) => ({
      balanceMinor: candidate.balanceMinor,
      priceMinor: campaign.priceMinor,
    }),
  },
];

const leadIndependent = marketRules.filter(({ byLead }) => !byLead);

/** Whether a buyer whose wallet is short is offered the lead by text instead. */
export const isOfferable = (facts: MarketFacts): boolean => facts.lead.isOfferable && mayBeOffered(facts);

const mayBeOffered = ({ campaign, candidate }: MarketFacts): boolean =>
  candidate.takesOffers && campaign.priceMinor >= smallestOfferMinor;

export type MarketRefusal = { rule: MarketRuleName; seen: Seen };

/** The first rule that stands in the way, with what it saw. Returns null when the subscription may buy the lead. */
export function marketRefusal(facts: MarketFacts): MarketRefusal | null {
  const failed = marketRules.find((rule) => rule.fails(facts));
  return failed ? { rule: failed.name, seen: failed.seen?.(facts) ?? {} } : null;
}

/** What keeps the subscription from every lead of its campaign at present, whatever their states and people. */
export const blockersOfAll = (facts: MarketFacts): MarketRuleName[] =>
  leadIndependent.flatMap(({ name, fails }) => {
    const isOpen = name === 'wallet' && (mayBeOffered(facts) || mayBeRecharged(facts));
    return fails(facts) && !isOpen ? [name] : [];
  });

/** A recharge that is not open yet would pay for a lead. */
const mayBeRecharged = ({ campaign, candidate }: MarketFacts): boolean =>
  candidate.recharge === 'armed' && candidate.balanceMinor + candidate.rechargeMinor >= campaign.priceMinor;
