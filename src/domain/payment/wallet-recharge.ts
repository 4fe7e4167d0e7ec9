import type { Advice } from './declines.ts';

const hour = 3_600_000;

/** Pauses after the first, second and third soft decline. A fourth one stops auto-recharge. */
export const rechargePausesMs = [24 * hour, 72 * hour, 7 * 24 * hour] as const;

export type AfterDecline = { kind: 'retry'; inMs: number } | { kind: 'stop' };

/** `attempts`: charges of this recharge that were declined, with the one that was just made. */
export function afterDecline(attempts: number, advice: Advice): AfterDecline {
  const pause = rechargePausesMs[attempts - 1];
  return advice === 'soft' && pause !== undefined ? { kind: 'retry', inMs: pause } : { kind: 'stop' };
}

/** Why a recharge that was opened, or waits for its next attempt, is no longer made. Null while it is. */
export function obstacleToRecharge(wallet: {
  autoRechargeEnabled: boolean;
  active: boolean;
  disputedMinor: number;
  customerId: string | null;
  rechargeStoppedAt: Date | null;
}): string | null {
  if (!wallet.active) return 'the buyer is not active';
  if (!wallet.autoRechargeEnabled) return 'auto-recharge is switched off';
  if (wallet.rechargeStoppedAt !== null) return 'auto-recharge has stopped';
  if (wallet.disputedMinor > 0) return 'a top-up is disputed';
  return wallet.customerId === null ? 'there is no customer at Stripe' : null;
}

/** Stripe's codes that tell a cardholder that a card was reported, or is suspected. They are never shown. */
const unspoken: ReadonlySet<string> = new Set([
  'lost_card',
  'stolen_card',
  'pickup_card',
  'restricted_card',
  'security_violation',
  'fraudulent',
  'merchant_blacklist',
]);

/** The decline code that a buyer and its programs may read. */
export const shownDecline = (code: string): string => (unspoken.has(code) ? 'generic_decline' : code);
