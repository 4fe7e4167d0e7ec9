import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { walletClient } from '../../harness/wallets.ts';

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

const add = (of: MadeBuyer, paymentMethodId = 'pm_card_visa', more: object = {}) =>
  ask(of, 'POST', 'methods', { paymentMethodId, ...more });
const cardsOf = async (of: MadeBuyer) => (await ask(of, 'GET', 'methods')).body.paymentMethods;
const customerOf = async (of: MadeBuyer): Promise<string> => {
  const [row] = await system.rows<{ customer: string }>(
    'SELECT customer_id AS customer FROM wallets WHERE buyer_id = $1',
    [of.buyerId],
  );
  return row!.customer;
};
const untilCards = (
  of: MadeBuyer,
  what: string,
  ok: (cards: { last4: string; expYear: number }[]) => boolean,
) =>
  system.until<{ last4: string; expYear: number }>(
    what,
    `SELECT last4, exp_year AS "expYear" FROM payment_methods WHERE buyer_id = $1 AND removed_at IS NULL`,
    [of.buyerId],
    (_row, all) => ok(all),
  );

describe('saving a card by its id', () => {
  it('stores it as the primary one, by the contract', async () => {
    const answer = await add(buyer);
    expect(answer).toEqual({
      status: 201,
      body: {
        message: 'Payment method added successfully',
        paymentMethod: {
          id: expect.any(String),
          buyerId: buyer.buyerId,
          stripePaymentMethodId: expect.stringMatching(/^pm_/),
          brand: 'visa',
          last4: '4242',
          expMonth: expect.any(Number),
          expYear: expect.any(Number),
          isPrimary: true,
          createdAt: expect.stringMatching(/Z$/),
          updatedAt: expect.stringMatching(/Z$/),
        },
      },
    });
    // Stripe's report, which may have come by now, describes it again.
    expect(await cardsOf(buyer)).toEqual([{ ...answer.body.paymentMethod, updatedAt: expect.any(String) }]);
  });

  it('twenty first cards at once make one customer, and one of them is primary', async () => {
    // As a client does: 503 asks for a repeat, and Stripe is slow on a machine that does other work.
    const addPatiently = async () => {
      for (;;) {
        const answer = await add(buyer);
        if (answer.status !== 503) return answer;
      }
    };
    const all = await Promise.all(Array.from({ length: 20 }, addPatiently));
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    const made = system.sandbox.ledger
      .list({ vendor: 'stripe', operation: 'customer.create', accepted: true })
      .filter(({ params }) => JSON.stringify(params).includes(buyer.buyerId));
    expect(made).toHaveLength(1);
    const cards = await cardsOf(buyer);
    expect(cards.filter(({ isPrimary }: { isPrimary: boolean }) => isPrimary)).toHaveLength(1);
  });

  it('a card of another customer is unknown, and stays theirs', async () => {
    const { body } = await add(buyer);
    const other = await makeBuyer(system, seller);
    expect(await add(other, body.paymentMethod.stripePaymentMethodId)).toMatchObject({
      status: 404,
      body: { error: 'Payment method not found' },
    });
    expect(await cardsOf(other)).toEqual([]);
    expect(await cardsOf(buyer)).toHaveLength(1);
  });

  it.each(['a\0b', '\0', '\ud800', "' OR true --", 'x'.repeat(5_000)])(
    '%j is the id of no card, wherever a body names one',
    async (paymentMethodId) => {
      await add(buyer);
      const unknown = { status: 404, body: expect.objectContaining({ error: 'Payment method not found' }) };
      expect(await ask(buyer, 'PUT', 'methods', { paymentMethodId })).toEqual(unknown);
      expect(await ask(buyer, 'POST', 'wallet', { amount: 50, paymentMethodId })).toEqual(unknown);
    },
  );

  it('a declined card is refused without its reason', async () => {
    const answer = await add(buyer, 'pm_card_chargeDeclinedStolenCard');
    expect(answer).toMatchObject({ status: 400, body: { error: 'Payment method declined' } });
    expect(JSON.stringify(answer.body)).not.toMatch(/stolen|lost|fraud/i);
  });
});

