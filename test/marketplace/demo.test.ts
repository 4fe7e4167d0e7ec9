import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkMarket, type Played } from '../../src/demo/market-checks.ts';
import { playMarket } from '../../src/demo/market-story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let played: Played;
const told: string[] = [];
const keep = (text: string) => void told.push(text);
beforeAll(async () => {
  system = await startSystem();
  played = await playMarket(system, { chapter: keep, line: keep });
});
afterAll(() => system?.stop());

it('the demo of the marketplace ends as it says, and tells how', async () => {
  expect(await checkMarket(system, played)).toEqual([]);
  for (const words of [
    'POST /api/leads/ingest → Test lead: would be distributed to 1 buyer(s)',
    'Alma sees Maria, +13055550123, maria@people.example',
    '  Alma: daily_cap (cap 1, sold 1)',
    '  $50.00  Wallet auto-recharge → $55.00',
    'visa 0341 → Payment failed: The card was declined. Nothing was charged. (generic_decline)',
    'adding $80.00: “Your bank asks you to confirm a payment of $80.00.” Yes.',
    'the lead is PENDING',
    'the lead is DISTRIBUTED',
  ])
    expect(told).toContain(words);
});

it('its check names money that is missing, at Stripe or in a wallet', async () => {
  const { customerId, buyerId } = played.wallets[0]!.buyer;
  const [capture] = system.sandbox.ledger.list({ operation: 'payment.capture', reference: customerId });
  system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
  system.sandbox.act.refund(capture!.vendorId!, { amount: 1 });
  expect(await checkMarket(system, played)).toEqual([
    'what Stripe holds and the books say: expected 25999, got 26000',
    'wallets and earnings against what Stripe holds: expected 25999, got 26000',
  ]);
  await system.rows('UPDATE wallets SET balance_minor = balance_minor - 1 WHERE buyer_id = $1', [buyerId]);
  expect(await checkMarket(system, played)).toEqual([
    "Alma's balance: expected 75, got 74.99",
    `the ledger: wallet_balance of wallet:${buyerId}: balance 7499, entries 7500, transactions 7500`,
    'what Stripe holds and the books say: expected 25999, got 26000',
    'the balances of all wallets: expected 17000, got 16999',
  ]);
});

it('its check names a lead that is sold twice', async () => {
  const [first, second] = played.sales;
  await system.rows(
    `UPDATE lead_unlocks SET buyer_id = $2 WHERE lead_id = (SELECT id FROM leads WHERE public_id = $1)`,
    [first!.leadId, second!.buyer.buyerId],
  );
  const found = (await checkMarket(system, played)).join('\n');
  expect(found).toContain('the leads of Alma');
  expect(found).toContain('the leads of Bruno');
  expect(found).toContain('the leads of the seller');
});
