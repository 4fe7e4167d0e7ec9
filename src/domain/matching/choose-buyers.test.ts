import { describe, expect, it } from 'vitest';
import { afterSale, chooseBuyers, type MarketChoice, type MarketRequest } from './choose-buyers.ts';
import { candidate, request } from './market-facts.test-data.ts';
import type { Candidate } from './market-rules.ts';

const idsOf = ({ chosen }: MarketChoice<Candidate>) =>
  chosen.map(({ candidate: { subscriptionId } }) => subscriptionId);
const reasonsOf = ({ passedOver }: MarketChoice<Candidate>) =>
  passedOver.map(({ subscriptionId, rule }) => `${subscriptionId} ${rule}`);

/** Decides leads one after another. Returns who bought each. */
function decide(first: MarketRequest<Candidate>, leads: number): string[] {
  const bought: string[] = [];
  let facts = first;
  for (let lead = 0; lead < leads; lead += 1) {
    const choice = chooseBuyers(facts);
    bought.push(idsOf(choice).join('+'));
    const after = new Map(
      choice.chosen.map((sale) => [
        sale.candidate.subscriptionId,
        afterSale(sale, facts.campaign.priceMinor),
      ]),
    );
    const candidates = facts.candidates.map((each) => after.get(each.subscriptionId) ?? each);
    facts = { ...facts, candidates, run: choice.run };
  }
  return bought;
}

const abc = ['c', 'a', 'b'].map((id) => candidate(id));

describe('round robin', () => {
  it('gives each eligible buyer one lead after another', () => {
    expect(decide(request(abc), 7).join(' ')).toBe('a b c a b c a');
  });

  it('gives one that is new one lead, and no more than its turn afterwards', () => {
    const old = ['a', 'b', 'c'].map((id, index) => candidate(id, { pass: 10_000_000 + index }));
    expect(decide(request([...old, candidate('z')]), 8).join(' ')).toBe('z a b c z a b c');
  });

  it('goes on with the next one when a cap is reached, and keeps the reason', () => {
    const [, a] = abc;
    const choice = chooseBuyers(
      request([...abc.filter((each) => each !== a), { ...a!, dailyCap: 2, soldToday: 2 }]),
    );
    expect([idsOf(choice), reasonsOf(choice)]).toEqual([['b'], ['a daily_cap']]);
  });
});

describe('a buyer whose wallet is short and who takes offers', () => {
  const poor = (id: string, more: Partial<Candidate> = {}) =>
    candidate(id, { balanceMinor: 0, takesOffers: true, ...more });

  it('is offered the lead by text in its turn, which counts for the cap and not for the wallet', () => {
    const [offer] = chooseBuyers(request([poor('a', { dailyCap: 1 }), candidate('b')])).chosen;
    expect([offer!.candidate.subscriptionId, offer!.byOffer]).toEqual(['a', true]);
    const left = afterSale(offer!, 2_500);
    expect(left).toMatchObject({ balanceMinor: 0, soldToday: 1, spentThisWeekMinor: 0, takesOffers: false });
  });

  it.each([
    ['did not pay for it', { lead: { offeredTo: new Set(['buyer-a']) } }, 'a already_offered'],
    ['finds nothing locked in it', { lead: { isOfferable: false } }, 'a wallet'],
    ['would pay less than a card can be charged', { campaign: { priceMinor: 49 } }, 'a wallet'],
  ])(
    'and %s is passed over',
    (_what, { lead = {}, campaign = {} }: { lead?: object; campaign?: object }, reason) => {
      const facts = request([poor('a')]);
      const choice = chooseBuyers({
        ...facts,
        lead: { ...facts.lead, ...lead },
        campaign: { ...facts.campaign, ...campaign },
      });
      expect([idsOf(choice), reasonsOf(choice)]).toEqual([[], [reason]]);
    },
  );

  it('is recharged first, and offered it when that came to nothing', () => {
    const facts = request([poor('a', { recharge: 'armed' })]);
    expect(chooseBuyers(facts).recharges).toHaveLength(1);
    const after = chooseBuyers({ ...facts, awaitsRecharge: false });
    expect(after.chosen.map(({ byOffer }) => byOffer)).toEqual([true]);
  });

  it('keeps its limits, and is no reason to leave a campaign asleep', () => {
    const limited = request([poor('a', { weeklyLimitMinor: 100 })]);
    expect(reasonsOf(chooseBuyers(limited))).toEqual(['a weekly_limit']);
    // Neither a lead that was offered nor one that cannot be stands for those behind it.
    const offered = request([poor('a')]);
    const open = chooseBuyers({ ...offered, lead: { ...offered.lead, isOfferable: false } });
    expect(open.blockedForAll).toBe(false);
    const choice = chooseBuyers({ ...offered, lead: { ...offered.lead, offeredTo: new Set(['buyer-a']) } });
    expect(choice.blockedForAll).toBe(false);
  });

  it('takes turns with others for the places that a broadcast to few leaves', () => {
    const line = [candidate('r'), poor('a'), poor('b')];
    const choice = chooseBuyers(request(line, { logic: 'BROADCAST', maxSales: 2 }));
    expect([...idsOf(choice)].sort()).toHaveLength(2);
    expect(choice.chosen.map(({ turn }) => turn === null)).toEqual([false, false]);
  });

  it('has weighted turns like everybody else', () => {
    const facts = request([poor('a', { priority: 2 }), candidate('b', { priority: 1 })], {
      logic: 'WEIGHTED_ROUND_ROBIN',
    });
    const choice = chooseBuyers(facts);
    expect(
      choice.chosen.map(({ candidate: { subscriptionId }, byOffer }) => [subscriptionId, byOffer]),
    ).toEqual([['a', true]]);
  });
});

