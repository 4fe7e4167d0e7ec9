import { describe, expect, it } from 'vitest';
import { afterDecline, obstacleToRecharge, shownDecline } from './wallet-recharge.ts';

const hour = 3_600_000;

describe('a declined recharge', () => {
  it.each([
    ['the first soft decline repeats after a day', 1, 'soft', { kind: 'retry', inMs: 24 * hour }],
    ['the second after three days', 2, 'soft', { kind: 'retry', inMs: 72 * hour }],
    ['the third after a week', 3, 'soft', { kind: 'retry', inMs: 168 * hour }],
    ['the fourth stops: no fifth charge', 4, 'soft', { kind: 'stop' }],
    ['a hard one stops at once', 1, 'hard', { kind: 'stop' }],
    ['a hard one stops later, too', 3, 'hard', { kind: 'stop' }],
  ] as const)('%s', (_name, attempts, advice, next) => {
    expect(afterDecline(attempts, advice)).toEqual(next);
  });
});

describe('a recharge that waited', () => {
  const wallet = {
    autoRechargeEnabled: true,
    active: true,
    disputedMinor: 0,
    customerId: 'cus_1',
    rechargeStoppedAt: null,
  };
  it.each([
    ['is made', {}, null],
    ['is not made for an inactive buyer', { active: false }, 'the buyer is not active'],
    ['is not made once switched off', { autoRechargeEnabled: false }, 'auto-recharge is switched off'],
    ['is not made after a stop', { rechargeStoppedAt: new Date() }, 'auto-recharge has stopped'],
    ['is not made for a disputed wallet', { disputedMinor: 1 }, 'a top-up is disputed'],
    ['is not made without a customer', { customerId: null }, 'there is no customer at Stripe'],
  ])('%s', (_name, change, obstacle) => {
    expect(obstacleToRecharge({ ...wallet, ...change })).toBe(obstacle);
  });
});

describe('a decline code', () => {
  it.each(['lost_card', 'stolen_card', 'pickup_card', 'fraudulent', 'merchant_blacklist'])(
    '%s is not told to the buyer',
    (code) => expect(shownDecline(code)).toBe('generic_decline'),
  );
  it('insufficient_funds is', () => expect(shownDecline('insufficient_funds')).toBe('insufficient_funds'));
});
