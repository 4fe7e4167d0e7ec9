import type { Lag, Sample } from './samples.ts';

/** What bounds the growth of each table. A table missing here fails the run, so that new tables get a bound. */
const bounds: Record<string, string> = {
  leads: 'record of the business',
  lead_unlocks: 'record of the business',
  sold_slots: 'record of the business, one per sale',
  checkout_sessions: 'record of the business, one per accepted offer',
  payments: 'journals',
  refunds: 'journals',
  disputes: 'journals',
  event_cursors: 'one per vendor',
  journals: 'journals',
  journal_entries: 'journals',
  effects: 'one per vendor call, kept with its unlock',
  phones: 'one per buyer, opt-outs included',
  buyers: 'the number of buyers',
  organizations: 'the number of organizations',
  api_keys: 'the number of keys',
  users: 'the number of operators',
  accounts: 'the number of operators',
  alerts: 'one per cause',
  events: 'partitions, 25 months',
  messages: 'partitions, 13 months',
  inbox: '180 days',
  attempts: '90 days',
  idempotency_keys: '7 days',
  sms_counters: '7 days',
  sessions: '30 days after they ended',
  verifications: '30 days after they ended',
  quota_counters: 'cleared as windows end',
  outbox: 'open work',
  sweeper_lease: 'one row',
  schema_migrations: 'one per migration',
  'bullmq.job': '300 completed and 2,000 failed per queue, and open work',
  'bullmq.event': '10,000 per queue',
  'bullmq.job_log': 'not used',
  'bullmq.job_dependency': 'not used',
  'bullmq.dedup': 'not used',
  'bullmq.dedup_next': 'not used',
  'bullmq.scheduler': 'not used',
  'bullmq.meta': 'one per setting and queue',
  'bullmq.metrics': 'two per queue',
  'bullmq.rate_limit': 'one per queue',
  'bullmq.relay_node': 'not used',
  'bullmq.relay_subscription': 'not used',
  'bullmq.relay_inbox': 'not used',
  'bullmq.relay_retained': 'not used',
  'bullmq.migration': 'one per migration',
};

/** Tables that must not grow during the run, because they hold open work or a fixed number of rows. */
const flat = ['bullmq.job', 'bullmq.event'];

export const goals = { lagP99Ms: 2_000, slopeMbPerHour: 30, peakMb: 300, flatBytesPerLead: 200 };
/** In a shorter run garbage collection and filling tables hide the trend, so growth is reported and not judged. */
const shortestMinutes = 15;

export type Growth = { name: string; bytes: number; rows: number; perLead: number; boundedBy: string };
export type ProcessMemory = {
  role: string;
  startMb: number;
  endMb: number;
  peakMb: number;
  slopeMbPerHour: number;
  liveHeapMb: number;
  heapSlopeMbPerHour: number;
};
export type Check = { what: string; value: string; goal: string; ok: boolean };
export type Report = {
  at: string;
  machine: string;
  backend: string;
  minutes: number;
  rate: number;
  seed: number;
  leads: number;
  paid: number;
  checks: Check[];
  memory: ProcessMemory[];
  lag: Lag & { byWorker: Record<string, Lag> };
  growth: Growth[];
  redisMb: { first: number; last: number } | null;
  /** Share of the time in which some process waited for a CPU, %. Null where the system does not report it. */
  cpuPressure: { mean: number; max: number } | null;
};

const mb = (bytes: number) => bytes / 2 ** 20;
const round = (value: number, digits = 1) => Number(value.toFixed(digits));

/** Slope of a straight line through the points, by least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const n = points.length;
  const mean = (pick: 0 | 1) => points.reduce((sum, point) => sum + point[pick], 0) / n;
  const [mx, my] = [mean(0), mean(1)];
  const numerator = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  const denominator = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  return denominator === 0 ? 0 : numerator / denominator;
}

/** The first half is warm-up: caches, pools and the heap reach their size. */
const secondHalf = (samples: readonly Sample[]) => samples.slice(Math.floor(samples.length / 2));

export function memoryOf(samples: readonly Sample[], role: string): ProcessMemory {
  const all = samples.flatMap(({ at, memory }) => (memory[role] ? [{ at, ...memory[role] }] : []));
  const late = secondHalf(samples).flatMap(({ at, memory }) =>
    memory[role] ? [{ at, ...memory[role] }] : [],
  );
  const perHour = (pick: 'rss' | 'live') =>
    round(slope(late.map((each) => [each.at / 3_600, mb(each[pick])] as const)));
  return {
    role,
    startMb: round(mb(all[0]?.rss ?? 0), 0),
    endMb: round(mb(all.at(-1)?.rss ?? 0), 0),
    peakMb: round(mb(Math.max(0, ...all.map(({ rss }) => rss))), 0),
    slopeMbPerHour: perHour('rss'),
    liveHeapMb: round(mb(all.at(-1)?.live ?? 0)),
    heapSlopeMbPerHour: perHour('live'),
  };
}

/** Growth of each table over the second half of the run. */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const late = secondHalf(samples);
  const [first, last] = [late[0], late.at(-1)];
  if (!first || !last) return [];
  const leads = Math.max(1, last.posted - first.posted);
  return Object.entries(last.tables).map(([name, { bytes, rows }]) => ({
    name,
    bytes,
    rows,
    perLead: round((bytes - (first.tables[name]?.bytes ?? 0)) / leads, 0),
    boundedBy: bounds[name] ?? '',
  }));
}

