/** `hard`: the card networks forbid a retry with this card. `soft`: it may be tried again later, a few times. */
export type Advice = 'hard' | 'soft';

/** Why a card was declined, in Stripe's own codes. Null where Stripe gives none. */
export type DeclineCodes = {
  code: string | null;
  declineCode: string | null;
  adviceCode: string | null;
  networkAdviceCode: string | null;
};

/** A declined charge. `message` may be shown to the buyer. */
export type Decline = { code: string; declineCode: string | null; advice: Advice; message: string };

/** Codes after which the same card is not charged again. Stripe reports them as `code` or as `decline_code`. */
export const hardDeclines: ReadonlySet<string> = new Set([
  'lost_card',
  'stolen_card',
  'pickup_card',
  'restricted_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'stop_payment_order',
  'fraudulent',
  'merchant_blacklist',
  'invalid_account',
  'expired_card',
  'incorrect_number',
  'card_not_supported',
  'currency_not_supported',
  'testmode_decline',
]);

/** Mastercard's merchant advice codes "do not try again" and "stop recurring payments"; a retry costs a fee. */
const hardNetworkAdvice: ReadonlySet<string> = new Set(['03', '21']);

/** Stripe's names for a payment that the cardholder must confirm, as `code` or `decline_code`. */
const authenticationCodes: ReadonlySet<string> = new Set([
  'authentication_required',
  'authentication_not_handled',
]);

const general = 'Your card was declined. Use another card, or ask your bank.';

/**
 * Reasons that a buyer can act on. Every other decline gets the general sentence: Stripe forbids telling a cardholder that
 * a card was reported lost or stolen, or that a payment looks fraudulent.
 */
const sentences: Readonly<Record<string, string>> = {
  insufficient_funds: 'Your card has insufficient funds.',
  expired_card: 'Your card has expired.',
  incorrect_cvc: "Your card's security code is incorrect.",
  invalid_cvc: "Your card's security code is incorrect.",
  incorrect_number: 'Your card number is incorrect.',
  invalid_number: 'Your card number is incorrect.',
  invalid_expiry_month: "Your card's expiration date is incorrect.",
  invalid_expiry_year: "Your card's expiration date is incorrect.",
  incorrect_zip: "Your card's postal code is incorrect.",
  card_not_supported: 'Your card does not support this kind of purchase.',
  currency_not_supported: 'Your card does not support this currency.',
  processing_error: 'An error occurred while your card was processed. Try again later.',
  try_again_later: 'An error occurred while your card was processed. Try again later.',
  authentication_required: 'Your bank asks you to confirm this payment.',
  authentication_not_handled: 'Your bank asks you to confirm this payment.',
  payment_intent_authentication_failure: 'Your bank could not confirm that this payment is yours.',
  setup_intent_authentication_failure: 'Your bank could not confirm that this card is yours.',
};

/** Decides by Stripe's and the network's advice and by the codes (Visa category 1, docs.stripe.com/declines/codes). */
export function adviceOf({ code, declineCode, adviceCode, networkAdviceCode }: DeclineCodes): Advice {
  if (adviceCode === 'do_not_try_again') return 'hard';
  if (networkAdviceCode !== null && hardNetworkAdvice.has(networkAdviceCode)) return 'hard';
  return [code, declineCode].some((name) => name !== null && hardDeclines.has(name)) ? 'hard' : 'soft';
}

/** Whether the cardholder must confirm the payment, rather than the bank having refused it. */
export function asksForAuthentication({
  code,
  declineCode,
}: Pick<DeclineCodes, 'code' | 'declineCode'>): boolean {
  return [code, declineCode].some((name) => name !== null && authenticationCodes.has(name));
}

/** A sentence for the cardholder, chosen by code. Never Stripe's own text, which may name a stolen card. */
export function buyerMessage({ code, declineCode }: Pick<DeclineCodes, 'code' | 'declineCode'>): string {
  const known = [declineCode, code].find((name) => name !== null && Object.hasOwn(sentences, name));
  return known === undefined || known === null ? general : (sentences[known] ?? general);
}

export function declineFrom(codes: DeclineCodes): Decline {
  const { code, declineCode } = codes;
  return {
    code: code ?? 'card_declined',
    declineCode,
    advice: adviceOf(codes),
    message: buyerMessage(codes),
  };
}
