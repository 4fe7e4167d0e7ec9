import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { creditWallet } from '../../../src/db/payment/wallet-credit.ts';
import { openRecharges } from '../../../src/db/payment/wallet-recharge.ts';
import { findTopUp } from '../../../src/db/payment/wallet-top-ups.ts';
import { rechargeIfLow } from '../../../src/usecases/payment/cards.ts';
import { checkLedger, ledgerAlert, watchLedger } from '../../../src/usecases/payment/wallet-check.ts';
import { type ApiTest, startApi } from '../../harness/api-app.ts';
import { atServer } from '../../harness/database.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import { makeWallet, setAutoRecharge, walletRow } from '../../harness/wallets.ts';

let api: ApiTest;
let seller: MadeSeller;
let buyer: MadeBuyer;
let cardId: string | null;
beforeAll(async () => {
  api = await startApi();
  seller = await makeSeller(api);
});
afterAll(() => api?.stop());
beforeEach(async () => {
  buyer = await makeBuyer(api, seller);
  ({ cardId } = await makeWallet(api, buyer));
});

const wanted = (neededMinor: number | null = null) => ({
  topUpId: uuidv7(),
  organizationId: buyer.organizationId,
  buyerId: buyer.buyerId,
  neededMinor,
});

const open = async (neededMinor: number | null = null) => {
  const { parts, events, opened } = openRecharges([wanted(neededMinor)], { limits: api.config.wallet });
  return api.runtime.relay.commit({ writes: parts, events, eventsOf: opened });
};

const recharges = () =>
  api.rows<{ id: string; state: string; amount: number }>(
    `SELECT id, state, amount_minor::int AS amount FROM top_ups WHERE buyer_id = $1 AND kind = 'recharge'`,
    [buyer.buyerId],
  );
const eventsOf = (id: string) =>
  api.rows<{ type: string }>('SELECT type FROM events WHERE subject = $1 ORDER BY occurred_at', [
    `top_up:${id}`,
  ]);

const newTopUp = async (kind: 'card' | 'recharge' = 'card', amount = 5_000) => {
  const id = uuidv7();
  await api.rows(
    `INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency, payment_method_id)
     VALUES ($1, $2, $3, $4, 'open', $5, 'usd', $6)`,
    [id, buyer.organizationId, buyer.buyerId, kind, amount, cardId],
  );
  return (await findTopUp(api.runtime.db, id))!;
};
const captured = (paymentIntent: string, amountMinor = 5_000) => ({
  paymentIntent,
  sessionId: null,
  amountMinor,
});
const newIntent = () => `pi_${uuidv7().replaceAll('-', '')}`;

describe('crediting a wallet', () => {
  it('books balance, transaction, payment and journal, and tells of it', async () => {
    const topUp = await newTopUp();
    const intent = newIntent();
    const { moved } = await api.runtime.relay.commit(creditWallet(topUp, captured(intent), false));
    expect(moved).toBe(true);
    expect(await walletRow(api, buyer.buyerId)).toMatchObject({ balance: 5_000, debt: 0 });
    const transactions = await api.rows(
      `SELECT type, amount_minor::int AS amount, balance_before_minor::int AS before, balance_after_minor::int AS after, description,
        payment_intent AS intent FROM wallet_transactions WHERE buyer_id = $1`,
      [buyer.buyerId],
    );
    expect(transactions).toEqual([
      { type: 'CREDIT', amount: 5_000, before: 0, after: 5_000, description: 'Wallet recharge', intent },
    ]);
    const entries = await api.rows(
      `SELECT e.account, e.amount_minor::int AS amount FROM journals j JOIN payments p ON j.key = 'top-up-' || p.id
        JOIN journal_entries e ON e.journal_id = j.id WHERE p.payment_intent = $1 ORDER BY amount`,
      [intent],
    );
    expect(entries).toEqual([
      { account: `wallet:${buyer.buyerId}`, amount: -5_000 },
      { account: 'stripe', amount: 5_000 },
    ]);
    expect((await findTopUp(api.runtime.db, topUp.id))?.state).toBe('paid');
    expect((await eventsOf(topUp.id)).map(({ type }) => type)).toEqual(['wallet.credited']);
    expect(await checkLedger(api.runtime.db, null)).toEqual([]);
  });

  it('[F34] twenty reports of one charge at once credit it once', async () => {
    const topUp = await newTopUp('recharge');
    const intent = newIntent();
    const results = await Promise.all(
      Array.from({ length: 20 }, () =>
        api.runtime.relay.commit(creditWallet(topUp, captured(intent), false)),
      ),
    );
    expect(results.filter(({ moved }) => moved)).toHaveLength(1);
    expect(await walletRow(api, buyer.buyerId)).toMatchObject({ balance: 5_000 });
    expect(await eventsOf(topUp.id)).toHaveLength(1);
    expect(await checkLedger(api.runtime.db, null)).toEqual([]);
  });

  it('credits a charge that succeeded after its top-up had ended', async () => {
    const topUp = await newTopUp();
    await api.rows(`UPDATE top_ups SET state = 'failed', ended_at = now() WHERE id = $1`, [topUp.id]);
    await api.runtime.relay.commit(creditWallet(topUp, captured(newIntent()), false));
    expect((await findTopUp(api.runtime.db, topUp.id))?.state).toBe('paid');
    expect(await walletRow(api, buyer.buyerId)).toMatchObject({ balance: 5_000 });
  });

  it('pays a debt first', async () => {
    await api.rows('UPDATE wallets SET balance_minor = -1500, debt_minor = 1500 WHERE buyer_id = $1', [
      buyer.buyerId,
    ]);
    await api.runtime.relay.commit(
      creditWallet(await newTopUp('card', 1_000), captured(newIntent(), 1_000), false),
    );
    expect(await walletRow(api, buyer.buyerId)).toMatchObject({ balance: -500, debt: 500 });
    await api.runtime.relay.commit(
      creditWallet(await newTopUp('card', 1_000), captured(newIntent(), 1_000), false),
    );
    expect(await walletRow(api, buyer.buyerId)).toMatchObject({ balance: 500, debt: 0 });
    await api.rows('UPDATE wallets SET balance_minor = 2000 WHERE buyer_id = $1', [buyer.buyerId]);
  });

  it('the database refuses a balance below zero', async () => {
    const debit = api.rows('UPDATE wallets SET balance_minor = -1 WHERE buyer_id = $1', [buyer.buyerId]);
    await expect(debit).rejects.toThrow('wallets_balance');
  });
});

