import type Stripe from 'stripe';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../harness/sandbox-clients.ts';
import { declaredFields } from '../harness/stripe-fields.ts';

const { sandbox, product, reset, close, stripeClient } = await openSandbox();
const stripe = stripeClient();
afterEach(reset);
afterAll(close);

const customer = async () =>
  (
    await stripe.customers.create({
      email: 'buyer@leads.example',
      name: 'Acme',
      metadata: { wallet_id: 'w1' },
    })
  ).id;
const saved = async (owner: string, token = 'pm_card_visa') => {
  const params: Stripe.SetupIntentCreateParams = {
    customer: owner,
    payment_method: token,
    confirm: true,
    allowed_payment_method_types: ['card'],
  };
  return String((await stripe.setupIntents.create(params)).payment_method);
};
const offSession = (
  owner: string,
  payment_method: string,
  extra: Partial<Stripe.PaymentIntentCreateParams> = {},
): Stripe.PaymentIntentCreateParams => ({
  amount: 5000,
  currency: 'usd',
  customer: owner,
  payment_method,
  off_session: true,
  confirm: true,
  allowed_payment_method_types: ['card'],
  payment_method_options: { card: { stored_credential_usage: 'unscheduled' } },
  metadata: { recharge_id: 'r1' },
  transfer_group: 'wallet-w1',
  expand: ['latest_charge.balance_transaction'],
  ...extra,
});
const sent = (operation: string) =>
  sandbox.ledger.list({ vendor: 'stripe', operation, reads: true }).map(({ params }) => params);
const eventsSince = async (count: number) =>
  (await stripe.events.list({ limit: 100 })).data
    .map(({ type }) => type)
    .reverse()
    .slice(count);
const errorOf = async (call: Promise<unknown>) =>
  call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error: Stripe.errors.StripeError) => error,
  );

