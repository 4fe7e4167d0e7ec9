/** What a payment is for. Its subject is an unlock, or a top-up of a wallet. */
export const paymentPurposes = ['unlock', 'top_up'] as const;
export type PaymentPurpose = (typeof paymentPurposes)[number];
