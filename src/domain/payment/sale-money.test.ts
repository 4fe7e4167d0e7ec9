import { expect, it } from 'vitest';
import { type MoneyState, moneyState, type UnlockMoney } from './sale-money.ts';

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

it.each<[string, Partial<UnlockMoney>, MoneyState | null]>([
  ['paid', {}, null],
  ['refunded', { refunded: 2_000, net: 0, keptRefunded: true }, 'refunded'],
  ['partly refunded', { refunded: 500, net: 1_500, keptRefunded: true }, 'partly_refunded'],
  ['on its way back', { refunding: 2_000, net: 0 }, 'refunding'],
  ['paid twice, and the second payment refunded', { gross: 4_000, refunded: 2_000 }, null],
  ['to be refunded', { due: 2_000, net: 0 }, 'refund_due'],
  ['to be refunded, and the refund failed', { due: 2_000, net: 0, refundFailed: true }, 'refund_failed'],
  ['disputed', { disputed: 2_000, net: 0 }, 'disputed'],
  ['lost', { disputed: 2_000, net: 0, lost: true }, 'dispute_lost'],
  ['asked about', { inquiry: true }, 'inquiry'],
])('%s', (_what, change, state) => {
  expect(moneyState({ ...paid, ...change })).toBe(state);
});
