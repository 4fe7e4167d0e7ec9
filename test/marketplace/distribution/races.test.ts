import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { execute } from '../../../src/engine/execute.ts';
import { createDistribution } from '../../../src/usecases/marketplace/distribute.ts';
import { wakeDueCampaigns } from '../../../src/usecases/marketplace/wake.ts';
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
  const { db, relay, config, sms } = system.runtime;
  const { ourNumber } = sms;
  const distribution = createDistribution({
    db,
    relay,
    ourNumber,
    rechargeWaitMs: 1_000,
    limits: config.wallet,
  });
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

/** The rows of a sale in the order of locks; `$1` is what `of` names. */
const locked: [table: string, of: 'row' | 'campaign' | 'lead' | 'buyer', sql: string][] = [
  ['outbox', 'row', 'SELECT 1 FROM outbox WHERE id = $1 FOR UPDATE'],
  ['campaigns', 'campaign', 'SELECT 1 FROM campaigns WHERE id = $1 FOR UPDATE'],
  ['distributions', 'lead', 'SELECT 1 FROM distributions WHERE lead_id = $1 FOR UPDATE'],
  ['subscriptions', 'campaign', 'SELECT 1 FROM subscriptions WHERE campaign_id = $1 FOR UPDATE'],
  ['wallets', 'buyer', 'SELECT 1 FROM wallets WHERE buyer_id = $1 FOR UPDATE'],
  ['leads', 'lead', 'SELECT 1 FROM leads WHERE id = $1 FOR UPDATE'],
];

describe('a sale that waits for a row', () => {
  /** A lead that is sold while another transaction holds one of its rows. */
  async function held([, of, lock]: (typeof locked)[number]) {
    const campaign = await place.campaign();
    const { buyerId: buyer } = await place.buyer(campaign, { balanceMinor: 5_000 });
    const lead = await place.receive(campaign);
    const [open] = await openRows();
    const ids = { row: open!.id, campaign, lead, buyer };
    await lockHolder.query('BEGIN');
    await lockHolder.query(lock, [ids[of]]);
    const run = distributor()(open!);
    return { ids, run, pid: await blocked() };
  }
  async function expectOneSale({ lead, buyer }: { lead: string; buyer: string }) {
    const [told] = await system.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM events WHERE type = 'lead.assigned' AND data->>'leadId' = $1`,
      [lead],
    );
    expect([await salesOf({ buyerId: buyer, subscriptionId: '' }), told!.n]).toEqual([1, 1]);
    expect(await wrongBooks(system)).toEqual([]);
  }

  it.each(locked)(
    '[F31] of %s when its connection ends: sold once, debited once and told once',
    async (...lock) => {
      const { ids, run, pid } = await held(lock);
      await system.rows('SELECT pg_terminate_backend($1::integer)', [pid]);
      await lockHolder.query('ROLLBACK');
      await run;
      await distributeBy(1);
      await expectOneSale(ids);
    },
  );

  it.each(locked.slice(0, -2))('of %s has locked none that comes later', async (...lock) => {
    const { ids, run } = await held(lock);
    for (const [, of, later] of locked.slice(locked.findIndex(([table]) => table === lock[0]) + 1, -1))
      await lockHolder.query(`${later} NOWAIT`, [ids[of]]);
    await lockHolder.query('ROLLBACK');
    await run;
    await expectOneSale(ids);
  });
});

describe('the runs of one campaign', () => {
  it('wait for their turn without connections: another campaign of the seller goes on selling', async () => {
    const stuck = await place.campaign();
    const { buyerId } = await place.buyer(stuck, { balanceMinor: 0 });
    await place.receive(stuck);
    await distributeBy(1);
    await place.credit(buyerId, 100_000);
    await wakeDueCampaigns(system.runtime);
    await place.receive(stuck);
    const held = await openRows();
    expect(held).toHaveLength(2);
    await lockHolder.query('BEGIN');
    await lockHolder.query('SELECT 1 FROM campaigns WHERE id = $1 FOR UPDATE', [stuck]);
    const run = distributor();
    const runs = held.map((row) => run(row));
    await blocked();
    const free = await place.campaign();
    const buyer = await place.buyer(free);
    await place.receive(free);
    expect(await run((await openRows()).at(-1)!)).toBe('finished');
    expect(await salesOf(buyer)).toBe(1);
    await lockHolder.query('ROLLBACK');
    await Promise.all(runs);
    expect(await salesOf({ buyerId, subscriptionId: '' })).toBe(2);
  });

  it('that try waiting leads leave turns to other campaigns and organizations', async () => {
    const places = [place, await makePlace(system)];
    const campaignIds = [await place.campaign(), await place.campaign(), await places[1]!.campaign()];
    const poor: string[] = [];
    for (const [index, campaignId] of campaignIds.entries()) {
      const owner = places[index === 2 ? 1 : 0]!;
      poor.push((await owner.buyer(campaignId, { balanceMinor: 0 })).buyerId);
      await owner.receive(campaignId);
    }
    await distributeBy(1);
    for (const [index, buyerId] of poor.entries())
      await places[index === 2 ? 1 : 0]!.credit(buyerId, 100_000);
    await wakeDueCampaigns(system.runtime);
    await lockHolder.query('BEGIN');
    await lockHolder.query('SELECT 1 FROM campaigns WHERE id = ANY($1) FOR UPDATE', [
      campaignIds.slice(0, 2),
    ]);
    const rows = await openRows();
    expect(rows).toHaveLength(3);
    const run = distributor();
    const runs = rows.map((row) => run(row));
    await blocked();
    await lockHolder.query('ROLLBACK');
    expect((await Promise.all(runs)).sort()).toEqual(['finished', 'finished', 'snoozed']);
    await distributeBy(1);
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
