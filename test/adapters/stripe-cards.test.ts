import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CardCharge, ChargeResult, PaymentGateway } from '../../src/adapters/payments.ts';
import { createStripeGateway } from '../../src/adapters/stripe.ts';
import { loadConfig } from '../../src/config.ts';
import { PermanentError, TransientError, type VendorError } from '../../src/domain/errors.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

let sandbox: Sandbox;
let stripe: PaymentGateway & { close(): void };
let impatient: PaymentGateway & { close(): void };
beforeAll(async () => {
  sandbox = await startSandbox();
  const config = loadConfig({}, { sandboxUrl: sandbox.url }).stripe;
  stripe = createStripeGateway(config);
  impatient = createStripeGateway(config, { timeoutMs: 150 });
});
afterEach(() => sandbox.reset());
afterAll(async () => {
  stripe.close();
  impatient.close();
  await sandbox.close();
});

const metadata = { kind: 'recharge', recharge_id: 'r1' };
const inAnHour = new Date(Date.now() + 3_600_000);
const createCustomer = async (idempotencyKey = 'customer-1') =>
  (await stripe.createCustomer({ idempotencyKey, email: 'buyer@leads.example', name: 'Acme', metadata })).id;
/** A customer with a card that was set up for charges off session. */
async function wallet(card = 'pm_card_visa') {
  const customer = await createCustomer();
  const setup = await stripe.createSetupIntent({ idempotencyKey: 'setup-1', customer, metadata });
  sandbox.act.confirmSetup(setup.id, { card });
  const asked = (await stripe.retrieveSetupIntent(setup.id)).status === 'requires_action';
  if (asked) sandbox.act.confirmAtBank(setup.id, 'succeeded');
  const { paymentMethod } = await stripe.retrieveSetupIntent(setup.id);
  return { customer, paymentMethod: paymentMethod!, setup };
}
const charge = (
  of: { customer: string; paymentMethod: string },
  extra: Partial<CardCharge> = {},
): CardCharge => ({
  idempotencyKey: 'recharge:r1:1',
  amount: 5000,
  currency: 'usd',
  customer: of.customer,
  paymentMethod: of.paymentMethod,
  offSession: true,
  description: 'Wallet recharge',
  metadata,
  ...extra,
});
const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: VendorError) => error,
  );
const captures = () => sandbox.ledger.list({ operation: 'payment.capture' });
const paymentIntentOf = (result: ChargeResult) =>
  result.kind === 'succeeded' ? result.payment.paymentIntent : result.paymentIntent!;

describe('customers and their cards', () => {
  it('the same key creates one customer', async () => {
    const first = await createCustomer('customer-2');
    expect(await createCustomer('customer-2')).toBe(first);
    expect(sandbox.ledger.list({ operation: 'customer.create', accepted: true })).toMatchObject([
      { vendorId: first, params: { email: 'buyer@leads.example', name: 'Acme', metadata } },
    ]);
  });

  it('a setup intent has a secret for the browser, and a card once it succeeded', async () => {
    const customer = await createCustomer();
    const setup = await stripe.createSetupIntent({ idempotencyKey: 'setup-2', customer, metadata });
    expect(setup).toEqual({
      id: expect.stringMatching(/^seti_/),
      clientSecret: expect.stringContaining(setup.id),
      status: 'requires_payment_method',
      customer,
      paymentMethod: null,
      metadata,
    });
    sandbox.act.confirmSetup(setup.id, { card: '4000002760003184' });
    expect(await stripe.retrieveSetupIntent(setup.id)).toMatchObject({
      status: 'requires_action',
      paymentMethod: null,
    });
    sandbox.act.confirmAtBank(setup.id, 'succeeded');
    const { status, paymentMethod } = await stripe.retrieveSetupIntent(setup.id);
    expect(status).toBe('succeeded');
    expect(await stripe.retrieveCard(paymentMethod!)).toEqual({
      id: paymentMethod,
      customer,
      brand: 'visa',
      last4: '3184',
      expMonth: 12,
      expYear: new Date().getUTCFullYear() + 4,
      fingerprint: expect.any(String),
    });
  });

  it('a card is attached once, listed, and detached for good', async () => {
    const customer = await createCustomer();
    const attach = (idempotencyKey: string, paymentMethod: string, to = customer) =>
      stripe.attachCard({ idempotencyKey, paymentMethod, customer: to });
    const card = await attach('attach-1', 'pm_card_visa');
    expect(card).toMatchObject({ customer, last4: '4242' });
    expect(await attach('attach-2', card.id)).toEqual(card);
    const other = await attach('attach-3', 'pm_card_mastercard');
    expect((await stripe.listCards(customer)).map(({ id }) => id)).toEqual([other.id, card.id]);
    const stranger = await createCustomer('customer-3');
    const stolen = await failureOf(attach('attach-4', card.id, stranger));
    expect(stolen).toBeInstanceOf(PermanentError);
    await stripe.detachCard({ idempotencyKey: 'detach-1', paymentMethod: card.id });
    await stripe.detachCard({ idempotencyKey: 'detach-2', paymentMethod: card.id });
    await stripe.detachCard({ idempotencyKey: 'detach-3', paymentMethod: 'pm_none' });
    expect(await stripe.retrieveCard(card.id)).toMatchObject({ customer: null });
    expect(await failureOf(attach('attach-5', card.id))).toMatchObject({ code: 'bad_request' });
    expect(await stripe.retrieveCard('pm_none')).toBeNull();
  });

  it('a card that its bank refuses is a permanent error with a sentence for its owner', async () => {
    const customer = await createCustomer();
    const paymentMethod = 'pm_card_visa_chargeDeclinedStolenCard';
    const error = await failureOf(stripe.attachCard({ idempotencyKey: 'attach-6', paymentMethod, customer }));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({
      vendorCode: 'stolen_card',
      vendorMessage: 'Your card was declined. Use another card, or ask your bank.',
    });
  });

  it('an unknown customer is not found', async () => {
    const setup = stripe.createSetupIntent({ idempotencyKey: 'setup-3', customer: 'cus_none', metadata });
    expect(await failureOf(setup)).toMatchObject({ code: 'not_found' });
    expect(await failureOf(stripe.listCards('cus_none'))).toMatchObject({ code: 'not_found' });
  });
});