export type Ending = {
  minutes: number;
  wrongOldRows: string[];
  parked: number;
  overdue: number;
  /** Unlocks in another end state than their buyer's behaviour leads to. */
  wrongEnds: string[];
  refused: number;
  /** Leads answered with 503 and sent again. */
  repeated: number;
};

export function judge(samples: readonly Sample[], report: Omit<Report, 'checks'>, ending: Ending): Check[] {
  const oldest = samples.map(({ oldestDue }) => oldestDue * 1_000).sort((a, b) => a - b);
  const oldestP99 = oldest[Math.max(0, Math.ceil(oldest.length * 0.99) - 1)] ?? 0;
  const unnamed = report.growth.filter(({ boundedBy }) => boundedBy === '').map(({ name }) => name);
  const checks: Check[] = [
    {
      what: 'outbox: event to finished run, p99',
      value: `${report.lag.p99.toFixed(0)} ms`,
      goal: `< ${goals.lagP99Ms} ms`,
      ok: report.lag.runs > 0 && report.lag.p99 < goals.lagP99Ms,
    },
    {
      what: 'outbox: oldest row past due, p99 of samples',
      value: `${oldestP99.toFixed(0)} ms`,
      goal: `< ${goals.lagP99Ms} ms`,
      ok: oldestP99 < goals.lagP99Ms,
    },
    {
      what: 'rows past their retention period are deleted, later ones kept',
      value: ending.wrongOldRows.join('; ') || 'yes',
      goal: 'yes',
      ok: ending.wrongOldRows.length === 0,
    },
    { what: 'rows parked', value: `${ending.parked}`, goal: '0', ok: ending.parked === 0 },
    { what: 'rows overdue at the end', value: `${ending.overdue}`, goal: '0', ok: ending.overdue === 0 },
    { what: 'leads refused', value: `${ending.refused}`, goal: '0', ok: ending.refused === 0 },
    {
      what: 'leads answered with 503',
      value: `${ending.repeated}`,
      goal: '0',
      ok: ending.repeated === 0,
    },
    {
      what: 'every deal ended as its buyer behaved, journals balance',
      value: ending.wrongEnds.join('; ') || 'yes',
      goal: 'yes',
      ok: ending.wrongEnds.length === 0,
    },
    {
      what: 'every table has a bound',
      value: unnamed.join(', ') || 'yes',
      goal: 'yes',
      ok: unnamed.length === 0,
    },
  ];
  const judged = ending.minutes >= shortestMinutes;
  const goalOf = (text: string) => (judged ? text : `not judged under ${shortestMinutes} minutes`);
  for (const { name, perLead } of report.growth)
    if (flat.includes(name))
      checks.push({
        what: `${name} does not grow`,
        value: `${perLead} B per lead`,
        goal: goalOf(`< ${goals.flatBytesPerLead} B per lead`),
        ok: !judged || perLead < goals.flatBytesPerLead,
      });
  for (const each of report.memory) {
    checks.push({
      what: `${each.role}: memory over the second half`,
      value: `${each.slopeMbPerHour} MB/h`,
      goal: goalOf(`< ${goals.slopeMbPerHour} MB/h`),
      ok: !judged || each.slopeMbPerHour < goals.slopeMbPerHour,
    });
    checks.push({
      what: `${each.role}: peak memory`,
      value: `${each.peakMb} MB`,
      goal: `< ${goals.peakMb} MB`,
      ok: each.peakMb < goals.peakMb,
    });
  }
  return checks;
}

/** The report as Markdown, for the terminal and docs/soak.md. */
export function describe(report: Report): string {
  const table = (head: string[], rows: (string | number)[][]) =>
    [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
  const lag = (name: string, each: Lag) => [
    name,
    each.runs,
    ...[each.p50, each.p99, each.max].map((ms) => `${ms.toFixed(0)} ms`),
  ];
  return [
    `${report.leads} leads in ${report.minutes} minutes, ${report.paid} paid, queue on ${report.backend}, seed ${report.seed}; ${report.machine}; ${report.at}.`,
    table(
      ['', 'value', 'goal', ''],
      report.checks.map(({ what, value, goal, ok }) => [what, value, goal, ok ? 'ok' : '**missed**']),
    ),
    table(
      ['process', 'RSS first', 'RSS last', 'RSS peak', 'RSS slope', 'live heap', 'heap slope'],
      report.memory.map((each) => [
        each.role,
        ...[each.startMb, each.endMb, each.peakMb].map((size) => `${size} MB`),
        `${each.slopeMbPerHour} MB/h`,
        `${each.liveHeapMb} MB`,
        `${each.heapSlopeMbPerHour} MB/h`,
      ]),
    ),
    table(
      ['event to finished run', 'runs', 'p50', 'p99', 'longest'],
      [lag('all', report.lag), ...Object.entries(report.lag.byWorker).map(([name, each]) => lag(name, each))],
    ),
    table(
      ['table', 'size', 'growth per lead', 'bounded by'],
      report.growth
        .filter(({ perLead, bytes }) => perLead !== 0 || bytes > 2 ** 20)
        .map(({ name, bytes, perLead, boundedBy }) => [
          name,
          `${mb(bytes).toFixed(1)} MB`,
          `${perLead} B`,
          boundedBy,
        ]),
    ),
    report.cpuPressure
      ? `Some process waited for a CPU ${report.cpuPressure.mean} % of the time, ${report.cpuPressure.max} % in the worst ten seconds.`
      : '',
    report.redisMb
      ? `Redis: ${report.redisMb.first} MB at the beginning, ${report.redisMb.last} MB at the end of the load.`
      : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}
