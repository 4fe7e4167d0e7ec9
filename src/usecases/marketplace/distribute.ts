import { type Batches, inBatchesByKey } from '../../db/batches-by-key.ts';
import type { Database, Tx } from '../../db/client.ts';
import { type CommitResult, commitChange, type PublishRow } from '../../db/commit.ts';
import { assign } from '../../db/marketplace/assignment.ts';
import {
  endHolds,
  lockCampaign,
  lockLeads,
  lockWaiting,
  lockWalletsOf,
  readBoughtPeople,
  readCandidates,
  readTurnRun,
  type TurnCampaign,
  type TurnLead,
} from '../../db/marketplace/distribution.ts';
import { readDrain, type TurnsChange } from '../../db/marketplace/pending.ts';
import { findRecharging, type WalletLimits } from '../../db/payment/wallet-recharge.ts';
import { retryWhileDisconnected } from '../../db/retry.ts';
import { lockRuns, type RunEnding } from '../../db/transport/run-ends.ts';
import { createGate, createKeyedGate, type Gate, type KeyedGate } from '../../engine/gate.ts';
import { continueNow, ended, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { Relay } from '../../engine/relay.ts';
import {
  type LeadOutcome,
  type Plan,
  type PlannedLead,
  planLeads,
  soonest,
  type TurnFacts,
} from './distribute-plan.ts';

type Deps = {
  db: Database;
  relay: Relay;
  /** From which offers are texted. */
  ourNumber: string;
  rechargeWaitMs: number;
  limits: WalletLimits;
  gates: Gates;
  losses: Losses;
};

/**
 * A transaction holds a connection while it waits for its campaign: those of one campaign take turns before, and most of a
 * process's connections stay with others.
 */
type Gates = { all: Gate; organization: KeyedGate; campaign: KeyedGate };
const transactionsAtOnce = { all: 6, organization: 2, campaign: 1 };

/** By campaign: how often in a row all choices of a turn lost their guards. */
type Losses = Map<string, number>;
/** More than concurrent changes explain: what is chosen is never what can be sold. */
const mostLosses = 20;

/** A lead that was received for a campaign, and the run that decides it. */
export type ReceivedLead = { organizationId: string; leadId: string; campaignId: string; ending: RunEnding };

/** A campaign whose waiting leads are tried. */
export type DrainedCampaign = Omit<ReceivedLead, 'leadId'>;

export type Distribution = {
  /** Decides a lead. Those of one campaign that are asked for at the same time share a transaction. */
  decide(lead: ReceivedLead): Promise<Outcome>;
  /** Tries the leads of a campaign that wait, in the order of their arrival, from where the last run got to. */
  drain(campaign: DrainedCampaign): Promise<Outcome>;
};

/** Drains of a process at once, one for each organization. The others give their place to leads that were just received. */
const drainsAtOnce = 3;
const afterDrainsMs = 1_000;

/** Leads of one transaction. */
const mostTogether = 50;
/** Times that a lost guard is followed by a new choice, before the leads are left for a moment. */
const choices = 8;
const afterLostMs = 100;
const patienceMs = 8_000;
/** After this time a drain gives its place in the queue to others, and continues behind them. */
const drainTurnMs = 200;
/** And for so long when another organization's drain was turned away. */
const afterTurnMs = 300;

export function createDistribution(installation: Omit<Deps, 'gates' | 'losses'>): Distribution {
  const { all, organization, campaign } = transactionsAtOnce;
  const gates = {
    all: createGate(all),
    organization: createKeyedGate(organization),
    campaign: createKeyedGate(campaign),
  };
  const deps = { ...installation, gates, losses: new Map() };
  const draining = new Set<string>();
  const turnedAway = new Set<string>();
  const batches: Batches<ReceivedLead, Outcome> = inBatchesByKey(
    (campaignId, leads) => retryWhileDisconnected(() => decideTogether(deps, campaignId, leads), patienceMs),
    { atOnce: 1, most: mostTogether },
  );
  return {
    decide: (lead) => batches(lead.campaignId, lead),
    async drain(campaign) {
      const { organizationId } = campaign;
      const isAlone = !draining.has(organizationId);
      if (!isAlone || draining.size === drainsAtOnce) {
        if (isAlone) turnedAway.add(organizationId);
        return snooze(sometimeAfter(afterDrainsMs), 'waiting leads of other campaigns are tried');
      }
      draining.add(organizationId);
      try {
        return await drain(deps, campaign, (note) => {
          const isWanted = turnedAway.size > 0;
          turnedAway.clear();
          return isWanted ? snooze(sometimeAfter(afterTurnMs), note) : continueNow(note);
        });
      } finally {
        draining.delete(organizationId);
      }
    },
  };
}

/** Runs `work` in a transaction, and publishes after its COMMIT what it has committed. */
async function inTurn<T>(
  { db, relay, gates }: Deps,
  { organizationId, campaignId }: Pick<DrainedCampaign, 'organizationId' | 'campaignId'>,
  work: (tx: Tx, publish: PublishRow[]) => Promise<T>,
): Promise<T> {
  const publish: PublishRow[] = [];
  await gates.campaign.enter(campaignId);
  await gates.organization.enter(organizationId);
  await gates.all.enter();
  try {
    const result = await db.withTx((tx) => {
      publish.length = 0;
      return work(tx, publish);
    });
    relay.publish(publish);
    return result;
  } finally {
    gates.all.leave();
    gates.organization.leave(organizationId);
    gates.campaign.leave(campaignId);
  }
}

/** Null for a lead that lost its guards in every choice. */
type Outcomes = Map<string, LeadOutcome> | null;

async function decideTogether(
  deps: Deps,
  campaignId: string,
  received: readonly ReceivedLead[],
): Promise<Outcome[]> {
  const all = new Map<string, Outcome>();
  for (let open = received; open.length > 0; ) {
    const outcomes = await decideSome(deps, campaignId, open);
    const left = open.filter(({ leadId }) => outcomes?.get(leadId) === 'left');
    for (const lead of open) if (!left.includes(lead)) all.set(lead.leadId, outcomeOf(outcomes, lead, deps));
    open = left;
  }
  return received.map(({ leadId }) => all.get(leadId)!);
}

function decideSome(deps: Deps, campaignId: string, received: readonly ReceivedLead[]): Promise<Outcomes> {
  return inTurn(deps, received[0]!, async (tx, publish): Promise<Outcomes> => {
    const fences = received.map(({ ending }) => ending.fence);
    const held = await lockRuns(tx, fences);
    const mine = received.filter(({ ending }) => held.has(ending.fence.outboxId));
    const campaign = await lockCampaign(tx, campaignId);
    if (!campaign || mine.length === 0) return new Map();
    const ids = mine.map(({ leadId }) => leadId);
    const leads = new Map((await lockLeads(tx, ids)).map((lead) => [lead.id, lead]));
    const planned = mine.flatMap(({ leadId, ending }): PlannedLead[] => {
      const lead = leads.get(leadId);
      return lead ? [{ lead, cause: ending.cause }] : [];
    });
    const plan = await sellPlanned(tx, deps, publish, campaign, planned, {
      draining: false,
      turnsOf: ({ turns }) => turns,
      endsOf: ({ outcomes }) =>
        mine.flatMap(({ leadId, ending }) => {
          const note = noteOf(outcomes.get(leadId));
          return note === null ? [] : [{ ending, note }];
        }),
    });
    return plan?.outcomes ?? null;
  });
}

/** Null for a lead whose run does not end with the decision. */
function noteOf(outcome: LeadOutcome | undefined): string | null {
  switch (outcome) {
    case 'sold':
      return 'sold';
    case 'offered':
      return 'offered by text: it is reserved';
    case 'waits':
      return 'no eligible buyer: it waits';
    case 'test':
      return 'a test: decided, not sold';
    case 'expired':
      return 'its time is over';
    case 'decided':
      return 'decided already';
    default:
      return null;
  }
}

const sometimeAfter = (ms: number) => Math.round(ms * (1 + Math.random()));

/** Throws when it was lost too often in a row, so that the work is repeated later and parked in the end. */
function afterLosing({ losses }: Deps, campaignId: string): Outcome {
  const lost = losses.get(campaignId) ?? 0;
  if (lost >= mostLosses)
    throw new Error(`no choice of buyers could be sold in ${lost} turns of the campaign in a row`);
  return snooze(sometimeAfter(afterLostMs), 'wallets changed concurrently in every attempt');
}

function outcomeOf(outcomes: Outcomes, lead: ReceivedLead, deps: Deps): Outcome {
  const { leadId, campaignId } = lead;
  const { rechargeWaitMs } = deps;
  if (outcomes === null) return afterLosing(deps, campaignId);
  const outcome = outcomes.get(leadId);
  if (outcome === 'held') return snooze(rechargeWaitMs, 'the wallet of the next buyer is being recharged');
  const note = noteOf(outcome);
  return note === null ? skip('no such lead, or another run finished it') : ended(note);
}

type Selling = {
  draining: boolean;
  turnsOf(plan: Plan): TurnsChange;
  endsOf(plan: Plan): { ending: RunEnding; note: string }[];
};

/** Chooses and commits, and chooses again when a guard is lost. Returns null when it was lost every time. */
async function sellPlanned(
  tx: Tx,
  { relay, ourNumber, rechargeWaitMs, limits, losses }: Deps,
  publish: PublishRow[],
  campaign: TurnCampaign,
  leads: readonly PlannedLead[],
  { draining, turnsOf, endsOf }: Selling,
): Promise<Plan | null> {
  const hashes = leads.flatMap(({ lead }) => lead.hashes);
  for (let choice = 0; choice < choices; choice += 1) {
    const facts: TurnFacts = {
      campaign,
      rechargeWaitMs,
      candidates: await readCandidates(tx, campaign, ourNumber),
      run: campaign.logic === 'WEIGHTED_ROUND_ROBIN' ? await readTurnRun(tx, campaign.id) : noRun,
      bought: await readBoughtPeople(tx, campaign, hashes),
    };
    const plan = planLeads(facts, leads, { draining });
    if (plan.recharges.length > 0) {
      const owners = [...plan.buyers, ...plan.recharges].map(({ buyerId }) => buyerId);
      await lockWalletsOf(tx, campaign.id, [...new Set(owners)]);
    }
    const change = assign({
      ...plan,
      ourNumber,
      turns: changedTurns(turnsOf(plan)),
      recharges: { wanted: plan.recharges, limits },
      ends: endsOf(plan),
    });
    const result: CommitResult = await commitChange(tx, change, relay.commitOptions());
    if (!result.moved) continue;
    losses.delete(campaign.id);
    publish.push(...result.publish);
    if (!draining) await releaseUnpaid(tx, plan);
    return plan;
  }
  losses.set(campaign.id, (losses.get(campaign.id) ?? 0) + 1);
  return null;
}

const noRun: TurnFacts['run'] = { number: 0, eligible: '' };

/** Leads whose buyer is not being recharged, because a limit stood in the way, are decided without it at once. */
async function releaseUnpaid(tx: Tx, { heldFor, outcomes }: Plan): Promise<void> {
  if (heldFor.size === 0) return;
  const charged = await findRecharging(tx, [...new Set([...heldFor.values()].flat())]);
  const unpaid = [...heldFor].flatMap(([leadId, buyerIds]) =>
    buyerIds.some((buyerId) => charged.has(buyerId)) ? [] : [leadId],
  );
  for (const leadId of unpaid) outcomes.set(leadId, 'left');
  if (unpaid.length > 0) await endHolds(tx, unpaid);
}

const changedTurns = (turns: TurnsChange): TurnsChange | null =>
  turns.run || turns.drain || turns.wakeInMs !== null || turns.nextDayOf.length > 0 ? turns : null;

/** One turn. `next`: how it continues when there is more to try. */
async function drain(
  deps: Deps,
  campaign: DrainedCampaign,
  next: (note: string) => Outcome,
): Promise<Outcome> {
  const until = performance.now() + drainTurnMs;
  let tried = 0;
  for (;;) {
    const slice = await retryWhileDisconnected(() => drainSlice(deps, campaign), patienceMs);
    if (slice === 'gone') return skip('another run finished it');
    if (slice === 'lost') return afterLosing(deps, campaign.campaignId);
    tried += slice.tried;
    if (slice.ended) return ended(`${tried} waiting leads tried`);
    if (performance.now() > until) return next(`${tried} waiting leads tried`);
  }
}

type Slice = 'gone' | 'lost' | { tried: number; ended: boolean };

function drainSlice(deps: Deps, drained: DrainedCampaign): Promise<Slice> {
  const { campaignId, ending } = drained;
  return inTurn(deps, drained, async (tx, publish): Promise<Slice> => {
    const held = await lockRuns(tx, [ending.fence]);
    if (held.size === 0) return 'gone';
    const campaign = await lockCampaign(tx, campaignId);
    if (!campaign) return 'gone';
    const drain = await readDrain(tx, campaignId);
    const leads = drain ? await lockWaiting(tx, campaignId, drain.after, mostTogether) : [];
    const tried = (plan: Plan) => leads.filter(({ id }) => plan.outcomes.get(id) !== 'left');
    const isOver = (plan: Plan) =>
      plan.blockedForAll || (leads.length < mostTogether && tried(plan).length === leads.length);
    const plan = await sellPlanned(
      tx,
      deps,
      publish,
      campaign,
      leads.map((lead) => ({ lead, cause: ending.cause })),
      {
        draining: true,
        turnsOf: (plan) => ({
          ...plan.turns,
          wakeInMs: soonest([
            plan.turns.wakeInMs,
            [...plan.outcomes.values()].includes('held') ? deps.rechargeWaitMs : null,
          ]),
          drain: isOver(plan) ? 'ended' : cursorOf(tried(plan).at(-1)),
        }),
        endsOf: (plan) => (isOver(plan) ? [{ ending, note: 'the waiting leads were tried' }] : []),
      },
    );
    return plan ? { tried: tried(plan).length, ended: isOver(plan) } : 'lost';
  });
}

const cursorOf = (lead: TurnLead | undefined) =>
  lead ? { receivedAt: lead.receivedAt, leadId: lead.id } : null;
