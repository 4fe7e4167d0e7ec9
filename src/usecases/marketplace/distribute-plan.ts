import type { Assignments, Buyer, Decided, Sale } from '../../db/marketplace/assignment.ts';
import type { TurnCampaign, TurnCandidate, TurnLead } from '../../db/marketplace/distribution.ts';
import type { TurnsChange } from '../../db/marketplace/pending.ts';
import type { RechargeWanted } from '../../db/payment/wallet-recharge.ts';
import { type Considered, offeredRule } from '../../domain/marketplace/distribution.ts';
import { mostOffersOfLead, reservationMs } from '../../domain/marketplace/subscription.ts';
import {
  afterSale,
  type Chosen,
  chooseBuyers,
  type MarketChoice,
  type MarketRequest,
  type TurnRun,
} from '../../domain/matching/choose-buyers.ts';
import { blockersOfAll, type MarketRuleName } from '../../domain/matching/market-rules.ts';
import type { Cause, EventDraft } from '../../events/envelope.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';

/** What leads of one campaign are decided by. */
export type TurnFacts = {
  campaign: TurnCampaign;
  candidates: TurnCandidate[];
  run: TurnRun;
  /** Buyers by the hashes of the people they bought within the window. */
  bought: Map<string, Set<string>>;
  rechargeWaitMs: number;
};

export type PlannedLead = { lead: TurnLead; cause: Cause | null };

/**
 * `offered`: reserved for buyers who were texted an offer. `left`: not decided, because the statement was full or no lead can
 * be sold at present.
 */
export type LeadOutcome = 'sold' | 'offered' | 'waits' | 'held' | 'test' | 'expired' | 'decided' | 'left';

export type Plan = Omit<Assignments, 'ends' | 'turns' | 'recharges' | 'ourNumber'> & {
  turns: TurnsChange;
  outcomes: Map<string, LeadOutcome>;
  /** Wallets to be recharged: up to the price, for a lead that lacks it, or to what the buyer wants. */
  recharges: RechargeWanted[];
  /** Leads that wait for the recharge of these buyers. */
  heldFor: Map<string, string[]>;
  /** Buyers who lack only funds for a lead that no one can buy: a recharge sells it later. */
  lacksFunds: Set<string>;
  /** No lead of the campaign can be sold at present. */
  blockedForAll: boolean;
};

/** Sales of one statement. A broadcast of many leads is several. */
const mostSales = 500;
/** Reasons written by one statement, so that leads that thousands of buyers cannot buy are several. */
const mostReasons = 5_000;
const dayRules: readonly MarketRuleName[] = ['daily_cap', 'weekly_limit', 'monthly_limit'];

/** `draining`: leads that waited, of which none is decided after the first that shows that none can be sold. */
export type PlanOptions = { draining: boolean };

/** Decides leads one after another, each by what the ones before it leave. Changes `facts`. */
export function planLeads(facts: TurnFacts, leads: readonly PlannedLead[], { draining }: PlanOptions): Plan {
  const plan = emptyPlan(facts.campaign);
  const buyers = new Map<string, Buyer>();
  const firstRun = facts.run;
  const nextDayOf = new Set<string>();
  let reasons = 0;
  for (const planned of leads) {
    const { lead } = planned;
    const isFull = plan.sales.length >= mostSales || reasons >= mostReasons;
    const outcome = isFull || (draining && plan.blockedForAll) ? 'left' : settledOutcome(lead);
    if (outcome !== null) {
      plan.outcomes.set(lead.id, outcome);
      if (outcome === 'expired') expire(plan, planned);
      continue;
    }
    const request = requestOf(facts, lead);
    const choice = chooseBuyers(request);
    plan.outcomes.set(lead.id, settle(facts, plan, buyers, planned, choice));
    reasons += choice.passedOver.length;
    if (lead.status === 'TEST') continue;
    facts.run = choice.run;
    if (choice.chosen.length > 0 || choice.recharges.length > 0) continue;
    plan.blockedForAll ||= choice.blockedForAll;
    // The next day may lift a limit of recharges too.
    for (const buyerId of lackingFunds(request)) {
      plan.lacksFunds.add(buyerId);
      nextDayOf.add(buyerId);
    }
    for (const { rule, buyerId } of choice.passedOver) if (dayRules.includes(rule)) nextDayOf.add(buyerId);
    // What this lead was refused for may hide a limit that the leads behind it, which are not tried, would meet.
    if (plan.blockedForAll)
      for (const candidate of facts.candidates)
        if (blockersOfAll({ ...request, candidate }).some((rule) => dayRules.includes(rule)))
          nextDayOf.add(candidate.buyerId);
  }
  plan.buyers = [...buyers.values()];
  plan.recharges = rechargesOf(facts, plan);
  plan.turns.run = facts.run === firstRun ? null : facts.run;
  plan.turns.nextDayOf = [...nextDayOf];
  plan.turns.wakeInMs = retryOf(facts, plan);
  return plan;
}

