import { minorToDollars } from './dollars.ts';

type Seen = Readonly<Record<string, string | number | boolean | null>>;

/** What became of a considered buyer. */
export type DecisionOutcome = 'ASSIGNED' | 'REFUSED';
export const decisionOutcomes = ['ASSIGNED', 'REFUSED'] as const satisfies readonly DecisionOutcome[];

export const outcomeOf = ({ rule }: { rule: string | null }): DecisionOutcome =>
  rule === null ? 'ASSIGNED' : 'REFUSED';

/** The values a rule judged by, as clients see them: amounts in dollars. */
export const shownSeen = (seen: Seen): Record<string, string | number | boolean | null> =>
  Object.fromEntries(
    Object.entries(seen).map(([name, value]) =>
      name.endsWith('Minor') && typeof value === 'number'
        ? [name.slice(0, -'Minor'.length), minorToDollars(value)]
        : [name, value],
    ),
  );

const dollars = (minor: unknown): string =>
  typeof minor === 'number'
    ? minorToDollars(minor).toLocaleString('en-US', { style: 'currency', currency: 'USD' })
    : 'none';

const overLimit = (period: string) => (seen: Seen) =>
  `Spent ${dollars(seen.spentMinor)} this ${period}; with the price of ${dollars(seen.priceMinor)} more than the limit of ${dollars(seen.limitMinor)}`;

const words: Readonly<Record<string, (seen: Seen) => string>> = {
  campaign_inactive: () => 'The campaign was not active',
  subscription_inactive: () => 'The subscription was paused',
  buyer_inactive: () => 'The buyer was not active',
  buyer_flagged: () => 'The buyer is flagged for review',
  same_person: () => 'Bought the same person before',
  state: ({ state, states }) => `Takes no leads of ${state}, only of ${String(states).split(' ').join(', ')}`,
  daily_cap: ({ sold, cap }) => `The daily cap was reached: ${sold} of ${cap}`,
  weekly_limit: overLimit('week'),
  monthly_limit: overLimit('month'),
  wallet_blocked: () => 'The wallet is blocked by a disputed payment',
  wallet: (seen) =>
    `The balance of ${dollars(seen.balanceMinor)} was below the price of ${dollars(seen.priceMinor)}`,
};

/** Why a buyer did not get a lead, as a sentence without its full stop. `rule`: null for one who got it. */
export function decisionText(rule: string | null, seen: Seen): string {
  if (rule === null) return 'Got the lead';
  return words[rule]?.(seen) ?? rule.replaceAll('_', ' ');
}
