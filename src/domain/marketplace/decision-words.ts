import { offeredRule } from './distribution.ts';
import { minorToDollars } from './dollars.ts';

type Seen = Readonly<Record<string, string | number | boolean | null>>;

/** What became of a considered buyer. */
export type DecisionOutcome = 'ASSIGNED' | 'OFFERED' | 'REFUSED';
export const decisionOutcomes = [
  'ASSIGNED',
  'OFFERED',
  'REFUSED',
] as const satisfies readonly DecisionOutcome[];

export function outcomeOf({ rule }: { rule: string | null }): DecisionOutcome {
  if (rule === null) return 'ASSIGNED';
  return rule === offeredRule ? 'OFFERED' : 'REFUSED';
}

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
  `${period} limit of ${dollars(seen.limitMinor)}: ${dollars(seen.spentMinor)} spent, price ${dollars(seen.priceMinor)}`;

/** True of the past as of the present. */
const words: Readonly<Record<string, (seen: Seen) => string>> = {
  campaign_inactive: () => 'Campaign not active',
  subscription_inactive: () => 'Subscription paused',
  buyer_inactive: () => 'Buyer not active',
  buyer_flagged: () => 'Buyer flagged for review',
  same_person: () => 'Bought the same person before',
  already_offered: () => 'Offered by text before, and not paid',
  [offeredRule]: (seen) =>
    `Offered by text: balance of ${dollars(seen.balanceMinor)} below the price of ${dollars(seen.priceMinor)}`,
  state: ({ state, states }) => `State ${state} not among ${String(states).split(' ').join(', ')}`,
  daily_cap: ({ sold, cap }) => `Daily cap reached: ${sold} of ${cap}`,
  weekly_limit: overLimit('Weekly'),
  monthly_limit: overLimit('Monthly'),
  wallet_blocked: () => 'Wallet blocked by a disputed payment',
  wallet: (seen) => `Balance of ${dollars(seen.balanceMinor)} below the price of ${dollars(seen.priceMinor)}`,
};

/** What stands in a buyer's way, in words. */
export const ruleText = (rule: string, seen: Seen): string =>
  words[rule]?.(seen) ?? rule.replaceAll('_', ' ');