/**
 * Leads that wait are tried again after this time, whatever changed: some of what they wait for gives no sign, such as the end
 * of the time in which a buyer does not buy a person twice, and a sign can be given just before a lead begins to wait.
 */
export const retryWaitingMs = 3_600_000;

/** When leads that wait are tried again: also when offers to the first of these buyers are paused no longer. */
function retryOf({ candidates }: TurnFacts, { outcomes }: Plan): number | null {
  const waits = [...outcomes.values()].some((outcome) => outcome === 'waits' || outcome === 'left');
  return waits ? soonest([retryWaitingMs, ...candidates.map(({ offersPausedMs }) => offersPausedMs)]) : null;
}

/** The least of these times; null without one. */
export const soonest = (times: readonly (number | null)[]): number | null =>
  times.reduce((least, ms) => (ms === null || (least !== null && least <= ms) ? least : ms), null);

type MutablePlan = Plan & {
  sales: Sale[];
  buyers: Buyer[];
  decided: Decided[];
  people: Assignments['people'][number][];
};

const emptyPlan = (campaign: TurnCampaign): MutablePlan => ({
  campaign,
  sales: [],
  buyers: [],
  decided: [],
  people: [],
  events: [],
  turns: { run: null, nextDayOf: [], wakeInMs: null, drain: null },
  outcomes: new Map(),
  recharges: [],
  heldFor: new Map(),
  lacksFunds: new Set(),
  blockedForAll: false,
});

/** What became of a lead that is not decided now. Returns null for one that is. */
function settledOutcome({ status, isLate, decided, openOffers }: TurnLead): LeadOutcome | null {
  if (status === 'TEST') return decided > 0 ? 'decided' : null;
  if (status !== 'PENDING' || openOffers > 0) return 'decided';
  return isLate ? 'expired' : null;
}

const requestOf = (facts: TurnFacts, lead: TurnLead): MarketRequest<TurnCandidate> => ({
  lead: {
    state: lead.state,
    boughtBy: boughtBy(facts, lead),
    offeredTo: new Set(lead.offeredTo),
    isOfferable: hasRoomForOffer(lead),
  },
  campaign: facts.campaign,
  candidates: facts.candidates,
  run: facts.run,
  awaitsRecharge: lead.status === 'PENDING' && lead.hold !== 'over',
});

const hasRoomForOffer = ({ hasContact, expiresInMs, offeredTo }: TurnLead) =>
  hasContact && expiresInMs >= 2 * reservationMs && offeredTo.length < mostOffersOfLead;

/** The next buyers of a lead that no one can buy and that is held no longer, if their wallets were recharged. */
function lackingFunds(request: MarketRequest<TurnCandidate>): string[] {
  if (request.awaitsRecharge || request.candidates.every(({ recharge }) => recharge === 'off')) return [];
  const { recharges } = chooseBuyers({ ...request, awaitsRecharge: true });
  return recharges.flatMap(({ buyerId, recharge }) => (recharge === 'armed' ? [buyerId] : []));
}

function boughtBy({ bought }: TurnFacts, { hashes }: TurnLead): ReadonlySet<string> {
  return new Set(hashes.flatMap((hash) => [...(bought.get(hash) ?? [])]));
}

function settle(
  facts: TurnFacts,
  plan: MutablePlan,
  buyers: Map<string, Buyer>,
  planned: PlannedLead,
  choice: MarketChoice<TurnCandidate>,
): LeadOutcome {
  const { lead } = planned;
  if (choice.recharges.length > 0) {
    const buyerIds = choice.recharges.map(({ buyerId }) => buyerId);
    plan.heldFor.set(lead.id, buyerIds);
    if (lead.hold === 'none') plan.decided.push(decision(lead, [], facts.rechargeWaitMs));
    return 'held';
  }
  const stated = decision(lead, consideredBy(choice, facts.campaign));
  plan.decided.push(stated);
  if (lead.status === 'TEST') return 'test';
  const isSold = choice.chosen.some(({ byOffer }) => !byOffer);
  // An offer that no one pays leaves it waiting.
  if (!isSold && lead.decided === 0) plan.events.push(waiting(plan.campaign, planned));
  if (isSold) stated.status = 'DISTRIBUTED';
  for (const sale of choice.chosen) sell(facts, plan, buyers, planned, sale);
  stated.offers = choice.chosen.filter(({ byOffer }) => byOffer).length;
  if (isSold) return 'sold';
  return choice.chosen.length > 0 ? 'offered' : 'waits';
}