describe('the calls of the stripe package', () => {
  it('a customer is created, found by e-mail, updated and deleted', async () => {
    const id = await customer();
    expect(sent('customer.create')).toEqual([
      { email: 'buyer@leads.example', name: 'Acme', metadata: { wallet_id: 'w1' } },
    ]);
    const found = async (email: string) => (await stripe.customers.list({ email })).data.map((one) => one.id);
    expect(await found('buyer@leads.example')).toEqual([id]);
    expect(await found('BUYER@leads.example')).toEqual([]);
    const card = await saved(id);
    const chosen = { invoice_settings: { default_payment_method: card } };
    expect(await stripe.customers.update(id, chosen)).toMatchObject(chosen);
    expect(sent('customer.update')).toEqual([chosen]);
    const none = await stripe.customers.update(id, { invoice_settings: { default_payment_method: '' } });
    expect(none.invoice_settings.default_payment_method).toBeNull();
    expect(await stripe.customers.del(id)).toEqual(expect.objectContaining({ id, deleted: true }));
    expect(await stripe.customers.retrieve(id)).toMatchObject({ id, object: 'customer', deleted: true });
    expect(await found('buyer@leads.example')).toEqual([]);
    expect(await stripe.paymentMethods.retrieve(card)).toMatchObject({ customer: null });
  });

  it('a setup intent is created, confirmed, retrieved and canceled', async () => {
    const owner = await customer();
    const params: Stripe.SetupIntentCreateParams = {
      customer: owner,
      usage: 'off_session',
      allowed_payment_method_types: ['card'],
      metadata: { wallet_id: 'w1' },
    };
    const made = await stripe.setupIntents.create(params);
    expect(made).toMatchObject({ status: 'requires_payment_method', payment_method: null });
    expect(made.client_secret).toMatch(new RegExp(`^${made.id}_secret_`));
    const confirming = { payment_method: 'pm_card_visa', return_url: 'https://leads.example/card' };
    const confirmed = await stripe.setupIntents.confirm(made.id, confirming);
    expect(confirmed).toMatchObject({ status: 'succeeded', customer: owner });
    expect(sent('setup_intent.create')).toEqual([params]);
    expect(sent('setup_intent.confirm')).toEqual([confirming]);
    const read = await stripe.setupIntents.retrieve(made.id, { expand: ['payment_method'] });
    expect(read.payment_method).toMatchObject({ customer: owner, card: { brand: 'visa', last4: '4242' } });
    const other = await stripe.setupIntents.create(params);
    const canceled = await stripe.setupIntents.cancel(other.id, { cancellation_reason: 'abandoned' });
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
    expect(await errorOf(stripe.setupIntents.confirm(other.id, confirming))).toMatchObject({
      statusCode: 400,
      code: 'setup_intent_unexpected_state',
      setup_intent: { id: other.id, status: 'canceled' },
    });
  });

  it('cards are attached, updated, listed by both routes, newest first, and detached for good', async () => {
    const owner = await customer();
    const first = await stripe.paymentMethods.attach('pm_card_visa', { customer: owner });
    const second = await stripe.paymentMethods.attach('pm_card_mastercard', { customer: owner });
    const ids = (list: { data: { id: string }[] }) => list.data.map(({ id }) => id);
    const byQuery = await stripe.paymentMethods.list({ customer: owner, type: 'card' });
    expect(ids(byQuery)).toEqual([second.id, first.id]);
    expect(ids(await stripe.customers.listPaymentMethods(owner, { type: 'card' }))).toEqual(ids(byQuery));
    expect(ids(await stripe.customers.listPaymentMethods(owner, { limit: 1 }))).toEqual([second.id]);
    const changed = await stripe.paymentMethods.update(first.id, {
      card: { exp_month: 1, exp_year: 2040 },
      allow_redisplay: 'always',
    });
    expect(changed).toMatchObject({ allow_redisplay: 'always', card: { exp_month: 1, exp_year: 2040 } });
    expect(await stripe.paymentMethods.detach(first.id)).toMatchObject({ customer: null });
    const again = await errorOf(stripe.paymentMethods.attach(first.id, { customer: owner }));
    expect(again).toMatchObject({ statusCode: 400, type: 'StripeInvalidRequestError', code: undefined });
    expect(again.message).toBe(
      'This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.',
    );
    const gone = await errorOf(stripe.paymentIntents.create(offSession(owner, first.id)));
    expect(gone).toMatchObject({ statusCode: 400, type: 'StripeInvalidRequestError' });
    const [event] = (await stripe.events.list({ type: 'payment_method.detached' })).data;
    expect(event?.data).toMatchObject({
      object: { id: first.id, customer: null },
      previous_attributes: { customer: owner },
    });
  });

  it('a saved card is charged off session, at once', async () => {
    const owner = await customer();
    const card = await saved(owner);
    const before = (await stripe.events.list({ limit: 100 })).data.length;
    const payment = await stripe.paymentIntents.create(offSession(owner, card));
    expect(payment).toMatchObject({
      status: 'succeeded',
      amount_received: 5000,
      customer: owner,
      payment_method: card,
      latest_charge: {
        paid: true,
        customer: owner,
        payment_method: card,
        balance_transaction: { amount: 5000, fee: 175, net: 4825, status: 'pending' },
      },
    });
    expect(sent('payment_intent.create')).toEqual([
      {
        amount: '5000',
        currency: 'usd',
        customer: owner,
        payment_method: card,
        off_session: 'true',
        confirm: 'true',
        allowed_payment_method_types: ['card'],
        payment_method_options: { card: { stored_credential_usage: 'unscheduled' } },
        metadata: { recharge_id: 'r1' },
        transfer_group: 'wallet-w1',
        expand: ['latest_charge.balance_transaction'],
      },
    ]);
    expect(sandbox.ledger.list({ operation: 'payment.capture' })).toMatchObject([
      { vendorId: payment.id, amount: 5000, currency: 'usd', reference: owner, outcome: 'accepted' },
    ]);
    expect(await eventsSince(before)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'charge.updated',
    ]);
  });

  it('a card is saved by a session of mode=setup, which never pays', async () => {
    const owner = await customer();
    const params: Stripe.Checkout.SessionCreateParams = {
      mode: 'setup',
      currency: 'usd',
      customer: owner,
      setup_intent_data: { metadata: { wallet_id: 'w1' } },
      success_url: `${product.url}/saved`,
      cancel_url: `${product.url}/wallet`,
    };
    const before = (await stripe.events.list({ limit: 100 })).data.length;
    const made = await stripe.checkout.sessions.create(params);
    expect(sent('checkout.session.create')).toEqual([params]);
    expect(made).toMatchObject({
      mode: 'setup',
      status: 'open',
      payment_status: 'no_payment_required',
      amount_total: null,
      currency: 'usd',
      payment_intent: null,
      customer_creation: null,
    });
    const setup = String(made.setup_intent);
    expect(
      await errorOf(stripe.setupIntents.confirm(setup, { payment_method: 'pm_card_visa' })),
    ).toMatchObject({ code: 'setup_intent_unexpected_state' });
    const { setupIntent } = sandbox.act.saveCard(made.id, { card: 'pm_card_visa' });
    const done = await stripe.checkout.sessions.retrieve(made.id, { expand: ['setup_intent'] });
    expect(done).toMatchObject({
      status: 'complete',
      payment_status: 'no_payment_required',
      setup_intent: { status: 'succeeded', metadata: { wallet_id: 'w1' } },
    });
    expect(await stripe.paymentMethods.retrieve(String(setupIntent.payment_method))).toMatchObject({
      customer: owner,
      allow_redisplay: 'always',
    });
    expect(await eventsSince(before)).toEqual([
      'setup_intent.created',
      'payment_method.attached',
      'setup_intent.succeeded',
      'checkout.session.completed',
    ]);
    expect(sandbox.ledger.list({ operation: 'payment.capture' })).toEqual([]);
  });

  it('a top-up on the hosted page saves its card for charges off session', async () => {
    const owner = await customer();
    const params: Stripe.Checkout.SessionCreateParams = {
      mode: 'payment',
      customer: owner,
      success_url: `${product.url}/wallet`,
      line_items: [
        { quantity: 1, price_data: { currency: 'usd', unit_amount: 5000, product_data: { name: 'Wallet' } } },
      ],
      payment_intent_data: { setup_future_usage: 'off_session', metadata: { top_up_id: 't1' } },
      saved_payment_method_options: { payment_method_save: 'enabled', allow_redisplay_filters: ['always'] },
    };
    const session = await stripe.checkout.sessions.create(params);
    const { paymentIntent } = sandbox.act.pay(session.id, { card: '4242424242424242', offerAgain: true });
    expect(await stripe.paymentIntents.retrieve(paymentIntent.id)).toMatchObject({
      status: 'succeeded',
      customer: owner,
      setup_future_usage: 'off_session',
      metadata: { top_up_id: 't1' },
    });
    const [card] = (await stripe.customers.listPaymentMethods(owner)).data;
    expect(card).toMatchObject({ allow_redisplay: 'always', card: { last4: '4242' } });
    const charge = await stripe.paymentIntents.create(offSession(owner, card!.id));
    expect(charge.status).toBe('succeeded');
    const next = await stripe.checkout.sessions.create(params);
    expect(await (await fetch(next.url!)).text()).toContain(`value="${card!.id}"`);
  });
});

