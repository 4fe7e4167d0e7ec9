import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compile } from '../scripts/compile.ts';
import { describeMachine, profileInto, runCompiled } from './machine.ts';
import type { Backend, Figure, Measure, Row } from './row.ts';

/**
 * `npm run bench -- [row …] [--json file] [--backend redis|postgres] [--quick] [--profile folder]`: measures the named rows
 * or all, and prints each line of the table when it is known. Exits with 1 when a goal is missed. `--profile` writes a CPU
 * profile of each of our processes.
 */
const rows: Record<string, () => Promise<Measure>> = {
  ingest: async () => (await import('./ingest.ts')).measureIngest,
  pipeline: async () => (await import('./pipeline.ts')).measurePipeline,
  cost: async () => (await import('./cost.ts')).measureCost,
  latency: async () => (await import('./latency.ts')).measureLatency,
  backlog: async () => (await import('./backlog.ts')).measureBacklog,
  burst: async () => (await import('./burst.ts')).measureBurst,
  refill: async () => (await import('./refill.ts')).measureRefill,
  waiting: async () => (await import('./waiting.ts')).measureWaiting,
  fairness: async () => (await import('./fairness.ts')).measureFairness,
  registration: async () => (await import('./registration.ts')).measureRegistration,
  'bulk-intake': async () => (await import('./bulk-intake.ts')).measureBulkIntake,
  'bulk-csv': async () => (await import('./bulk-csv.ts')).measureBulkCsv,
  'bulk-sync': async () => (await import('./bulk-sync.ts')).measureBulkSync,
  'bulk-limiter': async () => (await import('./bulk-sync.ts')).measureBulkLimiter,
  scale: async () => (await import('./scale.ts')).measureScale,
  catalog: async () => (await import('./catalog.ts')).measureCatalog,
  marketplace: async () => (await import('./marketplace.ts')).measureMarketplace,
  'hot-campaign': async () => (await import('./hot-campaign.ts')).measureHotCampaign,
  broadcast: async () => (await import('./hot-campaign.ts')).measureBroadcast,
  'many-campaigns': async () => (await import('./many-campaigns.ts')).measureManyCampaigns,
  'waiting-leads': async () => (await import('./waiting-leads.ts')).measureWaitingLeads,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    backend: { type: 'string', multiple: true, default: ['redis', 'postgres'] },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const say = (line = '') => process.stdout.write(`${line}\n`);

const shown = ({ value, unit }: Figure) => `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
const shownRatio = (ratio: number, { unit }: Figure) =>
  unit === 'ms' ? `${ratio.toFixed(1)}×` : `${(ratio * 100).toFixed(0)} %`;

function lineOf(row: Row): string {
  const processes = row.processes.map((each) => `${each.role} ${each.cores.toFixed(2)} / ${each.peakMb} MB`);
  const cells = [
    row.name,
    row.work,
    row.backend ?? '–',
    shown(row.ours),
    row.floor ? shown(row.floor) : '–',
    row.ratio === null ? '–' : shownRatio(row.ratio, row.ours),
    `${row.goal}${row.met ? '' : ' **missed**'}`,
    processes.join('<br>'),
    row.notes.join('; '),
  ];
  return `| ${cells.join(' | ')} |`;
}

async function main(): Promise<number> {
  const all = Object.keys(rows);
  // `bulk` stands for all rows about companies' uploads.
  const named = positionals.flatMap((name) =>
    name === 'bulk' ? all.filter((each) => each.startsWith('bulk-')) : name,
  );
  const names = named.length > 0 ? named : all;
  const unknown = [
    ...names.filter((name) => !(name in rows)),
    ...values.backend.filter((backend) => !['redis', 'postgres'].includes(backend)),
  ];
  if (unknown.length > 0) {
    process.stderr.write(
      `unknown: ${unknown.join(', ')}\nusage: npm run bench -- [${[...all, 'bulk'].join('|')} …] [--json file] [--backend redis|postgres] [--quick] [--profile folder]\n`,
    );
    return 2;
  }
  if (values.profile) profileInto(values.profile);
  say(describeMachine());
  say();
  say('| row | work | queue | ours | floor | ours / floor | goal | cores and peak memory, ours | notes |');
  say('|---|---|---|---|---|---|---|---|---|');
  const measured: Row[] = [];
  for (const name of names) {
    const measure = await rows[name]!();
    // One backend at a time, so that each line is printed as soon as it is known.
    for (const backend of values.backend as Backend[]) {
      const found = await measure({ backends: [backend], quick: values.quick, say });
      for (const row of found) say(lineOf(row));
      if (found.length === 0) say(`| ${name} | not measured: no Redis found | ${backend} | | | | | | |`);
      measured.push(...found);
    }
  }
  if (values.json) {
    const report = {
      at: new Date().toISOString(),
      machine: describeMachine(),
      quick: values.quick,
      rows: measured,
    };
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return measured.every((row) => row.met) ? 0 : 1;
}

const folder = await mkdtemp(join(tmpdir(), 'leadgate-bench-program-'));
try {
  await compile('bench/tsconfig.json', folder);
  runCompiled(folder);
  process.exitCode = await main();
} finally {
  await rm(folder, { recursive: true, force: true });
}
