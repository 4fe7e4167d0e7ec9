import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { makePlace, type Place, standOf, wrongBooks } from './place.ts';

let system: TestSystem;
let place: Place;
beforeAll(async () => {
  // Nothing charges: a recharge that was opened stays open until a test credits it.
  system = await startSystem({ workers: ['distributor', 'expirer'], timings: { rechargeWaitMs: 1_500 } });
  place = await makePlace(system);
});
afterAll(async () => {
  await system?.stop();
});

type Armed = { thresholdMinor?: number | null; amountMinor?: number };

/** A buyer whose saved card is charged 50 dollars when the balance is below 20. */
async function armed(
  campaignId: string,
  balanceMinor: number,
  { thresholdMinor = 2_000, amountMinor = 5_000 }: Armed = {},
) {
  const buyer = await place.buyer(campaignId, { balanceMinor });
  await system.rows(
    `UPDATE buyers SET auto_recharge_enabled = true, auto_recharge_threshold_minor = $2, auto_recharge_amount_minor = $3 WHERE id = $1`,
    [buyer.buyerId, thresholdMinor, amountMinor],
  );
  await system.rows(
    `INSERT INTO payment_methods (id, organization_id, buyer_id, stripe_id, brand, last4, exp_month, exp_year, is_primary)
     VALUES ($1::uuid, $2, $3, 'pm_' || $1, 'visa', '4242', 12, 2099, true)`,
    [uuidv7(), place.seller.organizationId, buyer.buyerId],
  );
  return buyer;
}

const rechargesOf = ({ buyerId }: { buyerId: string }) =>
  system.rows<{ amount_minor: number; state: string }>(
    `SELECT amount_minor, state FROM top_ups WHERE buyer_id = $1 AND kind = 'recharge'`,
    [buyerId],
  );
const untilSold = (leadId: string) =>
  system.until<{ status: string }>(
    'the sale',
    'SELECT status FROM distributions WHERE lead_id = $1',
    [leadId],
    (row) => row?.status === 'DISTRIBUTED',
  );
const untilHeld = (leadId: string) =>
  system.until<{ held: boolean }>(
    'the wait',
    'SELECT waited_until IS NOT NULL AS held FROM distributions WHERE lead_id = $1',
    [leadId],
    (row) => row?.held === true,
  );
const snoozes = async (leadId: string) =>
  (
    await system.rows(`SELECT 1 FROM attempts WHERE subject = 'lead:' || $1 AND outcome = 'snoozed'`, [
      leadId,
    ])
  ).length;

it('leads whose next buyer lacks funds wait for one recharge, and are sold to it when it is paid', async () => {
  const campaignId = await place.campaign();
  const first = await armed(campaignId, 100);
  await place.buyer(campaignId);
  const leadIds = await place.receiveMany(campaignId, 1);
  await untilHeld(leadIds[0]!);
  expect(await rechargesOf(first)).toEqual([{ amount_minor: 5_000, state: 'open' }]);
  const [told] = await system.rows<{ n: number }>(
    `SELECT count(*)::int AS n FROM events WHERE type = 'wallet.recharge_opened' AND data->>'buyerId' = $1`,
    [first.buyerId],
  );
  expect(told!.n).toBe(1);
  await place.credit(first.buyerId, 5_000);
  await untilSold(leadIds[0]!);
  expect((await standOf(system, leadIds[0]!)).buyers).toEqual([first.buyerId]);
});

it('leads go to the next buyer when the recharge does not come in time, and none opens a second one', async () => {
  const campaignId = await place.campaign();
  const first = await armed(campaignId, 100);
  const second = await place.buyer(campaignId);
  const leadIds = await place.receiveMany(campaignId, 5);
  for (const leadId of leadIds) await untilSold(leadId);
  const stands = await Promise.all(leadIds.map((leadId) => standOf(system, leadId)));
  expect(stands.map(({ buyers }) => buyers)).toEqual(leadIds.map(() => [second.buyerId]));
  expect(await rechargesOf(first)).toHaveLength(1);
});

it('a lead does not wait for a recharge that a limit forbids', async () => {
  const campaignId = await place.campaign();
  const first = await armed(campaignId, 100);
  await system.rows('UPDATE buyers SET weekly_spending_limit_minor = 4000 WHERE id = $1', [first.buyerId]);
  const second = await place.buyer(campaignId);
  const leadId = await place.receive(campaignId);
  await untilSold(leadId);
  expect((await standOf(system, leadId)).buyers).toEqual([second.buyerId]);
  expect([await rechargesOf(first), await snoozes(leadId)]).toEqual([[], 0]);
});

