import { createHash } from 'node:crypto';
import type { Seen } from './eligibility.ts';
import {
  blockersOfAll,
  type Candidate,
  isOfferable,
  type MarketCampaign,
  type MarketLead,
  type MarketRefusal,
  type MarketRuleName,
  marketRefusal,
} from './market-rules.ts';
import { byPass, endOfLine, nextWeighted, unit } from './stride.ts';

/** Leads in a row that were sold in weighted turns while the same subscriptions, with the same weights, were eligible. */
export type TurnRun = { number: number; eligible: string };

/** Where a subscription stands after its turn. */
export type TurnTaken = { pass: number; run: number; runCount: number };

/**
 * A subscription that buys the lead, or is offered it by text because its wallet is short. `turn` is null when all who can
 * buy do, so that turns do not matter.
 */
export type Chosen<C extends Candidate> = { candidate: C; turn: TurnTaken | null; byOffer: boolean };

export type PassedBy = { buyerId: string; subscriptionId: string; rule: MarketRuleName; seen: Seen };

export type MarketChoice<C extends Candidate> = {
  /** In the order of their turns. Empty when the lead waits. */
  chosen: Chosen<C>[];
  /** Those considered before the last one chosen that cannot buy it; all, when none can. The others were not next. */
  passedOver: PassedBy[];
  /** The next ones, when they lack only funds and are recharged, or may be: the lead waits for them, and `chosen` is empty. */
  recharges: C[];
  /** No subscription could buy any lead of this campaign at present. */
  blockedForAll: boolean;
  /** The run after this lead. */
  run: TurnRun;
};

export type MarketRequest<C extends Candidate> = {
  lead: MarketLead;
  campaign: MarketCampaign;
  candidates: readonly C[];
  run: TurnRun;
  /** False once the lead has waited for a recharge. */
  awaitsRecharge: boolean;
};

type Judged<C> = { candidate: C; refusal: MarketRefusal | null; awaited: boolean; offered: boolean };
type Turns<C extends Candidate> = { considered: Judged<C>[]; chosen: Chosen<C>[]; run: TurnRun };

/** Who buys a lead, and why others do not. Pure: the same facts give the same choice. */
export function chooseBuyers<C extends Candidate>(request: MarketRequest<C>): MarketChoice<C> {
  const { lead, campaign, candidates } = request;
  const turns = campaign.logic === 'WEIGHTED_ROUND_ROBIN' ? weightedTurns(request) : lineTurns(request);
  const { considered, chosen, run } = turns;
  const buys = new Set(chosen.map(({ candidate }) => candidate));
  const recharges = considered.flatMap(({ candidate, awaited }) =>
    awaited && buys.has(candidate) ? [candidate] : [],
  );
  const waits = recharges.length > 0;
  return {
    chosen: waits ? [] : chosen,
    passedOver: considered.flatMap(({ candidate: { buyerId, subscriptionId }, refusal, offered }) =>
      refusal && !offered ? [{ buyerId, subscriptionId, ...refusal }] : [],
    ),
    recharges,
    blockedForAll:
      chosen.length === 0 &&
      candidates.every((candidate) => blockersOfAll({ lead, campaign, candidate }).length > 0),
    run: waits ? request.run : run,
  };
}

function judge<C extends Candidate>(
  { lead, campaign, awaitsRecharge }: MarketRequest<C>,
  candidate: C,
): Judged<C> {
  const refusal = marketRefusal({ lead, campaign, candidate });
  const awaited =
    awaitsRecharge &&
    refusal?.rule === 'wallet' &&
    candidate.recharge !== 'off' &&
    candidate.balanceMinor + candidate.rechargeMinor >= campaign.priceMinor;
  const offered = refusal?.rule === 'wallet' && !awaited && isOfferable({ lead, campaign, candidate });
  return { candidate, refusal, awaited, offered };
}

const isAble = <C>({ refusal, awaited, offered }: Judged<C>) => refusal === null || awaited || offered;

