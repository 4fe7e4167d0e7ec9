import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTopUpPage } from '../../../src/usecases/payment/top-up.ts';
import { checkLedger } from '../../../src/usecases/payment/wallet-check.ts';
import { walletOf } from '../../../src/usecases/payment/wallet-customer.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { walletClient, walletRow } from '../../harness/wallets.ts';

let system: TestSystem;
let ask: ReturnType<typeof walletClient>;
let seller: MadeSeller;
let buyer: MadeBuyer;
beforeAll(async () => {
  system = await startSystem({ workers: ['payment-linker', 'notifier'] });
  ask = walletClient(system);
  seller = await makeSeller(system);
});
afterAll(() => system?.stop());
beforeEach(async () => {
  buyer = await makeBuyer(system, seller);
});
afterEach(() => fetch(`${system.sandbox.url}/_sandbox/faults`, { method: 'DELETE' }));

const withCard = (paymentMethodId = 'pm_card_visa') => ask(buyer, 'POST', 'methods', { paymentMethodId });
const add = (amount: unknown = 50, headers?: Record<string, string>) =>
  ask(buyer, 'POST', 'wallet', { amount }, headers);
const key = () => ({ 'idempotency-key': crypto.randomUUID() });
const capturedOf = async () => {
  const [row] = await system.rows<{ charges: number; credits: number; balance: number }>(
    `SELECT (SELECT count(*)::int FROM payments p JOIN top_ups t ON t.id = p.subject_id WHERE t.buyer_id = $1) AS charges,
      (SELECT count(*)::int FROM wallet_transactions WHERE buyer_id = $1) AS credits,
      (SELECT balance_minor::int FROM wallets WHERE buyer_id = $1) AS balance`,
    [buyer.buyerId],
  );
  return row!;
};
const untilBalance = (cents: number) =>
  system.until<{ balance: number }>(
    `a balance of ${cents}`,
    'SELECT balance_minor::int AS balance FROM wallets WHERE buyer_id = $1',
    [buyer.buyerId],
    (row) => row?.balance === cents,
  );
const topUps = () =>
  system.rows<{ id: string; kind: string; state: string; intent: string | null }>(
    'SELECT id, kind, state, payment_intent AS intent FROM top_ups WHERE buyer_id = $1 ORDER BY created_at',
    [buyer.buyerId],
  );
const intentOf = async () => (await topUps())[0]?.intent ?? '';
const agrees = async () => expect(await checkLedger(system.runtime.db, null)).toEqual([]);

describe('adding money by a saved card', () => {
  it('charges it and answers the credit, by the contract', async () => {
    await withCard();
    const { status, body } = await add('12.5');
    expect([status, body]).toEqual([
      200,
      {
        message: 'Funds added successfully',
        balance: 12.5,
        transaction: {
          id: expect.any(String),
          buyerId: buyer.buyerId,
          type: 'CREDIT',
          amount: 12.5,
          balanceBefore: 0,
          balanceAfter: 12.5,
          description: 'Wallet recharge',
          leadAssignmentId: null,
          stripePaymentIntentId: expect.stringMatching(/^pi_/),
          createdAt: expect.stringMatching(/Z$/),
        },
      },
    ]);
    expect((await ask(buyer, 'GET', 'wallet')).body).toEqual({
      balance: 12.5,
      autoRechargeEnabled: false,
      autoRechargeThreshold: null,
      autoRechargeAmount: null,
      transactions: [body.transaction],
      pagination: { page: 1, limit: 50, total: 1, pages: 1 },
    });
    await agrees();
  });

  it.each([[0.49], [-5], [12.345], ['abc'], [null], [1e9]])('refuses %s', async (amount) => {
    await withCard();
    expect(await add(amount)).toMatchObject({ status: 400, body: { error: 'Invalid amount' } });
    expect(await topUps()).toEqual([]);
  });

  it('refuses more than a wallet or a day may take, also when asked for at once', async () => {
    await withCard();
    expect((await add(2000.01)).body).toMatchObject({
      error: 'Invalid amount',
      detail: expect.stringContaining('2,000'),
    });
    const all = await Promise.all(Array.from({ length: 8 }, (_none, at) => add(300 + at)));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(6);
    expect((await walletRow(system, buyer.buyerId)).balance).toBeLessThanOrEqual(200_000);
  });

  it('a declined card answers its code, and stores no money', async () => {
    await withCard('pm_card_chargeCustomerFail');
    const answer = await add();
    expect(answer).toMatchObject({
      status: 400,
      body: { error: 'Payment failed', details: 'generic_decline' },
    });
    expect(await capturedOf()).toEqual({ charges: 0, credits: 0, balance: 0 });
    expect(await topUps()).toMatchObject([{ state: 'failed' }]);
  });
});

