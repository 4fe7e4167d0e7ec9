import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import got from 'got';
import Stripe from 'stripe';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { mailMessage, openSandbox, phone, text } from '../harness/sandbox-clients.ts';

const { sandbox, product, reset, close, stripeClient, twilioClient, mailClient, textmagic, control, order } =
  await openSandbox();
const stripe = stripeClient();
const sms = twilioClient();
const mail = mailClient();
const eventTypes = () =>
  product.hits.filter((hit) => hit.url === '/stripe').map((hit) => JSON.parse(hit.body).type);
afterEach(reset);
afterAll(close);

describe('faults', () => {
  it('429 with Retry-After and 5xx are returned without processing the call', async () => {
    sandbox.fault({ vendor: '*', kind: 'rate_limit', retryAfter: 7, count: 4 });
    await expect(sms.messages.create(text())).rejects.toMatchObject({ status: 429, code: 20429 });
    await expect(stripe.checkout.sessions.create(order())).rejects.toMatchObject({
      type: 'StripeRateLimitError',
    });
    await expect(mail.send(mailMessage())).rejects.toMatchObject({ code: 429 });
    const limited = await textmagic().post('messages', { form: { phones: '13105550123', text: 'x' } });
    expect([limited.statusCode, limited.headers['retry-after']]).toEqual([429, '7']);
    sandbox.fault({ vendor: 'twilio', kind: 'error', status: 503, count: 1 });
    await expect(sms.messages.create(text())).rejects.toMatchObject({ status: 503 });
    expect(sandbox.ledger.list({ accepted: true })).toEqual([]);
    expect(sandbox.ledger.list({ outcome: 'faulted' }).map((entry) => entry.status)).toEqual([
      429, 429, 429, 429, 503,
    ]);
    await expect(sms.messages.create(text())).resolves.toMatchObject({ status: 'queued' });
  });

  it.each([
    ['reset', 'ECONNRESET', 0],
    ['reset_after', 'ECONNRESET', 1],
    ['timeout', 'ECONNABORTED', 0],
    ['timeout_after', 'ECONNABORTED', 1],
  ] as const)('%s ends in %s with %i messages accepted', async (kind, code, accepted) => {
    sandbox.fault({ vendor: 'twilio', kind, count: 1, contains: phone });
    await expect(twilioClient(undefined, 150).messages.create(text())).rejects.toMatchObject({ code });
    expect(sandbox.ledger.list({ accepted: true })).toHaveLength(accepted);
    expect(sandbox.ledger.list()).toMatchObject([
      { outcome: accepted ? 'accepted_answer_lost' : 'faulted', fault: kind, to: phone, status: null },
    ]);
    expect(await sms.messages.list({ to: phone })).toHaveLength(accepted);
  });

  it('a charge whose response is lost is returned by its idempotency key', async () => {
    sandbox.fault({
      vendor: 'stripe',
      kind: 'error_after',
      count: 1,
      method: 'POST',
      path: '/checkout/sessions',
    });
    const attempt = () => stripe.checkout.sessions.create(order(), { idempotencyKey: 'unlock:lost' });
    await expect(attempt()).rejects.toMatchObject({ statusCode: 500 });
    const again = await attempt();
    expect(sandbox.ledger.list({ idempotencyKey: 'unlock:lost' })).toMatchObject([
      { outcome: 'accepted_answer_lost', vendorId: again.id },
      { outcome: 'replayed' },
    ]);
  });

  it('latency, skip and probability repeat with the same seed', async () => {
    sandbox.fault({ vendor: 'twilio', kind: 'latency', ms: 120 });
    const started = performance.now();
    await sms.messages.create(text());
    expect(performance.now() - started).toBeGreaterThanOrEqual(115);
    sandbox.clearFaults();
    const run = async () => {
      const { body } = await control('POST', 'faults', {
        vendor: 'twilio',
        kind: 'error',
        probability: 0.5,
        seed: 42,
        skip: 2,
      });
      const outcomes: boolean[] = [];
      for (let call = 0; call < 12; call += 1) {
        outcomes.push(
          await sms.messages.create(text()).then(
            () => true,
            () => false,
          ),
        );
      }
      await control('DELETE', `faults/${body.id}`);
      return outcomes;
    };
    const first = await run();
    expect(first.slice(0, 2)).toEqual([true, true]);
    expect(new Set(first.slice(2)).size).toBe(2);
    expect(await run()).toEqual(first);
  });

  it('webhooks are withheld, listed, delivered one by one or all, and resent', async () => {
    sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    const session = await stripe.checkout.sessions.create(order());
    sandbox.act.pay(session.id);
    const { webhooks } = (await control('GET', 'webhooks?state=withheld')).body;
    expect(webhooks.map((hook: { event: string }) => hook.event)).toEqual([
      'payment_intent.succeeded',
      'checkout.session.completed',
    ]);
    expect(product.hits).toEqual([]);
    await control('POST', `webhooks/${webhooks[1].id}/deliver`);
    expect(eventTypes()).toEqual(['checkout.session.completed']);
    await control('POST', 'webhooks/deliver', {});
    expect(eventTypes()).toEqual(['checkout.session.completed', 'payment_intent.succeeded']);
    sandbox.clearFaults();
    const id = JSON.parse(product.hits[0]?.body ?? '{}').id;
    await control('POST', `events/${id}/deliver`);
    await sandbox.webhooks.wait({ event: 'checkout.session.completed' }, 2);
    expect(JSON.parse(product.hits[2]?.body ?? '{}').id).toBe(id);
  });

  it('webhooks are duplicated, reordered and delayed', async () => {
    const session = await stripe.checkout.sessions.create(order());
    sandbox.fault({ vendor: 'stripe', kind: 'webhook_duplicate', copies: 49, event: 'payment_intent.' });
    sandbox.act.pay(session.id);
    await sandbox.webhooks.wait({ vendor: 'stripe' }, 2);
    await expect
      .poll(() => eventTypes().filter((type) => type === 'payment_intent.succeeded').length)
      .toBe(50);
    sandbox.clearFaults();
    product.hits.length = 0;
    sandbox.fault({
      vendor: 'stripe',
      kind: 'webhook_reorder',
      ms: 5000,
      event: 'payment_intent.',
      count: 1,
    });
    sandbox.act.pay((await stripe.checkout.sessions.create(order())).id);
    await expect.poll(eventTypes).toEqual(['checkout.session.completed', 'payment_intent.succeeded']);
    sandbox.fault({ vendor: 'twilio', kind: 'webhook_delay', ms: 60, event: 'message.inbound', count: 1 });
    const started = performance.now();
    sandbox.act.reply(phone, { text: 'Y' });
    await sandbox.webhooks.wait({ event: 'message.inbound' });
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
  });

  it('a refused Stripe webhook is retried with a fresh signature until it is accepted or retries are used up', async () => {
    product.answers.push({ status: 500 }, { status: 302 });
    sandbox.configure({ stripe: { enabledEvents: ['checkout.session.completed'] } });
    sandbox.act.pay((await stripe.checkout.sessions.create(order())).id);
    const [hook] = await sandbox.webhooks.wait({ event: 'checkout.session.completed' });
    expect(hook?.attempts.map((attempt) => attempt.status)).toEqual([500, 302, 200]);
    product.answers.push({ status: 500 }, { status: 500 }, { status: 500 }, { status: 500 });
    sandbox.act.pay((await stripe.checkout.sessions.create(order())).id);
    const [lost] = await sandbox.webhooks.wait({ event: 'checkout.session.completed', state: 'failed' });
    expect(lost?.attempts).toHaveLength(4);
  });
});