describe('weighted round robin', () => {
  it('spreads turns by priority', () => {
    const priorities = { a: 4, b: 2, c: 1 };
    const candidates = Object.entries(priorities).map(([id, priority]) => candidate(id, { priority }));
    expect(
      decide(request(candidates, { logic: 'WEIGHTED_ROUND_ROBIN' }), 7)
        .sort()
        .join(''),
    ).toBe('aaaabbc');
  });

  it('begins a new run when the eligible buyers or the campaign change, and not before', () => {
    const facts = request(abc, { logic: 'WEIGHTED_ROUND_ROBIN' });
    const { run } = chooseBuyers(facts);
    const numberAfter = (more: Partial<typeof facts>) => chooseBuyers({ ...facts, run, ...more }).run.number;
    expect(numberAfter({})).toBe(run.number);
    expect(numberAfter({ candidates: abc.slice(1) })).toBe(run.number + 1);
    expect(numberAfter({ candidates: [] })).toBe(run.number + 1);
    expect(numberAfter({ campaign: { ...facts.campaign, version: '2' } })).toBe(run.number + 1);
  });

  it('never serves one of priority 10 in a row beside many of priority 1', () => {
    const light = Array.from({ length: 10 }, (_, index) => candidate(`l${index}`, { priority: 1 }));
    const bought = decide(
      request([candidate('heavy', { priority: 10 }), ...light], { logic: 'WEIGHTED_ROUND_ROBIN' }),
      40,
    );
    expect(bought.join(' ')).not.toContain('heavy heavy heavy');
    expect(bought.filter((id) => id === 'heavy')).toHaveLength(20);
  });
});

describe('weighted round robin, when the eligible buyers differ with every lead', () => {
  /** How many leads of these states in turn each subscription buys. */
  function sellByState(candidates: readonly Candidate[], states: readonly string[], leads: number) {
    let facts = request(candidates, { logic: 'WEIGHTED_ROUND_ROBIN' });
    const counts = new Map<string, number>();
    for (let lead = 0; lead < leads; lead += 1) {
      const choice = chooseBuyers({
        ...facts,
        lead: { ...facts.lead, state: states[lead % states.length]! },
      });
      const [sale] = choice.chosen;
      const { subscriptionId } = sale!.candidate;
      counts.set(subscriptionId, (counts.get(subscriptionId) ?? 0) + 1);
      const next = facts.candidates.map((each) => (each === sale!.candidate ? afterSale(sale!, 0) : each));
      facts = { ...facts, candidates: next, run: choice.run };
    }
    return (id: string) => counts.get(id) ?? 0;
  }

  it('keeps the weights', () => {
    const everywhere = candidate('a', { priority: 8 });
    const west = candidate('b', { priority: 4, states: ['CA'] });
    const east = candidate('c', { priority: 4, states: ['NY'] });
    const count = sellByState([everywhere, west, east], ['CA', 'NY'], 300);
    expect(Math.abs(count('b') - count('c'))).toBeLessThanOrEqual(1);
    expect(Math.abs(count('a') - 175)).toBeLessThanOrEqual(35);
  });

  it('does not flood one that is new', () => {
    const states = ['CA', 'NY', 'TX'];
    const old = states.map((state, index) => candidate(state, { states: [state], pass: 9_000_000 + index }));
    expect(sellByState([...old, candidate('z')], states, 24)('z')).toBeLessThanOrEqual(9);
  });
});

