import { startDeals, startVendors } from './deals.ts';
import { Machine } from './machine.ts';
import { startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';

/**
 * Leads are posted as fast as the API accepts them, which is faster than teasers are sent, until each has its teaser.
 * Buyers do not reply. The teasers per second are compared with those without a backlog.
 */
const inFlight = 50;
const goals = { share: 0.9, memoryMb: 300 };
/** Only our own processes count for the memory goal. */
const isOurs = (role: string) => role === 'api' || role.startsWith('worker');

export const measureBurst: Measure = async ({ backends, quick }) => {
  const rows: Row[] = [];
  for (const backend of backends) {
    const row = await burst(backend, quick ? 2_000 : 20_000);
    if (row) rows.push(row);
  }
  return rows;
};

async function burst(backend: Backend, count: number): Promise<Row | null> {
  const machine = new Machine();
  const steady = Math.ceil(count / 10);
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const target = await startProduct(servers, vendors, { workers: 1, buyers: count + 2 * steady });
    vendors.buyers('silent');
    const deals = startDeals(vendors, target, inFlight);
    await deals.play({ count: steady, inFlight, until: 'teased' });
    const pipeline = await deals.play({ count: steady, inFlight, until: 'teased' });

    const usage = await machine.measure();
    const began = performance.now();
    const posted = await deals.play({ count, inFlight, until: 'posted' });
    const backlog = 2 * steady + count - deals.counts.teased;
    await deals.reached('teased', 2 * steady + count, 600_000);
    const seconds = (performance.now() - began) / 1_000;
    const processes = await usage.end();
    deals.close();
    const perSecond = count / seconds;
    const ratio = perSecond / pipeline.perSecond;
    const memory = Math.max(...processes.filter(({ role }) => isOurs(role)).map(({ peakMb }) => peakMb));
    return {
      name: 'burst',
      work: `${count} leads posted as fast as accepted, until each has its teaser`,
      backend,
      ours: { value: perSecond, unit: 'teasers/s' },
      floor: { value: pipeline.perSecond, unit: 'teasers/s' },
      ratio,
      goal: `≥ ${goals.share * 100} % of itself without a backlog, < ${goals.memoryMb} MB a process`,
      met: ratio >= goals.share && memory < goals.memoryMb,
      processes,
      notes: [
        `accepted in ${posted.seconds.toFixed(1)} s (${posted.perSecond.toFixed(0)}/s), ${backlog} waiting by then`,
        `drained after ${seconds.toFixed(1)} s`,
        `highest memory of one of our processes ${memory} MB`,
      ],
    };
  } finally {
    await machine.stop();
  }
}
