import { percentile, startDeals, startVendors, type Target, type Vendors } from './deals.ts';
import { Machine } from './machine.ts';
import { prepareDatabase, type Servers, startFloor, startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import { cpuMsPer, type Usage } from './usage.ts';

/**
 * Leads accepted per second by one API process over 50 connections, each lead for one of 1,000 known providers, while no
 * worker runs. The floor inserts the same rows in one statement and adds the same job (floor/ingest.ts). The load comes
 * from this process.
 */

const connections = 50;
const providers = 1_000;
const goal = 0.5;
const p99GoalMs = 100;

type Run = { perSecond: number; p50: number; p99: number; processes: Usage[]; loadCores: number };

async function run(
  backend: Backend,
  size: number,
  start: (servers: Servers, vendors: Vendors) => Promise<Target>,
): Promise<Run | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const target = await start(servers, vendors);
    const deals = startDeals(vendors, target, connections);
    // The warm-up also stores the phone of every provider.
    await deals.play({ count: Math.max(providers, size / 4), inFlight: connections, until: 'posted' });
    const usage = await machine.measure();
    const before = process.cpuUsage();
    const { perSecond, answered, seconds } = await deals.play({
      count: size,
      inFlight: connections,
      until: 'posted',
    });
    const { user, system } = process.cpuUsage(before);
    const processes = (await usage.end()).filter(({ role }) => role !== 'vendors');
    deals.close();
    const loadCores = (user + system) / 1e6 / seconds;
    return {
      perSecond,
      p50: percentile(answered, 0.5),
      p99: percentile(answered, 0.99),
      processes,
      loadCores,
    };
  } finally {
    await machine.stop();
  }
}

const ours = (servers: Servers, vendors: Vendors) =>
  startProduct(servers, vendors, { workers: 0, buyers: providers, unbounded: true });

async function floorTarget(servers: Servers, vendors: Vendors): Promise<Target> {
  await prepareDatabase(servers.databaseUrl, providers);
  return startFloor(servers, vendors, 'ingest', providers);
}

export const measureIngest: Measure = async ({ backends, quick }) => {
  const size = quick ? 2_000 : 10_000;
  const rows: Row[] = [];
  for (const backend of backends) {
    const product = await run(backend, size, ours);
    const floor = await run(backend, size, floorTarget);
    if (!product || !floor) continue;
    const ratio = product.perSecond / floor.perSecond;
    const judged = backend === 'redis';
    rows.push({
      name: 'ingest',
      work: `${size} leads posted over ${connections} connections, one provider each`,
      backend,
      ours: { value: product.perSecond, unit: 'leads/s' },
      floor: { value: floor.perSecond, unit: 'leads/s' },
      ratio,
      goal: `${judged ? '≥ 50 % of floor, ' : ''}p99 < ${p99GoalMs} ms`,
      met: (!judged || ratio >= goal) && product.p99 < p99GoalMs,
      processes: product.processes,
      notes: [
        `response p50 ${product.p50.toFixed(1)} ms, p99 ${product.p99.toFixed(1)} ms (floor ${floor.p50.toFixed(1)}, ${floor.p99.toFixed(1)})`,
        `CPU per lead ${cpuMsPer(product.processes, product.perSecond)} (floor ${cpuMsPer(floor.processes, floor.perSecond)})`,
        `load generator ${product.loadCores.toFixed(2)} cores (floor ${floor.loadCores.toFixed(2)})`,
      ],
    });
  }
  return rows;
};