describe('opening a recharge', () => {
  it('below the threshold opens one of the amount that the buyer set, with its event', async () => {
    await setAutoRecharge(api, buyer.buyerId);
    const { publish } = await open();
    const [recharge, ...more] = await recharges();
    expect([recharge?.state, recharge?.amount, more]).toEqual(['open', 10_000, []]);
    expect((await eventsOf(recharge!.id)).map(({ type }) => type)).toEqual(['wallet.recharge_opened']);
    expect(publish.map(({ worker }) => worker)).toEqual(['payment-linker']);
  });

  it('sixteen at once open one', async () => {
    await setAutoRecharge(api, buyer.buyerId);
    await Promise.all(Array.from({ length: 16 }, () => open()));
    const [recharge, ...more] = await recharges();
    expect(more).toEqual([]);
    expect(await eventsOf(recharge!.id)).toHaveLength(1);
  });

  it('for a price opens one also without a threshold', async () => {
    await setAutoRecharge(api, buyer.buyerId, { threshold: null });
    await open();
    expect(await recharges()).toEqual([]);
    await open(2_500);
    expect(await recharges()).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['while auto-recharge is off', 'UPDATE buyers SET auto_recharge_enabled = false WHERE id = $1'],
    ['without an amount', 'UPDATE buyers SET auto_recharge_amount_minor = NULL WHERE id = $1'],
    ['for an inactive buyer', `UPDATE buyers SET active = 'inactive' WHERE id = $1`],
    ['after it stopped itself', 'UPDATE wallets SET recharge_stopped_at = now() WHERE buyer_id = $1'],
    ['for a disputed wallet', 'UPDATE wallets SET disputed_minor = 1 WHERE buyer_id = $1'],
    ['without a card', 'UPDATE payment_methods SET removed_at = now() WHERE buyer_id = $1'],
    ['at the threshold', 'UPDATE wallets SET balance_minor = 2500 WHERE buyer_id = $1'],
    ['beyond what a wallet may hold', 'UPDATE buyers SET auto_recharge_amount_minor = 200001 WHERE id = $1'],
    ['beyond the week’s limit', 'UPDATE buyers SET weekly_spending_limit_minor = 9999 WHERE id = $1'],
    ['beyond the month’s limit', 'UPDATE buyers SET monthly_spending_limit_minor = 9999 WHERE id = $1'],
  ])('%s opens none', async (_name, change) => {
    await setAutoRecharge(api, buyer.buyerId);
    await api.rows(change, [buyer.buyerId]);
    await open();
    expect(await recharges()).toEqual([]);
    await api.rows('UPDATE wallets SET balance_minor = 0 WHERE buyer_id = $1', [buyer.buyerId]);
  });

  it('counts what was charged today, of whatever kind, against the most of a day', async () => {
    await setAutoRecharge(api, buyer.buyerId);
    const { id } = await newTopUp('card', 190_001);
    await open();
    expect(await recharges()).toEqual([]);
    await api.rows(`UPDATE top_ups SET state = 'failed', ended_at = now() WHERE id = $1`, [id]);
    await open();
    expect(await recharges()).toHaveLength(1);
  });

  it('counts a top-up that another transaction is about to commit', async () => {
    await setAutoRecharge(api, buyer.buyerId);
    let asking: Promise<void> = Promise.resolve();
    await atServer(api.config.databaseDirectUrl ?? api.config.databaseUrl!, async (other) => {
      await other.query('BEGIN');
      await other.query('SELECT 1 FROM wallets WHERE buyer_id = $1 FOR NO KEY UPDATE', [buyer.buyerId]);
      await other.query(
        `INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency)
         VALUES (gen_random_uuid(), $1, $2, 'card', 'open', 190001, 'usd')`,
        [buyer.organizationId, buyer.buyerId],
      );
      asking = rechargeIfLow(api.runtime, buyer);
      await expect
        .poll(async () => (await other.query(`SELECT 1 FROM pg_locks WHERE NOT granted`)).rows.length)
        .toBeGreaterThan(0);
      await other.query('COMMIT');
    });
    await asking;
    expect(await recharges()).toEqual([]);
  });

  it('counts recharges since the week began against the week’s limit', async () => {
    await setAutoRecharge(api, buyer.buyerId);
    await api.rows('UPDATE buyers SET weekly_spending_limit_minor = 15000 WHERE id = $1', [buyer.buyerId]);
    const earlier = await newTopUp('recharge', 10_000);
    await api.rows(`UPDATE top_ups SET state = 'paid', ended_at = now() WHERE id = $1`, [earlier.id]);
    await open();
    expect(await recharges()).toHaveLength(1);
    await api.rows(`UPDATE top_ups SET created_at = now() - interval '8 days' WHERE id = $1`, [earlier.id]);
    await open();
    expect(await recharges()).toHaveLength(2);
  });
});

