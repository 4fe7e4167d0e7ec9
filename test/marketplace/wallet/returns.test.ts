import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rechargeIfLow } from '../../../src/usecases/payment/cards.ts';
import { checkLedger } from '../../../src/usecases/payment/wallet-check.ts';
import { giveBack } from '../../../src/usecases/payment/wallet-give-back.ts';
import { startCli } from '../../harness/cli.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { setAutoRecharge, type WalletRow, walletClient, walletRow } from '../../harness/wallets.ts';

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
  await ask(buyer, 'POST', 'methods', { paymentMethodId: 'pm_card_visa' });
});
afterEach(async () => {
  await system.story.settled();
  expect(await checkLedger(system.runtime.db, null)).toEqual([]);
});

/** Adds dollars; returns the payment intent. */
const add = async (amount: number): Promise<string> =>
  (await ask(buyer, 'POST', 'wallet', { amount })).body.transaction.stripePaymentIntentId;

/** Gives cents back, all that is left for null. */
const backTo = (cents: number | null) =>
  giveBack(
    system.runtime,
    { organizationId: seller.organizationId, buyerId: buyer.buyerId },
    cents,
    seller.userId,
  );

/** Takes cents as a purchase does: from the wallet to the seller. */
const spend = (cents: number) =>
  system.rows(
    `WITH w AS (UPDATE wallets SET balance_minor = balance_minor - $2::bigint WHERE buyer_id = $1 RETURNING *),
      t AS (INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor, balance_after_minor,
          description, payment_intent)
        SELECT gen_random_uuid(), organization_id, buyer_id, 'DEBIT', -$2::bigint, balance_minor + $2::bigint, balance_minor, 'Lead', 'x' FROM w),
      j AS (INSERT INTO journals (id, key, organization_id) SELECT gen_random_uuid(), 'purchase-' || gen_random_uuid(), organization_id FROM w RETURNING id)
      INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
        SELECT j.id, 'wallet:' || w.buyer_id, $2::bigint, 'usd' FROM j, w
        UNION ALL SELECT j.id, 'seller:' || w.organization_id, -$2::bigint, 'usd' FROM j, w`,
    [buyer.buyerId, cents],
  );

const becomes = (wanted: Partial<WalletRow>) =>
  system.until<WalletRow>(
    JSON.stringify(wanted),
    `SELECT balance_minor::int AS balance, disputed_minor::int AS disputed, debt_minor::int AS debt FROM wallets WHERE buyer_id = $1`,
    [buyer.buyerId],
    (row) => Object.entries(wanted).every(([name, value]) => row?.[name as keyof WalletRow] === value),
  );
const transactions = async () =>
  (await ask(buyer, 'GET', 'wallet')).body.transactions.map(
    ({ type, amount, description }: { type: string; amount: number; description: string }) =>
      `${type} ${amount} ${description}`,
  );
const alerts = async () =>
  (
    await system.rows<{ kind: string; open: boolean }>(
      `SELECT a.kind, a.resolved_at IS NULL AS open FROM alerts a JOIN top_ups t ON a.subject = 'top_up:' || t.id WHERE t.buyer_id = $1`,
      [buyer.buyerId],
    )
  ).map(({ kind, open }) => `${kind} ${open ? 'open' : 'resolved'}`);

describe('a disputed top-up', () => {
  it('[F37] leaves the wallet, blocks spending and recharges, and comes back when it is won', async () => {
    const intent = await add(50);
    system.sandbox.act.dispute(intent, { status: 'needs_response' });
    await becomes({ balance: 0, disputed: 5_000, debt: 0 });
    await system.until(
      'the alert',
      'SELECT 1 FROM alerts WHERE kind = $1',
      ['top_up_disputed'],
      (_row, all) => all.length > 0,
    );
    expect(await alerts()).toEqual(['top_up_disputed open']);
    await setAutoRecharge(system, buyer.buyerId);
    await rechargeIfLow(system.runtime, buyer);
    expect(
      await system.rows(`SELECT 1 FROM top_ups WHERE buyer_id = $1 AND kind = 'recharge'`, [buyer.buyerId]),
    ).toEqual([]);
    system.sandbox.act.dispute(intent, { status: 'won' });
    await becomes({ balance: 5_000, disputed: 0 });
    expect(await transactions()).toEqual([
      'CREDIT 50 Dispute decided in our favor',
      'DEBIT -50 Payment disputed at the bank',
      'CREDIT 50 Wallet recharge',
    ]);
    expect(await alerts()).toEqual(['top_up_disputed resolved']);
  });

  it('that was spent is a debt, which the next money pays', async () => {
    const intent = await add(50);
    await spend(3_000);
    system.sandbox.act.dispute(intent, { status: 'needs_response' });
    await becomes({ balance: -3_000, disputed: 5_000, debt: 3_000 });
    system.sandbox.act.dispute(intent, { status: 'lost' });
    await becomes({ balance: -3_000, disputed: 0, debt: 3_000 });
    await add(40);
    await becomes({ balance: 1_000, disputed: 0, debt: 0 });
  });

  it('an inquiry takes nothing', async () => {
    const intent = await add(50);
    system.sandbox.act.dispute(intent, { status: 'warning_needs_response' });
    await system.until(
      'the inquiry',
      'SELECT 1 FROM disputes d JOIN payments p ON p.id = d.payment_id WHERE p.payment_intent = $1',
      [intent],
      (_row, all) => all.length === 1,
    );
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 5_000, disputed: 0 });
  });
});

