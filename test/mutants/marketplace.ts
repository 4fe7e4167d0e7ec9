// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the edits match the product's source text.
import type { Mutant, TestName } from './mutant.ts';

const marketSale: TestName = {
  file: 'test/marketplace/distribution/selling.test.ts',
  title: 'a lead of a campaign is sold to the buyer whose turn it is: assigned, debited, booked and told',
};
const guard = (title: string): TestName => ({ file: 'test/marketplace/distribution/guards.test.ts', title });

/** The mutants of the sale of leads from wallets. */
export const marketplaceMutants: readonly Mutant[] = [
  {
    number: 22,
    name: 'drop the guarded debit',
    change: 'the statement that sells does not check that the locked wallets pay for it',
    loses: 'A wallet that no longer pays is passed over, and the next buyer gets the lead at once.',
    edits: [
      {
        file: 'src/db/marketplace/assignment.ts',
        find: ' AND (t.sales = 0 OR coalesce(w.balance_minor, 0) >= t.sales * ${price})\n',
        replace: '\n',
      },
    ],
    caughtBy: [
      guard(
        'a lead whose buyer changes while it is being sold a wallet that was emptied is not debited: the next buyer gets the lead',
      ),
    ],
    stillWorks: marketSale,
    backends: ['postgres'],
  },
  {
    number: 23,
    name: 'drop the guarded cap',
    change: 'the statement that sells does not check the daily cap on the locked subscription',
    loses: 'A daily cap is never exceeded, however many leads are sold at once.',
    edits: [
      {
        file: 'src/db/marketplace/assignment.ts',
        find: 'WHERE (s.daily_cap IS NULL OR s.day_count + t.sales + t.offers <= s.daily_cap)',
        replace: 'WHERE true',
      },
    ],
    caughtBy: [
      guard(
        'a lead whose buyer changes while it is being sold a cap that was reached is not exceeded: the next buyer gets the lead',
      ),
    ],
    stillWorks: marketSale,
    backends: ['postgres'],
  },
  {
    number: 24,
    name: 'drop the turn of a sale',
    change: 'a subscription that bought keeps its place in the line',
    loses: 'The same buyers get equal shares, within one lead.',
    edits: [
      {
        file: 'src/db/marketplace/assignment.ts',
        find: 'SET pass = coalesce(f.pass, s.pass), run',
        replace: 'SET run',
      },
    ],
    caughtBy: [guard('turns of leads that come one by one go round all buyers')],
    stillWorks: marketSale,
    backends: ['postgres'],
  },
  {
    number: 25,
    name: 'open two recharges of a wallet',
    change: 'the index of open recharges is not unique',
    loses: 'A saved card is charged once for one low balance, however many sales notice it.',
    edits: [
      {
        file: 'drizzle/0011_market_money.sql',
        find: 'CREATE UNIQUE INDEX "top_ups_one_recharge"',
        replace: 'CREATE INDEX "top_ups_one_recharge"',
      },
    ],
    caughtBy: [
      { file: 'test/db/invariants.test.ts', title: 'database constraints a wallet has one open recharge' },
    ],
    stillWorks: marketSale,
    backends: ['postgres'],
  },
  {
    number: 26,
    name: 'keep a decision without its debit',
    change: 'the reasons of a choice are stored although its guards were lost',
    loses: 'A decision tells of a purchase only if the buyer paid for it.',
    edits: [
      {
        file: 'src/db/marketplace/assignment.ts',
        find: 'WHERE l."waitsMs" IS NULL AND ${when} AND NOT EXISTS',
        replace: 'WHERE l."waitsMs" IS NULL AND ${when} IS NOT NULL AND NOT EXISTS',
      },
    ],
    caughtBy: [
      guard(
        'a lead whose buyer changes while it is being sold no purchase is recorded without its debit: the lead waits with the reason of the last choice alone',
      ),
    ],
    stillWorks: marketSale,
    backends: ['postgres'],
  },
  {
    number: 27,
    name: 'drop the wake-up of a credit',
    change: 'a credit of a wallet does not wake the campaigns that its buyer subscribes to',
    loses: 'Leads that wait for money are sold as soon as it is there.',
    edits: [
      {
        file: 'src/db/payment/wallet-credit.ts',
        find: "    ...(amountMinor > 0 || claimDelta < 0 ? wakeCampaignsOf(change.buyerId, { after: 'balance' }) : []),\n",
        replace: '',
      },
    ],
    caughtBy: [guard('a credit makes the campaigns due whose leads wait for the wallet')],
    stillWorks: marketSale,
    backends: ['postgres'],
  },
];
