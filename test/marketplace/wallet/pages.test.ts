import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Visitor, visit } from '../../harness/console-client.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { setAutoRecharge, walletClient, walletRow } from '../../harness/wallets.ts';

let system: TestSystem;
let seller: MadeSeller;
let buyer: MadeBuyer;
let page: Visitor;
beforeAll(async () => {
  system = await startSystem({ workers: ['payment-linker', 'notifier'] });
  seller = await makeSeller(system);
});
afterAll(() => system?.stop());
beforeEach(async () => {
  buyer = await makeBuyer(system, seller);
  page = visit(system, buyer.cookie);
});

const wallet = async () => (await page.get('/market/wallet')).text();
const withCard = (token = 'pm_card_visa') =>
  walletClient(system)(buyer, 'POST', 'methods', { paymentMethodId: token });
const leadsTo = (answer: Response) => answer.headers.get('location') ?? '';
/** Follows one redirect of ours. */
const follow = async (answer: Response) =>
  (await page.get(leadsTo(answer).replace(system.publicUrl, ''))).text();

describe('a buyer’s wallet page', () => {
  it('is empty at first, and says so', async () => {
    const html = await wallet();
    for (const text of ['$0.00', 'No card is saved.', 'No transaction yet.']) expect(html).toContain(text);
  });

  it('saves a card on Stripe’s page, and shows it on the return before any event', async () => {
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    const answer = await page.post('/market/wallet/cards');
    expect(answer.status).toBe(303);
    system.sandbox.act.saveCard(leadsTo(answer).split('/').at(-1)!);
    const html = await (await page.get('/market/wallet?notice=card')).text();
    expect(html).toContain('Visa ending in 4242');
    expect(html).toContain('The card is saved.');
    await fetch(`${system.sandbox.url}/_sandbox/faults`, { method: 'DELETE' });
  });

  it('adds money by a saved card, and lists the transaction', async () => {
    const { body } = await withCard();
    const form = { amount: '25.50', paymentMethodId: body.paymentMethod.id };
    const html = await follow(await page.post('/market/wallet/funds', form));
    for (const text of ['The money is in your wallet.', '$25.50', 'Wallet recharge'])
      expect(html).toContain(text);
  });

  it('adds money on Stripe’s page, and is credited on the return', async () => {
    const answer = await page.post('/market/wallet/funds', { amount: '30', paymentMethodId: 'page' });
    system.sandbox.act.pay(leadsTo(answer).split('/').at(-1)!);
    const [topUp] = await system.rows<{ id: string }>('SELECT id FROM top_ups WHERE buyer_id = $1', [
      buyer.buyerId,
    ]);
    const back = await page.get(`/market/wallet/top-ups/${topUp!.id}`);
    expect(leadsTo(back)).toBe('/market/wallet?notice=added');
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 3_000 });
  });

  it('a declined card keeps what was typed, and says nothing of why', async () => {
    const { body } = await withCard('pm_card_chargeCustomerFail');
    const answer = await page.post('/market/wallet/funds', {
      amount: '25',
      paymentMethodId: body.paymentMethod.id,
    });
    expect(answer.status).toBe(400);
    const html = await answer.text();
    expect(html).toContain('Your card was declined. Nothing was charged.');
    expect(html).toContain('value="25"');
  });

  it('sets auto-recharge, switches it off, and refuses what is no amount', async () => {
    const settings = { autoRechargeEnabled: 'on', autoRechargeThreshold: '50', autoRechargeAmount: '199.99' };
    await page.post('/market/wallet/settings', settings);
    const stored = () =>
      system.rows(
        `SELECT auto_recharge_enabled AS on, auto_recharge_threshold_minor::int AS threshold, auto_recharge_amount_minor::int AS amount
         FROM buyers WHERE id = $1`,
        [buyer.buyerId],
      );
    expect(await stored()).toEqual([{ on: true, threshold: 5_000, amount: 19_999 }]);
    await page.post('/market/wallet/settings', { autoRechargeThreshold: '', autoRechargeAmount: '10' });
    expect(await stored()).toEqual([{ on: false, threshold: null, amount: 1_000 }]);
    const refused = await page.post('/market/wallet/settings', { autoRechargeAmount: '1.234' });
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining('id="autoRechargeAmount-error"'),
    ]);
  });

  it('makes another card primary, and removes one', async () => {
    const first = (await withCard()).body.paymentMethod;
    const second = (await withCard('pm_card_mastercard')).body.paymentMethod;
    await page.post(`/market/wallet/cards/${second.id}/primary`);
    await page.post(`/market/wallet/cards/${first.id}/remove`);
    const html = await wallet();
    expect(html).toContain('Mastercard ending in 4444');
    expect(html).not.toContain('Visa ending in 4242');
  });

  it('leads a recharge that needs a confirmation to the bank, and credits it', async () => {
    await withCard('pm_card_authenticationRequired');
    await setAutoRecharge(system, buyer.buyerId);
    await page.post('/market/wallet/settings', {
      autoRechargeEnabled: 'on',
      autoRechargeThreshold: '25',
      autoRechargeAmount: '100',
    });
    const [topUp] = await system.until<{ id: string; state: string; intent: string }>(
      'the request for a confirmation',
      'SELECT id, state, payment_intent AS intent FROM top_ups WHERE buyer_id = $1',
      [buyer.buyerId],
      (row) => row?.state === 'needs_action',
    );
    const url = `/market/wallet/top-ups/${topUp!.id}/confirm`;
    expect(await wallet()).toContain(url);
    expect(await (await page.get(url)).text()).toContain('$100.00');
    const answer = await page.post(url);
    expect(leadsTo(answer).startsWith(system.sandbox.url)).toBe(true);
    system.sandbox.act.confirmAtBank(topUp!.intent, 'succeeded');
    const back = await page.get(`/market/wallet/top-ups/${topUp!.id}`);
    expect(leadsTo(back)).toBe('/market/wallet?notice=added');
    expect(await (await page.get(url)).text()).toContain('There is nothing to confirm any more.');
  });

  it('[S22] another buyer’s payments and cards do not exist', async () => {
    const { body } = await withCard();
    await page.post('/market/wallet/funds', { amount: '30', paymentMethodId: 'page' });
    const [topUp] = await system.rows<{ id: string }>('SELECT id FROM top_ups WHERE buyer_id = $1', [
      buyer.buyerId,
    ]);
    const other = visit(system, (await makeBuyer(system, seller)).cookie);
    const answers = await Promise.all([
      other.get(`/market/wallet/top-ups/${topUp!.id}`),
      other.get(`/market/wallet/top-ups/${topUp!.id}/confirm`),
      other.post(`/market/wallet/top-ups/${topUp!.id}/confirm`),
      other.post(`/market/wallet/cards/${body.paymentMethod.id}/primary`),
      other.post(`/market/wallet/cards/${body.paymentMethod.id}/remove`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  });
});

describe('a seller’s view of a buyer’s wallet', () => {
  it('shows balance and transactions, gives back, and is closed to other sellers', async () => {
    await withCard();
    await walletClient(system)(buyer, 'POST', 'wallet', { amount: 40 });
    const url = `/market/buyers/${buyer.buyerId}/wallet`;
    const own = visit(system, seller.cookie);
    expect(await (await own.get(url)).text()).toContain('$40.00');
    const refused = await own.post(`${url}/give-back`, { amount: 'much' });
    expect(refused.status).toBe(400);
    expect((await own.post(`${url}/give-back`, { amount: '15' })).status).toBe(303);
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 2_500 });
    const read = await fetch(`${system.publicUrl}/api/buyers/${buyer.buyerId}`, { headers: seller.as });
    expect(((await read.json()) as { buyer: { walletBalance: number } }).buyer.walletBalance).toBe(25);
    expect((await own.post(`${url}/give-back`)).status).toBe(303);
    const nothing = await own.post(`${url}/give-back`);
    expect([nothing.status, await nothing.text()]).toEqual([
      400,
      expect.stringContaining('no unspent balance'),
    ]);
    const other = visit(system, (await makeSeller(system, { name: 'Other' })).cookie);
    expect((await other.get(url)).status).toBe(404);
    expect((await other.post(`${url}/give-back`)).status).toBe(404);
  });
});
