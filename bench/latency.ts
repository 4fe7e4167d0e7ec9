import { type Played, percentile, startDeals, startVendors, type Target, type Vendors } from './deals.ts';
import { Machine } from './machine.ts';
import { floorTarget, ours } from './pipeline.ts';
import { type Servers, startFloor, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/**
 * Time from sending `POST /api/leads` to the vendor accepting the teaser. Idle: ten leads a second without replies; the floor
 * makes the same hops and one SDK call (floor/latency.ts). Half load: leads posted at half the measured capacity for whole
 * deals, each played to its reveal; the floor is floor/pipeline.ts at the same rate. Every lead is a sample. The vendor's
 * ledger, on the same clock, has the time of acceptance.
 */

const idlePerSecond = 10;
const goal = 2;

type Sample = { p50: number; p95: number; count: number; processes: Usage[] };
type Start = (servers: Servers, vendors: Vendors, buyers: number) => Promise<Target>;
type Load = { name: string; perSecond: number; seconds: number; buyers: 'silent' | 'buying' };

async function sample(backend: Backend, start: Start, load: Load): Promise<Sample | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const target = await start(servers, vendors, 5_000);
    const deals = startDeals(vendors, target);
    vendors.buyers(load.buyers);
    const count = Math.ceil(load.perSecond * load.seconds);
    const options = {
      inFlight: 1,
      perSecond: load.perSecond,
      until: load.buyers === 'buying' ? 'revealed' : 'teased',
    } as const;
    await deals.play({ ...options, count: Math.ceil(count / 4) });
    const usage = await machine.measure();
    const { toTeaser }: Played = await deals.play({ ...options, count });
    const processes = await usage.end();
    deals.close();
    return { p50: percentile(toTeaser, 0.5), p95: percentile(toTeaser, 0.95), count, processes };
  } finally {
    await machine.stop();
  }
}

/** The product's capacity on this machine, in deals per second. */
async function capacity(backend: Backend, count: number): Promise<number | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const deals = startDeals(vendors, await ours(servers, vendors, 2_000));
    await deals.play({ count, inFlight: 50 });
    const { perSecond } = await deals.play({ count, inFlight: 50 });
    deals.close();
    return perSecond;
  } finally {
    await machine.stop();
  }
}

const floorHops: Start = (servers, vendors, buyers) => startFloor(servers, vendors, 'latency', buyers);

export const measureLatency: Measure = async ({ backends, quick }) => {
  const rows: Row[] = [];
  for (const backend of backends) {
    const full = await capacity(backend, quick ? 150 : 500);
    if (full === null) continue;
    const idle: Load = { name: 'idle', perSecond: idlePerSecond, seconds: quick ? 5 : 20, buyers: 'silent' };
    const half: Load = { name: 'half load', perSecond: full / 2, seconds: quick ? 5 : 20, buyers: 'buying' };
    for (const { load, floorOf } of [
      { load: idle, floorOf: floorHops },
      { load: half, floorOf: floorTarget },
    ]) {
      const product = await sample(backend, ours, load);
      const floor = await sample(backend, floorOf, load);
      if (product && floor) rows.push(rowOf(backend, load, product, floor));
    }
  }
  return rows;
};

function rowOf(backend: Backend, load: Load, product: Sample, floor: Sample): Row {
  const ratio = product.p50 / floor.p50;
  return {
    name: `latency, ${load.name}`,
    work: `post to teaser, ${load.perSecond.toFixed(0)} leads/s, ${load.buyers === 'buying' ? 'whole deals' : 'no replies'}, ${product.count} samples`,
    backend,
    ours: { value: product.p50, unit: 'ms' },
    floor: { value: floor.p50, unit: 'ms' },
    ratio,
    goal: `≤ ${goal}× floor p50`,
    met: ratio <= goal,
    processes: product.processes,
    notes: [`p95 ${product.p95.toFixed(1)} ms, floor ${floor.p95.toFixed(1)} ms`],
  };
}
