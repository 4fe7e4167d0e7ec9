import type Stripe from 'stripe';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../harness/sandbox-clients.ts';

const { sandbox, reset, close, stripeClient, control, order } = await openSandbox();
const stripe = stripeClient();
afterEach(reset);
afterAll(close);

const owner = async () => (await stripe.customers.create({ email: 'buyer@leads.example' })).id;
const onlyCards: Stripe.SetupIntentCreateParams = { allowed_payment_method_types: ['card'] };
/** `asks`: the bank asks the cardholder. Otherwise the status, or the decline code. */
const outcome = async (call: Promise<{ status: string }>) =>
  call.then(
    ({ status }) => (status === 'requires_action' ? 'asks' : status),
    (error: Stripe.errors.StripeError) => error.decline_code || error.code || String(error.statusCode),
  );
const charge = (customer: string, payment_method: string, off_session: boolean) =>
  stripe.paymentIntents.create({
    amount: 5000,
    currency: 'usd',
    customer,
    payment_method,
    confirm: true,
    ...(off_session && { off_session }),
    allowed_payment_method_types: ['card'],
  });

/** Saves a card as its owner does, and confirms at the bank where it asks. */
async function save(customer: string, card: string) {
  const setup = await stripe.setupIntents.create({ ...onlyCards, customer });
  const said = await outcome(stripe.setupIntents.confirm(setup.id, { payment_method: card }));
  if (said === 'asks') sandbox.act.confirmAtBank(setup.id, 'succeeded');
  const { payment_method } = await stripe.setupIntents.retrieve(setup.id);
  return { said, card: payment_method === null ? null : String(payment_method) };
}

const required = 'authentication_required';
/** Number, token, what the bank says when it is saved, to a charge off session afterwards, and to one on session. */
const table: [string, string, string, string | null, string][] = [
  ['4242424242424242', 'pm_card_visa', 'succeeded', 'succeeded', 'succeeded'],
  ['4000000000000077', 'pm_card_bypassPending', 'succeeded', 'succeeded', 'succeeded'],
  ['4000000000000002', 'pm_card_chargeDeclined', 'generic_decline', null, 'generic_decline'],
  [
    '4000000000009995',
    'pm_card_chargeDeclinedInsufficientFunds',
    'insufficient_funds',
    null,
    'insufficient_funds',
  ],
  ['4000000000009987', 'pm_card_visa_chargeDeclinedLostCard', 'lost_card', null, 'lost_card'],
  ['4000000000009979', 'pm_card_visa_chargeDeclinedStolenCard', 'stolen_card', null, 'stolen_card'],
  ['4000000000000069', 'pm_card_chargeDeclinedExpiredCard', 'expired_card', null, 'expired_card'],
  ['4000000000000127', 'pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', null, 'incorrect_cvc'],
  ['4000000000000119', 'pm_card_chargeDeclinedProcessingError', 'processing_error', null, 'processing_error'],
  ['4000000000000341', 'pm_card_chargeCustomerFail', 'succeeded', 'generic_decline', 'generic_decline'],
  ['4000002500003155', 'pm_card_authenticationRequiredOnSetup', 'asks', 'succeeded', 'asks'],
  ['4000002760003184', 'pm_card_authenticationRequired', 'asks', required, 'asks'],
  ['4000003800000446', 'pm_card_authenticationRequiredSetupForOffSession', 'succeeded', 'succeeded', 'asks'],
  [
    '4000008260003178',
    'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
    'asks',
    'insufficient_funds',
    'asks',
  ],
  ['4100000000000019', 'pm_card_radarBlock', 'succeeded', 'fraudulent', 'fraudulent'],
  ['4000000000000259', 'pm_card_createDispute', 'succeeded', 'succeeded', 'succeeded'],
  ['4000000000005126', 'pm_card_refundFail', 'succeeded', 'succeeded', 'succeeded'],
];

