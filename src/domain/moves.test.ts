import { describe, expect, it } from 'vitest';
import { syncMoves } from './crm/sync-status.ts';
import { importMoves } from './imports/status.ts';
import { finalStates, statesBefore } from './moves.ts';
import { checkoutMoves } from './payment/checkout-state.ts';
import { type PaymentFacts, type PaymentState, paymentState } from './payment/payment-state.ts';

describe('tables of allowed moves', () => {
  it('gives the states from which a state may be reached', () => {
    expect(statesBefore(importMoves, 'cancelled')).toEqual([
      'uploading',
      'ready',
      'running',
      'done',
      'failed',
    ]);
    expect(statesBefore(checkoutMoves, 'expired')).toEqual(['creating', 'open']);
  });

  it('gives the states that nothing follows', () => {
    expect(finalStates(syncMoves)).toEqual(['success']);
    expect(finalStates(checkoutMoves)).toEqual(['complete', 'expired']);
  });
});

describe('the state of a payment', () => {
  const paid = { kept: true, amountMinor: 2_000, refundedMinor: 0, refundingMinor: 0, disputedAt: null };
  it.each<[string, Partial<PaymentFacts>, PaymentState]>([
    ['the charge an unlock keeps', {}, 'kept'],
    ['a second charge', { kept: false }, 'refund_due'],
    ['partly refunded', { refundedMinor: 500 }, 'kept'],
    ['on its way back', { refundingMinor: 2_000 }, 'refunding'],
    ['a part refunded, the rest on its way', { refundedMinor: 500, refundingMinor: 1_500 }, 'refunding'],
    ['a part on its way', { refundingMinor: 500 }, 'kept'],
    ['disputed', { disputedAt: new Date() }, 'disputed'],
    ['refunded in full', { refundedMinor: 2_000, kept: false }, 'refunded'],
    ['disputed, then refunded in full', { refundedMinor: 2_000, disputedAt: new Date() }, 'refunded'],
  ])('%s', (_what, change, state) => {
    expect(paymentState({ ...paid, ...change })).toBe(state);
  });
});
