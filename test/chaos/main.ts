import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { emptyFaultLog, type FaultLog, injectFaults, type SystemUnderTest } from './faults.ts';
import { type Finding, judge } from './judge.ts';
import { createLeads, insertBuyers, type Lead, leadOf, playLeads } from './load.ts';
import { type Backend, type Machine, startMachine } from './machine.ts';
import { type MarketPlay, playMarket, untilMarketSettled } from './market/run.ts';
import { createPeople } from './people.ts';
import { describePoints, runPoints } from './points/run.ts';
import { createRandom } from './random.ts';
import { untilSettled } from './settled.ts';
import { stories } from './stories.ts';

const usage = `npm run chaos -- [options]
  --backend redis|postgres|cluster   the queue (redis)
  --leads N        how many of each load: offers to named buyers, and a marketplace (300)
  --minutes N      how long to inject faults (1.5)
  --seed N         the leads and faults of an earlier run (random, printed)
  --faults all|processes   vendor faults too, or processes and networks only (all)
  --points         kill processes at every named crash point instead
  --pgbouncer      Postgres behind PgBouncer in transaction mode
  --kills N, --flushed N   the run is VOID with fewer (5 and 20; from 1,000 leads on 50 and 100); until there are as many, the
                           faults go on for up to the same time again
  --states FILE    write the end state of every unlock
  --same-as FILE   compare the end states with those of another run of the same seed
  --keep           keep the logs of the processes
`;
const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'redis' },
    leads: { type: 'string', default: '300' },
    minutes: { type: 'string', default: '1.5' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    faults: { type: 'string', default: 'all' },
    pgbouncer: { type: 'boolean', default: false },
    kills: { type: 'string' },
    flushed: { type: 'string' },
    states: { type: 'string' },
    'same-as': { type: 'string' },
    points: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const say = (line = '') => process.stdout.write(`${line}\n`);

/** Longest time after the faults for all stories to finish. */
const settleMs = (leads: number) => 150_000 + leads * 60;
const faultFreeLeads = 8;

async function run(): Promise<number> {
  const [leadCount, minutes, seed] = [Number(values.leads), Number(values.minutes), Number(values.seed)];
  const backend = values.backend as Backend;
  const valid =
    ['redis', 'postgres', 'cluster'].includes(backend) &&
    ['all', 'processes'].includes(values.faults) &&
    [leadCount, minutes, seed].every((n) => Number.isFinite(n) && n >= 0);
  if (values.help || !valid) {
    process.stderr.write(usage);
    return 2;
  }
  if (values.points) {
    const result = await runPoints({ backend, keep: values.keep, say });
    for (const line of describePoints(result)) say(line);
    printFindings(result.findings);
    say(`${backend}: ${result.verdict}`);
    return { PASS: 0, FAIL: 1, VOID: 3 }[result.verdict];
  }
  const replay = `npm run chaos -- --backend ${backend} --leads ${leadCount} --minutes ${minutes} --seed ${seed} --faults ${values.faults}${values.pgbouncer ? ' --pgbouncer' : ''}`;
  say(
    `${leadCount} leads, ${minutes} minutes of faults, ${values.faults === 'all' ? 'vendors included' : 'vendors without faults'}`,
  );
  say(replay);
  const machine = await startMachine({
    backend,
    pgbouncer: values.pgbouncer,
    timings: { outboxVisibilityMs: 2_000, sweepEveryMs: 250, assumeDeliveredMs: 8_000 },
  });
  try {
    const programs = [
      machine.start('api', 'api'),
      machine.start('worker', 'worker 1'),
      machine.start('worker', 'worker 2'),
    ];
    await Promise.all(programs.map((program) => program.whenUp()));
    const result = await play({ machine, programs }, { leadCount, minutes, seed });
    return await report(machine, result, replay);
  } finally {
    if (values.keep) say(`logs: ${machine.folder}`);
    await machine.stop({ keep: values.keep });
  }
}

type Result = {
  leads: readonly Lead[];
  log: FaultLog;
  findings: Finding[];
  answerMs: number[];
  /** What people of the marketplace did, and how often. */
  acts: Record<string, number>;
  seconds: number;
};

async function play(
  system: SystemUnderTest,
  given: { leadCount: number; minutes: number; seed: number },
): Promise<Result> {
  const { machine } = system;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1_000;
  const random = createRandom(given.seed);
  const leads = createLeads(given.leadCount, random);
  const expiring = stories.find(({ name }) => name === 'does not reply until the offer expires')!;
  const shortTtl = { ...expiring, config: { ttl_hours: 6 / 3_600 } };
  const late = Array.from({ length: faultFreeLeads }, (_, index) => leadOf(leads.length + index, shortTtl));
  await insertBuyers(machine, [...leads, ...late]);
  const people = createPeople(machine);
  const log = emptyFaultLog();
  const faultMs = given.minutes * 60_000;
  // A sequence of its own, so that the other load stays what it was.
  const market = await playMarket(machine, createRandom(given.seed + 1), {
    count: given.leadCount,
    overMs: faultMs * 0.75,
  });
  const load = playLeads(people, leads, faultMs * 0.75);
  const progress = setInterval(
    () =>
      say(
        `${elapsed().toFixed(0).padStart(5)} s  ${load.posted()} + ${market.posted()} of ${leads.length} + ${market.leads.length} leads accepted, ${load.finished()} stories finished; ${log.kills} kills (${log.killsMidEffect} mid-effect), ${log.flushedJobs} jobs flushed, ${log.crashes} database crashes`,
      ),
    5_000,
  );
  try {
    if (faultMs > 0)
      await injectFaults(
        system,
        random,
        {
          ms: faultMs,
          vendorFaults: values.faults === 'all',
          wantsMore: (log) => !hasEnoughFaults(log, leads.length) && load.finished() < leads.length,
        },
        log,
      );
    await load.posting;
    for (const each of [people, market]) each.setDeadline(settleMs(leads.length));
    const deadline = new Promise((resolve) => setTimeout(resolve, settleMs(leads.length) + 10_000).unref());
    // What the faults left overdue is not without faults: a slow machine takes longer to catch up.
    await Promise.race([untilSettled(machine), deadline]);
    const faultFreeFrom = new Date(Date.now() + 2_000);
    const after = playLeads(people, late, 4_000);
    await Promise.race([Promise.all([load.over, after.over, market.over]), deadline]);
    await Promise.race([untilSettled(machine), deadline]);
    await Promise.race([untilMarketSettled(machine), deadline]);
    const all = [...leads, ...late];
    const findings = await judge({ ...system, leads: all, log, faultFreeFrom, market });
    const acts = await actsOf(market);
    return { leads: all, log, findings, answerMs: load.answerMs, acts, seconds: elapsed() };
  } finally {
    clearInterval(progress);
    await people.stop();
  }
}

const actsOf = ({ over }: MarketPlay) => Promise.race([over, Promise.resolve({})]);

/** Prints a table of the findings and up to 20 violations of each. Returns the number of violations. */
function printFindings(findings: readonly Finding[]): number {
  say('| | promise | examined | violations | |');
  say('|---|---|---|---|---|');
  for (const { promise, kind, examined, violations, note } of findings)
    say(
      `| ${violations.length === 0 ? 'kept' : 'BROKEN'} | ${promise}${kind === 'bound' ? ' (bound)' : ''} | ${examined} | ${violations.length} | ${violations[0] ?? note ?? ''} |`,
    );
  say();
  for (const { promise, violations } of findings)
    for (const text of violations.slice(0, 20)) say(`${promise}: ${text}`);
  return findings.reduce((sum, { violations }) => sum + violations.length, 0);
}

async function report(
  { db }: Machine,
  { leads, log, findings, answerMs, acts, seconds }: Result,
  replay: string,
): Promise<number> {
  const states = await db.query<{ unlock: string; status: string }>(
    `SELECT l.public_id || ' ' || b.external_id AS unlock, u.status FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id ORDER BY l.created_at, 1`,
  );
  findings.push(...(await compareStates(leads, states)));
  const sorted = [...answerMs].sort((a, b) => a - b);
  const answer = (share: number) => `${(sorted[Math.ceil(sorted.length * share) - 1] ?? 0).toFixed(0)} ms`;
  say();
  say(
    `faults: ${log.kills} kills (${log.killsMidEffect} with an effect claimed), ${log.flushes} flushes of ${log.flushedJobs} jobs, ${log.freezes} freezes past the lock, ${log.crashes} database crashes`,
  );
  say(
    `        ${
      Object.entries(log.network)
        .map(([what, times]) => `${what} ${times}`)
        .join(', ') || 'no network faults'
    }`,
  );
  const done = Object.entries(acts).map(([what, times]) => `${what} ${times}`);
  say(`marketplace: ${done.join(', ')}`);
  say(
    `a lead was accepted within ${answer(0.5)} (p50), ${answer(0.99)} (p99), including the sender's retries`,
  );
  say();
  const violations = printFindings(findings);
  const wanted = wantedFaults(leads.length);
  say(`${violations} violations in ${seconds.toFixed(0)} s. Repeat: ${replay}`);
  if (violations > 0) return 1;
  if (!hasEnoughFaults(log, leads.length)) {
    say(`VOID: too few faults (wanted ${wanted.kills} kills mid-effect and ${wanted.flushed} flushed jobs)`);
    return 3;
  }
  return 0;
}

function wantedFaults(leads: number): { kills: number; flushed: number } {
  const large = leads >= 1_000;
  return {
    kills: Number(values.kills ?? (large ? 50 : 5)),
    flushed: Number(values.flushed ?? (large ? 100 : 20)),
  };
}

function hasEnoughFaults({ killsMidEffect, flushedJobs }: FaultLog, leads: number): boolean {
  const { kills, flushed } = wantedFaults(leads);
  return killsMidEffect >= kills && flushedJobs >= flushed;
}

/** Compares end states with those of another run, except for stories that are races. */
async function compareStates(
  leads: readonly Lead[],
  states: { unlock: string; status: string }[],
): Promise<Finding[]> {
  const deterministic = new Set(
    leads
      .filter(({ story }) => story.ends.length === 1 && new Set(story.ends[0]).size === 1)
      .map(({ id }) => id),
  );
  const mine = Object.fromEntries(
    states
      .filter(({ unlock }) => deterministic.has(unlock.split(' ')[0]!))
      .map(({ unlock, status }) => [unlock, status]),
  );
  if (values.states) await writeFile(values.states, `${JSON.stringify(mine, null, 1)}\n`);
  if (!values['same-as']) return [];
  const theirs = JSON.parse(await readFile(values['same-as'], 'utf8')) as Record<string, string>;
  const violations = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])]
    .filter((unlock) => mine[unlock] !== theirs[unlock])
    .map((unlock) => `${unlock}: ${mine[unlock] ?? 'missing'} here, ${theirs[unlock] ?? 'missing'} there`);
  return [
    {
      promise: 'the same seed leads to the same end states',
      kind: 'invariant',
      examined: Object.keys(mine).length,
      violations,
    },
  ];
}

// Exits although stories that timed out may still have pending requests.
process.exit(await run());
