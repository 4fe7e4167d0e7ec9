import { startDeals, startVendors } from './deals.ts';
import { insertHistory } from './history.ts';
import { Machine } from './machine.ts';
import { startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/** Compares the pipeline's rate with a million stored unlocks and events to its rate with ten thousand. */
const inFlight = 100;
const goal = 0.9;

export const measureBacklog: Measure = async ({ backends, quick }) => {
  const [few, many] = quick ? [1_000, 100_000] : [10_000, 1_000_000];
  const size = quick ? 300 : 1_500;
  const rows: Row[] = [];
  for (const backend of backends) {
    const small = await rateWith(backend, few, size);
    const large = await rateWith(backend, many, size);
    if (!small || !large) continue;
    const ratio = large.perSecond / small.perSecond;
    rows.push({
      name: 'backlog',
      work: `${size} deals with ${many} unlocks and events stored`,
      backend,
      ours: { value: large.perSecond, unit: 'deals/s' },
      floor: { value: small.perSecond, unit: 'deals/s' },
      ratio,
      goal: `≥ ${goal * 100} % of itself at ${few}`,
      met: ratio >= goal,
      processes: large.processes,
      notes: [
        `history stored in ${large.storedIn.toFixed(0)} s, database ${large.databaseMb} MB`,
        `Postgres ${coresOf('postgres', small.processes)} cores with few, ${coresOf('postgres', large.processes)} with many`,
      ],
    });
  }
  return rows;
};

const coresOf = (role: string, processes: Usage[]) =>
  (processes.find((each) => each.role === role)?.cores ?? 0).toFixed(2);

type Rate = { perSecond: number; processes: Usage[]; storedIn: number; databaseMb: number };

async function rateWith(backend: Backend, stored: number, size: number): Promise<Rate | null> {
  const machine = new Machine();
  const buyers = size * 2;
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const began = performance.now();
    const databaseMb = await insertHistory(servers.databaseUrl, stored, buyers);
    const storedIn = (performance.now() - began) / 1_000;
    const vendors = await startVendors(machine);
    const target = await startProduct(servers, vendors, { workers: 1, buyers });
    const deals = startDeals(vendors, target);
    await deals.play({ count: Math.ceil(size / 3), inFlight });
    const usage = await machine.measure();
    const { perSecond } = await deals.play({ count: size, inFlight });
    const processes = await usage.end();
    deals.close();
    return { perSecond, processes, storedIn, databaseMb };
  } finally {
    await machine.stop();
  }
}
