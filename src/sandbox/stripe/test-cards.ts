import { createHash } from 'node:crypto';

/** Why a bank declines, in the fields of Stripe's card errors (docs.stripe.com/declines/codes). */
export type Decline = {
  code: string;
  decline: string;
  message: string;
  advice?: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later';
  /** Absent when the network was not asked. */
  network?: { advice?: string; decline: string };
};

const declined = (decline: string, more: Partial<Decline> = {}): Decline => ({
  code: 'card_declined',
  decline,
  message: 'Your card was declined.',
  ...more,
});

const again = 'try_again_later';
const never = 'do_not_try_again';

export const declines = {
  generic_decline: declined('generic_decline', { advice: again, network: { decline: '01' } }),
  do_not_honor: declined('do_not_honor', { advice: again, network: { decline: '05' } }),
  insufficient_funds: declined('insufficient_funds', {
    message: 'Your card has insufficient funds.',
    advice: again,
    network: { advice: '02', decline: '51' },
  }),
  card_velocity_exceeded: declined('card_velocity_exceeded', {
    message:
      'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
    advice: again,
    network: { decline: '65' },
  }),
  lost_card: declined('lost_card', { advice: never, network: { advice: '03', decline: '41' } }),
  stolen_card: declined('stolen_card', { advice: never, network: { advice: '03', decline: '43' } }),
  revocation_of_authorization: declined('revocation_of_authorization', {
    advice: never,
    network: { advice: '21', decline: 'R1' },
  }),
  fraudulent: declined('fraudulent', { advice: never }),
  expired_card: {
    code: 'expired_card',
    decline: 'expired_card',
    message: 'Your card has expired.',
    advice: 'confirm_card_data',
    network: { advice: '01', decline: '54' },
  },
  incorrect_cvc: {
    code: 'incorrect_cvc',
    decline: 'incorrect_cvc',
    message: "Your card's security code is incorrect.",
    advice: 'confirm_card_data',
    network: { decline: 'N7' },
  },
  processing_error: {
    code: 'processing_error',
    decline: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
    advice: again,
    network: { decline: '96' },
  },
  authentication_required: {
    code: 'authentication_required',
    decline: 'authentication_required',
    message: 'Your card was declined. This transaction requires authentication.',
    network: { decline: '1A' },
  },
  test_mode_live_card: declined('test_mode_live_card', {
    message: 'Your card was declined. Your request was in test mode, but used a non test card.',
  }),
  incorrect_number: {
    code: 'incorrect_number',
    decline: '',
    message: 'Your card number is incorrect.',
  },
} satisfies Record<string, Decline>;

/** A decline by its code; a code without an entry is a plain decline with that code. */
export function declineNamed(code: string): Decline {
  return Object.hasOwn(declines, code) ? declines[code as keyof typeof declines] : declined(code);
}

/** When the bank asks the cardholder to confirm. Without `authenticates` it never does. */
type Authentication =
  /** Saving asks once, after which charges off session succeed. */
  | 'until_set_up'
  /** Every charge asks, so that none succeeds off session. */
  | 'always'
  /** Set up at another business: only charges on session ask. */
  | 'on_session';

export type TestCard = {
  number: string;
  brand: string;
  /** Names after `pm_card_`. */
  tokens: string[];
  /** What it is for, as the payment page says. */
  fate: string;
  /** Refused wherever it is used, also when it is saved. */
  refused?: Decline;
  /** Can be saved; charges are declined once they are authenticated. */
  chargesDeclined?: Decline;
  /** Stripe's own rules block the charge; the bank is not asked. */
  blocked?: true;
  authenticates?: Authentication;
  afterwards?: 'dispute' | 'refund_fails';
  /** The money of a charge is available at once. */
  availableAtOnce?: true;
};

const visa = (number: string, tokens: string[], fate: string, more: Partial<TestCard> = {}): TestCard => ({
  number: number.replaceAll(' ', ''),
  brand: 'visa',
  tokens,
  fate,
  ...more,
});
const refusedToken = (name: string) => [`chargeDeclined${name}`, `visa_chargeDeclined${name}`];

