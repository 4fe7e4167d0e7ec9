/** The money of a sale, or of many, in one currency and minor units: `gross` is the sum of the other amounts. */
export type SaleMoney = {
  currency: string;
  /** All that buyers paid. */
  gross: number;
  /** What went back. */
  refunded: number;
  /** What is on its way back, which a bank may still refuse. */
  refunding: number;
  /** What is owed to buyers: payments that are not kept and whose refund is to be made, or failed. */
  due: number;
  /** What banks claim, or have got for good. */
  disputed: number;
  /** What is left, before Stripe's fees. Negative when a bank got what had been refunded before. */
  net: number;
};

export type UnlockMoney = SaleMoney & {
  unlockId: string;
  /** A part of the payment that is kept went back, or is on its way. */
  keptRefunded: boolean;
  /** A refund failed, was not made again, and its amount neither went back since nor is claimed by a bank. */
  refundFailed: boolean;
  /** A bank asks about the payment and claims nothing. */
  inquiry: boolean;
  /** All that is disputed was lost. */
  lost: boolean;
};

export const moneyStates = [
  'refund_failed',
  'disputed',
  'dispute_lost',
  'refunded',
  'refunding',
  'refund_due',
  'inquiry',
  'partly_refunded',
] as const;
export type MoneyState = (typeof moneyStates)[number];

/** What became of the money of a sale, most urgent first. Returns null while it was paid, or not paid, and no more. */
export function moneyState(money: UnlockMoney): MoneyState | null {
  if (money.refundFailed) return 'refund_failed';
  if (money.disputed > 0) return money.lost ? 'dispute_lost' : 'disputed';
  if (money.due > 0) return 'refund_due';
  // Another charge of the same sale may be kept.
  if (money.net === 0 && money.refunding > 0) return 'refunding';
  if (money.net === 0 && money.refunded > 0) return 'refunded';
  if (money.inquiry) return 'inquiry';
  return money.keptRefunded ? 'partly_refunded' : null;
}
