import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRecharges } from '../../../src/db/payment/wallet-recharge.ts';
import { lockWallet } from '../../../src/db/payment/wallets.ts';
import { rechargeIfLow } from '../../../src/usecases/payment/cards.ts';
import { checkLedger } from '../../../src/usecases/payment/wallet-check.ts';
import { visit } from '../../harness/console-client.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { setAutoRecharge, walletClient, walletRow } from '../../harness/wallets.ts';

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
/** Sets what the buyer wants, and charges since the balance is below it. */
const recharge = async (amount = 10_000) => {
  await setAutoRecharge(system, buyer.buyerId, { amount });
  await rechargeIfLow(system.runtime, buyer);
};
type TopUp = { id: string; state: string; attempts: number; intent: string | null; code: string | null };
const topUps = `SELECT id, state, attempts, payment_intent AS intent, decline_code AS code FROM top_ups WHERE buyer_id = $1 ORDER BY created_at`;
const until = async (state: string, attempts?: number) => {
  const ok = (row?: TopUp) => row?.state === state && (attempts === undefined || row.attempts === attempts);
  const [row] = await system.until<TopUp>(`${state}, ${attempts}`, topUps, [buyer.buyerId], ok);
  return row!;
};
const comesDue = (id: string) =>
  system.rows(
    `UPDATE outbox o SET due_at = now() FROM events e WHERE e.id = o.event_id AND e.occurred_at = o.event_at AND e.subject = $1`,
    [`top_up:${id}`],
  );
const dueIn = async (id: string) => {
  const [row] = await system.rows<{ hours: number }>(
    `SELECT round(extract(epoch FROM o.due_at - now()) / 3600)::int AS hours FROM outbox o JOIN events e ON e.id = o.event_id
     WHERE e.subject = $1 AND e.type = 'wallet.recharge_due'`,
    [`top_up:${id}`],
  );
  return row?.hours;
};
const customer = async () => {
  const [row] = await system.rows<{ id: string }>(
    'SELECT customer_id AS id FROM wallets WHERE buyer_id = $1',
    [buyer.buyerId],
  );
  return row!.id;
};
const mails = () => system.sandbox.ledger.list({ operation: 'mail.send', to: buyer.email });
const mailed = (words: string) =>
  system.sandbox.waitFor(
    (e) => e.operation === 'mail.send' && e.to === buyer.email && (e.text ?? '').includes(words),
  );
const attemptKeys = async (id: string) =>
  (
    await system.rows<{ key: string }>(
      `SELECT key FROM effects WHERE key LIKE 'recharge:' || $1 || '%' ORDER BY key`,
      [id],
    )
  ).map(({ key }) => key.replace(id, 'id'));
const decline = async (code: string, times = 1) =>
  system.sandbox.act.declineNext(await customer(), { code, times });
const intents = async () =>
  new Set(
    system.sandbox.ledger
      .list({ vendor: 'stripe', operation: 'payment_intent.create' })
      .filter(({ params }) => JSON.stringify(params).includes(buyer.buyerId))
      .map(({ vendorId }) => vendorId),
  ).size;

describe('auto-recharge', () => {
  it('charges the primary card and credits the wallet once', async () => {
    await withCard();
    await recharge();
    await until('paid');
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000 });
    const { body } = await ask(buyer, 'GET', 'wallet');
    expect(body.transactions).toMatchObject([
      {
        type: 'AUTO_RECHARGE',
        amount: 100,
        balanceBefore: 0,
        balanceAfter: 100,
        description: 'Wallet auto-recharge',
      },
    ]);
    expect(await checkLedger(system.runtime.db, null)).toEqual([]);
  });

  it('switching it on by PUT charges at once when the balance is low', async () => {
    await withCard();
    const settings = { autoRechargeEnabled: true, autoRechargeThreshold: 25, autoRechargeAmount: 100 };
    expect(await ask(buyer, 'PUT', 'wallet', settings)).toEqual({
      status: 200,
      body: { message: 'Auto-recharge settings updated successfully', ...settings },
    });
    await until('paid');
  });

  it('its settings have the same effect by the buyer’s own route', async () => {
    await withCard();
    const set = (settings: object) => system.api('PUT', `/api/buyers/${buyer.buyerId}`, settings, buyer.as);
    await system.rows('UPDATE wallets SET recharge_stopped_at = now() WHERE buyer_id = $1', [buyer.buyerId]);
    await set({ autoRechargeEnabled: false });
    const { status } = await set({
      autoRechargeEnabled: true,
      autoRechargeThreshold: 25,
      autoRechargeAmount: 100,
    });
    expect(status).toBe(200);
    await until('paid');
  });

  it.each(['error_after', 'timeout_after'] as const)(
    '[F32] %s: charged once, credited once, by one key',
    async (kind) => {
      await withCard();
      system.sandbox.fault({
        vendor: 'stripe',
        kind,
        path: '/v1/payment_intents',
        method: 'POST',
        count: 2,
        ms: 200,
      });
      system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'payment_intent.' });
      await recharge();
      const { id } = await until('paid');
      await system.story.settled();
      expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000 });
      expect(await attemptKeys(id)).toEqual(['recharge:id:1']);
      expect(await intents()).toBe(1);
    },
    40_000,
  );
});

