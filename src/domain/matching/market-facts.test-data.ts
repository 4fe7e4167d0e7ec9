import type { MarketRequest } from './choose-buyers.ts';
import type { Candidate, MarketFacts } from './market-rules.ts';

/** A subscription whose buyer may buy any lead. */
export const candidate = (id: string, more: Partial<Candidate> = {}): Candidate => ({
  subscriptionId: id,
  buyerId: `buyer-${id}`,
  active: true,
  buyerActive: true,
  buyerFlagged: false,
  states: [],
  dailyCap: null,
  soldToday: 0,
  weeklyLimitMinor: null,
  spentThisWeekMinor: 0,
  monthlyLimitMinor: null,
  spentThisMonthMinor: 0,
  balanceMinor: 1_000_000,
  walletBlocked: false,
  recharge: 'off',
  rechargeMinor: 5_000,
  takesOffers: false,
  priority: 5,
  waterfallPriority: null,
  pass: 0,
  run: 0,
  runCount: 0,
  ...more,
});

export const request = (
  candidates: readonly Candidate[],
  more: Partial<MarketFacts['campaign']> = {},
): MarketRequest<Candidate> => ({
  lead: { state: 'CA', boughtBy: new Set(), offeredTo: new Set(), isOfferable: true },
  campaign: { version: '1', active: true, logic: 'ROUND_ROBIN', priceMinor: 2_500, maxSales: null, ...more },
  candidates,
  run: { number: 0, eligible: '' },
  awaitsRecharge: true,
});