describe('control', () => {
  it('waits for a ledger entry over HTTP and reports a timeout', async () => {
    const number = `+1310${String(Math.floor(1e6 + Math.random() * 8e6))}`;
    const query = new URLSearchParams({
      vendor: 'twilio',
      to: number,
      contains: 'roof',
      count: '2',
      timeoutMs: '5000',
    });
    const waiting = control('GET', `ledger/wait?${query}`);
    await sms.messages.create(text({ to: number }));
    await sms.messages.create(text({ to: number, body: 'nothing' }));
    await sms.messages.create(text({ to: number, body: 'another roof' }));
    const { body } = await waiting;
    expect(body.entries.map((entry: { text: string }) => entry.text)).toEqual([
      'A roof repair near you',
      'another roof',
    ]);
    const since = await control('GET', `ledger?since=${body.entries[0].seq}`);
    expect(since.body.entries).toHaveLength(2);
    expect((await control('GET', 'ledger/wait?to=%2B1&timeoutMs=20')).status).toBe(408);
    await expect(sandbox.waitFor((entry) => entry.to === number, 100)).resolves.toMatchObject({ to: number });
  });

  it.each([
    ['POST', 'faults', { vendor: 'twilio', kind: 'earthquake' }, 400],
    ['POST', 'configure', { stripe: { colour: 'red' } }, 400],
    ['POST', 'checkout/cs_none/pay', {}, 404],
    ['POST', 'webhooks/wh_0/deliver', {}, 404],
    ['GET', 'ledger?colour=red', undefined, 400],
    ['GET', 'nothing', undefined, 404],
  ])('refuses %s %s %j', async (method, path, body, status) => {
    expect((await control(method, path, body)).status).toBe(status);
  });

  it('serves its own page only, and escapes what it shows', async () => {
    const foreign = { method: 'POST', headers: { origin: 'https://evil.example' }, body: '{}' };
    expect((await fetch(`${sandbox.url}/_sandbox/reset`, foreign)).status).toBe(403);
    const otherHost = await got(`${sandbox.url}/_sandbox/ledger`, {
      headers: { host: 'evil.example' },
      throwHttpErrors: false,
    });
    expect(otherHost.statusCode).toBe(403);
    const page = await fetch(sandbox.url);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const item = {
      quantity: 1,
      price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: '<script>x</script>' } },
    };
    const session = await stripe.checkout.sessions.create(order({ line_items: [item] }));
    const html = await (await fetch(session.url ?? '')).text();
    expect(html).toContain('&lt;script&gt;x&lt;/script&gt;');
    expect(html).not.toContain('<script>x');
  });

  it('refuses to start in production, and releases its resources on close', async () => {
    await expect(startSandbox({ production: true })).rejects.toThrow('NODE_ENV=production');
    const other = await startSandbox();
    const waiting = other.ledger.wait({ to: phone }, 1, 60_000);
    const ended = expect(waiting).rejects.toThrow('closed');
    await other.close();
    await ended;
    await expect(fetch(other.url)).rejects.toThrow();
  });

  it('runs as a separate process', async () => {
    const settings = JSON.stringify({
      stripe: { webhookSecret: 'whsec_own', webhookUrl: `${product.url}/stripe` },
    });
    const args = ['--import', 'tsx', 'src/sandbox/main.ts', '--port', '0', '--with-parent', settings];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const { url, port, sendgridPublicKey } = JSON.parse(line);
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(sendgridPublicKey).toMatch(/^MFkw/);
    expect((await fetch(`${url}/_sandbox/health`)).status).toBe(200);
    const exited = once(child, 'exit');
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
  });
});

