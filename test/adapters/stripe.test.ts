import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CheckoutRequest, PaymentGateway } from '../../src/adapters/payments.ts';
import { createStripeGateway } from '../../src/adapters/stripe.ts';
import { loadConfig } from '../../src/config.ts';
import { PermanentError, TransientError, VendorError } from '../../src/domain/errors.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { receiver } from '../harness/sandbox-clients.ts';

let sandbox: Sandbox;
let product: Awaited<ReturnType<typeof receiver>>;
let stripe: PaymentGateway & { close(): void };
let impatientGateway: PaymentGateway & { close(): void };
const wrong: { close(): void }[] = [];
const secret = 'whsec_sandbox_leadgate';
const stripeConfig = () => ({
  ...loadConfig({}, { sandboxUrl: sandbox.url }).stripe,
  webhookSecrets: ['whsec_next', secret],
});

beforeAll(async () => {
  sandbox = await startSandbox();
  product = await receiver();
  sandbox.configure({ stripe: { webhookUrl: `${product.url}/webhook` } });
  stripe = createStripeGateway(stripeConfig());
  impatientGateway = createStripeGateway(stripeConfig(), { timeoutMs: 150 });
});
afterEach(() => {
  sandbox.reset();
  product.hits.length = 0;
});
afterAll(async () => {
  for (const gateway of [stripe, impatientGateway, ...wrong]) gateway.close();
  await sandbox.close();
  await product.close();
});

const metadata = { kind: 'unlock', unlock_id: 'unl_1', lead_id: 'lead_abc12345' };
const order = (idempotencyKey: string, extra: Partial<CheckoutRequest> = {}): CheckoutRequest => ({
  idempotencyKey,
  amount: 2000,
  currency: 'usd',
  description: 'Client inquiry in Miami',
  // Fixed for the whole file: an effect retries its call with exactly the same parameters.
  expiresAt,
  successUrl: 'https://leads.example/p/token?paid=1',
  cancelUrl: 'https://leads.example/p/token',
  metadata,
  ...extra,
});
const expiresAt = new Date(Date.now() + 3_600_000);

async function paid(key: string) {
  const session = await stripe.createCheckout(order(key));
  const { paymentIntent } = sandbox.act.pay(session.id);
  return { session, paymentIntent: paymentIntent.id };
}
async function failureOf(call: Promise<unknown>): Promise<VendorError> {
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VendorError);
  return error as VendorError;
}
const made = (operation: string) => sandbox.ledger.list({ vendor: 'stripe', operation, accepted: true });

describe('checkout', () => {
  it('creates one card payment with the unlock in the metadata of session and payment intent', async () => {
    const session = await stripe.createCheckout(order('pay-1'));
    expect(session).toMatchObject({
      status: 'open',
      paymentStatus: 'unpaid',
      amount: 2000,
      currency: 'usd',
      livemode: false,
    });
    expect(session).toMatchObject({ paymentIntent: null, metadata });
    expect(Math.abs(session.expiresAt.getTime() - expiresAt.getTime())).toBeLessThan(1000);
    const [entry] = made('checkout.session.create');
    expect(entry?.params).toMatchObject({
      mode: 'payment',
      ui_mode: 'hosted_page',
      allowed_payment_method_types: ['card'],
      client_reference_id: 'unl_1',
      payment_intent_data: { metadata },
    });
    const { paymentIntent } = sandbox.act.pay(session.id);
    const after = await stripe.retrieveCheckout(session.id);
    expect(after).toMatchObject({
      status: 'complete',
      paymentStatus: 'paid',
      paymentIntent: paymentIntent.id,
      url: null,
    });
    expect(await stripe.retrievePayment(paymentIntent.id)).toEqual({
      paymentIntent: paymentIntent.id,
      status: 'succeeded',
      customer: null,
      paymentMethod: paymentIntent.payment_method,
      amount: 2000,
      amountReceived: 2000,
      amountRefunded: 0,
      currency: 'usd',
      livemode: false,
      disputed: false,
      decline: null,
      metadata,
    });
  });

  it('[F13] the same key creates one session and returns it again', async () => {
    const first = await stripe.createCheckout(order('pay-2'));
    expect(await stripe.createCheckout(order('pay-2'))).toEqual(first);
    expect(made('checkout.session.create')).toHaveLength(1);
    expect(sandbox.ledger.list({ outcome: 'replayed' })).toHaveLength(1);
  });

  it('the same key with other parameters is a permanent error', async () => {
    await stripe.createCheckout(order('pay-3'));
    const error = await failureOf(stripe.createCheckout(order('pay-3', { amount: 9900 })));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ code: 'key_reused' });
  });

  it('expires an open session and leaves a finished one unchanged', async () => {
    const open = await stripe.createCheckout(order('pay-4'));
    expect(await stripe.expireCheckout(open.id, 'expire-4')).toMatchObject({ status: 'expired', url: null });
    expect(await stripe.expireCheckout(open.id, 'expire-4b')).toMatchObject({ status: 'expired' });
    const { session } = await paid('pay-5');
    expect(await stripe.expireCheckout(session.id, 'expire-5')).toMatchObject({
      status: 'complete',
      paymentStatus: 'paid',
    });
    expect(await failureOf(stripe.expireCheckout('cs_nowhere', 'expire-6'))).toMatchObject({
      code: 'not_found',
    });
  });
});

