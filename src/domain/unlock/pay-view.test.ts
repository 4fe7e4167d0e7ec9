import { expect, it } from 'vitest';
import { unlockStates } from './machine.ts';
import { type PayFacts, payView } from './pay-view.ts';

const facts = (more: Partial<PayFacts>): PayFacts => ({
  status: 'AWAITING_PAYMENT',
  reason: null,
  ttlLeftMs: 60_000,
  sold: 0,
  maxSales: null,
  refunded: false,
  refund: null,
  held: false,
  ...more,
});
const closed = (because: string) => ({ kind: 'closed', because });

it.each([
  [facts({}), false, { kind: 'payable' }],
  [facts({ status: 'CREATE_PAYMENT_LINK' }), false, { kind: 'payable' }],
  [facts({ status: 'PAYMENT_LINK_SENT' }), false, { kind: 'payable' }],
  [facts({ maxSales: 2, sold: 1 }), false, { kind: 'payable' }],
  [facts({ maxSales: 2, sold: 2 }), false, closed('sold_out')],
  [facts({ ttlLeftMs: 0 }), false, closed('expired')],
  [facts({ status: 'AWAIT_CONFIRM' }), false, closed('not_ready')],
  [facts({ status: 'EXPIRED', reason: 'ttl' }), false, closed('expired')],
  [facts({ status: 'EXPIRED', reason: 'sold_out' }), false, closed('sold_out')],
  [facts({ status: 'EXPIRED', reason: 'declined' }), false, closed('declined')],
  [facts({ status: 'EXPIRED', reason: 'refunded' }), false, closed('refunded')],
  [facts({ status: 'EXPIRED', reason: 'sold_out', refunded: true }), false, closed('refunded')],
  [facts({ status: 'EXPIRED', reason: 'ttl', refunded: true, refund: 'owed' }), false, closed('refund_owed')],
  [
    facts({ status: 'EXPIRED', reason: 'ttl', refunded: true, refund: 'returning' }),
    false,
    closed('refunding'),
  ],
  [
    facts({ status: 'EXPIRED', reason: 'ttl', refunded: true, refund: 'returned' }),
    false,
    closed('refunded'),
  ],
  [facts({ status: 'EXPIRED', reason: 'refunded', refund: 'owed' }), false, closed('refund_owed')],
  [facts({ status: 'OPTED_OUT', reason: 'opted_out' }), false, closed('expired')],
  [facts({ status: 'AWAITING_PAYMENT' }), true, { kind: 'confirming' }],
  [facts({ status: 'EXPIRED', reason: 'ttl' }), true, { kind: 'confirming' }],
  [facts({ status: 'PAID', ttlLeftMs: -1, maxSales: 1, sold: 1 }), true, { kind: 'paid' }],
  [facts({ status: 'DONE' }), false, { kind: 'paid' }],
  [facts({ held: true }), false, { kind: 'held' }],
  [facts({ held: true }), true, { kind: 'held' }],
  [facts({ held: true, status: 'EXPIRED', reason: 'ttl' }), true, { kind: 'held' }],
  [facts({ held: true, status: 'PAID' }), false, { kind: 'paid' }],
] as const)('%j returned=%s', (unlock, returned, view) => {
  expect(payView(unlock, returned)).toEqual(view);
});

it('has a view for every state', () => {
  for (const status of unlockStates)
    expect(payView(facts({ status }), false).kind).toMatch(/payable|paid|closed/);
});
