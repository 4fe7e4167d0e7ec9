/** The currency of wallets and campaigns. */
export const walletCurrency = 'usd';

/** What one charge adds: Stripe's smallest and largest amounts, in cents. */
export const topUpAmounts = { least: 50, most: 99_999_999 } as const;

/** `REFUND`: a purchase given back. */
export const walletTransactionTypes = ['CREDIT', 'DEBIT', 'REFUND', 'AUTO_RECHARGE'] as const;
export type WalletTransactionType = (typeof walletTransactionTypes)[number];

/**
 * How money comes into a wallet: on Stripe's page, by a saved card that the buyer chose, or by a saved card that is charged
 * when the balance falls below the buyer's threshold.
 */
export const topUpKinds = ['checkout', 'card', 'recharge'] as const;
export type TopUpKind = (typeof topUpKinds)[number];

/** `needs_action`: the cardholder must confirm it at the bank. `retrying`: declined, and charged again at a set time. */
export const topUpStates = ['open', 'needs_action', 'retrying', 'paid', 'failed', 'canceled'] as const;
export type TopUpState = (typeof topUpStates)[number];
export const openTopUpStates = ['open', 'needs_action', 'retrying'] as const satisfies readonly TopUpState[];
