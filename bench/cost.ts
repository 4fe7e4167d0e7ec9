import { startDeals, startVendors, type Target, type Vendors } from './deals.ts';
import { Machine } from './machine.ts';
import { floorTarget, ours } from './pipeline.ts';
import { type Servers, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import { type Counted, countStatements, startCount, type TableCounts, until } from './statistics.ts';
import { cpuMsPer, type Usage } from './usage.ts';

/**
 * What a deal costs the database: statements, commits, bytes of log, rows, index entries, and CPU of each process. The counts
 * include the work of an idle product during the measurement, and with the queue on PostgreSQL that of the queue.
 */
const inFlight = 20;
const goals = { statements: 30, commits: 22, logKb: 18 };
/** A server process adds its counts to the shared ones at the latest when it was idle for ten seconds. */
const countsArriveMs = 11_000;
const dearest = 10;

const handled = `NOT EXISTS (SELECT 1 FROM outbox WHERE queued AND parked_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM messages WHERE status IN ('posting', 'queued', 'sent'))`;

type Cost = { deals: number; counted: Counted; processes: Usage[]; perSecond: number };

async function run(
  backend: Backend,
  size: number,
  start: (servers: Servers, vendors: Vendors, buyers: number) => Promise<Target>,
  atRest: string,
): Promise<Cost | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend, countStatements);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const deals = startDeals(vendors, await start(servers, vendors, size * 2));
    const settle = async () => {
      await until(servers.databaseUrl, atRest);
      await new Promise((resolve) => setTimeout(resolve, countsArriveMs));
    };
    // The warm-up prepares the statements of every connection.
    await deals.play({ count: size, inFlight });
    await settle();
    const end = await startCount(servers.databaseUrl);
    const usage = await machine.measure();
    const { perSecond } = await deals.play({ count: size, inFlight });
    const processes = await usage.end();
    await settle();
    const counted = await end();
    deals.close();
    return { deals: size, counted, processes, perSecond };
  } finally {
    await machine.stop();
  }
}

const entriesOf = ({ inserted, updated, hot, indexes }: TableCounts) => (inserted + updated - hot) * indexes;
const sum = (tables: readonly TableCounts[], figure: (counts: TableCounts) => number) =>
  tables.reduce((total, counts) => total + figure(counts), 0);

const digits = (value: number) => value.toFixed(value < 10 ? 1 : 0);

function tablesOf({ counted, deals }: Cost): string[] {
  const per = (value: number) => (value / deals).toFixed(1);
  return [
    '  table: inserted, updated (HOT), deleted a deal; indexes',
    ...counted.tables
      .filter((counts) => counts.inserted + counts.updated + counts.deleted >= deals / 20)
      .map(
        ({ table, inserted, updated, hot, deleted, indexes }) =>
          `    ${table}: ${per(inserted)}, ${per(updated)} (${per(hot)}), ${per(deleted)}; ${indexes}`,
      ),
  ];
}

function statementsOf({ counted, deals }: Cost): string[] {
  return [
    '  dearest statements: calls a deal; ms planned and executed, and bytes of log a deal',
    ...counted.costs.slice(0, dearest).map(({ text, calls, planMs, executeMs, logBytes }) => {
      const [per, plan, execute] = [calls, planMs, executeMs].map((value) => (value / deals).toFixed(2));
      return `    ${per}; ${plan} + ${execute}, ${(logBytes / deals).toFixed(0)}: ${text.replaceAll(/\s+/g, ' ').slice(0, 160)}`;
    }),
  ];
}

export const measureCost: Measure = async ({ backends, quick, say }) => {
  const size = quick ? 60 : 300;
  const rows: Row[] = [];
  for (const backend of backends) {
    const product = await run(backend, size, ours, handled);
    const floor = await run(backend, size, floorTarget, 'true');
    if (!product || !floor) continue;
    const { counted } = product;
    const [statements, commits] = [counted.statements / size, counted.commits / size];
    const [logKb, floorKb] = [product, floor].map((cost) => cost.counted.logBytes / size / 1_024) as [
      number,
      number,
    ];
    const { tables } = counted;
    const [updated, hot] = [sum(tables, (each) => each.updated), sum(tables, (each) => each.hot)];
    const [planMs, executeMs] = [
      counted.costs.reduce((total, each) => total + each.planMs, 0) / size,
      counted.costs.reduce((total, each) => total + each.executeMs, 0) / size,
    ];
    rows.push({
      name: 'cost',
      work: `${size} deals, ${inFlight} in flight: what each costs`,
      backend,
      ours: { value: statements, unit: 'statements' },
      floor: { value: floor.counted.statements / size, unit: 'statements' },
      ratio: statements / (floor.counted.statements / size),
      goal:
        backend === 'redis'
          ? `≤ ${goals.statements} statements, ${goals.commits} commits, ${goals.logKb} KB of log`
          : `≤ ${goals.logKb} KB of log`,
      met:
        logKb <= goals.logKb &&
        (backend !== 'redis' || (statements <= goals.statements && commits <= goals.commits)),
      processes: product.processes,
      notes: [
        `commits ${digits(commits)} (floor ${digits(floor.counted.commits / size)})`,
        `log ${digits(logKb)} KB, ${digits(counted.fullPageImages / size)} full pages in it (floor ${digits(floorKb)} KB)`,
        `rows written ${digits(sum(tables, (each) => each.inserted + each.updated + each.deleted) / size)}, index entries at most ${digits(sum(tables, entriesOf) / size)}`,
        `updates ${digits(updated / size)}, HOT ${((hot / updated) * 100).toFixed(0)} %`,
        `planned ${planMs.toFixed(1)} ms, executed ${executeMs.toFixed(1)} ms`,
        `CPU ${product.processes.map((each) => `${each.role} ${cpuMsPer([each], product.perSecond)}`).join(', ')}`,
      ],
    });
    for (const line of [...tablesOf(product), ...statementsOf(product)]) say(line);
  }
  return rows;
};
