import type Stripe from 'stripe';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../harness/sandbox-clients.ts';
import { stripeCustomers } from '../harness/stripe-customers.ts';

const opened = await openSandbox();
const { sandbox, product, reset, close } = opened;
const { stripe, customer, saved, offSession, eventsSince, errorOf } = stripeCustomers(opened);
afterEach(reset);
afterAll(close);

describe('what Stripe refuses', () => {
  it.each<[string, Record<string, unknown>, string | undefined, string | undefined]>([
    ['payment_method_types', { payment_method_types: ['card'] }, 'parameter_unknown', 'payment_method_types'],
    ['off_session without confirm', { confirm: undefined }, undefined, 'off_session'],
    ['an amount that is too small', { amount: 49 }, 'amount_too_small', undefined],
    ['an unknown customer', { customer: 'cus_none' }, 'resource_missing', 'customer'],
    ['an unknown card', { payment_method: 'pm_none' }, 'resource_missing', 'payment_method'],
    ['no return_url', { allowed_payment_method_types: undefined }, undefined, 'return_url'],
    ['no card', { payment_method: undefined }, 'payment_intent_unexpected_state', undefined],
    [
      'stored_credential_usage with setup_future_usage',
      { setup_future_usage: 'off_session' },
      undefined,
      'payment_method_options[card][stored_credential_usage]',
    ],
  ])('a charge with %s', async (_name, extra, code, param) => {
    const owner = await customer();
    const params = offSession(owner, await saved(owner), extra);
    expect(await errorOf(stripe.paymentIntents.create(params))).toMatchObject({
      statusCode: 400,
      type: 'StripeInvalidRequestError',
      code,
      param,
    });
    expect(sandbox.ledger.list({ operation: 'payment.capture' })).toEqual([]);
    expect((await stripe.paymentIntents.list()).data).toEqual([]);
  });

  it('a charge of a card of another customer, or without its customer', async () => {
    const owner = await customer();
    const card = await saved(owner);
    const other = await customer();
    for (const params of [offSession(other, card), offSession(other, card, { customer: undefined })]) {
      const error = await errorOf(stripe.paymentIntents.create(params));
      expect(error).toMatchObject({ statusCode: 400, param: 'payment_method' });
    }
    const default_payment_method = card;
    expect(
      await errorOf(stripe.customers.update(other, { invoice_settings: { default_payment_method } })),
    ).toMatchObject({ statusCode: 400, code: 'resource_missing' });
  });

  it.each<[string, Partial<Stripe.Checkout.SessionCreateParams>, string]>([
    ['line items in mode=setup', { mode: 'setup', currency: 'usd' }, 'line_items'],
    ['no currency in mode=setup', { mode: 'setup', line_items: undefined }, 'currency'],
    [
      'setup_intent_data in mode=payment',
      { setup_intent_data: { description: 'A card' } },
      'setup_intent_data',
    ],
    [
      'saving without a customer',
      { saved_payment_method_options: { payment_method_save: 'enabled' } },
      'saved_payment_method_options',
    ],
    ['an unknown customer', { customer: 'cus_none' }, 'customer'],
  ])('a session with %s', async (_name, extra, param) => {
    const line_items = [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 5000, product_data: { name: 'Wallet' } } },
    ];
    const creating = stripe.checkout.sessions.create({
      mode: 'payment',
      success_url: product.url,
      line_items,
      ...extra,
    });
    expect(await errorOf(creating)).toMatchObject({ statusCode: 400, param });
  });

  it('a malformed e-mail address, and a second attachment', async () => {
    expect(await errorOf(stripe.customers.create({ email: 'nowhere' }))).toMatchObject({
      code: 'email_invalid',
      param: 'email',
    });
    const owner = await customer();
    const card = await saved(owner);
    expect(await errorOf(stripe.paymentMethods.attach(card, { customer: owner }))).toMatchObject({
      statusCode: 400,
    });
    expect(await errorOf(stripe.customers.retrieve('cus_none'))).toMatchObject({ statusCode: 404 });
  });

  it('a payment that ended', async () => {
    const owner = await customer();
    const card = await saved(owner);
    const paid = await stripe.paymentIntents.create(offSession(owner, card));
    const state = { statusCode: 400, code: 'payment_intent_unexpected_state' };
    const confirming = () => stripe.paymentIntents.confirm(paid.id, { payment_method: card });
    expect(await errorOf(confirming())).toMatchObject({ ...state, payment_intent: { status: 'succeeded' } });
    expect(await errorOf(stripe.paymentIntents.cancel(paid.id))).toMatchObject(state);
    const waiting = await stripe.paymentIntents.create({ amount: 5000, currency: 'usd', customer: owner });
    const canceled = await stripe.paymentIntents.cancel(waiting.id, { cancellation_reason: 'abandoned' });
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
    expect(await errorOf(stripe.paymentIntents.confirm(waiting.id, { payment_method: card }))).toMatchObject(
      state,
    );
  });
});

