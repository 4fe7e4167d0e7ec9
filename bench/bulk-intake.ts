import { once } from 'node:events';
import { percentile, startVendors } from './deals.ts';
import type { FloorMessage, FloorOptions } from './floor/bulk.ts';
import { createPoster } from './http.ts';
import { Machine } from './machine.ts';
import { prepareDatabase, startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import { cpuMsPer, type Usage } from './usage.ts';

/**
 * Leads accepted per second by `POST /api/leads/bulk` in batches of a thousand, each stored with its event, its outbox row
 * and its encrypted contact, while no worker runs. The floor inserts the same rows directly (floor/bulk.ts).
 */

const size = 1_000;
const connections = 4;
const goalPerSecond = 10_000;
const goal = 0.5;
/** Length of the encrypted contact of one of these leads. */
const sealedLength = 195;

const phoneOf = (lead: number) => `+1${3_052_000_000 + lead}`;
const leadFor = (lead: number, company: number) => ({
  name: 'Sarah Johnson',
  phone: phoneOf(lead),
  notes: 'Client prefers deep tissue massage',
  company_id: company,
});

type Run = { perSecond: number; processes: Usage[]; answered: number[] };

async function product(backend: Backend, batches: number): Promise<Run | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const target = await startProduct(servers, await startVendors(machine), { workers: 0, buyers: 1 });
    const authorization = `Bearer ${target.apiKey}`;
    const listed = await fetch(`${target.url}/api/companies`, { headers: { authorization } });
    const { companies } = (await listed.json()) as { companies: { company_id: number }[] };
    const company = companies[0]!.company_id;
    let next = 0;
    const body = () =>
      JSON.stringify({ leads: Array.from({ length: size }, () => leadFor(next++, company)) });
    const poster = createPoster(connections);
    const headers = { authorization, 'content-type': 'application/json' };
    const post = async (bodies: string[], answered: number[]) => {
      for (let each = bodies.pop(); each; each = bodies.pop()) {
        const sent = performance.now();
        const answer = await poster.post(`${target.url}/api/leads/bulk`, each, headers);
        answered.push(performance.now() - sent);
        if (answer.status !== 200 || JSON.parse(answer.body).summary.created !== size)
          throw new Error(`a batch was answered ${answer.status}: ${answer.body.slice(0, 500)}`);
      }
    };
    const postAll = async (bodies: string[]) => {
      const answered: number[] = [];
      await Promise.all(Array.from({ length: connections }, () => post(bodies, answered)));
      return answered.toSorted((a, b) => a - b);
    };
    const bodies = (count: number) => Array.from({ length: count }, body);
    await postAll(bodies(Math.max(connections, Math.ceil(batches / 5))));
    const measured = bodies(batches);
    const usage = await machine.measure();
    const started = performance.now();
    const answered = await postAll(measured);
    const perSecond = (batches * size) / ((performance.now() - started) / 1000);
    const processes = (await usage.end()).filter(({ role }) => role !== 'vendors');
    poster.close();
    return { perSecond, processes, answered };
  } finally {
    await machine.stop();
  }
}

async function floor(batches: number): Promise<{ perSecond: number; processes: Usage[] }> {
  const machine = new Machine();
  try {
    const databaseUrl = await machine.postgres();
    await prepareDatabase(databaseUrl, 1);
    const options: FloorOptions = { databaseUrl, batches, size, connections, sealedLength };
    const child = machine.node('bench/floor/bulk.ts', [JSON.stringify(options)], {
      ipc: true,
      role: 'floor',
    });
    await once(child, 'message');
    const usage = await machine.measure();
    child.send('go');
    const [result] = (await once(child, 'message')) as [FloorMessage];
    const processes = await usage.end();
    return { perSecond: 'perSecond' in result ? result.perSecond : Number.NaN, processes };
  } finally {
    await machine.stop();
  }
}

export const measureBulkIntake: Measure = async ({ backends, quick }) => {
  const batches = quick ? 20 : 150;
  const rows: Row[] = [];
  for (const backend of backends) {
    const ours = await product(backend, batches);
    if (!ours) continue;
    const floorRun = await floor(batches);
    const ratio = ours.perSecond / floorRun.perSecond;
    const [p50, p99] = [percentile(ours.answered, 0.5), percentile(ours.answered, 0.99)];
    rows.push({
      name: 'bulk',
      work: `${batches * size} leads through POST /api/leads/bulk, ${size} in a request, ${connections} connections`,
      backend,
      ours: { value: ours.perSecond, unit: 'leads/s' },
      floor: { value: floorRun.perSecond, unit: 'leads/s' },
      ratio,
      goal: `≥ ${goalPerSecond} leads/s and ≥ 50 % of floor`,
      met: ours.perSecond >= goalPerSecond && ratio >= goal,
      processes: ours.processes,
      notes: [
        `answer p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
        `CPU per lead ${cpuMsPer(ours.processes, ours.perSecond)} (floor ${cpuMsPer(floorRun.processes, floorRun.perSecond)})`,
      ],
    });
  }
  return rows;
};
