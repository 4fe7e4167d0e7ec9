import type { DistributionLogic } from '../src/domain/marketplace/campaign.ts';
import { insertCampaign, insertLeads, type MarketCampaign, soldOf } from './market-place.ts';
import { onQueueMachine, type QueueMachine, startCounted, until } from './queue-machine.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/**
 * One campaign whose leads come faster than they are sold, by `processes` distributors at once. `hot-campaign`: the rate with
 * 1,000 subscriptions against that with 20, and whether each buyer's share is exact within one lead. `broadcast`: every lead
 * is sold to all of 100 buyers.
 */
const goals = { hot: 0.6, salesPerSecond: 1_000 };
const distributors = { quick: 4, full: 16 };

type Order = { buyers: number; leads: number; logic: DistributionLogic; processes: number };
type Sold = {
  leadsPerSecond: number;
  salesPerSecond: number;
  /** Sales of the buyer with the most, and with the least. */
  most: number;
  least: number;
  processes: Usage[];
};

/** Sells a backlog; the first tenth warms up. */
async function sell(parts: QueueMachine, { buyers, leads, logic, processes }: Order): Promise<Sold> {
  const { db, machine } = parts;
  const campaign = await insertCampaign(db, { buyers, logic });
  await db.query('ANALYZE');
  const running = await startCounted(parts, processes, { workers: ['distributor'], limiter: null });
  await insertLeads(db, campaign, { count: leads, waitsFor: null });
  await until(async () => (await soldOf(db, campaign)).leads >= leads / 10);
  const usage = await machine.measure();
  const [began, before] = [performance.now(), await soldOf(db, campaign)];
  await until(async () => (await soldOf(db, campaign)).leads === leads);
  const seconds = (performance.now() - began) / 1_000;
  const after = await soldOf(db, campaign);
  const used = await usage.end();
  await running.stop();
  return {
    leadsPerSecond: (after.leads - before.leads) / seconds,
    salesPerSecond: (after.sales - before.sales) / seconds,
    ...(await sharesOf(parts, campaign)),
    processes: used,
  };
}

async function sharesOf({ db }: QueueMachine, { campaignId }: MarketCampaign) {
  const [row] = await db.query<{ most: number; least: number }>(
    `SELECT max(n)::int AS most, min(n)::int AS least FROM (
       SELECT count(u.id) AS n FROM subscriptions s LEFT JOIN lead_unlocks u ON u.subscription_id = s.id
       WHERE s.campaign_id = $1 GROUP BY s.id) shares`,
    [campaignId],
  );
  return row!;
}

const sellOn = (backend: Backend, order: Order) => onQueueMachine(backend, (parts) => sell(parts, order));

export const measureHotCampaign: Measure = async ({ backends, quick }) => {
  const rows: Row[] = [];
  const processes = quick ? distributors.quick : distributors.full;
  const order = { leads: quick ? 3_000 : 20_000, logic: 'ROUND_ROBIN', processes } as const;
  for (const backend of backends) {
    const many = await sellOn(backend, { ...order, buyers: 1_000 });
    const few = await sellOn(backend, { ...order, buyers: 20 });
    if (!many || !few) continue;
    const ratio = many.leadsPerSecond / few.leadsPerSecond;
    const isFair = [many, few].every(({ most, least }) => most - least <= 1);
    rows.push({
      name: 'hot-campaign',
      work: `${order.leads} leads of one campaign with 1,000 subscriptions, ${processes} distributors; floor: with 20 subscriptions`,
      backend,
      ours: { value: many.leadsPerSecond, unit: 'leads/s' },
      floor: { value: few.leadsPerSecond, unit: 'leads/s' },
      ratio,
      goal: `≥ ${goals.hot * 100} %, shares exact within 1`,
      met: ratio >= goals.hot && isFair,
      processes: many.processes,
      notes: [`a buyer has ${many.least} to ${many.most} leads; of 20, ${few.least} to ${few.most}`],
    });
  }
  return rows;
};

export const measureBroadcast: Measure = async ({ backends, quick }) => {
  const rows: Row[] = [];
  const order = { buyers: 100, leads: quick ? 100 : 1_000, logic: 'BROADCAST', processes: 1 } as const;
  for (const backend of backends) {
    const sold = await sellOn(backend, order);
    if (!sold) continue;
    rows.push({
      name: 'broadcast',
      work: `${order.leads} leads, each sold to ${order.buyers} buyers, one worker process`,
      backend,
      ours: { value: sold.salesPerSecond, unit: 'assignments/s' },
      floor: null,
      ratio: null,
      goal: `≥ ${goals.salesPerSecond.toLocaleString('en')} assignments/s`,
      met: sold.salesPerSecond >= goals.salesPerSecond && sold.least === order.leads,
      processes: sold.processes,
      notes: [`${sold.leadsPerSecond.toFixed(1)} leads/s; each buyer has ${sold.least} to ${sold.most}`],
    });
  }
  return rows;
};