describe('several cards', () => {
  it('setAsPrimary, PUT and DELETE move the primary card; the newest of the others follows a removed one', async () => {
    const first = (await add(buyer)).body.paymentMethod;
    const second = (await add(buyer, 'pm_card_mastercard')).body.paymentMethod;
    expect([first.isPrimary, second.isPrimary]).toEqual([true, false]);
    const third = (await add(buyer, 'pm_card_visa', { setAsPrimary: true })).body.paymentMethod;
    expect(third.isPrimary).toBe(true);
    const primary = async () =>
      (await cardsOf(buyer)).find((each: { isPrimary: boolean }) => each.isPrimary).id;
    expect(await ask(buyer, 'PUT', 'methods', { paymentMethodId: first.id })).toEqual({
      status: 200,
      body: { message: 'Primary payment method updated successfully' },
    });
    expect(await primary()).toBe(first.id);
    expect(await ask(buyer, 'DELETE', `methods?id=${first.id}`)).toEqual({
      status: 200,
      body: { message: 'Payment method removed successfully' },
    });
    expect(await primary()).toBe(third.id);
    expect(await cardsOf(buyer)).toHaveLength(2);
    expect((await ask(buyer, 'DELETE', `methods?id=${first.id}`)).status).toBe(404);
    // Detached at Stripe: it is never saved again.
    expect((await add(buyer, first.stripePaymentMethodId)).status).toBeGreaterThanOrEqual(400);
  });
});

describe('cards that Stripe reports', () => {
  it('a setup intent that the buyer’s browser confirms saves its card', async () => {
    const { status, body } = await ask(buyer, 'POST', 'setup-intent');
    expect([status, body]).toEqual([
      200,
      { clientSecret: expect.stringMatching(/^seti_\w+_secret_/), customerId: await customerOf(buyer) },
    ]);
    system.sandbox.act.confirmSetup(body.clientSecret.split('_secret_')[0]);
    await untilCards(buyer, 'the card', (cards) => cards.length === 1);
  });

  it('doubled and reordered reports save a card once', async () => {
    await add(buyer);
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_duplicate', copies: 3, count: 4 });
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_reorder', count: 2 });
    const { body } = await ask(buyer, 'POST', 'setup-intent');
    system.sandbox.act.confirmSetup(body.clientSecret.split('_secret_')[0], { card: '5555555555554444' });
    await untilCards(buyer, 'the second card', (cards) => cards.length === 2);
    await system.story.settled();
    expect(await cardsOf(buyer)).toHaveLength(2);
  });

  it('a renewed card has its new date, and a card detached at Stripe is gone', async () => {
    const { id, stripePaymentMethodId } = (await add(buyer)).body.paymentMethod;
    system.sandbox.act.renewCard(stripePaymentMethodId, { expYear: 2041 });
    await untilCards(buyer, 'the renewal', ([card]) => card?.expYear === 2041);
    await system.runtime.payments.detachCard({
      idempotencyKey: `dashboard-${id}`,
      paymentMethod: stripePaymentMethodId,
    });
    await untilCards(buyer, 'the removal', (cards) => cards.length === 0);
  });

  it('reports of other systems’ customers store nothing', async () => {
    const customer = await system.runtime.payments.createCustomer({
      idempotencyKey: `foreign-${buyer.buyerId}`,
      email: 'x@elsewhere.example',
      name: 'X',
      metadata: {},
    });
    const setup = await system.runtime.payments.createSetupIntent({
      idempotencyKey: `foreign-setup-${buyer.buyerId}`,
      customer: customer.id,
      metadata: {},
    });
    await system.story.settled();
    const before = await system.rows('SELECT 1 FROM inbox');
    system.sandbox.act.confirmSetup(setup.id);
    await system.story.settled();
    expect(await system.rows('SELECT 1 FROM inbox')).toHaveLength(before.length);
  });
});

it('a buyer’s requests that call Stripe are limited, and those of its neighbors are not used up', async () => {
  const neighbor = await makeBuyer(system, seller);
  await add(buyer);
  const all = await Promise.all(Array.from({ length: 70 }, () => ask(buyer, 'POST', 'setup-intent')));
  const refused = all.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(11);
  expect(refused[0]?.body).toMatchObject({ detail: expect.stringContaining('for one buyer') });
  expect((await ask(buyer, 'POST', 'wallet', { amount: 5 })).status).toBe(429);
  expect((await ask(neighbor, 'POST', 'setup-intent')).status).toBe(200);
});