describe('the check of the ledger', () => {
  it('finds a balance that its entries do not explain, alerts, and resolves the alert once all agrees', async () => {
    // The charges of the other tests are not in Stripe's list of the last day.
    await api.rows(`UPDATE payments SET created_at = now() - interval '3 days'`);
    await api.rows('UPDATE wallets SET balance_minor = 700 WHERE buyer_id = $1', [buyer.buyerId]);
    expect(await checkLedger(api.runtime.db, null)).toEqual([
      {
        rule: 'wallet_balance',
        subject: `wallet:${buyer.buyerId}`,
        detail: 'balance 700, entries 0, transactions 0',
      },
    ]);
    await watchLedger(api.runtime);
    const alerts = () =>
      api.rows<{ open: boolean }>(
        `SELECT resolved_at IS NULL AS open FROM alerts WHERE starts_with(key, $1)`,
        [ledgerAlert],
      );
    expect(await alerts()).toEqual([{ open: true }]);
    await api.rows('UPDATE wallets SET balance_minor = 0 WHERE buyer_id = $1', [buyer.buyerId]);
    await api.rows(
      `UPDATE event_cursors SET read_until = now() - interval '2 hours' WHERE vendor = 'ledger'`,
    );
    await watchLedger(api.runtime);
    expect(await alerts()).toEqual([{ open: false }]);
  });

  it('misses a charge in Stripe’s list once it is old enough to be there, and not while the list is read', async () => {
    await api.rows(`UPDATE payments SET created_at = now() - interval '3 days'`);
    const intent = newIntent();
    await api.runtime.relay.commit(creditWallet(await newTopUp(), captured(intent), false));
    const check = () => checkLedger(api.runtime.db, { payments: api.runtime.payments, now: new Date() });
    expect(await check()).toEqual([]);
    await api.rows(
      `UPDATE payments SET created_at = now() - interval '20 minutes' WHERE payment_intent = $1`,
      [intent],
    );
    expect(await check()).toEqual([
      { rule: 'stripe', subject: intent, detail: 'booked 5000, Stripe lists nothing' },
    ]);
    await api.rows(`UPDATE payments SET created_at = now() - interval '3 days'`);
  });

  it('finds a charge without its credit', async () => {
    const topUp = await newTopUp();
    await api.rows(
      `INSERT INTO payments (id, organization_id, purpose, subject_id, payment_intent, amount_minor, currency, kept)
       VALUES ($1, $2, 'top_up', $3, $4, 5000, 'usd', true)`,
      [uuidv7(), buyer.organizationId, topUp.id, newIntent()],
    );
    const found = await checkLedger(api.runtime.db, null);
    expect(found.map(({ rule, detail }) => [rule, detail])).toEqual([
      ['charge_credit', '0 credits of 0, captured 5000'],
    ]);
  });
});
