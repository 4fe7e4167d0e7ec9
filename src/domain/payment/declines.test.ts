import { describe, expect, it } from 'vitest';
import {
  adviceOf,
  asksForAuthentication,
  buyerMessage,
  type DeclineCodes,
  declineFrom,
  hardDeclines,
} from './declines.ts';

const codes = (given: Partial<DeclineCodes> = {}): DeclineCodes => ({
  code: 'card_declined',
  declineCode: 'generic_decline',
  adviceCode: null,
  networkAdviceCode: null,
  ...given,
});

describe('the advice after a decline', () => {
  it.each<[Partial<DeclineCodes>, 'hard' | 'soft']>([
    [{}, 'soft'],
    [{ declineCode: 'insufficient_funds' }, 'soft'],
    [{ declineCode: 'do_not_honor' }, 'soft'],
    [{ declineCode: 'card_velocity_exceeded' }, 'soft'],
    [{ declineCode: 'a_code_of_next_year' }, 'soft'],
    [{ code: 'card_decline_rate_limit_exceeded', declineCode: null }, 'soft'],
    [{ code: 'processing_error', declineCode: null }, 'soft'],
    [{ code: 'incorrect_cvc', declineCode: null }, 'soft'],
    [{ code: null, declineCode: null }, 'soft'],
    [{ declineCode: 'lost_card' }, 'hard'],
    [{ declineCode: 'stolen_card' }, 'hard'],
    [{ declineCode: 'pickup_card' }, 'hard'],
    [{ declineCode: 'restricted_card' }, 'hard'],
    [{ declineCode: 'revocation_of_all_authorizations' }, 'hard'],
    [{ declineCode: 'revocation_of_authorization' }, 'hard'],
    [{ declineCode: 'stop_payment_order' }, 'hard'],
    [{ declineCode: 'fraudulent' }, 'hard'],
    [{ declineCode: 'merchant_blacklist' }, 'hard'],
    [{ declineCode: 'invalid_account' }, 'hard'],
    [{ declineCode: 'card_not_supported' }, 'hard'],
    [{ declineCode: 'currency_not_supported' }, 'hard'],
    [{ declineCode: 'testmode_decline' }, 'hard'],
    [{ code: 'expired_card', declineCode: null }, 'hard'],
    [{ code: 'expired_card', declineCode: 'expired_card' }, 'hard'],
    [{ code: 'incorrect_number', declineCode: null }, 'hard'],
    [{ adviceCode: 'try_again_later' }, 'soft'],
    [{ adviceCode: 'confirm_card_data' }, 'soft'],
    [{ adviceCode: 'do_not_try_again' }, 'hard'],
    [{ adviceCode: 'do_not_try_again', declineCode: 'insufficient_funds' }, 'hard'],
    [{ adviceCode: 'try_again_later', declineCode: 'stolen_card' }, 'hard'],
    [{ networkAdviceCode: '01' }, 'soft'],
    [{ networkAdviceCode: '02' }, 'soft'],
    [{ networkAdviceCode: '03' }, 'hard'],
    [{ networkAdviceCode: '21' }, 'hard'],
    [{ networkAdviceCode: '21', adviceCode: 'try_again_later' }, 'hard'],
  ])('%j is %s', (given, advice) => {
    expect(adviceOf(codes(given))).toBe(advice);
  });
});

describe('a payment that the cardholder must confirm', () => {
  it.each([
    ['authentication_required', 'authentication_required', true],
    ['card_declined', 'authentication_required', true],
    ['authentication_required', null, true],
    ['authentication_not_handled', null, true],
    ['card_declined', 'authentication_not_handled', true],
    ['card_declined', 'generic_decline', false],
    ['payment_intent_authentication_failure', null, false],
    [null, null, false],
  ])('%s with %s: %s', (code, declineCode, asks) => {
    expect(asksForAuthentication({ code, declineCode })).toBe(asks);
  });
});

describe('the sentence for the buyer', () => {
  it.each([
    ['card_declined', 'insufficient_funds', 'Your card has insufficient funds.'],
    ['expired_card', null, 'Your card has expired.'],
    ['incorrect_cvc', 'incorrect_cvc', "Your card's security code is incorrect."],
    ['processing_error', null, 'An error occurred while your card was processed. Try again later.'],
    ['card_declined', 'generic_decline', 'Your card was declined. Use another card, or ask your bank.'],
    ['card_declined', 'constructor', 'Your card was declined. Use another card, or ask your bank.'],
    [null, null, 'Your card was declined. Use another card, or ask your bank.'],
  ])('%s with %s: %s', (code, declineCode, message) => {
    expect(buyerMessage({ code, declineCode })).toBe(message);
  });

  it.each([...hardDeclines])('names neither theft, loss nor fraud for %s', (declineCode) => {
    expect(buyerMessage({ code: 'card_declined', declineCode })).not.toMatch(
      /stolen|lost|fraud|blacklist|pick/i,
    );
  });
});

it('a decline without codes is a general, soft one', () => {
  const none = { code: null, declineCode: null, adviceCode: null, networkAdviceCode: null };
  expect(declineFrom(none)).toEqual({
    code: 'card_declined',
    declineCode: null,
    advice: 'soft',
    message: 'Your card was declined. Use another card, or ask your bank.',
  });
});
