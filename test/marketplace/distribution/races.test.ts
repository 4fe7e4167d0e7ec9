import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { execute } from '../../../src/engine/execute.ts';
import { createDistribution } from '../../../src/usecases/marketplace/distribute.ts';
import { workers } from '../../../src/workers/index.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { makePlace, type Place, type PlacedBuyer, wrongBooks } from './place.ts';

/** Distributors that share nothing but the database. Only the tests run the rows of the distributor. */
let system: TestSystem;
let place: Place;
let lockHolder: pg.Client;
beforeAll(async () => {
  system = await startSystem({ workers: ['expirer'], timings: { sweepEveryMs: 3_600_000 } });
  place = await makePlace(system);
  lockHolder = new pg.Client({ connectionString: system.database.directUrl });
  await lockHolder.connect();
});
afterEach(() => lockHolder.query('ROLLBACK'));
afterAll(async () => {
  await lockHolder?.end();
  await system?.stop();
});

type Row = { id: number; epoch: number; leadId: string };
const openRows = () =>
  system.rows<Row>(
    `SELECT o.id, o.epoch, e.data->>'leadId' AS "leadId" FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
     WHERE o.worker = 'distributor' AND o.parked_at IS NULL ORDER BY o.id`,
  );

/** A process as far as the database can tell: its own line for each campaign. */
const distributor = () => {
  const { db, relay, config } = system.runtime;
  const distribution = createDistribution({ db, relay, rechargeWaitMs: 1_000, limits: config.wallet });
  const runtime = { ...system.runtime, distribution };
  return ({ id, epoch }: Row) => execute(workers.distributor, runtime, { outboxId: id, epoch });
};

/** Runs all open rows by this many distributors at once, until none is left. */
async function distributeBy(count: number): Promise<void> {
  const distributors = Array.from({ length: count }, distributor);
  for (let rows = await openRows(); rows.length > 0; rows = await openRows())
    await Promise.all(rows.map((row, index) => distributors[index % count]!(row)));
}

const salesOf = async ({ buyerId }: PlacedBuyer) =>
  (await system.rows('SELECT 1 FROM lead_unlocks WHERE buyer_id = $1', [buyerId])).length;