describe('cards that Stripe reports', () => {
  it('charge nothing, also when a page that was paid is not booked yet', async () => {
    await setAutoRecharge(system, buyer.buyerId);
    const page = visit(system, buyer.cookie);
    const answer = await page.post('/market/wallet/funds', { amount: '50', paymentMethodId: 'page' });
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'checkout.' });
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'payment_intent.' });
    system.sandbox.act.pay((answer.headers.get('location') ?? '').split('/').at(-1)!);
    await system.until(
      'the card',
      'SELECT 1 FROM payment_methods WHERE buyer_id = $1',
      [buyer.buyerId],
      (_row, all) => all.length === 1,
    );
    await page.get('/market/wallet?notice=card');
    await rechargeIfLow(system.runtime, buyer);
    expect(await system.rows(topUps, [buyer.buyerId])).toMatchObject([{ state: 'open' }]);
    await until('paid');
    await system.story.settled();
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 5_000 });
  });
});

it('a change of a wallet that is under way does not hold up what refers to it, such as a recharge of a sale', async () => {
  await withCard();
  await setAutoRecharge(system, buyer.buyerId);
  const { organizationId, buyerId } = buyer;
  const wanted = [{ topUpId: uuidv7(), organizationId, buyerId, neededMinor: null }];
  const { parts, events, opened } = openRecharges(wanted, { limits: system.config.wallet });
  await system.runtime.db.withTx(async (tx) => {
    await lockWallet(tx, buyerId);
    await system.runtime.relay.commit({ writes: parts, events, eventsOf: opened });
  });
  await until('paid');
});

describe('a declined recharge', () => {
  it('soft: repeats after 1, 3 and 7 days with the same payment, then stops: four charges at most', async () => {
    await withCard();
    await decline('insufficient_funds', 4);
    await recharge();
    const { id } = await until('retrying', 1);
    expect(await dueIn(id)).toBe(24);
    await mailed('We try again tomorrow');
    await comesDue(id);
    await until('retrying', 2);
    expect(await dueIn(id)).toBe(72);
    await comesDue(id);
    await until('retrying', 3);
    expect(await dueIn(id)).toBe(168);
    await comesDue(id);
    expect(await until('failed', 4)).toMatchObject({ code: 'insufficient_funds' });
    await mailed('auto-recharge has stopped');
    expect(await attemptKeys(id)).toEqual([
      'recharge:id:1',
      'recharge:id:2',
      'recharge:id:3',
      'recharge:id:4',
    ]);
    expect(await intents()).toBe(1);
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({
      balance: 0,
      stopped: 'insufficient_funds',
    });
    await rechargeIfLow(system.runtime, buyer);
    await system.story.settled();
    expect(await system.rows(topUps, [buyer.buyerId])).toHaveLength(1);
    expect(mails()).toHaveLength(2);
  });

  it('soft, then paid: credited by the same payment', async () => {
    await withCard();
    await decline('insufficient_funds');
    await recharge();
    const { id, intent } = await until('retrying', 1);
    await comesDue(id);
    expect(await until('paid')).toMatchObject({ intent });
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000, stopped: null });
  });

  it('hard: stops at once, and the mail does not say why', async () => {
    await withCard();
    await decline('stolen_card');
    await recharge();
    await until('failed', 1);
    const mail = await mailed('auto-recharge has stopped');
    expect(mail.text).not.toMatch(/stolen|lost|fraud/i);
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ stopped: 'stolen_card' });
  });

  it('is not repeated once the buyer has switched it off, or has added money', async () => {
    await withCard();
    await decline('insufficient_funds');
    await recharge();
    const { id } = await until('retrying', 1);
    await ask(buyer, 'POST', 'wallet', { amount: 50 });
    await comesDue(id);
    await until('canceled');
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 5_000 });
  });

  it('a new card arms it again, and is charged', async () => {
    await withCard();
    await decline('expired_card');
    await recharge();
    await until('failed', 1);
    await withCard('pm_card_mastercard');
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ stopped: null });
    await system.until<TopUp>('the second', topUps, [buyer.buyerId], (_row, all) => all[1]?.state === 'paid');
  });

  it('a new card takes the place of one that waits to be repeated', async () => {
    await withCard();
    await decline('insufficient_funds');
    await recharge();
    await until('retrying', 1);
    await ask(buyer, 'POST', 'methods', { paymentMethodId: 'pm_card_mastercard', setAsPrimary: true });
    const both = await system.until<TopUp>(
      'the second',
      topUps,
      [buyer.buyerId],
      (_row, all) => all[1]?.state === 'paid',
    );
    expect(both.map(({ state }) => state)).toEqual(['canceled', 'paid']);
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000 });
  });
});