describe('refunds', () => {
  it('refunds the full amount once; a second request returns the same refund', async () => {
    const { paymentIntent } = await paid('pay-6');
    const request = { paymentIntent, idempotencyKey: 'refund-6', reason: 'sold_out' };
    const first = await stripe.refund(request);
    expect(first).toMatchObject({ amount: 2000, currency: 'usd', status: 'succeeded' });
    expect(await stripe.refund(request)).toEqual(first);
    expect(await stripe.refund({ ...request, idempotencyKey: 'refund-6b' })).toEqual(first);
    expect(made('refund.create')).toMatchObject([
      { amount: 2000, params: { metadata: { reason: 'sold_out' } } },
    ]);
    expect(await stripe.retrievePayment(paymentIntent)).toMatchObject({
      amountReceived: 2000,
      amountRefunded: 2000,
    });
  });

  it('refunds what a partial refund left', async () => {
    const { paymentIntent } = await paid('pay-7');
    sandbox.act.refund(paymentIntent, { amount: 500 });
    const rest = await stripe.refund({ paymentIntent, idempotencyKey: 'refund-7', reason: 'late' });
    expect(rest).toMatchObject({ amount: 1500 });
  });

  it('[F72] reports every refund and dispute of a payment in its current state', async () => {
    const { paymentIntent } = await paid('pay-15');
    const failed = sandbox.act.refund(paymentIntent, { amount: 300, status: 'failed' });
    const pending = sandbox.act.refund(paymentIntent, { amount: 500, status: 'pending' });
    const inquiry = sandbox.act.dispute(paymentIntent, { status: 'warning_needs_response' });
    const before = await stripe.retrieveReversals(paymentIntent);
    const usd = { currency: 'usd', key: null };
    expect(before.refunds.toSorted((a, b) => a.amount - b.amount)).toEqual([
      { id: failed.id, ...usd, amount: 300, status: 'failed', failure: 'expired_or_canceled_card' },
      { id: pending.id, ...usd, amount: 500, status: 'pending', failure: null },
    ]);
    const dispute = { id: inquiry.id, amount: 1500, reason: 'fraudulent' };
    expect(before.disputes).toEqual([{ ...dispute, withdrawn: 0, status: 'warning_needs_response' }]);
    sandbox.act.dispute(paymentIntent, { status: 'under_review' });
    expect((await stripe.retrieveReversals(paymentIntent)).disputes).toEqual([
      { ...dispute, withdrawn: 1500, status: 'under_review' },
    ]);
    const events = await stripe.listEvents(
      ['refund.failed', 'charge.dispute.created'],
      new Date(Date.now() - 60_000),
    );
    expect(events.map(({ type, object }) => [type, object.id])).toEqual([
      ['refund.failed', failed.id],
      ['charge.dispute.created', inquiry.id],
    ]);
  });

  it.each([
    ['at a better rate', 1.08],
    ['at a worse rate', 1.12],
  ])(
    '[F72] a dispute of an account that settles in another currency, won %s, has nothing withdrawn',
    async (name, rate) => {
      const { paymentIntent } = await paid(`pay-settled-${name}`);
      const withdrawn = async () => (await stripe.retrieveReversals(paymentIntent)).disputes[0]!.withdrawn;
      sandbox.act.dispute(paymentIntent, { settled: { currency: 'eur', rate: 1.1 } });
      expect(await withdrawn()).toBe(2000);
      sandbox.act.dispute(paymentIntent, { status: 'won', settled: { currency: 'eur', rate } });
      expect(await withdrawn()).toBe(0);
      sandbox.act.dispute(paymentIntent, { status: 'lost', settled: { currency: 'eur', rate: 1.1 } });
      expect(await withdrawn()).toBe(2000);
    },
  );

  it('[F72] a refund of an amount that failed at once is returned as failed', async () => {
    const { paymentIntent } = await paid('pay-16');
    sandbox.act.refundsOf(paymentIntent, { status: 'failed' });
    const request = { paymentIntent, idempotencyKey: 'refund-16', reason: 'late', amount: 700 };
    expect(await stripe.refund(request)).toMatchObject({ amount: 700, status: 'failed' });
  });

  it('a disputed charge cannot be refunded', async () => {
    const { paymentIntent } = await paid('pay-8');
    sandbox.act.dispute(paymentIntent);
    expect(await stripe.retrievePayment(paymentIntent)).toMatchObject({ disputed: true });
    const error = await failureOf(
      stripe.refund({ paymentIntent, idempotencyKey: 'refund-8', reason: 'late' }),
    );
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ code: 'conflict', vendorCode: 'charge_disputed' });
  });
});

