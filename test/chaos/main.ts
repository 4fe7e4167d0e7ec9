import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { quiet } from './calm.ts';
import { castCrowd, type Lead, leadOf, playCrowd, settleBuyers } from './crowd.ts';
import { diceOf } from './dice.ts';
import { type Finding, judge } from './judge.ts';
import { type Backend, type Machine, startMachine } from './machine.ts';
import { createPeople } from './people.ts';
import { describePoints, runPoints } from './points/run.ts';
import { stories } from './stories.ts';
import { type Accused, type Harm, storm, unharmed } from './storm.ts';

const usage = `npm run chaos -- [options]
  --backend redis|postgres|cluster   the queue (redis)
  --leads N        how many (300)
  --minutes N      how long to do harm (1.5)
  --seed N         the crowd and the harm of an earlier run (random, printed)
  --faults all|processes   vendor faults too, or processes and networks only (all)
  --points         reach every named crash point instead, one by one
  --pgbouncer      Postgres behind PgBouncer in transaction mode
  --kills N, --flushed N   the run counts only if it hurt so much (5 and 20; from 1,000 leads on 50 and 100)
  --states FILE    write where every unlock ended
  --same-as FILE   and compare it with that of another run of the same seed
  --keep           leave the logs of the processes where they are
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

/** After the harm: everything unclear is settled, waits are over. */
const settleMs = (leads: number) => 150_000 + leads * 60;
const calmLeads = 8;

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
    tabulate(result.findings);
    say(`${backend}: ${result.verdict}`);
    return { PASS: 0, FAIL: 1, VOID: 3 }[result.verdict];
  }
  const replay = `npm run chaos -- --backend ${backend} --leads ${leadCount} --minutes ${minutes} --seed ${seed} --faults ${values.faults}${values.pgbouncer ? ' --pgbouncer' : ''}`;
  say(
    `${leadCount} leads, ${minutes} minutes of harm, ${values.faults === 'all' ? 'every fault on' : 'vendors without faults'}`,
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
  harm: Harm;
  findings: Finding[];
  answerMs: number[];
  seconds: number;
};

async function play(
  accused: Accused,
  given: { leadCount: number; minutes: number; seed: number },
): Promise<Result> {
  const { machine } = accused;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1_000;
  const dice = diceOf(given.seed);
  const leads = castCrowd(given.leadCount, dice);
  const silent = stories.find(({ name }) => name === 'is silent until the time is up')!;
  const shortly = { ...silent, config: { ttl_hours: 6 / 3_600 } };
  const calm = Array.from({ length: calmLeads }, (_, index) => leadOf(leads.length + index, shortly));
  await settleBuyers(machine, [...leads, ...calm]);
  const people = createPeople(machine);
  const harm = unharmed();
  const harmMs = given.minutes * 60_000;
  const crowd = playCrowd(people, leads, harmMs * 0.75);
  const progress = setInterval(
    () =>
      say(
        `${elapsed().toFixed(0).padStart(5)} s  ${crowd.posted()} of ${leads.length} leads accepted, ${crowd.told()} at their end; ${harm.kills} kills (${harm.killsMidEffect} mid-effect), ${harm.flushedJobs} jobs flushed, ${harm.crashes} database crashes`,
      ),
    5_000,
  );
  try {
    if (harmMs > 0) await storm(accused, dice, { ms: harmMs, vendorFaults: values.faults === 'all' }, harm);
    await crowd.posting;
    people.hurry(settleMs(leads.length));
    const calmFrom = new Date(Date.now() + 2_000);
    const after = playCrowd(people, calm, 4_000);
    const deadline = new Promise((resolve) => setTimeout(resolve, settleMs(leads.length) + 10_000).unref());
    await Promise.race([Promise.all([crowd.over, after.over]), deadline]);
    await Promise.race([quiet(machine), deadline]);
    const all = [...leads, ...calm];
    const findings = await judge({ ...accused, leads: all, harm, calmFrom });
    return { leads: all, harm, findings, answerMs: crowd.answerMs, seconds: elapsed() };
  } finally {
    clearInterval(progress);
    await people.leave();
  }
}

/** Prints the verdict, then more of what was found against each promise. How many cases in all. */
function tabulate(findings: readonly Finding[]): number {
  say('| | promise | examined | against | |');
  say('|---|---|---|---|---|');
  for (const { promise, kind, examined, against, note } of findings)
    say(
      `| ${against.length === 0 ? 'kept' : 'BROKEN'} | ${promise}${kind === 'bound' ? ' (bound)' : ''} | ${examined} | ${against.length} | ${against[0] ?? note ?? ''} |`,
    );
  say();
  for (const { promise, against } of findings)
    for (const text of against.slice(0, 20)) say(`${promise}: ${text}`);
  return findings.reduce((sum, { against }) => sum + against.length, 0);
}

async function report(
  { db }: Machine,
  { leads, harm, findings, answerMs, seconds }: Result,
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
    `harm: ${harm.kills} kills (${harm.killsMidEffect} with an effect claimed), ${harm.flushes} flushes of ${harm.flushedJobs} jobs, ${harm.freezes} freezes past the lock, ${harm.crashes} database crashes`,
  );
  say(
    `      ${
      Object.entries(harm.wires)
        .map(([what, times]) => `${what} ${times}`)
        .join(', ') || 'no network troubles'
    }`,
  );
  say(
    `a lead was accepted within ${answer(0.5)} (p50), ${answer(0.99)} (p99), senders' repetitions included`,
  );
  say();
  const violations = tabulate(findings);
  const large = leads.length >= 1_000;
  const wanted = {
    kills: Number(values.kills ?? (large ? 50 : 5)),
    flushed: Number(values.flushed ?? (large ? 100 : 20)),
  };
  const hurt = harm.killsMidEffect >= wanted.kills && harm.flushedJobs >= wanted.flushed;
  say(`${violations} violations in ${seconds.toFixed(0)} s. Again: ${replay}`);
  if (violations > 0) return 1;
  if (!hurt) {
    say(
      `VOID: it did not hurt enough (wanted ${wanted.kills} kills mid-effect and ${wanted.flushed} flushed jobs)`,
    );
    return 3;
  }
  return 0;
}

/** Where the story leaves a choice (a race), or work was given up, runs may differ. */
async function compareStates(
  leads: readonly Lead[],
  states: { unlock: string; status: string }[],
): Promise<Finding[]> {
  const certain = new Set(
    leads
      .filter(({ story }) => story.ends.length === 1 && new Set(story.ends[0]).size === 1)
      .map(({ id }) => id),
  );
  const mine = Object.fromEntries(
    states
      .filter(({ unlock }) => certain.has(unlock.split(' ')[0]!))
      .map(({ unlock, status }) => [unlock, status]),
  );
  if (values.states) await writeFile(values.states, `${JSON.stringify(mine, null, 1)}\n`);
  if (!values['same-as']) return [];
  const theirs = JSON.parse(await readFile(values['same-as'], 'utf8')) as Record<string, string>;
  const against = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])]
    .filter((unlock) => mine[unlock] !== theirs[unlock])
    .map((unlock) => `${unlock}: ${mine[unlock] ?? 'nowhere'} here, ${theirs[unlock] ?? 'nowhere'} there`);
  return [
    {
      promise: 'same seed, same final states on both queues',
      kind: 'invariant',
      examined: Object.keys(mine).length,
      against,
    },
  ];
}

// Whoever still waits in vain would hold up the end.
process.exit(await run());
