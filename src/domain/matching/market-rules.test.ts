import { describe, expect, it } from 'vitest';
import { candidate, request } from './market-facts.test-data.ts';
import { blockersOfAll, type MarketFacts, marketRefusal } from './market-rules.ts';

const { lead, campaign } = request([]);
const eligible: MarketFacts = { lead, campaign, candidate: candidate('a') };
const buyer = (more: Parameters<typeof candidate>[1]) => (facts: MarketFacts) => ({
  ...facts,
  candidate: { ...facts.candidate, ...more },
});

/** What breaks each rule, in the order they are judged, and what the rule saw. */
const breaking: [rule: string, breakRule: (facts: MarketFacts) => MarketFacts, seen: object][] = [
  ['campaign_inactive', (facts) => ({ ...facts, campaign: { ...facts.campaign, active: false } }), {}],
  ['subscription_inactive', buyer({ active: false }), {}],
  ['buyer_inactive', buyer({ buyerActive: false }), {}],
  ['buyer_flagged', buyer({ buyerFlagged: true }), {}],
  ['same_person', (facts) => ({ ...facts, lead: { ...facts.lead, boughtBy: new Set(['buyer-a']) } }), {}],
  ['state', buyer({ states: ['TX', 'NV'] }), { state: 'CA', states: 'TX NV' }],
  ['daily_cap', buyer({ dailyCap: 10, soldToday: 10 }), { sold: 10, cap: 10 }],
  [
    'weekly_limit',
    buyer({ weeklyLimitMinor: 10_000, spentThisWeekMinor: 7_501 }),
    { spentMinor: 7_501, priceMinor: 2_500, limitMinor: 10_000 },
  ],
  [
    'monthly_limit',
    buyer({ monthlyLimitMinor: 20_000, spentThisMonthMinor: 17_501 }),
    { spentMinor: 17_501, priceMinor: 2_500, limitMinor: 20_000 },
  ],
  ['wallet_blocked', buyer({ walletBlocked: true }), {}],
  ['wallet', buyer({ balanceMinor: 1_250 }), { balanceMinor: 1_250, priceMinor: 2_500 }],
];

it('finds nothing in the way of a buyer who may buy', () => {
  expect(marketRefusal(eligible)).toBeNull();
  expect(blockersOfAll(eligible)).toEqual([]);
});

it.each(breaking)('%s alone is the reason', (rule, breakRule, seen) => {
  expect(marketRefusal(breakRule(eligible))).toEqual({ rule, seen });
});

it.each(breaking.map(([rule], from) => [rule, from] as const))(
  '%s comes before every rule after it',
  (rule, from) => {
    const facts = breaking.slice(from).reduce((broken, [, breakRule]) => breakRule(broken), eligible);
    expect(marketRefusal(facts)?.rule).toBe(rule);
  },
);

it.each(breaking)('%s blocks other leads too, unless it is about the lead', (rule, breakRule) => {
  expect(blockersOfAll(breakRule(eligible))).toEqual(
    rule === 'state' || rule === 'same_person' ? [] : [rule],
  );
});

it('a wallet blocks no other leads while a recharge that would pay for one may be opened', () => {
  const short = (more: Parameters<typeof candidate>[1]) =>
    blockersOfAll(buyer({ balanceMinor: 0, recharge: 'armed', rechargeMinor: 2_500, ...more })(eligible));
  expect(short({})).toEqual([]);
  expect(short({ rechargeMinor: 2_499 })).toEqual(['wallet']);
  // Its credit tries them again.
  expect(short({ recharge: 'open' })).toEqual(['wallet']);
  expect(short({ walletBlocked: true })).toEqual(['wallet_blocked']);
});

describe('the last one that fits', () => {
  it.each<[string, Parameters<typeof candidate>[1]]>([
    ['one lead below the cap', { dailyCap: 10, soldToday: 9 }],
    ['spending of a week that reaches its limit', { weeklyLimitMinor: 10_000, spentThisWeekMinor: 7_500 }],
    ['spending of a month that reaches its limit', { monthlyLimitMinor: 10_000, spentThisMonthMinor: 7_500 }],
    ['a balance of the price', { balanceMinor: 2_500 }],
    ['one of the listed states', { states: ['NV', 'CA'] }],
  ])('%s', (_name, more) => {
    expect(marketRefusal(buyer(more)(eligible))).toBeNull();
  });

  it('is a lead without a state, whatever states are listed', () => {
    const facts = { ...eligible, lead: { ...lead, state: null } };
    expect(marketRefusal(buyer({ states: ['TX'] })(facts))).toBeNull();
  });
});
