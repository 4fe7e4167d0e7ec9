import type Stripe from 'stripe';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../harness/sandbox-clients.ts';
import { stripeCustomers } from '../harness/stripe-customers.ts';
import { declaredFields } from '../harness/stripe-fields.ts';

const opened = await openSandbox();
const { sandbox, product, reset, close } = opened;
const { stripe, customer, saved, offSession, sent, eventsSince, errorOf } = stripeCustomers(opened);
afterEach(reset);
afterAll(close);

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
