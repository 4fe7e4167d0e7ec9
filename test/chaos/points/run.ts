import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyFaultLog } from '../faults.ts';
import { type Finding, judge } from '../judge.ts';
import { insertBuyers, type Lead, leadOf, playLead } from '../load.ts';
import { type Backend, type Machine, startMachine } from '../machine.ts';
import { createPeople, type People } from '../people.ts';
import type { Role } from '../programs.ts';
import { untilSettled } from '../settled.ts';
import { stories } from '../stories.ts';
import { type Arming, armingVariable } from './arming.ts';
import { type Point, points, stepsOfSweeper } from './catalogue.ts';

export type PointsResult = {
  /** Each point with the second at which it was first reached. Null when it never was, which makes the run VOID. */
  points: { point: Point; atSecond: number | null }[];
  kills: number;
  leads: number;
  findings: Finding[];
  verdict: 'PASS' | 'FAIL' | 'VOID';
  seconds: number;
};
export type PointsOptions = {
  backend: Backend;
  limitMs?: number;
  keep?: boolean;
  say?: (line: string) => void;
};

const waveMs = 2_000;
/** Concurrent stories: few enough that kills leave little unfinished work, enough that rare points are reached. */
const maxStories = 110;
const settleMs = 120_000;

/**
 * Arms every process with the points of its role that were not reached yet. A process dies at the first point it reaches
 * and is restarted with the remaining ones, while waves of leads produce every situation. Afterwards the faults end, and
 * all invariants must hold.
 */
export async function runPoints({
  backend,
  limitMs = 480_000,
  keep = false,
  say = () => undefined,
}: PointsOptions): Promise<PointsResult> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1_000);
  const machine = await startMachine({
    backend,
    concurrency: 2,
    timings: { outboxVisibilityMs: 1_500, sweepEveryMs: 250, assumeDeliveredMs: 8_000 },
  });
  try {
    const progress = trackProgress(machine, seconds);
    const programs = (['api', 'worker 1', 'worker 2'] as const).map((name) => arm(machine, name, progress));
    await Promise.all(programs.map((program) => program.whenUp()));
    await injectVendorFaults(machine);
    const people = createPeople(machine);
    const waves = startWaves(machine, people);
    for (let wave = 1; progress.missing().length > 0 && Date.now() - started < limitMs; wave += 1) {
      await waves.next(maxStories);
      await disturb(machine, people, wave);
      await delay(waveMs);
      progress.read();
      say(
        `${seconds()} s: ${progress.reached.size} of ${points.length} points, ${progress.kills()} kills, ${waves.leads.length} leads`,
      );
    }
    progress.over = true;
    for (const program of programs) program.kill();
    await machine.vendors.clearFaults();
    people.setDeadline(settleMs);
    await Promise.race([
      waves.over().then(() => untilSettled(machine)),
      delay(settleMs + 10_000, undefined, { ref: false }),
    ]);
    await people.stop();
    const findings = await judge({
      market: null,
      machine,
      programs,
      leads: waves.leads,
      log: emptyFaultLog(),
      faultFreeFrom: new Date(),
    });
    return {
      findings,
      leads: waves.leads.length,
      points: points.map((point) => ({ point, atSecond: progress.reached.get(point.name) ?? null })),
      kills: progress.kills(),
      verdict: findings.some(({ violations }) => violations.length > 0)
        ? 'FAIL'
        : progress.missing().length > 0
          ? 'VOID'
          : 'PASS',
      seconds: seconds(),
    };
  } finally {
    await machine.stop({ keep });
  }
}

type PointProgress = {
  file: string;
  /** When true, restarted processes are no longer armed. */
  over: boolean;
  reached: Map<string, number>;
  kills(): number;
  missing(): Point[];
  read(): void;
};

/** Reads the file into which each process writes its crash point before it dies. */
function trackProgress(machine: Machine, seconds: () => number): PointProgress {
  const file = join(machine.folder, 'points');
  const reached = new Map<string, number>();
  let lines = 0;
  return {
    file,
    over: false,
    reached,
    kills: () => lines,
    missing: () => points.filter(({ name }) => !reached.has(name)),
    read() {
      if (!existsSync(file)) return;
      const all = readFileSync(file, 'utf8').split('\n').slice(0, -1);
      for (const line of all.slice(lines)) {
        const name = line.slice(line.indexOf(' ') + 1);
        if (!reached.has(name)) reached.set(name, seconds());
      }
      lines = all.length;
    },
  };
}

