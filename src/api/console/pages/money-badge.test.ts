import { expect, it } from 'vitest';
import type { UnlockMoney } from '../../../domain/payment/sale-money.ts';
import { endOf } from './money-badge.tsx';

const paid: UnlockMoney = {
  unlockId: 'u',
  currency: 'usd',
  gross: 2_000,
  refunded: 0,
  refunding: 0,
  due: 0,
  disputed: 0,
  net: 2_000,
  keptRefunded: false,
  refundFailed: false,
  inquiry: false,
  lost: false,
};

it.each<[string, Partial<UnlockMoney>, string | null]>([
  ['is kept', {}, null],
  ['is asked about by the bank', { inquiry: true }, null],
  ['stayed, because its refund failed', { refundFailed: true }, null],
  ['was paid twice, and the second payment is owed', { gross: 4_000, due: 2_000 }, null],
  ['went back', { refunded: 2_000, net: 0, keptRefunded: true }, 'Refunded'],
  ['went back in part', { refunded: 500, net: 1_500, keptRefunded: true }, 'Partly refunded'],
  ['is on its way back', { refunding: 2_000, net: 0, keptRefunded: true }, 'Refund on its way'],
  ['is claimed by the bank', { disputed: 2_000, net: 0 }, 'Disputed'],
  ['was claimed for good', { disputed: 2_000, net: 0, lost: true }, 'Dispute lost'],
])('a sale whose money %s ends so', (_what, change, end) => {
  expect(endOf({ status: 'DONE', reason: null, money: { ...paid, ...change } })).toBe(end);
});

it('an offer that closed says why, or where its money is', () => {
  expect(endOf({ status: 'EXPIRED', reason: 'ttl', money: null })).toBe('time ran out');
  expect(endOf({ status: 'AWAITING_PAYMENT', reason: null, money: null })).toBeNull();
  const owed = { ...paid, due: 2_000, net: 0 };
  expect(endOf({ status: 'EXPIRED', reason: 'ttl', money: owed })).toBe('Refund due');
  expect(endOf({ status: 'EXPIRED', reason: 'ttl', money: { ...owed, refundFailed: true } })).toBe(
    'Refund failed',
  );
});
