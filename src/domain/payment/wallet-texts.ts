import type { TopUpKind, WalletTransactionType } from './wallet.ts';

/** What a transaction of a wallet says. The first three are fixed by the contract of the marketplace. */
export const descriptions = {
  topUp: 'Wallet recharge',
  recharge: 'Wallet auto-recharge',
  purchase: (campaign: string) => `Lead purchase - Campaign: ${campaign}`,
  refund: 'Refund to your card',
  refundFailed: 'Refund to your card failed',
  dispute: 'Payment disputed at the bank',
  disputeWon: 'Dispute decided in our favor',
} as const;

/** How the credit of a charge is recorded. */
export function creditOf(kind: TopUpKind): { type: WalletTransactionType; description: string } {
  return kind === 'recharge'
    ? { type: 'AUTO_RECHARGE', description: descriptions.recharge }
    : { type: 'CREDIT', description: descriptions.topUp };
}
