import { describe, expect, it } from 'vitest';
import { choose } from './choose.ts';
import type { Counters, Subscription } from './eligibility.ts';

const now = new Date('2026-03-01T12:00:00Z');
const lead = { erased: false };
const named = { logic: 'NAMED', maxSales: null } as const;
const untouched: Counters = { sold: 0, offeredTo: new Set() };
const buyer = (buyerId: string, more: Partial<Subscription> = {}): Subscription => ({
  buyerId,
  active: true,
  optedOut: false,
  badNumber: false,
  ...more,
});
const idsOf = (rows: readonly { buyerId: string }[]) => rows.map(({ buyerId }) => buyerId);

describe('buyers named in a request', () => {
  it('are all offered the lead, in the order they were named', () => {
    const { offers, passedOver } = choose(
      lead,
      named,
      ['b', 'a', 'c'].map((id) => buyer(id)),
      untouched,
      now,
    );
    expect([idsOf(offers), passedOver]).toEqual([['b', 'a', 'c'], []]);
  });

  it('each end in one of the two lists, with the rule that stood in the way', () => {
    const subscriptions = [
      buyer('a', { active: false }),
      buyer('b'),
      buyer('c', { optedOut: true }),
      buyer('d', { badNumber: true }),
      buyer('e'),
    ];
    const counters = { sold: 1, offeredTo: new Set(['e']) };
    const { offers, passedOver } = choose(lead, { ...named, maxSales: 2 }, subscriptions, counters, now);
    expect(idsOf(offers)).toEqual(['b']);
    expect(passedOver).toEqual([
      { buyerId: 'a', rule: 'buyer_inactive', seen: {} },
      { buyerId: 'c', rule: 'opted_out', seen: {} },
      { buyerId: 'd', rule: 'bad_number', seen: {} },
      { buyerId: 'e', rule: 'already_offered', seen: {} },
    ]);
  });

  it('are offered it once when they are named twice, and refused twice for the same reason', () => {
    const twice = [buyer('a'), buyer('b', { optedOut: true }), buyer('a'), buyer('b', { optedOut: true })];
    const { offers, passedOver } = choose(lead, named, twice, untouched, now);
    expect(idsOf(offers)).toEqual(['a']);
    expect(passedOver.map(({ buyerId, rule }) => `${buyerId} ${rule}`)).toEqual([
      'b opted_out',
      'a already_offered',
      'b opted_out',
    ]);
  });

  it('leave what was counted before as it was', () => {
    const counters = { sold: 0, offeredTo: new Set(['z']) };
    choose(lead, named, [buyer('a')], counters, now);
    expect([...counters.offeredTo]).toEqual(['z']);
  });
});
