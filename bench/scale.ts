import { startDeals, startVendors } from './deals.ts';
import { Machine } from './machine.ts';
import { startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/**
 * The pipeline's rate with 1, 2 and 4 worker processes, one API, one Postgres and one queue. All share the cores of this
 * machine with the database and the simulated vendors, which limits the rates.
 */
const workerCounts = [1, 2, 4];
const inFlight = 100;

export const measureScale: Measure = async ({ backends, quick }) => {
  const size = quick ? 200 : 1_000;
  const rows: Row[] = [];
  for (const backend of backends) {
    let first: number | null = null;
    for (const workers of workerCounts) {
      const measured = await rateWith(backend, workers, size);
      if (!measured) break;
      const { perSecond, processes } = measured;
      first ??= perSecond;
      const busy = processes.reduce((sum, each) => sum + each.cores, 0);
      rows.push({
        name: 'scale',
        work: `${size} deals, ${inFlight} in flight, ${workers} worker process${workers > 1 ? 'es' : ''}`,
        backend,
        ours: { value: perSecond, unit: 'deals/s' },
        floor: { value: first, unit: 'deals/s' },
        ratio: perSecond / first,
        goal: 'itself with one process',
        met: true,
        processes,
        notes: [`${busy.toFixed(2)} cores busy in all`],
      });
    }
  }
  return rows;
};

async function rateWith(
  backend: Backend,
  workers: number,
  size: number,
): Promise<{ perSecond: number; processes: Usage[] } | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const target = await startProduct(servers, vendors, { workers, buyers: size * 2 });
    const deals = startDeals(vendors, target);
    await deals.play({ count: Math.ceil(size / 2), inFlight });
    const usage = await machine.measure();
    const { perSecond } = await deals.play({ count: size, inFlight });
    const processes = await usage.end();
    deals.close();
    return { perSecond, processes };
  } finally {
    await machine.stop();
  }
}