describe('repeating a request', () => {
  it('with its Idempotency-Key gets the first answer, also much later; with another body it is refused', async () => {
    await withCard();
    const headers = key();
    const first = await add(50, headers);
    await system.rows(`UPDATE top_ups SET created_at = created_at - interval '1 hour' WHERE buyer_id = $1`, [
      buyer.buyerId,
    ]);
    expect(await add(50, headers)).toEqual(first);
    expect((await add(60, headers)).status).toBe(409);
    expect(await capturedOf()).toMatchObject({ charges: 1, balance: 5_000 });
  });

  it('twenty at once with one key charge once', async () => {
    await withCard();
    const headers = key();
    const all = await Promise.all(Array.from({ length: 20 }, () => add(50, headers)));
    expect([...new Set(all.map(({ status }) => status))]).toEqual([200]);
    expect(await capturedOf()).toEqual({ charges: 1, credits: 1, balance: 5_000 });
  });

  it('a double click without a key charges once; another amount is another request', async () => {
    await withCard();
    const all = await Promise.all([add(50), add(50), add(50)]);
    expect(new Set(all.map(({ body }) => body.transaction.id)).size).toBe(1);
    await add(51);
    expect(await capturedOf()).toMatchObject({ charges: 2, balance: 10_100 });
  });

  it('the same amount again later is charged again', async () => {
    await withCard();
    await add(50);
    await system.rows(
      `UPDATE top_ups SET created_at = created_at - interval '11 seconds' WHERE buyer_id = $1`,
      [buyer.buyerId],
    );
    await add(50);
    expect(await capturedOf()).toMatchObject({ charges: 2, balance: 10_000 });
  });

  it('two buyers of one seller may choose the same key', async () => {
    await withCard();
    const headers = key();
    await add(50, headers);
    const other = await makeBuyer(system, seller);
    await ask(other, 'POST', 'methods', { paymentMethodId: 'pm_card_visa' });
    const answer = await ask(other, 'POST', 'wallet', { amount: 50 }, headers);
    expect(answer.body.transaction.buyerId).toBe(other.buyerId);
  });
});

describe('a charge whose answer is lost', () => {
  it.each(['error_after', 'timeout_after', 'reset_after'] as const)(
    '[F32] %s: charged once, credited once',
    async (kind) => {
      await withCard();
      const fault = { vendor: 'stripe', kind, path: '/v1/payment_intents', method: 'POST', ms: 200 } as const;
      system.sandbox.fault({ ...fault, count: kind === 'reset_after' ? 2 : 1 });
      system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'payment_intent.' });
      const answer = await add();
      expect([200, 503]).toContain(answer.status);
      await untilBalance(5_000);
      await system.story.settled();
      expect(await capturedOf()).toEqual({ charges: 1, credits: 1, balance: 5_000 });
      await agrees();
    },
    40_000,
  );

  it('[F34] the event before the answer, doubled: one credit', async () => {
    await withCard();
    system.sandbox.fault({
      vendor: 'stripe',
      kind: 'webhook_duplicate',
      event: 'payment_intent.',
      copies: 5,
    });
    system.sandbox.fault({
      vendor: 'stripe',
      kind: 'latency',
      path: '/v1/payment_intents',
      method: 'GET',
      ms: 500,
    });
    await add();
    await untilBalance(5_000);
    await system.story.settled();
    expect(await capturedOf()).toEqual({ charges: 1, credits: 1, balance: 5_000 });
    await agrees();
  });
});

describe('a card whose bank asks for a confirmation', () => {
  it('is answered with the bank’s page, and credited once it is confirmed', async () => {
    await withCard('pm_card_authenticationRequired');
    const answer = await add();
    expect(answer).toEqual({
      status: 200,
      body: {
        message: 'Payment needs confirmation',
        clientSecret: expect.stringMatching(/^pi_\w+_secret_/),
        confirmUrl: expect.stringMatching(/^http/),
      },
    });
    expect(await capturedOf()).toEqual({ charges: 0, credits: 0, balance: 0 });
    expect(await add()).toEqual(answer);
    const intent = await intentOf();
    const stored = await system.rows<{ all: string }>(
      `SELECT result::text AS all FROM effects WHERE key LIKE 'top-up:%' AND result::text LIKE '%_secret_%'`,
    );
    expect(stored).toEqual([]);
    system.sandbox.act.confirmAtBank(intent, 'succeeded');
    await untilBalance(5_000);
    expect(await topUps()).toMatchObject([{ state: 'paid' }]);
  });

  it('that is not confirmed fails, and adding again begins anew', async () => {
    await withCard('pm_card_authenticationRequired');
    await add();
    const intent = await intentOf();
    system.sandbox.act.confirmAtBank(intent, 'failed');
    await system.until<{ state: string }>(
      'the failure',
      'SELECT state FROM top_ups WHERE buyer_id = $1',
      [buyer.buyerId],
      (row) => row?.state === 'failed',
    );
    expect(await capturedOf()).toMatchObject({ charges: 0, balance: 0 });
  });
});

