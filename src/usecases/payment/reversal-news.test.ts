import { expect, it } from 'vitest';
import type { PaymentRow } from '../../db/payment/payments.ts';
import {
  type Dispute,
  noSums,
  type Refund,
  type RefundStatus,
  sumsOf,
} from '../../domain/payment/reversals.ts';
import { noticesOf, reversalEvents } from './reversal-news.ts';

const payment: PaymentRow = {
  ...noSums,
  id: '019a0000-0000-7000-8000-000000000001',
  organizationId: '019a0000-0000-7000-8000-000000000002',
  unlockId: '019a0000-0000-7000-8000-000000000003',
  paymentIntent: 'pi_1',
  sessionId: 'cs_1',
  amountMinor: 2_000,
  currency: 'usd',
  kept: false,
  refundReason: 'sold_out',
  disputedAt: null,
  version: 0,
  flagsBuyer: false,
};
const refunds = (status: RefundStatus | null): Refund[] =>
  status === null ? [] : [{ id: 're_1', amountMinor: 2_000, status, failure: null }];
const disputes = (status: string | null): Dispute[] => {
  if (status === null) return [];
  const isOut = ['needs_response', 'under_review', 'lost'].includes(status);
  return [
    { id: 'du_1', amountMinor: 2_000, withdrawnMinor: isOut ? 2_000 : 0, status, reason: 'fraudulent' },
  ];
};

it.each<[RefundStatus | null, RefundStatus, string[], string[]]>([
  [null, 'succeeded', ['payment.refunded'], ['refunded']],
  [null, 'pending', ['payment.refund_pending'], ['refund_pending']],
  [null, 'requires_action', ['payment.refund_pending'], ['refund_pending']],
  [null, 'failed', ['payment.refund_failed'], ['refund_failed']],
  [null, 'canceled', ['payment.refund_failed'], ['refund_failed']],
  ['pending', 'succeeded', ['payment.refunded'], ['refunded']],
  ['pending', 'failed', ['payment.refund_failed'], ['refund_failed']],
  ['requires_action', 'canceled', ['payment.refund_failed'], ['refund_failed']],
  ['succeeded', 'failed', ['payment.refund_failed'], ['refund_failed']],
  ['failed', 'failed', [], []],
])('[F72] a refund from %s to %s raises %j and is told as %j', (before, now, types, notices) => {
  const known = { refunds: refunds(before), disputes: [] };
  const current = { refunds: refunds(now), disputes: [] };
  const booked = { ...payment, ...sumsOf(2_000, known) };
  const sums = sumsOf(2_000, current);
  expect(reversalEvents(booked, known, current, sums).map(({ type }) => type)).toEqual(types);
  const told = noticesOf(booked, 'sold_out', known, current, sums);
  expect(told.map(({ data }) => 'notice' in data && data.notice)).toEqual(notices);
});

it.each<[string | null, string, string[]]>([
  [null, 'warning_needs_response', ['payment.inquiry']],
  ['warning_needs_response', 'warning_under_review', []],
  ['warning_under_review', 'warning_closed', ['payment.dispute_closed']],
  [null, 'warning_closed', ['payment.dispute_closed']],
  ['warning_needs_response', 'needs_response', ['payment.disputed']],
  [null, 'needs_response', ['payment.disputed']],
  ['needs_response', 'under_review', []],
  ['under_review', 'won', ['payment.dispute_closed']],
  ['under_review', 'lost', ['payment.dispute_closed']],
  [null, 'lost', ['payment.disputed']],
  [null, 'won', ['payment.dispute_closed']],
  ['won', 'needs_response', ['payment.disputed']],
])('[F72] a dispute from %s to %s raises %j', (before, now, types) => {
  const known = { refunds: [], disputes: disputes(before) };
  const current = { refunds: [], disputes: disputes(now) };
  const booked = { ...payment, ...sumsOf(2_000, known) };
  const events = reversalEvents(booked, known, current, sumsOf(2_000, current));
  expect(events.map(({ type }) => type)).toEqual(types);
});

it.each<[string, string[]]>([
  ['under_review', ['refund_failed']],
  ['lost', []],
])('[F72] a refund that failed while a dispute is %s is told as %j', (status, notices) => {
  const known = { refunds: refunds('pending'), disputes: disputes(status) };
  const current = { refunds: refunds('failed'), disputes: disputes(status) };
  const booked = { ...payment, ...sumsOf(2_000, known) };
  const told = noticesOf(booked, 'sold_out', known, current, sumsOf(2_000, current));
  expect(told.map(({ data }) => 'notice' in data && data.notice)).toEqual(notices);
});

it.each<[RefundStatus, RefundStatus, number, number, string[]]>([
  ['succeeded', 'failed', 2_000, 0, ['payment.refund_failed']],
  ['succeeded', 'failed', 2_000, 500, ['payment.refunded', 'payment.refund_failed']],
])(
  '[F72] a refund from %s to %s of %i, %i of which stay refunded, raises %j',
  (before, now, amount, rest, types) => {
    const other: Refund[] =
      rest > 0 ? [{ id: 're_2', amountMinor: rest, status: 'succeeded', failure: null }] : [];
    const of = (status: RefundStatus) => ({
      refunds: [{ id: 're_1', amountMinor: amount - rest, status, failure: null }, ...other],
      disputes: [],
    });
    const booked = { ...payment, ...sumsOf(2_000, of(before)) };
    const events = reversalEvents(booked, of(before), of(now), sumsOf(2_000, of(now)));
    expect(events.map(({ type }) => type)).toEqual(types);
  },
);
