import fc from 'fast-check';
import { expect, it } from 'vitest';
import { afterSale, chooseBuyers } from './choose-buyers.ts';
import { candidate, request } from './market-facts.test-data.ts';
import { type Candidate, marketRefusal } from './market-rules.ts';

/** What happens to a campaign between leads. `who` is a subscription by its place. */
type Step =
  | { kind: 'leads'; many: number }
  | { kind: 'joins' }
  | { kind: 'pauses' | 'resumes' | 'spends' | 'pays' | 'leaves'; who: number }
  | { kind: 'prefers'; who: number; priority: number }
  | { kind: 'caps'; who: number; cap: number };

const who = fc.nat({ max: 11 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('leads' as const), many: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'joins' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('pauses', 'resumes', 'spends', 'pays', 'leaves'), who }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('prefers' as const),
      who,
      priority: fc.integer({ min: 1, max: 10 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('caps' as const), who, cap: fc.integer({ min: 0, max: 30 }) }),
  },
);

const changes: Record<string, (step: Step, before: Candidate) => Partial<Candidate>> = {
  pauses: () => ({ active: false }),
  resumes: () => ({ active: true }),
  spends: () => ({ balanceMinor: 0 }),
  pays: () => ({ balanceMinor: 1_000_000 }),
  leaves: () => ({ buyerActive: false }),
  prefers: (step) => (step.kind === 'prefers' ? { priority: step.priority } : {}),
  caps: (step, { soldToday }) => (step.kind === 'caps' ? { dailyCap: soldToday + step.cap } : {}),
};

type Logic = 'ROUND_ROBIN' | 'WEIGHTED_ROUND_ROBIN';
const weightIn = (logic: Logic, { priority }: Candidate) => (logic === 'ROUND_ROBIN' ? 1 : priority);

/** Judges each lead of each run by exact shares, in whole numbers. */
function watch(logic: Logic) {
  let eligible = '';
  let leads = 0;
  let counts = new Map<string, number>();
  return (able: readonly Candidate[], buyer: string) => {
    const set = able.map((each) => `${each.subscriptionId}:${weightIn(logic, each)}`).join();
    if (set !== eligible) {
      eligible = set;
      leads = 0;
      counts = new Map();
    }
    leads += 1;
    counts.set(buyer, (counts.get(buyer) ?? 0) + 1);
    const weights = able.reduce((sum, each) => sum + weightIn(logic, each), 0);
    const off = able.map((each) => {
      const count = counts.get(each.subscriptionId) ?? 0;
      return Math.abs(count * weights - leads * weightIn(logic, each));
    });
    expect(Math.max(0, ...off), `after ${leads} leads of ${set}`).toBeLessThanOrEqual(weights);
  };
}

function live(logic: Logic, steps: readonly Step[], first: readonly number[]) {
  const { campaign, lead } = request([], { logic });
  let candidates = first.map((priority, index) =>
    candidate(`s${index}`, { priority, pass: (index * 977) % 5_000 }),
  );
  let run = { number: 0, eligible: '' };
  const judge = watch(logic);
  const sell = () => {
    const able = candidates.filter((each) => !marketRefusal({ lead, campaign, candidate: each }));
    const choice = chooseBuyers({ ...request(candidates, { logic }), run });
    run = choice.run;
    expect(choice.chosen).toHaveLength(Math.min(1, able.length));
    for (const sale of choice.chosen) {
      judge(able, sale.candidate.subscriptionId);
      candidates = candidates.map((each) => (each === sale.candidate ? afterSale(sale, 2_500) : each));
    }
    if (able.length === 0) judge([], '');
  };
  for (const each of steps) {
    if (each.kind === 'leads') for (let left = each.many; left > 0; left -= 1) sell();
    else if (each.kind === 'joins') candidates = [...candidates, candidate(`s${candidates.length}`)];
    else
      candidates = candidates.map((before, place) =>
        place === each.who % candidates.length ? { ...before, ...changes[each.kind]!(each, before) } : before,
      );
  }
}

const priorities = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 12 });

it.each(['ROUND_ROBIN', 'WEIGHTED_ROUND_ROBIN'] as const)(
  '[F30] %s keeps each count within 1 of its exact share after every lead, whatever joins, pauses, pays and is capped',
  (logic) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), priorities, (steps, first) => live(logic, steps, first)),
      { numRuns: 200 },
    );
  },
  60_000,
);

it('WEIGHTED_ROUND_ROBIN keeps it for 300 buyers of all priorities', () => {
  const first = Array.from({ length: 300 }, (_, index) => 1 + (index % 10));
  live(
    'WEIGHTED_ROUND_ROBIN',
    [
      { kind: 'leads', many: 700 },
      { kind: 'pauses', who: 0 },
      { kind: 'leads', many: 900 },
    ],
    first,
  );
});
