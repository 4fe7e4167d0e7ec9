/**
 * Accounts of the ledger that belong to the marketplace. As everywhere in the ledger, money that Stripe holds is positive in
 * `stripe`, and the accounts that say whose it is are negative: the balance of a wallet is the sum of its entries times -1.
 */
export const walletAccount = (buyerId: string) => `wallet:${buyerId}`;
/** What an organization earned by sales from wallets, before it is settled. */
export const sellerAccount = (organizationId: string) => `seller:${organizationId}`;
