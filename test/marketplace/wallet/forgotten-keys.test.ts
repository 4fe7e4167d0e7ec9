import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkLedger } from '../../../src/usecases/payment/wallet-check.ts';
import { giveBack } from '../../../src/usecases/payment/wallet-give-back.ts';
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
  await ask(buyer, 'POST', 'methods', { paymentMethodId: 'pm_card_visa' });
});
afterEach(() => system.sandbox.clearFaults());

const add = (amount: number) => ask(buyer, 'POST', 'wallet', { amount });

/** The first call is carried out and its answer lost; no further one arrives. Events of it are lost as well. */
function loseAnswersOf(path: string): void {
  const call = { vendor: 'stripe', path, method: 'POST' } as const;
  system.sandbox.fault({ ...call, kind: 'error_after', count: 1 });
  system.sandbox.fault({ ...call, kind: 'error' });
  system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
}

/** Calls of this kind that are not answered were first made a day and a half ago, and Stripe has forgotten their keys. */
async function aDayLater(kind: string): Promise<void> {
  const aged = await system.rows(
    `UPDATE effects SET id = uuidv7('-36 hours'::interval) WHERE kind = $1 AND state <> 'accepted' RETURNING key`,
    [kind],
  );
  expect(aged).toHaveLength(1);
  system.sandbox.act.forgetKeys();
}

const untilBalance = (cents: number) =>
  system.until<{ balance: number }>(
    `a balance of ${cents}`,
    'SELECT balance_minor::int AS balance FROM wallets WHERE buyer_id = $1',
    [buyer.buyerId],
    (row) => row?.balance === cents,
  );

const accepted = (operation: string) =>
  system.sandbox.ledger.list({ vendor: 'stripe', operation, accepted: true });

describe('a call that moved money a day ago, whose answer and events were lost', () => {
  it('[F32] a charge is found at Stripe, and not made again', async () => {
    loseAnswersOf('/v1/payment_intents');
    expect((await add(50)).status).toBe(503);
    const { lastSeq } = system.sandbox.ledger;
    await aDayLater('charge');
    system.sandbox.clearFaults();
    await untilBalance(5_000);
    await system.story.settled();
    const made = accepted('payment_intent.create').filter(({ seq }) => seq > lastSeq);
    expect(made).toEqual([]);
    expect(await checkLedger(system.runtime.db, null)).toEqual([]);
  });

  it('[F32] a charge that Stripe never received is made now', async () => {
    system.sandbox.fault({
      vendor: 'stripe',
      path: '/v1/payment_intents',
      method: 'POST',
      kind: 'error',
    });
    expect((await add(50)).status).toBe(503);
    await aDayLater('charge');
    system.sandbox.clearFaults();
    await untilBalance(5_000);
    await system.story.settled();
    expect(await checkLedger(system.runtime.db, null)).toEqual([]);
  });

  it('[F32] a part that goes back is found at Stripe, and not sent again', async () => {
    expect((await add(50)).status).toBe(200);
    loseAnswersOf('/v1/refunds');
    await giveBack(system.runtime, { ...buyer, organizationId: seller.organizationId }, 1_500, seller.userId);
    await system.until(
      'the lost answer',
      `SELECT state FROM effects WHERE kind = 'refund' AND key LIKE 'give-back:%' AND state = 'released'`,
      [],
      (row) => row !== undefined,
    );
    await aDayLater('refund');
    system.sandbox.clearFaults();
    await system.until(
      'the refund',
      'SELECT 1 FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN top_ups t ON t.id = p.subject_id WHERE t.buyer_id = $1',
      [buyer.buyerId],
      (_row, all) => all.length === 1,
    );
    await system.story.settled();
    expect(await walletRow(system, buyer.buyerId)).toMatchObject({ balance: 3_500 });
    const [{ intent } = { intent: '' }] = await system.rows<{ intent: string }>(
      'SELECT payment_intent AS intent FROM top_ups WHERE buyer_id = $1',
      [buyer.buyerId],
    );
    const sent = accepted('refund.create').filter(({ reference }) => reference === intent);
    expect(sent.map(({ amount }) => amount)).toEqual([1_500]);
    expect(await checkLedger(system.runtime.db, null)).toEqual([]);
  });
});
