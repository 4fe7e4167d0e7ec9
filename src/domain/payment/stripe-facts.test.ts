import { expect, it } from 'vitest';
import { stripeFact } from './stripe-facts.ts';

const unlockId = '01939c5e-1111-7222-8333-444455556666';
const metadata = { kind: 'unlock', unlock_id: unlockId };
const session = { id: 'cs_1', payment_status: 'paid', metadata };
const paid = { kind: 'paid', unlockId, sessionId: 'cs_1' };
const ended = { kind: 'ended', unlockId, sessionId: 'cs_1' };

it.each([
  ['checkout.session.completed', session, paid],
  ['checkout.session.completed', { ...session, payment_status: 'unpaid' }, null],
  ['checkout.session.completed', { ...session, payment_status: 'no_payment_required' }, null],
  ['checkout.session.async_payment_succeeded', { ...session, payment_status: 'unpaid' }, paid],
  ['checkout.session.async_payment_failed', session, ended],
  ['checkout.session.expired', session, ended],
  ['checkout.session.later_kind', session, null],
  ['checkout.session.completed', { ...session, metadata: { kind: 'wallet', unlock_id: unlockId } }, null],
  ['checkout.session.completed', { ...session, metadata: null }, null],
  ['checkout.session.completed', { ...session, metadata: { kind: 'unlock', unlock_id: 'x' } }, null],
  ['checkout.session.completed', { ...session, id: 7 }, null],
  [
    'charge.refunded',
    { payment_intent: 'pi_1', metadata },
    { kind: 'changed', unlockId, topUpId: null, paymentIntent: 'pi_1' },
  ],
  ...(
    [
      'charge.refund.updated',
      'refund.created',
      'refund.updated',
      'refund.failed',
      'charge.dispute.created',
      'charge.dispute.updated',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.funds_reinstated',
    ] as const
  ).map(
    (type) =>
      [
        type,
        { payment_intent: 'pi_1', metadata: { reason: 'sold_out' } },
        { kind: 'changed', unlockId: null, topUpId: null, paymentIntent: 'pi_1' },
      ] as const,
  ),
  ['refund.failed', { payment_intent: null }, null],
  ['charge.refunded', { payment_intent: 'pi_1', metadata: { kind: 'wallet' } }, null],
  ['charge.refunded', { payment_intent: null, metadata }, null],
  [
    'charge.dispute.closed',
    { payment_intent: 'pi_1' },
    { kind: 'changed', unlockId: null, topUpId: null, paymentIntent: 'pi_1' },
  ],
  ['payment_intent.succeeded', { id: 'pi_1', metadata }, null],
] as const)('%s %j', (type, object, fact) => {
  expect(stripeFact(type, object as Record<string, unknown>)).toEqual(fact);
});
