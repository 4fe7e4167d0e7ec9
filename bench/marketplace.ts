import { createDatabase, type Database } from '../src/db/client.ts';
import { migrate } from '../src/db/migrate.ts';
import { percentile, startVendors, type Vendors } from './deals.ts';
import { createPoster } from './http.ts';
import { Machine } from './machine.ts';
import { insertCampaign, type MarketCampaign } from './market-place.ts';
import { type Servers, startFloor, startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import { cpuMsPer, type Usage } from './usage.ts';

/**
 * Leads sent by a supplier over 50 connections and sold in turns to 20 buyers, each answered with who bought it: one API process
 * and one worker process. The floor writes the same rows with the same job (floor/market.ts).
 */
const connections = 50;
const buyers = 20;
const goal = 0.5;
const p99GoalMs = 250;

export type Sales = { perSecond: number; times: number[]; late: number; processes: Usage[] };

/** Sends leads that no other equals, to one campaign after the other. */
export function createSender(url: string, campaigns: readonly MarketCampaign[]) {
  const poster = createPoster(connections);
  let sent = 0;
  const send = async (): Promise<{ ms: number; isSold: boolean }> => {
    const { campaignId, categoryId, supplierKey } = campaigns[sent % campaigns.length]!;
    const headers = { 'content-type': 'application/json', 'x-api-key': supplierKey };
    sent += 1;
    const data = { firstName: 'Ann', email: `ann${sent}@clients.example`, roofAge: 12 };
    const began = performance.now();
    const body = JSON.stringify({ campaignId, categoryId, data });
    const answer = await poster.post(`${url}/api/leads/ingest`, body, headers);
    if (answer.status !== 201) throw new Error(`a lead was answered ${answer.status}: ${answer.body}`);
    return { ms: performance.now() - began, isSold: JSON.parse(answer.body).distributed === true };
  };
  return { send, close: () => poster.close() };
}

/** `late`: those whose answer did not tell of a sale. */
async function sendAll(url: string, campaigns: readonly MarketCampaign[], count: number) {
  const sender = createSender(url, campaigns);
  const times: number[] = [];
  let [left, late] = [count, 0];
  const one = async () => {
    while (left > 0) {
      left -= 1;
      const { ms, isSold } = await sender.send();
      times.push(ms);
      if (!isSold) late += 1;
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, one));
  const perSecond = count / ((performance.now() - began) / 1_000);
  sender.close();
  return { perSecond, times: times.sort((a, b) => a - b), late };
}

type Start = (servers: Servers, vendors: Vendors) => Promise<{ url: string }>;

/** Sends leads to the campaigns that `prepare` makes; the first fifth more warms up. */
export async function measureSales(
  backend: Backend,
  size: number,
  { prepare, start = ours }: { prepare: (db: Database) => Promise<MarketCampaign[]>; start?: Start },
): Promise<Sales | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    await migrate(servers.databaseUrl);
    const db = createDatabase({ url: servers.databaseUrl, max: 1, connectTimeoutMs: 600_000 });
    const campaigns = await prepare(db);
    await db.close();
    const { url } = await start(servers, vendors);
    await sendAll(url, campaigns, size / 5);
    const usage = await machine.measure();
    const sent = await sendAll(url, campaigns, size);
    const processes = (await usage.end()).filter(({ role }) => role !== 'vendors');
    return { ...sent, processes };
  } finally {
    await machine.stop();
  }
}

const ours: Start = (servers, vendors) =>
  startProduct(servers, vendors, { workers: 1, buyers: 1, only: ['distributor', 'expirer'] });
const floorOf: Start = (servers, vendors) => startFloor(servers, vendors, 'market', 1);

async function oneCampaign(db: Database): Promise<MarketCampaign[]> {
  const campaign = await insertCampaign(db, { buyers });
  await db.query('ANALYZE');
  return [campaign];
}

export const measureMarketplace: Measure = async ({ backends, quick }) => {
  const size = quick ? 2_000 : 10_000;
  const rows: Row[] = [];
  for (const backend of backends) {
    const product = await measureSales(backend, size, { prepare: oneCampaign });
    const floor = await measureSales(backend, size, { prepare: oneCampaign, start: floorOf });
    if (!product || !floor) continue;
    const ratio = product.perSecond / floor.perSecond;
    const p99 = percentile(product.times, 0.99);
    const shown = ({ times }: Sales) =>
      `p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`;
    rows.push({
      name: 'marketplace',
      work: `${size} leads sent over ${connections} connections, each sold to one of ${buyers} buyers in turns and answered so`,
      backend,
      ours: { value: product.perSecond, unit: 'leads/s' },
      floor: { value: floor.perSecond, unit: 'leads/s' },
      ratio,
      goal: `≥ ${goal * 100} % of floor, p99 < ${p99GoalMs} ms`,
      met: ratio >= goal && p99 < p99GoalMs && product.late === 0,
      processes: product.processes,
      notes: [
        `answered ${shown(product)} (floor ${shown(floor)})`,
        `${product.late} answers did not tell of the sale`,
        `CPU per lead ${cpuMsPer(product.processes, product.perSecond)} (floor ${cpuMsPer(floor.processes, floor.perSecond)})`,
      ],
    });
  }
  return rows;
};