describe('the objects of the API', () => {
  it('have every field that the stripe package declares, and no other', async () => {
    const owner = await customer();
    const card = await saved(owner);
    const payment = await stripe.paymentIntents.create(offSession(owner, card));
    const charge = payment.latest_charge as Stripe.Charge;
    const failing = offSession(owner, await saved(owner, 'pm_card_chargeCustomerFail'));
    const { payment_intent } = await errorOf(stripe.paymentIntents.create(failing));
    const objects: { object: string }[] = [
      await stripe.customers.retrieve(owner),
      await stripe.paymentMethods.retrieve(card),
      await stripe.setupIntents.create({ customer: owner, allowed_payment_method_types: ['card'] }),
      payment,
      charge,
      charge.balance_transaction as Stripe.BalanceTransaction,
      await stripe.charges.retrieve(String(payment_intent!.latest_charge)),
      await stripe.checkout.sessions.create({
        mode: 'setup',
        currency: 'usd',
        customer: owner,
        success_url: product.url,
      }),
    ];
    for (const object of objects) {
      const { always, known } = declaredFields(object.object);
      const fields = Object.keys(object).filter((name) => name !== 'lastResponse');
      expect(always.length, object.object).toBeGreaterThan(5);
      expect(
        always.filter((name) => !fields.includes(name)),
        object.object,
      ).toEqual([]);
      expect(
        fields.filter((name) => !known.has(name)),
        object.object,
      ).toEqual([]);
    }
  });
});

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