describe('waterfall', () => {
  const waterfall = { logic: 'WATERFALL' } as const;

  it('asks the lowest number first and those without a number last', () => {
    const candidates = [
      candidate('a'),
      candidate('b', { waterfallPriority: 2, balanceMinor: 5_000 }),
      candidate('c', { waterfallPriority: 1, balanceMinor: 2_500 }),
    ];
    expect(decide(request(candidates, waterfall), 5).join(' ')).toBe('c b b a a');
  });

  it('takes turns among equal numbers', () => {
    const candidates = ['a', 'b', 'c'].map((id) =>
      candidate(id, { waterfallPriority: id === 'c' ? null : 1 }),
    );
    expect(decide(request(candidates, waterfall), 4).join(' ')).toBe('a b a b');
  });
});

describe('broadcast', () => {
  it('goes to every eligible buyer, without a turn', () => {
    const choice = chooseBuyers(request([...abc, candidate('d', { active: false })], { logic: 'BROADCAST' }));
    expect([idsOf(choice), reasonsOf(choice)]).toEqual([['a', 'b', 'c'], ['d subscription_inactive']]);
    expect(choice.chosen.map(({ turn }) => turn)).toEqual([null, null, null]);
  });

  it('goes to as many as the campaign sells, in turns', () => {
    expect(decide(request(abc, { logic: 'BROADCAST', maxSales: 2 }), 3).join(' ')).toBe('a+b c+a b+c');
  });
});

describe('a lead that no one can buy', () => {
  it('waits with the reason of each, and stops others of its campaign', () => {
    const choice = chooseBuyers(
      request([candidate('a', { balanceMinor: 0 }), candidate('b', { active: false })]),
    );
    expect([idsOf(choice), reasonsOf(choice)]).toEqual([[], ['a wallet', 'b subscription_inactive']]);
    expect(choice.blockedForAll).toBe(true);
  });

  it('does not stop others when only the lead is in the way', () => {
    const choice = chooseBuyers(
      request([candidate('a', { states: ['TX'] }), candidate('b', { active: false })]),
    );
    expect([idsOf(choice), choice.blockedForAll]).toEqual([[], false]);
  });

  it('stops others when its state hides that the cap is reached', () => {
    const choice = chooseBuyers(request([candidate('a', { states: ['TX'], dailyCap: 1, soldToday: 1 })]));
    expect([reasonsOf(choice), choice.blockedForAll]).toEqual([['a state'], true]);
  });

  it('waits when the campaign has no subscription', () => {
    expect(chooseBuyers(request([]))).toMatchObject({ chosen: [], passedOver: [], blockedForAll: true });
  });
});

describe('the next buyer lacks only funds', () => {
  const poor = candidate('a', { balanceMinor: 100, recharge: 'armed' });

  it.each(['armed', 'open'] as const)('and its recharge is %s: the lead waits for it', (recharge) => {
    const choice = chooseBuyers(request([{ ...poor, recharge }, candidate('b')]));
    expect(choice.chosen).toEqual([]);
    expect(choice.recharges.map(({ subscriptionId }) => subscriptionId)).toEqual(['a']);
  });

  it('and the lead has waited: the one after it buys', () => {
    const choice = chooseBuyers({ ...request([poor, candidate('b')]), awaitsRecharge: false });
    expect([idsOf(choice), reasonsOf(choice), choice.recharges]).toEqual([['b'], ['a wallet'], []]);
  });

  it('but another one is next: no recharge', () => {
    const choice = chooseBuyers(request([{ ...poor, pass: 1 }, candidate('b')]));
    expect([idsOf(choice), choice.recharges]).toEqual([['b'], []]);
  });

  it('but its cap is reached too: no recharge', () => {
    const choice = chooseBuyers(request([{ ...poor, dailyCap: 1, soldToday: 1 }, candidate('b')]));
    expect([idsOf(choice), choice.recharges]).toEqual([['b'], []]);
  });
});