describe('idempotency', () => {
  it('a decline is the result of its key; another key charges again; a lost answer charges once', async () => {
    const owner = await customer();
    const card = await saved(owner);
    sandbox.act.declineNext(owner, { code: 'insufficient_funds' });
    const params = offSession(owner, card);
    const first = await errorOf(stripe.paymentIntents.create(params, { idempotencyKey: 'recharge:r1:1' }));
    const again = await errorOf(stripe.paymentIntents.create(params, { idempotencyKey: 'recharge:r1:1' }));
    expect(again).toMatchObject({
      statusCode: 402,
      decline_code: 'insufficient_funds',
      payment_intent: { id: first.payment_intent!.id },
    });
    expect(again.headers?.['idempotent-replayed']).toBe('true');
    expect(sandbox.ledger.list({ operation: 'charge.failed' })).toHaveLength(1);
    const other = stripe.paymentIntents.create({ ...params, amount: 1 }, { idempotencyKey: 'recharge:r1:1' });
    expect(await errorOf(other)).toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });

    const id = first.payment_intent!.id;
    sandbox.fault({ vendor: 'stripe', kind: 'error_after', path: '/confirm', count: 1, status: 500 });
    const confirm = () =>
      stripe.paymentIntents.confirm(
        id,
        { payment_method: card, off_session: true },
        { idempotencyKey: 'recharge:r1:2' },
      );
    expect(await errorOf(confirm())).toMatchObject({ statusCode: 500 });
    expect(await confirm()).toMatchObject({ id, status: 'succeeded', amount_received: 5000 });
    expect(sandbox.ledger.list({ operation: 'payment.capture' })).toMatchObject([{ vendorId: id }]);
  });
});

describe('the body of a card error', () => {
  it('names codes, advice, charge, payment and card', async () => {
    const owner = await customer();
    const card = await saved(owner);
    sandbox.act.declineNext(owner, { code: 'insufficient_funds' });
    const before = (await stripe.events.list({ limit: 100 })).data.length;
    const { raw } = await errorOf(stripe.paymentIntents.create(offSession(owner, card)));
    expect(raw).toMatchObject({
      advice_code: 'try_again_later',
      charge: expect.stringMatching(/^ch_/),
      code: 'card_declined',
      decline_code: 'insufficient_funds',
      doc_url: 'https://stripe.com/docs/error-codes/card-declined',
      message: 'Your card has insufficient funds.',
      network_advice_code: '02',
      network_decline_code: '51',
      payment_intent: {
        object: 'payment_intent',
        status: 'requires_payment_method',
        payment_method: null,
        amount_received: 0,
        last_payment_error: { code: 'card_declined', decline_code: 'insufficient_funds' },
      },
      payment_method: { id: card, object: 'payment_method', customer: owner },
      type: 'card_error',
    });
    const { charge, payment_intent } = raw as { charge: string; payment_intent: { latest_charge: string } };
    expect(payment_intent.latest_charge).toBe(charge);
    expect(await stripe.charges.retrieve(charge)).toMatchObject({
      paid: false,
      status: 'failed',
      failure_code: 'card_declined',
      balance_transaction: null,
      outcome: {
        network_status: 'declined_by_network',
        reason: 'insufficient_funds',
        type: 'issuer_declined',
      },
    });
    expect(await eventsSince(before)).toEqual([
      'payment_intent.created',
      'charge.failed',
      'payment_intent.payment_failed',
    ]);
  });

  it('a refused setup names the setup and the card', async () => {
    const owner = await customer();
    const params = { customer: owner, allowed_payment_method_types: ['card' as const] };
    const setup = await stripe.setupIntents.create(params);
    const payment_method = 'pm_card_visa_chargeDeclinedStolenCard';
    const { raw } = await errorOf(stripe.setupIntents.confirm(setup.id, { payment_method }));
    expect(raw).toMatchObject({
      advice_code: 'do_not_try_again',
      code: 'card_declined',
      decline_code: 'stolen_card',
      network_advice_code: '03',
      network_decline_code: '43',
      setup_intent: { id: setup.id, status: 'requires_payment_method', last_setup_error: {} },
      payment_method: { object: 'payment_method', customer: null },
      type: 'card_error',
    });
    expect(raw).not.toHaveProperty('payment_intent');
    await sandbox.webhooks.wait({ event: 'setup_intent.setup_failed', objectId: setup.id });
  });
});