it('a purchase that leaves less than the threshold opens a recharge, one that does not opens none', async () => {
  const campaignId = await place.campaign();
  const buyer = await armed(campaignId, 6_000);
  await untilSold(await place.receive(campaignId));
  expect(await rechargesOf(buyer)).toEqual([]);
  await untilSold(await place.receive(campaignId));
  expect(await rechargesOf(buyer)).toEqual([{ amount_minor: 5_000, state: 'open' }]);
  const third = await place.receive(campaignId);
  await untilHeld(third);
  await place.credit(buyer.buyerId, 5_000);
  await untilSold(third);
  expect(await rechargesOf(buyer)).toHaveLength(1);
});

describe('ten leads at once whose only buyer is recharged for some of them', () => {
  const untilOpen = ({ buyerId }: { buyerId: string }, leadIds: readonly string[]) =>
    system.until<{ open: string | null; sold: number }>(
      'a recharge, or every sale',
      `SELECT (SELECT id FROM top_ups WHERE buyer_id = $1 AND ended_at IS NULL) AS open,
         (SELECT count(*)::int FROM distributions WHERE lead_id = ANY($2) AND status = 'DISTRIBUTED') AS sold`,
      [buyerId, leadIds],
      (row) => row !== undefined && (row.open !== null || row.sold === leadIds.length),
    );
  /** Plays the bank: each recharge is paid. Returns how many there were. */
  async function payEach(buyer: { buyerId: string }, leadIds: readonly string[]): Promise<number> {
    for (let paid = 0; ; paid += 1) {
      const [found] = await untilOpen(buyer, leadIds);
      const { open } = found!;
      if (open === null) return paid;
      await system.rows(`UPDATE top_ups SET state = 'paid', ended_at = now() WHERE id = $1`, [open]);
      await place.credit(buyer.buyerId, 10_000);
    }
  }
  const untilDecided = (leadIds: readonly string[]) =>
    system.until<{ n: number }>(
      'the end of the wait',
      'SELECT count(DISTINCT lead_id)::int AS n FROM decisions WHERE lead_id = ANY($1)',
      [leadIds],
      (row) => row?.n === leadIds.length,
    );

  it.each([
    ['no threshold', null, 2_500, 3],
    ['a threshold below the price', 500, 3_000, 3],
    ['a threshold at the price', 2_500, 2_500, 3],
  ])('are all sold, one recharge after another: %s', async (_of, thresholdMinor, priceMinor, recharges) => {
    const campaignId = await place.campaign({ priceMinor });
    const buyer = await armed(campaignId, 0, { thresholdMinor, amountMinor: 10_000 });
    const leadIds = await place.receiveMany(campaignId, 10);
    expect(await payEach(buyer, leadIds)).toBeGreaterThanOrEqual(recharges);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it('are all sold when the recharge is paid after they have waited for it', async () => {
    const campaignId = await place.campaign();
    const buyer = await armed(campaignId, 0, { thresholdMinor: null, amountMinor: 10_000 });
    const leadIds = await place.receiveMany(campaignId, 10);
    await untilDecided(leadIds);
    expect(await payEach(buyer, leadIds)).toBe(3);
  });

  it('are sold as far as its limits allow, and the campaign is due on its next day', async () => {
    const campaignId = await place.campaign();
    const buyer = await armed(campaignId, 0, { thresholdMinor: null, amountMinor: 10_000 });
    await system.rows('UPDATE buyers SET weekly_spending_limit_minor = 27000 WHERE id = $1', [buyer.buyerId]);
    const leadIds = await place.receiveMany(campaignId, 10);
    expect(await payEach(buyer, leadIds.slice(0, 8))).toBe(2);
    await untilDecided(leadIds);
    const stands = await Promise.all(leadIds.map((leadId) => standOf(system, leadId)));
    expect(stands.map(({ status }) => status)).toEqual([
      ...Array(8).fill('DISTRIBUTED'),
      ...Array(2).fill('PENDING'),
    ]);
    expect(await rechargesOf(buyer)).toHaveLength(2);
    await system.until<{ later: boolean }>(
      'the mark of the next day',
      'SELECT due_at > now() AS later FROM campaign_turns WHERE campaign_id = $1',
      [campaignId],
      (row) => row?.later === true,
    );
  });
});

describe('a held lead', () => {
  it('stays held when another change wakes its campaign, until its recharge ends', async () => {
    const campaignId = await place.campaign();
    const first = await armed(campaignId, 100);
    const second = await place.buyer(campaignId);
    const leadId = await place.receive(campaignId);
    await untilHeld(leadId);
    await place.credit(second.buyerId, 100);
    await system.until<{ drained: boolean }>(
      'the drain',
      `SELECT count(*) > 0 AS drained FROM attempts WHERE worker = 'distributor' AND subject = 'campaign:' || $1`,
      [campaignId],
      (row) => row?.drained === true,
    );
    expect((await standOf(system, leadId)).status).toBe('PENDING');
    await place.credit(first.buyerId, 5_000);
    await untilSold(leadId);
    expect((await standOf(system, leadId)).buyers).toEqual([first.buyerId]);
  });
});