describe('failures', () => {
  it.each([
    ['500', { kind: 'error' }, { code: 'unavailable', burnsAttempt: true }],
    [
      '429',
      { kind: 'rate_limit', retryAfter: 3 },
      { code: 'rate_limited', retryAfterMs: 3000, burnsAttempt: false },
    ],
    ['no answer', { kind: 'timeout' }, { code: 'timeout', burnsAttempt: true }],
    ['a reset, twice', { kind: 'reset' }, { code: 'connection', burnsAttempt: true }],
  ] as const)('[F16] %s: the call may be retried', async (_name, fault, expected) => {
    sandbox.fault({ vendor: 'stripe', ...fault });
    const error = await failureOf(impatientGateway.createCheckout(order('pay-9')));
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ vendor: 'stripe', ...expected });
    sandbox.clearFaults();
    expect(await stripe.createCheckout(order('pay-9'))).toMatchObject({ status: 'open' });
    expect(made('checkout.session.create')).toHaveLength(1);
  });

  it.each(['timeout_after', 'error_after'] as const)(
    '[F14] %s: a retry with the same key returns what was created',
    async (kind) => {
      sandbox.fault({ vendor: 'stripe', kind });
      expect(await failureOf(impatientGateway.createCheckout(order('pay-10')))).toBeInstanceOf(
        TransientError,
      );
      sandbox.clearFaults();
      const session = await stripe.createCheckout(order('pay-10'));
      expect(made('checkout.session.create')).toMatchObject([
        { vendorId: session.id, outcome: 'accepted_answer_lost' },
      ]);
    },
  );

  it('[F14] a connection reset after success is retried by the SDK under the same key', async () => {
    sandbox.fault({ vendor: 'stripe', kind: 'reset_after', count: 1 });
    const session = await stripe.createCheckout(order('pay-11'));
    expect(made('checkout.session.create')).toMatchObject([{ vendorId: session.id }]);
  });

  it('a key whose first call is still running is transient', async () => {
    sandbox.fault({ vendor: 'stripe', kind: 'latency', ms: 300, count: 1 });
    const both = await Promise.allSettled([1, 2].map(() => stripe.createCheckout(order('pay-12'))));
    const refused = both.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(refused).toHaveLength(1);
    expect(refused[0]).toBeInstanceOf(TransientError);
    expect(refused[0]).toMatchObject({
      code: 'conflict',
      vendorCode: 'idempotency_key_in_use',
      burnsAttempt: false,
    });
  });

  it.each([
    [
      'an unknown session',
      () => stripe.retrieveCheckout('cs_nowhere'),
      { code: 'not_found', vendorCode: 'resource_missing' },
    ],
    ['an unknown payment', () => stripe.retrievePayment('pi_nowhere'), { code: 'not_found' }],
    [
      'too small',
      () => stripe.createCheckout(order('pay-13', { amount: 10 })),
      { code: 'bad_request', vendorCode: 'amount_too_small' },
    ],
    ['a wrong key', () => wrongKey().retrieveCheckout('cs_1'), { code: 'unauthorized', vendorCode: '401' }],
  ])('%s is permanent', async (_name, call, expected) => {
    const error = await failureOf(call());
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject(expected);
    expect(`${error.message}${String(error.cause)}`).not.toMatch(/sk_test|nowhere/);
  });

  it('the health check returns true or false', async () => {
    expect(await stripe.healthy()).toBe(true);
    expect(await wrongKey().healthy()).toBe(false);
    sandbox.fault({ vendor: 'stripe', kind: 'error' });
    expect(await stripe.healthy()).toBe(false);
  });
});

describe('webhooks', () => {
  it('[S01] a delivered webhook also verifies with the second secret, and not with one byte changed', async () => {
    const { session, paymentIntent } = await paid('pay-14');
    await sandbox.webhooks.wait({ event: 'checkout.session.completed', objectId: session.id });
    const hit = product.hits.find(({ body }) => body.includes('checkout.session.completed'));
    const signature = String(hit?.headers['stripe-signature']);
    const raw = Buffer.from(hit?.body ?? '');
    const event = stripe.verifyWebhook(raw, signature, new Date());
    expect(event).toMatchObject({ type: 'checkout.session.completed', livemode: false, account: null });
    expect(event.object).toMatchObject({
      id: session.id,
      payment_intent: paymentIntent,
      payment_status: 'paid',
    });
    const reserialised = Buffer.from(JSON.stringify(JSON.parse(raw.toString())));
    expect(() => stripe.verifyWebhook(reserialised, signature, new Date())).toThrow(
      'signature does not match',
    );
  });
});

function wrongKey(): PaymentGateway {
  const gateway = createStripeGateway({ ...stripeConfig(), secretKey: 'sk_test_wrong' });
  wrong.push(gateway);
  return gateway;
}