describe('the test cards', () => {
  it.each(table)(
    '%s (%s): saving %s, off session %s, on session %s',
    async (number, token, saving, off, on) => {
      const customer = await owner();
      const made = await stripe.paymentMethods.create({
        type: 'card',
        card: { number, exp_month: 12, exp_year: 2034, cvc: '123' },
      });
      const byToken = await stripe.paymentMethods.retrieve(token);
      expect(byToken.card?.fingerprint).toBe(made.card?.fingerprint);
      expect(byToken.card?.last4).toBe(number.slice(-4));
      const saved = await save(customer, token);
      expect(saved.said).toBe(saving);
      expect(saved.card === null).toBe(off === null);
      if (saved.card) expect(await outcome(charge(customer, saved.card, true))).toBe(off);
      expect(await outcome(charge(customer, made.id, false))).toBe(on);
    },
  );

  it.each([
    ['pm_card_authenticationRequiredOnSetup', required],
    ['pm_card_authenticationRequired', required],
    ['pm_card_authenticationRequiredSetupForOffSession', 'succeeded'],
    ['pm_card_authenticationRequiredChargeDeclinedInsufficientFunds', required],
  ])('%s attached without a setup, off session: %s', async (token, off) => {
    const customer = await owner();
    const { id } = await stripe.paymentMethods.attach(token, { customer });
    expect(await outcome(charge(customer, id, true))).toBe(off);
  });

  it('a declined card cannot be attached', async () => {
    const attaching = stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: await owner() });
    await expect(attaching).rejects.toMatchObject({ statusCode: 402, decline_code: 'generic_decline' });
  });

  it.each([
    ['4242424242424241', 'incorrect_number'],
    ['4111111111111111', 'test_mode_live_card'],
    ['42', 'incorrect_number'],
  ])('a number that is not a test card (%s) is %s', async (number, decline) => {
    const { id } = await stripe.checkout.sessions.create(order());
    const { paid, declined } = sandbox.act.pay(id, { card: number });
    expect([paid, declined?.decline || declined?.code]).toEqual([false, decline]);
  });

  it('a card that asked is declined for its funds once it was confirmed', async () => {
    const customer = await owner();
    const token = 'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds';
    const payment = await charge(customer, token, false);
    expect(sandbox.act.confirmAtBank(payment.id, 'succeeded').succeeded).toBe(false);
    expect(await stripe.paymentIntents.retrieve(payment.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { decline_code: 'insufficient_funds' },
    });
  });

  it('0077 is available at once; 0019 is blocked without asking the bank; 0259 is disputed', async () => {
    const expand = ['latest_charge.balance_transaction'];
    const paid = async (card: string) => {
      const session = await stripe.checkout.sessions.create(order());
      const { paymentIntent } = sandbox.act.pay(session.id, { card });
      return (await stripe.paymentIntents.retrieve(paymentIntent.id, { expand })).latest_charge;
    };
    expect(await paid('4000000000000077')).toMatchObject({ balance_transaction: { status: 'available' } });
    expect(await paid('4100000000000019')).toMatchObject({
      paid: false,
      outcome: { network_status: 'not_sent_to_network', type: 'blocked', risk_level: 'highest' },
    });
    const disputed = await paid('4000000000000259');
    expect(disputed).toMatchObject({ paid: true, disputed: true });
    await sandbox.webhooks.wait({ event: 'charge.dispute.created' });
  });

  it('5126: a refund succeeds and fails a moment later', async () => {
    const session = await stripe.checkout.sessions.create(order());
    const { paymentIntent } = sandbox.act.pay(session.id, { card: '4000000000005126' });
    const refund = await stripe.refunds.create({ payment_intent: paymentIntent.id });
    expect(refund.status).toBe('succeeded');
    await sandbox.webhooks.wait({ event: 'refund.failed', objectId: refund.id });
    expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({ status: 'failed' });
  });
});

