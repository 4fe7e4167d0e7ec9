import type { DisputeEntry, RefundEntry } from '../../../db/payment/figures.ts';
import type { UnlockRow } from '../../../db/unlock/list.ts';
import { formatMoney } from '../../../domain/money.ts';
import {
  type DisputeKind,
  disputeKind,
  isClosedInquiry,
  type RefundStatus,
} from '../../../domain/payment/reversals.ts';
import { Ago } from '../../web/parts.tsx';
import type { UnlockView } from '../view-types.ts';

type Fact = [name: string, value: unknown];

/** Amounts of the payments; those that are zero say nothing. */
export function moneyFacts({ money }: Pick<UnlockRow, 'money'>): Fact[] {
  if (money === null) return [];
  const amounts: [string, number][] = [
    ['Received', money.gross],
    ['Refunded', money.refunded],
    ['On its way back', money.refunding],
    ['Owed to the buyer', money.due],
    ['Disputed', money.disputed],
  ];
  const facts = amounts.filter(([, minor]) => minor > 0);
  const all: [string, number][] = facts.length > 1 ? [...facts, ['Net', money.net]] : facts;
  return all.map(([name, minor]) => [name, formatMoney(minor, money.currency, 'en')]);
}

const refundWords: Record<RefundStatus, string> = {
  pending: 'on its way',
  requires_action: 'waiting for the buyer',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
};
const disputeWords: Record<DisputeKind, string> = {
  inquiry: 'the bank asks',
  open: 'open',
  won: 'won',
  lost: 'lost',
};

/** Every refund and dispute, newest first: its amount, its state, and since when. */
export function reversalFacts({ reversals, now }: Pick<UnlockView, 'reversals' | 'now'>): Fact[] {
  const facts = [
    ...reversals.refunds.map((refund) => ({ at: refund.createdAt, fact: refundFact(refund, now) })),
    ...reversals.disputes.map((dispute) => ({ at: dispute.createdAt, fact: disputeFact(dispute, now) })),
  ];
  return facts.toSorted((a, b) => b.at.getTime() - a.at.getTime()).map(({ fact }) => fact);
}

function refundFact({ amountMinor, currency, status, failure, updatedAt }: RefundEntry, now: Date): Fact {
  const why = failure ? ` (${failure.replaceAll('_', ' ')})` : '';
  return [
    `Refund of ${formatMoney(amountMinor, currency, 'en')}`,
    <>
      {refundWords[status]}
      {why}, <Ago at={updatedAt} now={now} />
    </>,
  ];
}

function disputeFact(dispute: DisputeEntry, now: Date): Fact {
  const kind = disputeKind(dispute);
  const amount = formatMoney(dispute.amountMinor, dispute.currency, 'en');
  return [
    `${kind === 'inquiry' ? 'Inquiry about' : 'Dispute of'} ${amount}`,
    <>
      {isClosedInquiry(dispute) ? 'closed' : disputeWords[kind]} ({dispute.reason.replaceAll('_', ' ')}),{' '}
      <Ago at={dispute.updatedAt} now={now} />
    </>,
  ];
}