describe('a recharge that the cardholder must confirm', () => {
  it('asks for it by mail, once, and is credited when it is confirmed', async () => {
    await withCard('pm_card_authenticationRequired');
    await recharge();
    const { id, intent } = await until('needs_action', 1);
    const mail = await mailed(`/market/wallet/top-ups/${id}/confirm`);
    expect(mail.text).toContain('$100');
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 0, stopped: null });
    const confirmed = await system.runtime.payments.confirmCharge({
      idempotencyKey: `confirm-${id}`,
      paymentIntent: intent!,
      paymentMethod: (await ask(buyer, 'GET', 'methods')).body.paymentMethods[0].stripePaymentMethodId,
      offSession: false,
      returnUrl: system.publicUrl,
    });
    expect(confirmed.kind).toBe('needs_action');
    system.sandbox.act.confirmAtBank(intent!, 'succeeded');
    await until('paid');
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000 });
    expect(mails()).toHaveLength(1);
  });

  it('is given up after a week, and auto-recharge stays armed for the next one', async () => {
    await withCard('pm_card_authenticationRequired');
    await recharge();
    const { id } = await until('needs_action', 1);
    expect(await dueIn(id)).toBe(168);
    await comesDue(id);
    await until('canceled');
  });

  it.each([
    [
      'a new primary card',
      () => ask(buyer, 'POST', 'methods', { paymentMethodId: 'pm_card_mastercard', setAsPrimary: true }),
    ],
    [
      'the card removed',
      async () => {
        const { body } = await ask(buyer, 'GET', 'methods');
        return ask(buyer, 'DELETE', `methods?id=${body.paymentMethods[0].id}`);
      },
    ],
    ['auto-recharge switched off', () => ask(buyer, 'PUT', 'wallet', { autoRechargeEnabled: false })],
  ])('%s cancels it at Stripe: the bank’s page that is open charges nothing', async (_name, change) => {
    await withCard('pm_card_authenticationRequired');
    await recharge();
    const { id, intent } = await until('needs_action', 1);
    expect((await visit(system, buyer.cookie).post(`/market/wallet/top-ups/${id}/confirm`)).status).toBe(303);
    await change();
    await until('canceled');
    await system.story.settled();
    expect(() => system.sandbox.act.confirmAtBank(intent!, 'succeeded')).toThrow();
    expect(await system.runtime.payments.retrievePayment(intent!)).toMatchObject({ status: 'canceled' });
  });

  it('confirmed while it is being canceled: credited once', async () => {
    await withCard('pm_card_authenticationRequired');
    await recharge();
    const { id, intent } = await until('needs_action', 1);
    await visit(system, buyer.cookie).post(`/market/wallet/top-ups/${id}/confirm`);
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold', event: 'payment_intent.' });
    system.sandbox.act.confirmAtBank(intent!, 'succeeded');
    await ask(buyer, 'PUT', 'wallet', { autoRechargeEnabled: false });
    await until('paid');
    await system.story.settled();
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000 });
    expect(await checkLedger(system.runtime.db, null)).toEqual([]);
  });
});

describe('a recharge whose card is removed', () => {
  it('is repeated with the card that is primary then, by the same payment', async () => {
    await withCard();
    await withCard('pm_card_mastercard');
    await decline('insufficient_funds');
    await recharge();
    const { id, intent } = await until('retrying', 1);
    const { body } = await ask(buyer, 'GET', 'methods');
    const [first, second] = body.paymentMethods;
    await ask(buyer, 'DELETE', `methods?id=${first.id}`);
    await comesDue(id);
    expect(await until('paid')).toMatchObject({ intent });
    const paid = await system.runtime.payments.retrievePayment(intent!);
    expect(paid.paymentMethod).toBe(second.stripePaymentMethodId);
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000, stopped: null });
  });
});

describe('a charge that the bank takes its time over', () => {
  it('is asked for at Stripe: once it was declined there, it is repeated later', async () => {
    await withCard();
    await decline('insufficient_funds');
    await recharge();
    const { id, intent } = await until('retrying', 1);
    await system.rows(
      `INSERT INTO effects SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'key', 'recharge:' || $1::text || ':2',
         'result', jsonb_build_object('kind', 'processing', 'paymentIntent', $2::text)))).* FROM effects e WHERE e.key = 'recharge:' || $1::text || ':1'`,
      [id, intent],
    );
    await comesDue(id);
    expect(await until('retrying', 2)).toMatchObject({ intent, code: 'insufficient_funds' });
    expect(await dueIn(id)).toBe(72);
    await comesDue(id);
    await until('paid');
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 10_000 });
  });
});