describe('pages', () => {
  it('a page for a card ends without a payment', async () => {
    const customer = await createCustomer();
    const request = {
      idempotencyKey: 'card-page-1',
      customer,
      metadata,
      expiresAt: inAnHour,
      successUrl: 'https://leads.example/wallet?saved=1',
      cancelUrl: 'https://leads.example/wallet',
    };
    const page = await stripe.createSetupCheckout(request);
    expect(page).toMatchObject({
      mode: 'setup',
      status: 'open',
      paymentStatus: 'no_payment_required',
      amount: null,
      customer,
      paymentIntent: null,
    });
    sandbox.act.saveCard(page.id, { card: 'pm_card_visa' });
    const done = await stripe.retrieveCheckout(page.id);
    expect(done).toMatchObject({ mode: 'setup', status: 'complete', paymentStatus: 'no_payment_required' });
    const setup = await stripe.retrieveSetupIntent(done.setupIntent!);
    expect(setup).toMatchObject({ status: 'succeeded', customer, metadata });
    expect((await stripe.listCards(customer)).map(({ id }) => id)).toEqual([setup.paymentMethod]);
  });

  it('a top-up page saves its card', async () => {
    const customer = await createCustomer();
    const page = await stripe.createCheckout({
      idempotencyKey: 'top-up-1',
      customer,
      saveCard: true,
      amount: 5000,
      currency: 'usd',
      description: 'Wallet recharge',
      metadata,
      expiresAt: inAnHour,
      successUrl: 'https://leads.example/wallet',
      cancelUrl: 'https://leads.example/wallet',
    });
    const { paymentIntent } = sandbox.act.pay(page.id, { offerAgain: true });
    const [card] = await stripe.listCards(customer);
    expect(await stripe.retrievePayment(paymentIntent.id)).toMatchObject({
      status: 'succeeded',
      customer,
      paymentMethod: card!.id,
      amountReceived: 5000,
      metadata,
      decline: null,
    });
    expect(await stripe.chargeCard(charge({ customer, paymentMethod: card!.id }))).toMatchObject({
      kind: 'succeeded',
    });
  });
});

