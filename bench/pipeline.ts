import type { Deals, Target, Vendors } from './deals.ts';
import { percentile, startDeals, startVendors } from './deals.ts';
import { Machine } from './machine.ts';
import { type Servers, startFloor, startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import { cpuMsPer, type Usage } from './usage.ts';

/**
 * Deals per second, from lead to reveal, with one API and one worker process. The floor makes the same number of commits,
 * jobs and SDK calls (floor/pipeline.ts), with the same vendors and buyers.
 */

const inFlight = 100;
/** Deals after which every connection has cached its plans and the hot code is compiled. */
const warmUp = 300;
const goal = 0.5;

export type PipelineRun = { perSecond: number; toTeaser: number; toReveal: number; processes: Usage[] };

/** Measures `size` deals after a warm-up of a third of them, at least `warmUp`. */
export async function runPipeline(
  backend: Backend,
  size: number,
  start: (servers: Servers, vendors: Vendors, buyers: number) => Promise<Target>,
): Promise<PipelineRun | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const target = await start(servers, vendors, size * 2);
    const deals = startDeals(vendors, target);
    await deals.play({ count: Math.max(warmUp, Math.ceil(size / 3)), inFlight });
    return await played(machine, deals, size);
  } finally {
    await machine.stop();
  }
}

async function played(machine: Machine, deals: Deals, count: number): Promise<PipelineRun> {
  const usage = await machine.measure();
  const { perSecond, toTeaser, toReveal } = await deals.play({ count, inFlight });
  const processes = await usage.end();
  deals.close();
  return { perSecond, toTeaser: percentile(toTeaser, 0.5), toReveal: percentile(toReveal, 0.5), processes };
}

export const ours = (servers: Servers, vendors: Vendors, buyers: number) =>
  startProduct(servers, vendors, { workers: 1, buyers });
export const floorTarget = (servers: Servers, vendors: Vendors, buyers: number) =>
  startFloor(servers, vendors, 'pipeline', buyers);

const vendorsOf = (usages: Usage[]) => usages.filter(({ role }) => role === 'vendors');

export const measurePipeline: Measure = async ({ backends, quick }) => {
  const size = quick ? 300 : 1_500;
  const rows: Row[] = [];
  for (const backend of backends) {
    const product = await runPipeline(backend, size, ours);
    const floor = await runPipeline(backend, size, floorTarget);
    if (!product || !floor) continue;
    const ratio = product.perSecond / floor.perSecond;
    rows.push({
      name: 'pipeline',
      work: `${size} deals, ${inFlight} in flight: lead, teaser, Y, link, paid, reveal`,
      backend,
      ours: { value: product.perSecond, unit: 'deals/s' },
      floor: { value: floor.perSecond, unit: 'deals/s' },
      ratio,
      goal: backend === 'redis' ? '≥ 50 % of floor' : '– (Redis)',
      met: backend !== 'redis' || ratio >= goal,
      processes: product.processes,
      notes: [
        `lead to reveal p50 ${product.toReveal.toFixed(0)} ms, floor ${floor.toReveal.toFixed(0)} ms`,
        `CPU per deal ${cpuMsPer(product.processes, product.perSecond)} (floor ${cpuMsPer(floor.processes, floor.perSecond)}), of which vendors ${cpuMsPer(vendorsOf(product.processes), product.perSecond)} (floor ${cpuMsPer(vendorsOf(floor.processes), floor.perSecond)})`,
      ],
    });
  }
  return rows;
};