describe('a refund made in Stripe’s dashboard', () => {
  it('leaves the wallet; what was spent of it becomes debt', async () => {
    const intent = await add(50);
    await spend(4_000);
    system.sandbox.act.refund(intent, { amount: 2_500 });
    await becomes({ balance: -1_500, debt: 1_500, disputed: 0 });
    expect((await transactions())[0]).toBe('DEBIT -25 Refund to your card');
    const { status } = await ask(buyer, 'POST', 'wallet', { amount: 20 });
    expect(status).toBe(200);
    await becomes({ balance: 500, debt: 0 });
  });

  it('doubled and before the credit is booked, it is booked once', async () => {
    system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_duplicate', copies: 3, count: 6 });
    const intent = await add(50);
    system.sandbox.act.refund(intent);
    await becomes({ balance: 0, debt: 0 });
    await system.story.settled();
    expect(await transactions()).toEqual(['DEBIT -50 Refund to your card', 'CREDIT 50 Wallet recharge']);
  });
});

describe('giving back', () => {
  const refunded = (intent: string) =>
    system.sandbox.ledger
      .list({ vendor: 'stripe', operation: 'refund.create', accepted: true })
      .filter(({ params, reference }) => params.payment_intent === intent || reference === intent)
      .map(({ amount }) => amount);

  it('refunds unspent balance to the newest charges it came from, once', async () => {
    const older = await add(30);
    const newer = await add(20);
    await spend(1_000);
    expect(await backTo(null)).toBe(4_000);
    const noted = await system.rows(
      'SELECT actor, action, after FROM audit_log WHERE subject = $1 AND action = $2',
      [`buyer:${buyer.buyerId}`, 'buyer.given_back'],
    );
    expect(noted).toEqual([
      { actor: seller.userId, action: 'buyer.given_back', after: { amount_minor: 4_000 } },
    ]);
    await becomes({ balance: 0 });
    await system.story.settled();
    expect([refunded(newer), refunded(older)]).toEqual([[2_000], [2_000]]);
    await expect(backTo(null)).rejects.toThrow('no unspent balance');
    const [due] = await system.rows<{ due: number }>(
      `SELECT coalesce(sum(amount_minor), 0)::int AS due FROM journal_entries WHERE account = 'refunds_due:' || $1::text`,
      [buyer.organizationId],
    );
    expect(due).toEqual({ due: 0 });
  });

  it('on the command line it goes back to the charges, and not twice', async () => {
    const intent = await add(40);
    const cli = startCli(system);
    onTestFinished(cli.stop);
    const give = (...more: string[]) =>
      cli.run('buyer', 'give-back', buyer.buyerId, '--organization', seller.slug, ...more);
    expect(await give('--amount', 'much')).toEqual({
      ...{ code: 1, out: '' },
      err: '--amount: must be an amount in dollars with at most two decimals. Nothing was changed.\n',
    });
    expect((await give()).err).toBe('Give --amount or --all. Nothing was changed.\n');
    expect(await give('--amount', '15')).toMatchObject({
      ...{ code: 0, out: expect.stringMatching(/^\$15\.00 goes back to the cards of /), err: '' },
    });
    expect((await give('--all')).out).toMatch(/^\$25\.00 goes back/);
    await becomes({ balance: 0 });
    await system.story.settled();
    expect(refunded(intent).sort()).toEqual([1_500, 2_500]);
    expect(await give('--all')).toEqual({
      ...{ code: 1, out: '', err: 'There is no unspent balance that can go back. Nothing was changed.\n' },
    });
    const other = await makeSeller(system);
    const foreign = ['buyer', 'give-back', buyer.buyerId, '--organization', other.slug, '--all'];
    expect((await cli.run(...foreign)).err).toContain(`has no buyer ${buyer.buyerId}. Nothing was changed.`);
  });

  it('sixteen requests at once take no more than the balance', async () => {
    await add(40);
    const all = await Promise.allSettled(Array.from({ length: 16 }, (_none, at) => backTo(1_000 - at)));
    const given = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(given.reduce((sum, each) => sum + each, 0)).toBe(4_000);
    await becomes({ balance: 0 });
  });

  it('the same request twice at once, or again within seconds, gives back once', async () => {
    const older = await add(30);
    const newer = await add(70);
    const give = (amount = 8_000) => backTo(amount);
    expect(await Promise.all([give(), give()])).toEqual([8_000, 8_000]);
    expect(await give()).toBe(8_000);
    await system.story.settled();
    expect([refunded(newer), refunded(older)]).toEqual([[7_000], [1_000]]);
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 2_000 });
    expect(await give(500)).toBe(500);
    await becomes({ balance: 1_500 });
  });

  it('a refund that fails days later is credited again', async () => {
    const intent = await add(40);
    await backTo(1_500);
    await system.story.settled();
    const [refund] = await system.rows<{ id: string }>(
      'SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.payment_intent = $1',
      [intent],
    );
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 2_500 });
    system.sandbox.act.settleRefund(refund!.id, { status: 'failed', failure: 'expired_or_canceled_card' });
    await becomes({ balance: 4_000 });
    expect((await transactions())[0]).toBe('CREDIT 15 Refund to your card failed');
  });

  it('nothing of a disputed wallet goes back', async () => {
    const intent = await add(40);
    await add(10);
    system.sandbox.act.dispute(intent, { status: 'needs_response' });
    await becomes({ disputed: 4_000 });
    await expect(backTo(500)).rejects.toThrow('no unspent balance');
  });

  it('[F32] a refund whose answer is lost is made once', async () => {
    const intent = await add(40);
    system.sandbox.fault({
      vendor: 'stripe',
      kind: 'error_after',
      path: '/v1/refunds',
      method: 'POST',
      count: 2,
    });
    await backTo(4_000);
    await system.until(
      'the refund',
      'SELECT 1 FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.payment_intent = $1',
      [intent],
      (_row, all) => all.length === 1,
    );
    await system.story.settled();
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 0 });
    expect(refunded(intent)).toEqual([4_000]);
  });
});