describe('looking for a charge', () => {
  const since = new Date(Date.now() - 60_000);

  it('finds the one with this metadata, the paid one first, and none of another customer or time', async () => {
    const of = await wallet();
    const named = (name: string) => ({ ...metadata, recharge_id: name });
    const find = (name: string, customer = of.customer, from = since) =>
      stripe.findCharge({ customer, metadata: named(name), since: from });
    const make = (name: string, number: number) =>
      stripe.chargeCard(charge(of, { metadata: named(name), idempotencyKey: `${name}-${number}` }));
    const paid = await make('paid', 1);
    sandbox.act.declineNext(of.customer, { code: 'insufficient_funds', times: 2 });
    const declined = await make('declined', 1);
    await make('paid', 2);
    expect(await find('paid')).toEqual(paid);
    expect(await find('declined')).toEqual(declined);
    expect(await find('unknown')).toBeNull();
    expect(await find('paid', await createCustomer('customer-2'))).toBeNull();
    expect(await find('paid', of.customer, new Date(Date.now() + 60_000))).toBeNull();
  });

  it('finds a charge behind a hundred others', async () => {
    const of = await wallet();
    const make = (name: string) =>
      stripe.chargeCard(charge(of, { metadata: { ...metadata, recharge_id: name }, idempotencyKey: name }));
    const first = await make('first');
    for (let n = 0; n < 101; n += 1) await make(`other${n}`);
    const found = await stripe.findCharge({
      customer: of.customer,
      metadata: { recharge_id: 'first' },
      since,
    });
    expect(found).toEqual(first);
  });
});

describe('charges off session', () => {
  it('a charge that succeeds returns its payment', async () => {
    const of = await wallet();
    const result = await stripe.chargeCard(charge(of));
    expect(result).toEqual({
      kind: 'succeeded',
      payment: {
        paymentIntent: paymentIntentOf(result),
        status: 'succeeded',
        customer: of.customer,
        paymentMethod: of.paymentMethod,
        amount: 5000,
        amountReceived: 5000,
        amountRefunded: 0,
        currency: 'usd',
        livemode: false,
        disputed: false,
        decline: null,
        metadata,
      },
    });
    expect(await stripe.retrievePayment(paymentIntentOf(result))).toEqual(
      result.kind === 'succeeded' ? result.payment : null,
    );
  });

  it.each([
    ['insufficient_funds', 'card_declined', 'soft', 'Your card has insufficient funds.'],
    ['stolen_card', 'card_declined', 'hard', 'Your card was declined. Use another card, or ask your bank.'],
    ['lost_card', 'card_declined', 'hard', 'Your card was declined. Use another card, or ask your bank.'],
    ['expired_card', 'expired_card', 'hard', 'Your card has expired.'],
    [
      'revocation_of_authorization',
      'card_declined',
      'hard',
      'Your card was declined. Use another card, or ask your bank.',
    ],
    [
      'processing_error',
      'processing_error',
      'soft',
      'An error occurred while your card was processed. Try again later.',
    ],
  ])('%s is a result, and the same key gives it again', async (declineCode, code, advice, message) => {
    const of = await wallet();
    sandbox.act.declineNext(of.customer, { code: declineCode });
    const result = await stripe.chargeCard(charge(of));
    const paymentIntent = paymentIntentOf(result);
    expect(result).toEqual({ kind: 'declined', paymentIntent, code, declineCode, advice, message });
    expect(await stripe.chargeCard(charge(of))).toEqual(result);
    expect(sandbox.ledger.list({ operation: 'charge.failed' })).toHaveLength(1);
    expect(await stripe.retrievePayment(paymentIntent)).toMatchObject({
      status: 'requires_payment_method',
      paymentMethod: null,
      amountReceived: 0,
      decline: { code, declineCode, advice, message },
    });
  });

  it('a retry confirms the same payment, which is captured once', async () => {
    const of = await wallet();
    sandbox.act.declineNext(of.customer, { code: 'insufficient_funds', times: 2 });
    const paymentIntent = paymentIntentOf(await stripe.chargeCard(charge(of)));
    const confirm = (idempotencyKey: string) =>
      stripe.confirmCharge({
        idempotencyKey,
        paymentIntent,
        paymentMethod: of.paymentMethod,
        offSession: true,
      });
    expect(await confirm('recharge:r1:2')).toMatchObject({ kind: 'declined', paymentIntent });
    expect(await confirm('recharge:r1:3')).toMatchObject({ kind: 'succeeded', payment: { paymentIntent } });
    expect(await confirm('recharge:r1:4')).toMatchObject({ kind: 'succeeded', payment: { paymentIntent } });
    expect(captures()).toMatchObject([{ vendorId: paymentIntent, amount: 5000 }]);
  });

  it.each(['timeout_after', 'error_after'] as const)(
    '%s: the same key gives the outcome, and the card is charged once',
    async (kind) => {
      const of = await wallet();
      sandbox.fault({ vendor: 'stripe', kind, path: '/v1/payment_intents' });
      expect(await failureOf(impatient.chargeCard(charge(of)))).toBeInstanceOf(TransientError);
      sandbox.clearFaults();
      expect(await stripe.chargeCard(charge(of))).toMatchObject({ kind: 'succeeded' });
      expect(captures()).toHaveLength(1);
    },
  );

  it('a key in flight is transient; a key with other parameters is permanent', async () => {
    const of = await wallet();
    sandbox.fault({ vendor: 'stripe', kind: 'latency', ms: 200, path: '/v1/payment_intents', count: 1 });
    const outcomes = await Promise.allSettled([stripe.chargeCard(charge(of)), stripe.chargeCard(charge(of))]);
    const rejected = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(rejected).toEqual([expect.any(TransientError)]);
    expect(rejected[0]).toMatchObject({ code: 'conflict', burnsAttempt: false });
    const other = await failureOf(stripe.chargeCard(charge(of, { amount: 9900 })));
    expect(other).toBeInstanceOf(PermanentError);
    expect(other).toMatchObject({ code: 'key_reused' });
    expect(captures()).toHaveLength(1);
  });

  it('a card that is gone is a permanent error', async () => {
    const of = await wallet();
    await stripe.detachCard({ idempotencyKey: 'detach-9', paymentMethod: of.paymentMethod });
    const error = await failureOf(stripe.chargeCard(charge(of)));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ code: 'bad_request' });
  });
});