/** Stripe's test cards (docs.stripe.com/testing). */
export const testCards: readonly TestCard[] = [
  visa('4242 4242 4242 4242', ['visa'], 'pays'),
  { ...visa('5555 5555 5555 4444', ['mastercard'], 'pays'), brand: 'mastercard' },
  { ...visa('3782 822463 10005', ['amex'], 'pays'), brand: 'amex' },
  visa('4000 0000 0000 0077', ['bypassPending'], 'pays, available at once', { availableAtOnce: true }),
  visa('4000 0000 0000 0002', refusedToken(''), 'is declined', { refused: declines.generic_decline }),
  visa('4000 0000 0000 9995', refusedToken('InsufficientFunds'), 'has insufficient funds', {
    refused: declines.insufficient_funds,
  }),
  visa('4000 0000 0000 9987', refusedToken('LostCard'), 'was reported lost', { refused: declines.lost_card }),
  visa('4000 0000 0000 9979', refusedToken('StolenCard'), 'was reported stolen', {
    refused: declines.stolen_card,
  }),
  visa('4000 0000 0000 0069', refusedToken('ExpiredCard'), 'has expired', { refused: declines.expired_card }),
  visa('4000 0000 0000 0127', refusedToken('IncorrectCvc'), 'has another security code', {
    refused: declines.incorrect_cvc,
  }),
  visa('4000 0000 0000 0119', refusedToken('ProcessingError'), 'fails while it is processed', {
    refused: declines.processing_error,
  }),
  visa('4000 0000 0000 0341', ['chargeCustomerFail'], 'is saved, then declined', {
    chargesDeclined: declines.generic_decline,
  }),
  visa('4000 0025 0000 3155', ['authenticationRequiredOnSetup'], 'asks to confirm until it is saved', {
    authenticates: 'until_set_up',
  }),
  visa('4000 0027 6000 3184', ['authenticationRequired'], 'always asks to confirm', {
    authenticates: 'always',
  }),
  visa('4000 0038 0000 0446', ['authenticationRequiredSetupForOffSession'], 'is set up for later charges', {
    authenticates: 'on_session',
  }),
  visa(
    '4000 0082 6000 3178',
    ['authenticationRequiredChargeDeclinedInsufficientFunds'],
    'asks to confirm, then has insufficient funds',
    { authenticates: 'until_set_up', chargesDeclined: declines.insufficient_funds },
  ),
  visa('4100 0000 0000 0019', ['radarBlock'], 'is blocked as a risk', {
    chargesDeclined: declines.fraudulent,
    blocked: true,
  }),
  visa('4000 0000 0000 0259', ['createDispute'], 'pays, then disputes', { afterwards: 'dispute' }),
  visa('4000 0000 0000 5126', ['refundFail'], 'pays; its refund fails later', { afterwards: 'refund_fails' }),
];

const byNumber = new Map(testCards.map((card) => [card.number, card]));
const byToken: ReadonlyMap<string, TestCard> = new Map(
  testCards.flatMap((card) => card.tokens.map((token) => [`pm_card_${token}`, card] as const)),
);

/** Returns null for a name that is not one of Stripe's tokens. */
export const cardOfToken = (token: string): TestCard | null => byToken.get(token) ?? null;

/** The card with this number. One that is not a test card is refused, as in Stripe's test mode. */
export function cardNumbered(given: string): TestCard {
  const number = given.replace(/[\s-]/g, '');
  const known = byNumber.get(number);
  if (known) return known;
  const refused = passesLuhn(number) ? declines.test_mode_live_card : declines.incorrect_number;
  return { number, brand: 'unknown', tokens: [], fate: 'is no test card', refused };
}

/** The same for the same number. */
export function fingerprintOf(number: string): string {
  return createHash('sha256').update(`sandbox:${number}`).digest('base64url').slice(0, 16);
}

function passesLuhn(number: string): boolean {
  if (!/^\d{12,19}$/.test(number)) return false;
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
