import type Stripe from 'stripe';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { chargeRules, stripeCurrencies } from '../../src/domain/payment/currencies.ts';
import {
  assertCharged,
  assertStep,
  assertTotal,
  chargedCurrencies,
} from '../../src/sandbox/stripe/currencies.ts';
import { openSandbox } from '../harness/sandbox-clients.ts';

const { sandbox, product, reset, close, stripeClient, control, order } = await openSandbox();
const stripe = stripeClient();
const eventTypes = () =>
  product.hits.filter((hit) => hit.url === '/stripe').map((hit) => JSON.parse(hit.body).type);
const unixIn = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
afterEach(reset);
afterAll(close);

describe('stripe', () => {
  it.each<[string, Record<string, unknown>, string | undefined, string]>([
    ['payment_method_types', { payment_method_types: ['card'] }, 'parameter_unknown', 'payment_method_types'],
    [
      'an unknown nested name',
      { payment_intent_data: { colour: 'red' } },
      'parameter_unknown',
      'payment_intent_data[colour]',
    ],
    ['an expiry under 30 minutes', { expires_at: unixIn(600) }, undefined, 'expires_at'],
    ['an expiry over 24 hours', { expires_at: unixIn(90_000) }, undefined, 'expires_at'],
    ['the old ui_mode', { ui_mode: 'hosted' }, undefined, 'ui_mode'],
    ['a mode it does not play', { mode: 'subscription' }, undefined, 'mode'],
    ['no line items', { line_items: undefined }, 'parameter_missing', 'line_items'],
    ['a malformed success_url', { success_url: 'nowhere' }, 'url_invalid', 'success_url'],
  ])('refuses %s', async (_name, extra, code, param) => {
    const failing = stripe.checkout.sessions.create(
      order(extra as Partial<Stripe.Checkout.SessionCreateParams>),
    );
    await expect(failing).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      statusCode: 400,
      code,
      param,
    });
    expect(sandbox.ledger.list({ vendor: 'stripe', accepted: true })).toEqual([]);
    expect(sandbox.ledger.list({ outcome: 'refused' })).toHaveLength(1);
  });

  it.each([
    [{ currency: 'xxq', unit_amount: 2000 }, 'line_items[0][price_data][currency]', undefined],
    [{ currency: 'usd', unit_amount: 49 }, undefined, 'amount_too_small'],
    [
      { currency: 'usd', unit_amount: -1 },
      'line_items[0][price_data][unit_amount]',
      'parameter_invalid_integer',
    ],
    [{ currency: 'irr', unit_amount: 2000 }, 'line_items[0][price_data][currency]', undefined],
    [
      { currency: 'kwd', unit_amount: 1505 },
      'line_items[0][price_data][unit_amount]',
      'parameter_invalid_integer',
    ],
    [
      { currency: 'ugx', unit_amount: 500_001 },
      'line_items[0][price_data][unit_amount]',
      'parameter_invalid_integer',
    ],
    [{ currency: 'huf', unit_amount: 17_499 }, undefined, 'amount_too_small'],
    [{ currency: 'vnd', unit_amount: 50 }, undefined, 'amount_too_small'],
    [
      { currency: 'usd', unit_amount: 100_000_000 },
      'line_items[0][price_data][unit_amount]',
      'parameter_invalid_integer',
    ],
  ])('refuses a price of %j', async (price, param, code) => {
    const item = { quantity: 1, price_data: { ...price, product_data: { name: 'A lead' } } };
    const failing = stripe.checkout.sessions.create(order({ line_items: [item] }));
    await expect(failing).rejects.toMatchObject({ statusCode: 400, param, code });
  });

  it('a wrong key is a 401, an unknown id a 404', async () => {
    await expect(stripeClient('sk_test_other').balance.retrieve()).rejects.toMatchObject({ statusCode: 401 });
    await expect(stripe.paymentIntents.retrieve('pi_none')).rejects.toMatchObject({
      code: 'resource_missing',
    });
    await expect(stripe.balance.retrieve()).resolves.toMatchObject({ object: 'balance' });
  });

  it('an idempotency key replays its response, is refused with other parameters, and is a 409 while in flight', async () => {
    const first = await stripe.checkout.sessions.create(order(), { idempotencyKey: 'unlock:1' });
    const second = await stripe.checkout.sessions.create(order(), { idempotencyKey: 'unlock:1' });
    expect(second.id).toBe(first.id);
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(sandbox.ledger.list({ vendor: 'stripe' }).map((entry) => entry.outcome)).toEqual([
      'accepted',
      'replayed',
    ]);
    const other = stripe.checkout.sessions.create(order({ metadata: { unlock_id: 'unl_2' } }), {
      idempotencyKey: 'unlock:1',
    });
    await expect(other).rejects.toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });

    sandbox.fault({ vendor: 'stripe', kind: 'latency', ms: 200, count: 1 });
    const slow = stripe.checkout.sessions.create(order(), { idempotencyKey: 'unlock:2' });
    const concurrent = stripe.checkout.sessions.create(order(), { idempotencyKey: 'unlock:2' });
    const [one, two] = await Promise.allSettled([slow, concurrent]);
    expect(one.status).toBe('fulfilled');
    expect(two).toMatchObject({
      status: 'rejected',
      reason: { statusCode: 409, code: 'idempotency_key_in_use' },
    });
    expect(sandbox.ledger.list({ idempotencyKey: 'unlock:2', accepted: true })).toHaveLength(1);
  });

  it('its checkout page takes a card, redirects, and sends signed pretty-printed webhooks', async () => {
    const session = await stripe.checkout.sessions.create(
      order({ success_url: `${product.url}/paid?s={CHECKOUT_SESSION_ID}` }),
    );
    const page = await fetch(session.url ?? '');
    expect(await page.text()).toContain('$20.00');
    const form = (card: string) =>
      ({ method: 'POST', body: new URLSearchParams({ card }), redirect: 'manual' }) as const;
    const declined = await fetch(`${session.url}/pay`, form('4000000000000002'));
    expect(declined.status).toBe(402);
    expect(await declined.text()).toContain('Your card was declined.');
    const paid = await fetch(`${session.url}/pay`, form('4242424242424242'));
    expect([paid.status, paid.headers.get('location')]).toEqual([303, `${product.url}/paid?s=${session.id}`]);

    await sandbox.webhooks.wait({ vendor: 'stripe' }, 3);
    expect(eventTypes().sort()).toEqual([
      'checkout.session.completed',
      'payment_intent.payment_failed',
      'payment_intent.succeeded',
    ]);
    const hit = product.hits.find((candidate) => candidate.body.includes('checkout.session.completed'));
    expect(hit?.body).toContain('\n  "id": "evt_');
    const event = stripe.webhooks.constructEvent(
      hit?.body ?? '',
      hit?.headers['stripe-signature'] ?? '',
      'whsec_sandbox_leadgate',
    );
    expect(event.data.object).toMatchObject({ id: session.id, payment_status: 'paid', amount_total: 2000 });
    const read = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['payment_intent.latest_charge', 'line_items'],
    });
    expect(read.payment_intent).toMatchObject({
      status: 'succeeded',
      amount_received: 2000,
      metadata: { unlock_id: 'unl_1' },
      latest_charge: { object: 'charge', paid: true },
    });
    expect(read.line_items?.data[0]?.description).toBe('A lead');
    const listed = await stripe.events.list({ type: 'checkout.session.completed' });
    expect(listed.data.map((item) => item.id)).toEqual([event.id]);
  });

  it('only open sessions expire, by call or by time, and the page says so', async () => {
    const session = await stripe.checkout.sessions.create(order());
    const page = session.url ?? '';
    expect((await stripe.checkout.sessions.expire(session.id)).status).toBe('expired');
    await expect(stripe.checkout.sessions.expire(session.id)).rejects.toMatchObject({ statusCode: 400 });
    expect(await (await fetch(page)).text()).toContain('This payment link has expired');
    expect(() => sandbox.act.pay(session.id)).toThrow('expired');
    sandbox.configure({ stripe: { minSessionSeconds: 0 } });
    const short = await stripe.checkout.sessions.create(order({ expires_at: unixIn(1) }));
    sandbox.configure({ stripe: { minSessionSeconds: 1800 } });
    await sandbox.webhooks.wait({ event: 'checkout.session.expired', objectId: short.id });
    const list = await stripe.checkout.sessions.list({ limit: 1 });
    expect([list.data[0]?.id, list.data[0]?.status, list.has_more]).toEqual([short.id, 'expired', true]);
  });

  it.each(['succeeded', 'failed'] as const)(
    'a delayed payment completes unpaid and later has %s',
    async (outcome) => {
      const session = await stripe.checkout.sessions.create(order());
      await control('POST', `checkout/${session.id}/pay`, { method: 'delayed' });
      const waiting = await stripe.checkout.sessions.retrieve(session.id);
      expect([waiting.status, waiting.payment_status]).toEqual(['complete', 'unpaid']);
      await control('POST', `checkout/${session.id}/async`, { outcome });
      await sandbox.webhooks.wait({ event: `checkout.session.async_payment_${outcome}` });
      const settled = await stripe.checkout.sessions.retrieve(session.id);
      expect(settled.payment_status).toBe(outcome === 'succeeded' ? 'paid' : 'unpaid');
    },
  );

  it('partial refunds are limited to the charge; disputes open and close', async () => {
    const session = await stripe.checkout.sessions.create(order());
    const { paymentIntent } = sandbox.act.pay(session.id);
    const part = await stripe.refunds.create(
      { payment_intent: paymentIntent.id, amount: 500 },
      { idempotencyKey: 'r1' },
    );
    expect(part).toMatchObject({ amount: 500, status: 'succeeded' });
    const tooMuch = stripe.refunds.create({ payment_intent: paymentIntent.id, amount: 1501 });
    await expect(tooMuch).rejects.toMatchObject({ statusCode: 400, param: 'amount' });
    expect((await stripe.refunds.create({ payment_intent: paymentIntent.id })).amount).toBe(1500);
    await expect(stripe.refunds.create({ payment_intent: paymentIntent.id })).rejects.toMatchObject({
      code: 'charge_already_refunded',
    });
    expect((await stripe.refunds.list({ payment_intent: paymentIntent.id })).data).toHaveLength(2);
    const other = sandbox.act.pay((await stripe.checkout.sessions.create(order())).id).paymentIntent;
    await control('POST', `payments/${other.id}/dispute`, {});
    await expect(stripe.refunds.create({ payment_intent: other.id })).rejects.toMatchObject({
      code: 'charge_disputed',
    });
    await control('POST', `payments/${other.id}/dispute`, { status: 'won' });
    await sandbox.webhooks.wait({ event: 'charge.dispute.closed' });
    const refunds = (await stripe.events.list({ type: 'charge.refunded' })).data;
    expect(refunds.map((event) => event.data.object)).toMatchObject([
      { amount_refunded: 2000, refunded: true },
      { amount_refunded: 500, refunded: false },
    ]);
  });

  it('takes the smallest price of every currency that the product offers', () => {
    expect([...chargedCurrencies].sort()).toEqual(stripeCurrencies);
    for (const currency of stripeCurrencies) {
      const { minimum } = chargeRules(currency)!;
      expect(() => {
        assertCharged(currency, 'currency');
        assertStep(minimum, currency, 'unit_amount');
        assertTotal(minimum, currency, 'Amount');
      }, currency).not.toThrow();
    }
  });

  it.each([
    ['failed', { amount_refunded: 0, refunded: false }, ['refund.failed', 'refund.updated']],
    ['pending', { amount_refunded: 2000, refunded: true }, ['charge.refunded']],
    ['requires_action', { amount_refunded: 2000, refunded: true }, ['charge.refunded']],
  ] as const)('a bank may take a refund as %s', async (status, charge, events) => {
    const { paymentIntent } = sandbox.act.pay((await stripe.checkout.sessions.create(order())).id);
    await control('POST', `payments/${paymentIntent.id}/refunds`, { status });
    const made = await stripe.refunds.create({ payment_intent: paymentIntent.id });
    expect(made.status).toBe(status);
    expect(await stripe.charges.retrieve(paymentIntent.latest_charge!)).toMatchObject(charge);
    for (const event of events) await sandbox.webhooks.wait({ event });
    expect(sandbox.ledger.list({ operation: 'refund.returned' })).toHaveLength(status === 'failed' ? 1 : 0);
    if (status !== 'requires_action') return;
    expect(await stripe.refunds.cancel(made.id)).toMatchObject({ status: 'canceled' });
    expect(await stripe.charges.retrieve(paymentIntent.latest_charge!)).toMatchObject({ amount_refunded: 0 });
  });

  it('a refund may fail after it had succeeded, and is then made again', async () => {
    const { paymentIntent } = sandbox.act.pay((await stripe.checkout.sessions.create(order())).id);
    const made = await stripe.refunds.create({ payment_intent: paymentIntent.id });
    await control('POST', `refunds/${made.id}`, { status: 'failed', failure: 'lost_or_stolen_card' });
    expect(await stripe.refunds.retrieve(made.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'lost_or_stolen_card',
    });
    expect((await control('POST', `refunds/${made.id}`, { status: 'succeeded' })).status).toBe(409);
    expect((await stripe.refunds.create({ payment_intent: paymentIntent.id })).status).toBe('succeeded');
    expect(await stripe.charges.retrieve(paymentIntent.latest_charge!)).toMatchObject({ refunded: true });
  });

  it('money is withdrawn when an inquiry becomes a dispute, and reinstated when it is won', async () => {
    const { paymentIntent } = sandbox.act.pay((await stripe.checkout.sessions.create(order())).id);
    const moved = () =>
      sandbox.ledger
        .list({ reference: paymentIntent.id })
        .map(({ operation, amount }) => `${operation} ${amount}`);
    const { id } = sandbox.act.dispute(paymentIntent.id, { status: 'warning_needs_response' });
    expect(moved()).toEqual([]);
    sandbox.act.dispute(paymentIntent.id, { status: 'needs_response' });
    expect(moved()).toEqual(['dispute.withdrawn 2000']);
    sandbox.act.dispute(paymentIntent.id, { status: 'won' });
    expect(moved()).toEqual(['dispute.withdrawn 2000', 'dispute.reinstated 2000']);
    const { data } = await stripe.disputes.list({ payment_intent: paymentIntent.id });
    expect(data).toMatchObject([{ id, status: 'won' }]);
    expect(data[0]!.balance_transactions.map(({ amount }) => amount)).toEqual([-2000, 2000]);
    const events = (await stripe.events.list({ limit: 100 })).data.filter(
      (event) => (event.data.object as { id: string }).id === id,
    );
    expect(events.map(({ type }) => type).reverse()).toEqual([
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.updated',
      'charge.dispute.funds_reinstated',
      'charge.dispute.closed',
    ]);
  });

  it('a test can set another amount than requested', async () => {
    const session = await stripe.checkout.sessions.create(order());
    await control('POST', `checkout/${session.id}/pay`, { amount: 1, currency: 'eur', livemode: true });
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      amount_total: 1,
      currency: 'eur',
      livemode: true,
    });
  });
});