describe('adding money on Stripe’s page', () => {
  const openPage = async (amountMinor = 7_500) => {
    const wallet = await walletOf(system.runtime, buyer);
    const back = `${system.publicUrl}/market/wallet`;
    const url = await openTopUpPage(system.runtime, wallet, { amountMinor, back });
    return url.split('/').at(-1)!;
  };

  it('credits once and saves the card', async () => {
    const session = await openPage();
    system.sandbox.act.pay(session);
    await untilBalance(7_500);
    await system.until(
      'the card',
      'SELECT 1 FROM payment_methods WHERE buyer_id = $1',
      [buyer.buyerId],
      (_row, all) => all.length === 1,
    );
    await system.story.settled();
    expect(await capturedOf()).toEqual({ charges: 1, credits: 1, balance: 7_500 });
    await agrees();
  });

  it('six pages that are opened, then paid, add no more than a day and a wallet may take', async () => {
    const sessions: string[] = [];
    for (let at = 0; at < 6; at += 1) sessions.push(await openPage(200_000 - at));
    const last = sessions.pop()!;
    for (const session of sessions) expect(() => system.sandbox.act.pay(session)).toThrow('expired');
    system.sandbox.act.pay(last);
    await untilBalance(199_995);
    await system.story.settled();
    expect(await capturedOf()).toEqual({ charges: 1, credits: 1, balance: 199_995 });
    expect((await topUps()).map(({ state }) => state).sort()).toEqual([
      ...Array.from({ length: 5 }, () => 'canceled'),
      'paid',
    ]);
    await agrees();
  });

  it('pages opened at once count together against the limits, and so does a card', async () => {
    await withCard();
    await openPage(150_000);
    const paid = (await topUps())[0]!;
    const all = await Promise.allSettled([openPage(90_000), openPage(90_001), openPage(90_002)]);
    const open = (await topUps()).filter(({ state }) => state === 'open');
    expect(all.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect(open.length).toBeLessThanOrEqual(2);
    expect(open.map(({ id }) => id)).not.toContain(paid.id);
    expect(await add(2_000)).toMatchObject({ status: 200 });
    expect((await topUps()).filter(({ state }) => state === 'open')).toEqual([]);
  });

  it('money that is paid while its page is being closed is credited, and counts', async () => {
    const session = await openPage(150_000);
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    system.sandbox.act.pay(session);
    await expect(openPage(100_000)).rejects.toThrow('At most $2,000');
    expect(await capturedOf()).toEqual({ charges: 1, credits: 1, balance: 150_000 });
  });

  it('[F34] credits also when every event is lost', async () => {
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    system.sandbox.act.pay(await openPage());
    await untilBalance(7_500);
    expect(await capturedOf()).toMatchObject({ charges: 1, credits: 1 });
  });

  it.each([
    ['another amount', { amount: 999 }],
    ['another currency', { currency: 'eur' }],
    ['live mode', { livemode: true }],
  ])('a payment with %s is not credited', async (_name, change) => {
    const session = await openPage();
    system.sandbox.act.pay(session, change);
    await system.story.settled();
    await system.until(
      'the look-up',
      `SELECT 1 FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.data->>'buyerId' = $1 AND o.due_at < now()`,
      [buyer.buyerId],
      (_row, all) => all.length === 0,
    );
    expect(await capturedOf()).toMatchObject({ charges: 0, balance: 0 });
  });

  it('a page that saves a card needs no payment, and credits nothing', async () => {
    await withCard();
    const [row] = await system.rows<{ customer: string }>(
      'SELECT customer_id AS customer FROM wallets WHERE buyer_id = $1',
      [buyer.buyerId],
    );
    const setup = await system.runtime.payments.createSetupCheckout({
      idempotencyKey: crypto.randomUUID(),
      customer: row!.customer,
      expiresAt: new Date(Date.now() + 3_600_000),
      successUrl: system.publicUrl,
      cancelUrl: system.publicUrl,
      metadata: { kind: 'top_up', top_up_id: crypto.randomUUID(), buyer_id: buyer.buyerId },
    });
    system.sandbox.act.saveCard(setup.id);
    await system.story.settled();
    expect(await capturedOf()).toMatchObject({ charges: 0, credits: 0, balance: 0 });
  });
});