describe('a charge that its cardholder must confirm', () => {
  const returnUrl = 'https://leads.example/wallet';

  it.each(['authentication_required', 'authentication_not_handled'])(
    'off session (%s) needs action; on session it has a page of the bank',
    async (code) => {
      const of = await wallet('4000002760003184');
      sandbox.act.declineNext(of.customer, { code });
      const result = await stripe.chargeCard(charge(of));
      const paymentIntent = paymentIntentOf(result);
      const clientSecret = expect.stringContaining(`${paymentIntent}_secret_`);
      expect(result).toEqual({ kind: 'needs_action', paymentIntent, clientSecret, confirmUrl: null });
      const waiting = await stripe.confirmCharge({
        idempotencyKey: 'recharge:r1:2',
        paymentIntent,
        paymentMethod: of.paymentMethod,
        offSession: false,
        returnUrl,
      });
      const confirmUrl = expect.stringContaining('/stripe/confirm/');
      expect(waiting).toEqual({ kind: 'needs_action', paymentIntent, clientSecret, confirmUrl });
      expect(await stripe.retrievePayment(paymentIntent)).toMatchObject({
        status: 'requires_action',
        amountReceived: 0,
      });
      expect(await stripe.retrieveConfirmation(paymentIntent)).toEqual({ clientSecret, confirmUrl });
      sandbox.act.confirmAtBank(paymentIntent, 'succeeded');
      expect(await stripe.retrievePayment(paymentIntent)).toMatchObject({
        status: 'succeeded',
        amountReceived: 5000,
      });
      expect(await stripe.retrieveConfirmation(paymentIntent)).toBeNull();
    },
  );

  it('a charge on session needs action, and a failed confirmation is a decline', async () => {
    const of = await wallet('4000002760003184');
    const result = await stripe.chargeCard(charge(of, { offSession: false, returnUrl }));
    expect(result).toMatchObject({ kind: 'needs_action', confirmUrl: expect.any(String) });
    sandbox.act.confirmAtBank(paymentIntentOf(result), 'failed');
    expect(await stripe.retrievePayment(paymentIntentOf(result))).toMatchObject({
      status: 'requires_payment_method',
      decline: {
        code: 'payment_intent_authentication_failure',
        advice: 'soft',
        message: 'Your bank could not confirm that this payment is yours.',
      },
    });
  });

  it('is canceled while it waits, and not once it succeeded', async () => {
    const of = await wallet('4000002760003184');
    const waiting = await stripe.chargeCard(charge(of, { offSession: false }));
    const cancel = (paymentIntent: string, idempotencyKey: string) =>
      stripe.cancelCharge({ paymentIntent, idempotencyKey });
    expect(await cancel(paymentIntentOf(waiting), 'cancel-1')).toMatchObject({ status: 'canceled' });
    const confirming = stripe.confirmCharge({
      idempotencyKey: 'recharge:r1:2',
      paymentIntent: paymentIntentOf(waiting),
      paymentMethod: of.paymentMethod,
      offSession: true,
    });
    expect(await failureOf(confirming)).toMatchObject({ vendorCode: 'payment_intent_unexpected_state' });
    const again = charge(of, { offSession: false, idempotencyKey: 'recharge:r2:1' });
    const paid = paymentIntentOf(await stripe.chargeCard(again));
    sandbox.act.confirmAtBank(paid, 'succeeded');
    expect(await cancel(paid, 'cancel-2')).toMatchObject({ status: 'succeeded', amountReceived: 5000 });
  });
});
