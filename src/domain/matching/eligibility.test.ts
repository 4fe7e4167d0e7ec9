import { expect, it } from 'vitest';
import { type Facts, refusalOf } from './eligibility.ts';

const eligible: Facts = {
  lead: { erased: false },
  campaign: { logic: 'NAMED', maxSales: 2 },
  subscription: { buyerId: 'a', active: true, optedOut: false, badNumber: false },
  counters: { sold: 1, offeredTo: new Set(['b']) },
  now: new Date('2026-03-01T12:00:00Z'),
};

/** What breaks each rule, in the order they are judged. */
const breaking: [name: string, break_: (facts: Facts) => Facts, seen: object][] = [
  ['already_offered', (f) => ({ ...f, counters: { ...f.counters, offeredTo: new Set(['a', 'b']) } }), {}],
  ['buyer_inactive', (f) => ({ ...f, subscription: { ...f.subscription, active: false } }), {}],
  ['opted_out', (f) => ({ ...f, subscription: { ...f.subscription, optedOut: true } }), {}],
  ['bad_number', (f) => ({ ...f, subscription: { ...f.subscription, badNumber: true } }), {}],
  ['lead_erased', (f) => ({ ...f, lead: { erased: true } }), {}],
  ['sold_out', (f) => ({ ...f, counters: { ...f.counters, sold: 2 } }), { sold: 2, maxSales: 2 }],
];

it('finds nothing in the way of an eligible buyer', () => {
  expect(refusalOf(eligible)).toBeNull();
});

it('never calls a lead without a limit sold out', () => {
  const counters = { ...eligible.counters, sold: 1_000 };
  expect(refusalOf({ ...eligible, campaign: { logic: 'NAMED', maxSales: null }, counters })).toBeNull();
});

it.each(breaking)('%s alone is the reason', (rule, breakRule, seen) => {
  expect(refusalOf(breakRule(eligible))).toEqual({ rule, seen });
});

it.each(breaking.map(([rule], from) => [rule, from] as const))(
  '%s comes before every rule after it',
  (rule, from) => {
    const facts = breaking.slice(from).reduce((broken, [, breakRule]) => breakRule(broken), eligible);
    expect(refusalOf(facts)?.rule).toBe(rule);
  },
);