describe('16 distributors of the same campaigns', () => {
  it('[F30] never pass a cap, a limit or a balance, and sell as much as these allow', async () => {
    const campaignIds = [await place.campaign(), await place.campaign()];
    const capped = await place.buyer(campaignIds[0]!, { dailyCap: 10 });
    const poor = await place.buyer(campaignIds, { balanceMinor: 7 * 2_500 + 2_499 });
    const weekly = await place.buyer(campaignIds, { weeklyLimitMinor: 5 * 2_500 });
    const monthly = await place.buyer(campaignIds, { monthlyLimitMinor: 6 * 2_500 + 1 });
    await Promise.all(campaignIds.map((campaignId) => place.receiveMany(campaignId, 80)));
    await distributeBy(16);
    expect(await Promise.all([capped, poor, weekly, monthly].map(salesOf))).toEqual([10, 7, 5, 6]);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it.each(['ROUND_ROBIN', 'WEIGHTED_ROUND_ROBIN'] as const)(
    '[F30] take turns by %s within 1 of each exact share after every lead',
    async (logic) => {
      const campaignId = await place.campaign({ logic });
      const priorities = [10, 1, 1, 1, 5, 3, 1, 7];
      const buyers = await Promise.all(
        priorities.map((priority) => place.buyer(campaignId, { priority, balanceMinor: 5_000_000 })),
      );
      await place.receiveMany(campaignId, 240);
      await distributeBy(16);
      const sales = await system.rows<{ buyerId: string }>(
        `SELECT t.buyer_id AS "buyerId" FROM wallet_transactions t JOIN lead_unlocks u ON u.id = t.unlock_id
         WHERE u.campaign_id = $1 ORDER BY t.created_at, t.id`,
        [campaignId],
      );
      expect(sales).toHaveLength(240);
      const weights = logic === 'ROUND_ROBIN' ? priorities.map(() => 1) : priorities;
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = buyers.map(() => 0);
      for (const [index, { buyerId }] of sales.entries()) {
        counts[buyers.findIndex((buyer) => buyer.buyerId === buyerId)]! += 1;
        const off = counts.map((count, place) => Math.abs(count * total - (index + 1) * weights[place]!));
        expect(Math.max(...off)).toBeLessThanOrEqual(total);
      }
    },
  );

  it('[F31] that run the same rows at the same time sell each lead once', async () => {
    const campaignId = await place.campaign();
    const buyer = await place.buyer(campaignId);
    await place.receiveMany(campaignId, 20);
    const rows = await openRows();
    await Promise.all(Array.from({ length: 16 }, distributor).flatMap((run) => rows.map((row) => run(row))));
    expect(await salesOf(buyer)).toBe(20);
    expect(await wrongBooks(system)).toEqual([]);
  });
});

/** Waits until another connection of this database waits for a lock, and returns its process id. */
const blocked = async (): Promise<number> => {
  const waiting = () =>
    system.rows<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
  await expect.poll(waiting, { timeout: 10_000 }).not.toHaveLength(0);
  return (await waiting())[0]!.pid;
};

describe('a distributor whose connection ends', () => {
  const locks: [where: string, sql: string][] = [
    ['before it holds its row', 'SELECT 1 FROM outbox WHERE id = $1 FOR UPDATE'],
    ['before it holds the campaign', 'SELECT 1 FROM campaigns WHERE id = $1 FOR UPDATE'],
    ['before it holds the lead', 'SELECT 1 FROM distributions WHERE lead_id = $1 FOR UPDATE'],
    ['before it holds the subscription', 'SELECT 1 FROM subscriptions WHERE campaign_id = $1 FOR UPDATE'],
    ['before it holds the wallet', 'SELECT 1 FROM wallets WHERE buyer_id = $1 FOR UPDATE'],
    ['while it writes', 'SELECT 1 FROM leads WHERE id = $1 FOR UPDATE'],
  ];
  it.each(locks)('[F31] %s: the lead is sold once, debited once and told once', async (_where, lock) => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId, { balanceMinor: 5_000 });
    const leadId = await place.receive(campaignId);
    const [row] = await openRows();
    await lockHolder.query('BEGIN');
    const held = lock.includes('outbox')
      ? row!.id
      : /campaign/.test(lock)
        ? campaignId
        : /wallet/.test(lock)
          ? buyerId
          : leadId;
    await lockHolder.query(lock, [held]);
    const run = distributor()(row!);
    await system.rows('SELECT pg_terminate_backend($1::integer)', [await blocked()]);
    await lockHolder.query('ROLLBACK');
    await run;
    await distributeBy(1);
    const [told] = await system.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM events WHERE type = 'lead.assigned' AND data->>'leadId' = $1`,
      [leadId],
    );
    expect([await salesOf({ buyerId, subscriptionId: '' }), told!.n]).toEqual([1, 1]);
    expect(await wrongBooks(system)).toEqual([]);
  });
});

describe('a campaign that is edited while one of its leads is being sold', () => {
  /** The lead is chosen and its campaign held; the wallet is not. */
  async function whileSelling(campaignId: string, buyerId: string, edit: Record<string, unknown>) {
    const leadId = await place.receive(campaignId);
    const [row] = await openRows();
    await lockHolder.query('BEGIN');
    await lockHolder.query('SELECT 1 FROM wallets WHERE buyer_id = $1 FOR UPDATE', [buyerId]);
    const run = distributor()(row!);
    await blocked();
    const edited = system.api('PUT', `/api/campaigns/${campaignId}`, edit, place.seller.as);
    await lockHolder.query('ROLLBACK');
    await run;
    expect((await edited).status).toBe(200);
    return leadId;
  }
  const pricesOf = async (leadId: string) =>
    (
      await system.rows<{ price_minor: number; debit: number }>(
        `SELECT u.price_minor, t.amount_minor AS debit FROM lead_unlocks u JOIN wallet_transactions t ON t.unlock_id = u.id WHERE u.lead_id = $1`,
        [leadId],
      )
    )[0];

  it('[F36] sells it at the price it was decided at, and the next one at the new price', async () => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId);
    const first = await whileSelling(campaignId, buyerId, { pricePerLead: 40 });
    const second = await place.receive(campaignId);
    await distributeBy(1);
    expect(await pricesOf(first)).toEqual({ price_minor: 2_500, debit: -2_500 });
    expect(await pricesOf(second)).toEqual({ price_minor: 4_000, debit: -4_000 });
  });

  it.each(['PAUSED', 'ARCHIVED'])('[F36] sells it, and no other one, when it becomes %s', async (status) => {
    const campaignId = await place.campaign();
    const { buyerId } = await place.buyer(campaignId);
    await whileSelling(campaignId, buyerId, { status });
    await place.receiveMany(campaignId, 3);
    await distributeBy(4);
    expect(await salesOf({ buyerId, subscriptionId: '' })).toBe(1);
  });
});

describe('what changes between a choice and its sale', () => {
  const changes: [what: string, sql: string][] = [
    ['the subscription is paused', `UPDATE subscriptions SET status = 'PAUSED' WHERE buyer_id = $1`],
    ['the subscription is ended', 'UPDATE subscriptions SET ended_at = now() WHERE buyer_id = $1'],
    [
      'the cap is lowered',
      'UPDATE subscriptions SET daily_cap = 1, day = current_date + 2, day_count = 1 WHERE buyer_id = $1',
    ],
    ['the states are changed', `UPDATE subscriptions SET states = '{TX}' WHERE buyer_id = $1`],
  ];
  it.each(changes)('[F36] %s: the next buyer gets the lead', async (_what, change) => {
    const campaignId = await place.campaign();
    const first = await place.buyer(campaignId);
    const second = await place.buyer(campaignId);
    await place.receive(campaignId);
    const [row] = await openRows();
    await lockHolder.query('BEGIN');
    await lockHolder.query(change, [first.buyerId]);
    const run = distributor()(row!);
    await blocked();
    await lockHolder.query('COMMIT');
    expect(await run).toBe('finished');
    expect([await salesOf(first), await salesOf(second)]).toEqual([0, 1]);
  });

  it('[F30] the wallet is emptied by a sale of another campaign: the next buyer gets the lead', async () => {
    const campaignId = await place.campaign();
    const first = await place.buyer(campaignId, { balanceMinor: 2_500 });
    const second = await place.buyer(campaignId);
    await place.receive(campaignId);
    const [row] = await openRows();
    await lockHolder.query('BEGIN');
    await lockHolder.query('UPDATE wallets SET balance_minor = 2499 WHERE buyer_id = $1', [first.buyerId]);
    const run = distributor()(row!);
    await blocked();
    await lockHolder.query('COMMIT');
    expect(await run).toBe('finished');
    expect([await salesOf(first), await salesOf(second)]).toEqual([0, 1]);
  });
});
