import { describe, expect, it } from 'vitest';
import {
  accounts,
  type Balances,
  balancesOf,
  type Dispute,
  disputeKind,
  noSums,
  type Refund,
  type RefundStatus,
  refundStatuses,
  type Sums,
  sumsOf,
} from './reversals.ts';

const refund = (status: RefundStatus, amountMinor = 2_000): Refund => ({
  id: `re_${status}_${amountMinor}`,
  amountMinor,
  status,
  failure: null,
});
const dispute = (status: string, withdrawnMinor = 0, amountMinor = 2_000): Dispute => ({
  id: `du_${status}`,
  amountMinor,
  withdrawnMinor,
  status,
  reason: 'fraudulent',
});

describe('the kind of a dispute', () => {
  it.each([
    ['warning_needs_response', 0, 'inquiry'],
    ['warning_under_review', 0, 'inquiry'],
    ['warning_closed', 0, 'inquiry'],
    ['prevented', 0, 'inquiry'],
    ['needs_response', 0, 'open'],
    ['needs_response', 2_000, 'open'],
    ['under_review', 2_000, 'open'],
    ['appeal_needs_response', 2_000, 'open'],
    ['appeal_under_review', 2_000, 'open'],
    ['won', 0, 'won'],
    ['lost', 2_000, 'lost'],
    ['a_status_of_next_year', 0, 'inquiry'],
    ['a_status_of_next_year', 2_000, 'open'],
  ])('%s with %i withdrawn is %s', (status, withdrawnMinor, kind) => {
    expect(disputeKind({ status, withdrawnMinor })).toBe(kind);
  });
});

describe('[F72] the sums of refunds and disputes', () => {
  it.each<[string, Refund[], Dispute[], Partial<Sums>]>([
    ['nothing', [], [], {}],
    ['a refund that succeeded', [refund('succeeded')], [], { refundedMinor: 2_000 }],
    ['a pending refund is not refunded', [refund('pending')], [], { refundingMinor: 2_000 }],
    ['a refund that waits for its buyer', [refund('requires_action')], [], { refundingMinor: 2_000 }],
    ['a refund that failed', [refund('failed')], [], {}],
    ['a canceled refund', [refund('canceled')], [], {}],
    ['a failed refund made again', [refund('failed'), refund('succeeded')], [], { refundedMinor: 2_000 }],
    [
      'partial refunds in different states',
      [refund('succeeded', 500), refund('pending', 300), refund('failed', 700)],
      [],
      { refundedMinor: 500, refundingMinor: 300 },
    ],
    [
      'more than was paid',
      [refund('succeeded', 1_500), refund('pending', 1_500)],
      [],
      {
        refundedMinor: 1_500,
        refundingMinor: 500,
      },
    ],
    ['an inquiry', [], [dispute('warning_needs_response')], {}],
    [
      'an open dispute',
      [],
      [dispute('needs_response', 2_000)],
      { disputedMinor: 2_000, withdrawnMinor: 2_000 },
    ],
    ['a dispute before its withdrawal', [], [dispute('needs_response')], { disputedMinor: 2_000 }],
    ['a won dispute', [], [dispute('won')], {}],
    ['a lost dispute', [], [dispute('lost', 2_000)], { disputedMinor: 2_000, withdrawnMinor: 2_000 }],
    [
      'a dispute of more than the charge, by exchange rates',
      [],
      [dispute('lost', 2_050, 2_050)],
      {
        disputedMinor: 2_000,
        withdrawnMinor: 2_000,
      },
    ],
  ])('%s', (_what, refunds, disputes, sums) => {
    expect(sumsOf(2_000, { refunds, disputes })).toEqual({ ...noSums, ...sums });
  });
});

describe('the balances of a payment', () => {
  it.each<[string, boolean, Partial<Sums>, Partial<Balances>]>([
    ['kept', true, {}, { stripe: 2_000, sales: -2_000 }],
    ['to be refunded', false, {}, { stripe: 2_000, refunds_due: -2_000 }],
    ['refunded', true, { refundedMinor: 2_000 }, {}],
    ['on its way back', false, { refundingMinor: 2_000 }, {}],
    ['partly refunded', true, { refundedMinor: 501 }, { stripe: 1_499, sales: -1_499 }],
    ['disputed and withdrawn', true, { disputedMinor: 2_000, withdrawnMinor: 2_000 }, {}],
    ['disputed and not withdrawn yet', true, { disputedMinor: 2_000 }, { stripe: 2_000, disputed: -2_000 }],
    [
      'partly refunded, the rest disputed',
      true,
      { refundedMinor: 501, disputedMinor: 1_499 },
      {
        stripe: 1_499,
        disputed: -1_499,
      },
    ],
    [
      'refunded and charged back as well',
      true,
      { refundedMinor: 2_000, disputedMinor: 2_000, withdrawnMinor: 2_000 },
      {
        stripe: -2_000,
        sales: 2_000,
      },
    ],
  ])('%s', (_what, kept, sums, expected) => {
    const balances = balancesOf({ ...noSums, ...sums, amountMinor: 2_000, kept });
    expect(balances).toEqual({ stripe: 0, sales: 0, refunds_due: 0, disputed: 0, ...expected });
  });

  it('sum to zero for every combination of refunds and disputes', () => {
    const disputes = [
      [],
      [dispute('warning_closed')],
      [dispute('needs_response')],
      [dispute('lost', 2_000)],
      [dispute('won')],
      [dispute('under_review', 700, 700)],
    ];
    for (const first of refundStatuses)
      for (const second of refundStatuses)
        for (const open of disputes)
          for (const kept of [true, false]) {
            const refunds = [refund(first, 1_200), refund(second, 800)];
            const balances = balancesOf({
              ...sumsOf(2_000, { refunds, disputes: open }),
              amountMinor: 2_000,
              kept,
            });
            expect(accounts.reduce((sum, account) => sum + balances[account], 0)).toBe(0);
          }
  });
});