const byTurn = (a: Candidate, b: Candidate) =>
  byPass({ id: a.subscriptionId, pass: a.pass }, { id: b.subscriptionId, pass: b.pass });

const placeOf = ({ waterfallPriority }: Candidate) => waterfallPriority ?? Number.MAX_SAFE_INTEGER;

/** From the front of the line to the last one that the lead is sold to. */
function lineTurns<C extends Candidate>(request: MarketRequest<C>): Turns<C> {
  const { campaign, candidates, run } = request;
  const { logic, maxSales } = campaign;
  const most = logic === 'BROADCAST' ? (maxSales ?? candidates.length) : 1;
  const line = [...candidates].sort(
    (a, b) => (logic === 'WATERFALL' ? placeOf(a) - placeOf(b) : 0) || byTurn(a, b),
  );
  const considered: Judged<C>[] = [];
  const able: Judged<C>[] = [];
  const paying = () => able.filter(({ offered }) => !offered).length;
  for (const candidate of line) {
    // A place that an offer takes is lost when it is not paid, so that a broadcast looks for those who can pay first.
    if ((logic === 'BROADCAST' ? paying() : able.length) === most) break;
    const judged = judge(request, candidate);
    considered.push(judged);
    if (isAble(judged)) able.push(judged);
  }
  const takesTurns = considered.length < line.length || able.length > most || logic !== 'BROADCAST';
  for (let place = able.length - 1; able.length > most; place -= 1)
    if (able[place]!.offered) able.splice(place, 1);
  const end = endOfLine(candidates);
  const chosen = able.map(({ candidate, offered }, index) => ({
    candidate,
    byOffer: offered,
    turn: takesTurns ? { pass: end + index * unit, run: candidate.run, runCount: candidate.runCount } : null,
  }));
  return { considered, chosen, run };
}

function weightedTurns<C extends Candidate>(request: MarketRequest<C>): Turns<C> {
  const all = [...request.candidates].sort(byTurn).map((candidate) => judge(request, candidate));
  const able = all.filter(isAble).map(({ candidate }) => candidate);
  const eligible = nameOf(request.campaign, able);
  const last = request.run;
  // A lead that nothing was sold of ends the run too.
  const run = eligible === last.eligible ? last : { number: last.number + 1, eligible };
  if (able.length === 0) return { considered: all, chosen: [], run };
  const next = nextWeighted(
    able.map((candidate) => ({
      candidate,
      id: candidate.subscriptionId,
      pass: candidate.pass,
      weight: candidate.priority,
      count: candidate.run === run.number ? candidate.runCount : 0,
    })),
  );
  const { candidate, count } = next.turn;
  const turn = { pass: next.pass, run: run.number, runCount: count + 1 };
  const place = all.findIndex((judged) => judged.candidate === candidate);
  return {
    considered: all.slice(0, place + 1),
    chosen: [{ candidate, turn, byOffer: all[place]!.offered }],
    run,
  };
}

/** Names a set of subscriptions with their weights. An edit of the campaign may have sold leads by another logic. */
function nameOf({ version }: MarketCampaign, able: readonly Candidate[]): string {
  if (able.length === 0) return '';
  const members = able.map(({ subscriptionId, priority }) => `${subscriptionId}:${priority}`).sort();
  return createHash('sha256')
    .update([version, ...members].join(' '))
    .digest('base64url');
}

/**
 * The facts after a sale or an offer, for the next lead that is decided with the same ones. An offer counts for the cap, and
 * no second one is made while it is open.
 */
export function afterSale<C extends Candidate>(
  { candidate, turn, byOffer }: Chosen<C>,
  priceMinor: number,
): C {
  const counted = { ...candidate, ...turn, soldToday: candidate.soldToday + 1 };
  if (byOffer) return { ...counted, takesOffers: false };
  return {
    ...counted,
    spentThisWeekMinor: candidate.spentThisWeekMinor + priceMinor,
    spentThisMonthMinor: candidate.spentThisMonthMinor + priceMinor,
    balanceMinor: candidate.balanceMinor - priceMinor,
  };
}
