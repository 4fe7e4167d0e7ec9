import { describe, expect, it } from 'vitest';
import type { TurnCandidate, TurnLead } from '../../db/marketplace/distribution.ts';
import { candidate, request } from '../../domain/matching/market-facts.test-data.ts';
import { newId } from '../../events/new-id.ts';
import { planLeads, retryWaitingMs, type TurnFacts } from './distribute-plan.ts';

const buyers = (count: number, more: Partial<TurnCandidate> = {}): TurnCandidate[] =>
  Array.from({ length: count }, () => {
    const subscriptionId = newId();
    const own = { buyerId: newId(), rechargeBelowMinor: null, phone: null, offersPausedMs: null };
    return { ...candidate(subscriptionId), ...own, ...more };
  });

const factsOf = (candidates: TurnCandidate[], more: Partial<TurnFacts['campaign']> = {}): TurnFacts => ({
  campaign: {
    ...request([]).campaign,
    id: newId(),
    organizationId: newId(),
    name: 'Roofs',
    repeatWindowDays: 30,
    timeZone: 'UTC',
    ...more,
  },
  candidates,
  run: { number: 0, eligible: '' },
  bought: new Map(),
  rechargeWaitMs: 1_000,
});

const leads = (count: number, more: Partial<TurnLead> = {}) =>
  Array.from({ length: count }, () => {
    const lead: TurnLead = {
      id: newId(),
      status: 'PENDING',
      receivedAt: '2026-03-01T12:00:00Z',
      isLate: false,
      expiresInMs: 1_000,
      hold: 'none',
      state: 'CA',
      hashes: [],
      decided: 0,
      openOffers: 0,
      offeredTo: [],
      hasContact: true,
      ...more,
    };
    return { lead, cause: null };
  });

const outcomesOf = (plan: ReturnType<typeof planLeads>) => [...plan.outcomes.values()].join(' ');

describe('leads decided together', () => {
  it('see what the ones before them leave of a balance and a cap', () => {
    const [poor, capped] = [buyers(1, { balanceMinor: 5_000 }), buyers(1, { dailyCap: 1 })];
    const plan = planLeads(factsOf([...poor, ...capped]), leads(4), { draining: false });
    expect(outcomesOf(plan)).toBe('sold sold sold waits');
    expect(plan.buyers.map(({ sales }) => sales).toSorted()).toEqual([1, 2]);
    expect(plan.turns.nextDayOf).toEqual(capped.map(({ buyerId }) => buyerId));
  });

  it('that wait are tried again when offers to the first of their buyers are paused no longer', () => {
    const short = (offersPausedMs: number | null) => buyers(1, { balanceMinor: 0, offersPausedMs });
    const wakeOf = (candidates: TurnCandidate[]) =>
      planLeads(factsOf(candidates), leads(1), { draining: false }).turns.wakeInMs;
    expect(wakeOf([...short(9_000), ...short(null), ...short(5_000), ...short(7_000)])).toBe(5_000);
    expect(wakeOf([...buyers(1), ...short(5_000)])).toBeNull();
    // Whatever changes, also when nothing tells of it.
    expect(wakeOf(short(null))).toBe(retryWaitingMs);
    expect(wakeOf(short(2 * retryWaitingMs))).toBe(retryWaitingMs);
  });

  it('are tried again on the next day when the state of the first one hides a cap or limit that blocks all', () => {
    const full = [
      ...buyers(1, { states: ['TX'], dailyCap: 1, soldToday: 1 }),
      ...buyers(1, { states: ['TX'], weeklyLimitMinor: 100 }),
      ...buyers(1, { states: ['TX'], balanceMinor: 0 }),
    ];
    const plan = planLeads(factsOf(full), leads(2), { draining: true });
    expect([plan.blockedForAll, outcomesOf(plan)]).toEqual([true, 'waits left']);
    expect(plan.turns.nextDayOf).toEqual(full.slice(0, 2).map(({ buyerId }) => buyerId));
  });

  it('are all tried while a recharge may be opened for one of them', () => {
    const [armed] = buyers(1, { states: ['CA'], balanceMinor: 0, recharge: 'armed', rechargeMinor: 10_000 });
    const waiting = [...leads(1, { state: 'TX' }), ...leads(1), ...leads(1, { state: 'TX' })];
    const plan = planLeads(factsOf([armed!]), waiting, { draining: true });
    expect(outcomesOf(plan)).toBe('waits held waits');
    expect(plan.recharges.map(({ buyerId, neededMinor }) => [buyerId, neededMinor])).toEqual([
      [armed!.buyerId, plan.campaign.priceMinor],
    ]);
  });

  it('of one person are sold to a buyer once', () => {
    const plan = planLeads(factsOf(buyers(1)), leads(3, { hashes: ['p'] }), { draining: false });
    expect(outcomesOf(plan)).toBe('sold waits waits');
  });

  it('are left for the next statement when the sales of this one are many', () => {
    const plan = planLeads(factsOf(buyers(300), { logic: 'BROADCAST' }), leads(4), { draining: false });
    expect(outcomesOf(plan)).toBe('sold sold left left');
  });

  it('are left for the next statement when the reasons of this one are many, of which the first 200 are kept', () => {
    const plan = planLeads(factsOf(buyers(1_500, { active: false })), leads(6), { draining: false });
    expect(outcomesOf(plan)).toBe('waits waits waits waits left left');
    expect(plan.decided[0]!.considered).toHaveLength(200);
  });

  it('expire when their time is over, and are not decided twice', () => {
    const late = leads(1, { isLate: true });
    const sold = leads(1, { status: 'DISTRIBUTED' });
    const plan = planLeads(factsOf(buyers(1)), [...late, ...sold], { draining: false });
    expect(outcomesOf(plan)).toBe('expired decided');
    expect(plan.events.map(({ type }) => type)).toEqual(['lead.expired']);
  });
});

describe('waiting leads', () => {
  it('stop after the first that shows that none can be sold', () => {
    const plan = planLeads(factsOf(buyers(1, { balanceMinor: 5_000 })), leads(5, { decided: 1 }), {
      draining: true,
    });
    expect([outcomesOf(plan), plan.blockedForAll]).toEqual(['sold sold waits left left', true]);
  });

  it('go on past those that only lack a buyer for their state', () => {
    const facts = factsOf(buyers(1, { states: ['CA'] }));
    const plan = planLeads(facts, [...leads(2, { state: 'TX' }), ...leads(1)], { draining: true });
    expect([outcomesOf(plan), plan.blockedForAll]).toEqual(['waits waits sold', false]);
  });
});