function sell(
  facts: TurnFacts,
  plan: MutablePlan,
  buyers: Map<string, Buyer>,
  { lead, cause }: PlannedLead,
  sale: Chosen<TurnCandidate>,
): void {
  const { subscriptionId, buyerId, phone } = sale.candidate;
  const unlockId = newId();
  const ids = { unlockId, transactionId: newId(), journalId: newId() };
  const offer = sale.byOffer ? { phone: phone!, ttlMs: reservationMs } : null;
  plan.sales.push({ ...ids, leadId: lead.id, subscriptionId, buyerId, state: lead.state, offer });
  const before = buyers.get(subscriptionId) ?? { sales: 0, offers: 0, turn: null };
  buyers.set(subscriptionId, {
    subscriptionId,
    buyerId,
    sales: before.sales + (offer ? 0 : 1),
    offers: before.offers + (offer ? 1 : 0),
    turn: sale.turn ?? before.turn,
  });
  const { campaign, candidates, bought } = facts;
  const place = candidates.indexOf(sale.candidate);
  candidates[place] = afterSale(sale, campaign.priceMinor);
  if (campaign.repeatWindowDays > 0)
    for (const hash of lead.hashes) {
      plan.people.push({ leadId: lead.id, buyerId, hash });
      bought.set(hash, (bought.get(hash) ?? new Set()).add(buyerId));
    }
  const subject = { organizationId: campaign.organizationId, subject: subjects.unlock(unlockId) };
  plan.events.push(
    offer
      ? { type: 'unlock.offered', ...subject, data: { unlockId }, dueInMs: offer.ttlMs, ...causedBy(cause) }
      : {
          type: 'lead.assigned',
          ...subject,
          data: { leadId: lead.id, campaignId: campaign.id, unlockId },
          ...causedBy(cause),
        },
  );
}

function rechargesOf(
  { campaign, candidates }: TurnFacts,
  { heldFor, lacksFunds, buyers }: Plan,
): RechargeWanted[] {
  const lacking = new Set([...[...heldFor.values()].flat(), ...lacksFunds]);
  const sold = new Set(buyers.flatMap(({ buyerId, sales }) => (sales > 0 ? [buyerId] : [])));
  const isLow = ({ buyerId, balanceMinor, rechargeBelowMinor }: TurnCandidate) =>
    sold.has(buyerId) && rechargeBelowMinor !== null && balanceMinor < rechargeBelowMinor;
  return candidates
    .filter((candidate) => lacking.has(candidate.buyerId) || isLow(candidate))
    .map(({ buyerId }) => ({
      topUpId: newId(),
      organizationId: campaign.organizationId,
      buyerId,
      neededMinor: lacking.has(buyerId) ? campaign.priceMinor : null,
    }));
}

const causedBy = (cause: Cause | null) => (cause ? { cause } : {});

const waiting = ({ id, organizationId }: TurnCampaign, { lead, cause }: PlannedLead): EventDraft => ({
  type: 'lead.waiting',
  organizationId,
  subject: subjects.lead(lead.id),
  data: { leadId: lead.id, campaignId: id },
  dueInMs: lead.expiresInMs,
  ...causedBy(cause),
});

/** A lead that could not be decided before its time was over, because work stood still. */
function expire(plan: MutablePlan, { lead, cause }: PlannedLead): void {
  plan.decided.push({ ...decision(lead, []), status: 'EXPIRED' });
  plan.events.push({
    type: 'lead.expired',
    organizationId: plan.campaign.organizationId,
    subject: subjects.lead(lead.id),
    data: { leadId: lead.id, campaignId: plan.campaign.id },
    ...causedBy(cause),
  });
}

const decision = (lead: TurnLead, considered: Considered[], waitsMs: number | null = null): Decided => ({
  leadId: lead.id,
  status: lead.status,
  number: lead.decided + 1,
  considered,
  waitsMs,
  offers: 0,
});

/** Buyers whose reasons are kept of one decision, after those who got the lead. */
const mostConsidered = 200;

const consideredBy = (
  { chosen, passedOver }: MarketChoice<TurnCandidate>,
  { priceMinor }: TurnCampaign,
): Considered[] => [
  ...chosen.map(({ candidate: { buyerId, subscriptionId, balanceMinor }, byOffer }) => ({
    buyerId,
    subscriptionId,
    rule: byOffer ? offeredRule : null,
    seen: (byOffer ? { balanceMinor, priceMinor } : {}) as Considered['seen'],
  })),
  ...passedOver.slice(0, mostConsidered),
];