/**
 * Starts a process with its share of the remaining points. The workers get different points, except those of the sweeper,
 * which run in one of them.
 */
function arm(machine: Machine, name: 'api' | 'worker 1' | 'worker 2', progress: PointProgress) {
  const role: Role = name === 'api' ? 'api' : 'worker';
  const preload = join(machine.folder, 'test', 'chaos', 'points', 'preload.js');
  const arming = (): Arming => {
    progress.read();
    const mine = (progress.over ? [] : progress.missing()).filter((point) => point.in === role);
    const share = mine.filter(
      ({ step }, index) =>
        role === 'api' ||
        mine.length === 1 ||
        stepsOfSweeper.has(step) ||
        index % 2 === Number(name.at(-1)) - 1,
    );
    return {
      file: progress.file,
      afterMs: role === 'api' ? 150 : 400,
      points: Object.fromEntries(share.map((point) => [point.name, 1])),
    };
  };
  return machine.start(role, name, {
    env: () => ({ [armingVariable]: JSON.stringify(arming()) }),
    node: () => ['--import', preload],
  });
}

/** Makes vendors answer 429, lose responses and withhold webhooks. */
async function injectVendorFaults({ vendors }: Machine): Promise<void> {
  const posts = { vendor: 'twilio', path: '/Messages.json', method: 'POST' } as const;
  await vendors.fault({ ...posts, kind: 'rate_limit', retryAfter: 1, probability: 0.05, seed: 1 });
  await vendors.fault({ ...posts, kind: 'error_after', probability: 0.05, seed: 2 });
  await vendors.fault({
    vendor: 'twilio',
    kind: 'webhook_withhold',
    event: 'message.',
    probability: 0.1,
    seed: 3,
  });
  await vendors.fault({
    vendor: 'sendgrid',
    kind: 'error_after',
    path: '/mail/send',
    probability: 0.2,
    seed: 4,
  });
  await vendors.fault({ vendor: 'sendgrid', kind: 'webhook_withhold', probability: 0.3, seed: 5 });
}

/** Produces situations that the stories do not: texts from strangers, a flushed queue, a database outage during runs. */
async function disturb(machine: Machine, people: People, wave: number): Promise<void> {
  const stranger = encodeURIComponent(`+1305554${1_000 + wave}`);
  await machine.vendors.control('POST', `phones/${stranger}/reply`, { text: 'HELP' });
  const newcomer = { external_id: `newcomer-${wave}`, phone: `+1305${4_000_000 + wave}` };
  void people.request('POST', '/api/providers', newcomer).catch(() => undefined);
  if (wave % 3 === 0) await machine.queue.flush();
  if (wave % 4 === 0) machine.proxies.postgres.inject({ kind: 'blackhole', ms: 1_000 });
}

/** Plays every story once per wave, unless too many are in progress. */
function startWaves(machine: Machine, people: People) {
  const leads: Lead[] = [];
  const inProgress = new Set<Promise<void>>();
  return {
    leads,
    async next(most: number) {
      if (inProgress.size + stories.length > most) return;
      const wave = stories.map((story, index) => leadOf(leads.length + index, story));
      leads.push(...wave);
      await insertBuyers(machine, wave);
      for (const lead of wave) {
        const playing = playLead(people, lead).finally(() => inProgress.delete(playing));
        inProgress.add(playing);
      }
    },
    over: () => Promise.all(inProgress),
  };
}

/** The table of points as lines. */
export function describePoints({ points, kills, leads, seconds }: PointsResult): string[] {
  const reached = points.filter(({ atSecond }) => atSecond !== null).length;
  return [
    ...points.map(
      ({ point, atSecond }) =>
        `${atSecond === null ? '  NEVER' : `${String(atSecond).padStart(5)} s`}  ${point.in.padEnd(6)}  ${point.name}`,
    ),
    `points reached: ${reached} of ${points.length}, ${kills} kills, ${leads} leads, ${seconds} s`,
  ];
}