describe('a file for the state of Stripe', () => {
  let folder: string;
  let stateFile: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leadgate-sandbox-'));
    stateFile = join(folder, 'stripe.json');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const connect = ({ port }: Sandbox) =>
    new Stripe('sk_test_sandbox', { host: '127.0.0.1', port, protocol: 'http', telemetry: false });

  it('lets the next start know customers, cards, payments, events, open sessions and idempotency keys', async () => {
    const first = await startSandbox({ stateFile });
    const before = connect(first);
    const customer = await before.customers.create({ email: 'ana@example.com' }, { idempotencyKey: 'ana' });
    const card = await before.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    const charge: Stripe.PaymentIntentCreateParams = {
      amount: 5_000,
      currency: 'usd',
      customer: customer.id,
      payment_method: card.id,
      off_session: true,
      allowed_payment_method_types: ['card'],
      confirm: true,
    };
    const paid = await before.paymentIntents.create(charge, { idempotencyKey: 'charge' });
    const session = await before.checkout.sessions.create(order());
    await first.close();

    const second = await startSandbox({ stateFile });
    const after = connect(second);
    expect(await after.paymentIntents.create(charge, { idempotencyKey: 'charge' })).toMatchObject({
      id: paid.id,
    });
    expect(second.ledger.list({ operation: 'payment.capture' })).toEqual([]);
    expect((await after.paymentIntents.create(charge)).status).toBe('succeeded');
    const succeeded = await after.events.list({ type: 'payment_intent.succeeded' });
    expect(succeeded.data.map(({ data }) => (data.object as Stripe.PaymentIntent).id)).toContain(paid.id);
    second.act.pay(session.id);
    expect((await after.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
    expect((await stat(stateFile)).mode & 0o777).toBe(0o600);
    await second.close();
  });

  it('expires a session that was open, also when its time has passed in between', async () => {
    const first = await startSandbox({ stateFile, stripe: { minSessionSeconds: 1 } });
    const expires_at = Math.floor(Date.now() / 1000) + 1;
    const { id } = await connect(first).checkout.sessions.create({ ...order(), expires_at });
    await first.close();
    const second = await startSandbox({ stateFile });
    await second.webhooks.wait({ event: 'checkout.session.expired', objectId: id, state: 'no_target' });
    expect((await connect(second).checkout.sessions.retrieve(id)).status).toBe('expired');
    await second.close();
  });
});