describe('3-D Secure', () => {
  it.each([
    ['succeeded', 'succeeded'],
    ['failed', 'payment_intent_authentication_failure'],
  ] as const)('a charge that is confirmed on session: %s', async (answer, expected) => {
    const customer = await owner();
    const { card } = await save(customer, 'pm_card_authenticationRequired');
    const refused = await charge(customer, card!, true).catch((error: Stripe.errors.StripeError) => error);
    expect(refused).toMatchObject({
      code: required,
      decline_code: required,
      message: 'Your card was declined. This transaction requires authentication.',
      charge: expect.stringMatching(/^ch_/),
      payment_intent: { status: 'requires_payment_method', client_secret: expect.any(String) },
    });
    const { id } = (refused as Stripe.errors.StripeError).payment_intent!;
    const waiting = await stripe.paymentIntents.confirm(id, {
      payment_method: card!,
      return_url: 'https://leads.example/wallet?tab=1',
    });
    const url = waiting.next_action?.redirect_to_url?.url;
    expect(waiting).toMatchObject({ status: 'requires_action', amount_received: 0 });
    expect(await (await fetch(url!)).text()).toContain('Authenticate');
    const answered = await fetch(url!, {
      method: 'POST',
      body: new URLSearchParams({ outcome: answer }),
      redirect: 'manual',
    });
    const back = new URL(answered.headers.get('location')!);
    expect([back.origin, Object.fromEntries(back.searchParams)]).toEqual([
      'https://leads.example',
      {
        tab: '1',
        payment_intent: id,
        payment_intent_client_secret: waiting.client_secret,
        redirect_status: answer,
      },
    ]);
    const after = await stripe.paymentIntents.retrieve(id);
    expect(after.last_payment_error?.code ?? after.status).toBe(expected);
    expect(await (await fetch(url!)).text()).toContain('Nothing to confirm');
  });

  it('a payment page leads over the bank and back, and takes another card after a failure', async () => {
    const session = await stripe.checkout.sessions.create(order());
    const post = (url: string, form: Record<string, string>) =>
      fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
    const pay = async (number: string) =>
      (await post(`${session.url}/pay`, { card: '4242424242424242', number })).headers.get('location');
    const bank = await pay('4000 0027 6000 3184');
    expect(bank).toMatch(/\/stripe\/confirm\/pi_/);
    const failed = await post(bank!, { outcome: 'failed' });
    const page = await fetch(failed.headers.get('location')!);
    expect([page.status, await page.text()]).toEqual([
      402,
      expect.stringContaining('unable to authenticate'),
    ]);
    const second = await pay('4000002500003155');
    const done = await post(second!, { outcome: 'succeeded' });
    expect(done.headers.get('location')).toBe(session.success_url);
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({ payment_status: 'paid' });
    expect(sandbox.ledger.list({ operation: 'payment.capture' })).toHaveLength(1);
  });

  it('a card page saves a card that asks; its page is closed with the session', async () => {
    const customer = await owner();
    const params: Stripe.Checkout.SessionCreateParams = {
      mode: 'setup',
      customer,
      allowed_payment_method_types: ['card'],
      success_url: 'https://leads.example/saved',
    };
    const form = (values: Record<string, string>) =>
      ({ method: 'POST', body: new URLSearchParams(values), redirect: 'manual' }) as const;
    const session = await stripe.checkout.sessions.create(params);
    expect(await (await fetch(session.url!)).text()).toContain('Save card');
    const declined = await fetch(`${session.url}/pay`, form({ card: '4000000000000002' }));
    expect([declined.status, await declined.text()]).toEqual([402, expect.stringContaining('was declined')]);
    const asked = await fetch(`${session.url}/pay`, form({ card: '4000002760003184' }));
    const saved = await fetch(asked.headers.get('location')!, form({ outcome: 'succeeded' }));
    expect(saved.headers.get('location')).toBe('https://leads.example/saved');
    expect((await stripe.customers.listPaymentMethods(customer)).data).toHaveLength(1);

    const closing = await stripe.checkout.sessions.create(params);
    const open = await fetch(`${closing.url}/pay`, form({ card: '4000002760003184' }));
    await stripe.checkout.sessions.expire(closing.id);
    const bank = await fetch(open.headers.get('location')!);
    expect(await bank.text()).toContain('Nothing to confirm');
    expect(await stripe.setupIntents.retrieve(String(closing.setup_intent))).toMatchObject({
      status: 'canceled',
    });
  });
});

describe('the control API', () => {
  it('confirms a setup, declines the next charges, renews a card and answers for a cardholder', async () => {
    const customer = await owner();
    const setup = await stripe.setupIntents.create({ ...onlyCards, customer });
    const declined = await control('POST', `setups/${setup.id}/confirm`, { card: '4000000000000002' });
    expect(declined).toMatchObject({ status: 200, body: { declined: { decline: 'generic_decline' } } });
    await control('POST', `setups/${setup.id}/confirm`, { card: '4000002760003184' });
    const answered = await control('POST', `bank/${setup.id}`, { outcome: 'succeeded' });
    expect(answered.body).toMatchObject({ succeeded: true, intent: { status: 'succeeded' } });
    expect((await control('POST', `bank/${setup.id}`, { outcome: 'succeeded' })).status).toBe(409);
    expect((await control('POST', `setups/${setup.id}/confirm`, {})).status).toBe(409);

    const { card } = await save(customer, 'pm_card_visa');
    await control('POST', `customers/${customer}/declines`, { code: 'stolen_card', times: 2 });
    await control('POST', `customers/${customer}/declines`, { code: 'a_code_of_next_year' });
    const said: string[] = [];
    for (let n = 0; n < 4; n++) said.push(await outcome(charge(customer, card!, true)));
    expect(said).toEqual(['stolen_card', 'stolen_card', 'a_code_of_next_year', 'succeeded']);
    expect((await control('POST', 'customers/cus_none/declines', { code: 'lost_card' })).status).toBe(404);

    await control('POST', `cards/${card}/renew`, { expYear: 2041, last4: '1881' });
    await sandbox.webhooks.wait({ event: 'payment_method.automatically_updated', objectId: card! });
    expect((await stripe.paymentMethods.retrieve(card!)).card).toMatchObject({
      exp_year: 2041,
      last4: '1881',
    });
  });
});
