import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { quiet } from '../calm.ts';
import { type Lead, leadOf, playLead, settleBuyers } from '../crowd.ts';
import { type Finding, judge } from '../judge.ts';
import { type Backend, type Machine, startMachine } from '../machine.ts';
import { createPeople, type People } from '../people.ts';
import type { Role } from '../programs.ts';
import { stories } from '../stories.ts';
import { unharmed } from '../storm.ts';
import { type Arming, armingVariable } from './arming.ts';
import { type Point, points } from './catalogue.ts';

export type PointsResult = {
  /** Each point with the second at which it was first reached; null: never, and the run is VOID. */
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
/** So many stories at once: the dead leave little half done, and what is rare comes often. */
const mostStories = 110;
const calmMs = 120_000;

/**
 * Every process is armed with the points of its kind not yet reached, dies at the first it comes to, and is started
 * again with the rest, while waves of leads bring about every circumstance. Then nothing is harmed any more, and
 * everything must be as if nothing had been.
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
    const toll = keepToll(machine, seconds);
    const programs = (['api', 'worker 1', 'worker 2'] as const).map((name) => arm(machine, name, toll));
    await Promise.all(programs.map((program) => program.whenUp()));
    await faults(machine);
    const people = createPeople(machine);
    const waves = tellStories(machine, people);
    for (let wave = 1; toll.missing().length > 0 && Date.now() - started < limitMs; wave += 1) {
      await waves.next(mostStories);
      await harm(machine, people, wave);
      await delay(waveMs);
      toll.read();
      say(
        `${seconds()} s: ${toll.reached.size} of ${points.length} points, ${toll.kills()} kills, ${waves.leads.length} leads`,
      );
    }
    toll.over = true;
    for (const program of programs) program.kill();
    await machine.vendors.clearFaults();
    people.hurry(calmMs);
    await Promise.race([
      waves.over().then(() => quiet(machine)),
      delay(calmMs + 10_000, undefined, { ref: false }),
    ]);
    await people.leave();
    const findings = await judge({
      machine,
      programs,
      leads: waves.leads,
      harm: unharmed(),
      calmFrom: new Date(),
    });
    return {
      findings,
      leads: waves.leads.length,
      points: points.map((point) => ({ point, atSecond: toll.reached.get(point.name) ?? null })),
      kills: toll.kills(),
      verdict: findings.some(({ against }) => against.length > 0)
        ? 'FAIL'
        : toll.missing().length > 0
          ? 'VOID'
          : 'PASS',
      seconds: seconds(),
    };
  } finally {
    await machine.stop({ keep });
  }
}

type Toll = {
  file: string;
  /** Nobody is armed any more. */
  over: boolean;
  reached: Map<string, number>;
  kills(): number;
  missing(): Point[];
  read(): void;
};

/** Who died of what: each writes it down as its last act. */
function keepToll(machine: Machine, seconds: () => number): Toll {
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

/** The two workers share what is left, so that they do not die of the same. */
function arm(machine: Machine, name: 'api' | 'worker 1' | 'worker 2', toll: Toll) {
  const role: Role = name === 'api' ? 'api' : 'worker';
  const preload = join(machine.folder, 'test', 'chaos', 'points', 'preload.js');
  const arming = (): Arming => {
    toll.read();
    const mine = (toll.over ? [] : toll.missing()).filter((point) => point.in === role);
    const share = mine.filter(
      (_, index) => role === 'api' || mine.length === 1 || index % 2 === Number(name.at(-1)) - 1,
    );
    return {
      file: toll.file,
      afterMs: role === 'api' ? 150 : 400,
      points: Object.fromEntries(share.map((point) => [point.name, 1])),
    };
  };
  return machine.start(role, name, {
    env: () => ({ [armingVariable]: JSON.stringify(arming()) }),
    node: () => ['--import', preload],
  });
}

/** Vendors that are slow to answer, say 500 and mean yes, and forget to call back. */
async function faults({ vendors }: Machine): Promise<void> {
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

/** What some points need beside people: a flushed queue, and a database that fails under a run. */
async function harm(machine: Machine, people: People, wave: number): Promise<void> {
  const stranger = encodeURIComponent(`+1305554${1_000 + wave}`);
  await machine.vendors.control('POST', `phones/${stranger}/reply`, { text: 'HELP' });
  const newcomer = { external_id: `newcomer-${wave}`, phone: `+1305${4_000_000 + wave}` };
  void people.request('POST', '/api/providers', newcomer).catch(() => undefined);
  if (wave % 3 === 0) await machine.queue.flush();
  if (wave % 4 === 0) machine.proxies.postgres.strike({ kind: 'blackhole', ms: 1_000 });
}

/** Every story once per wave, as long as not too many are under way. */
function tellStories(machine: Machine, people: People) {
  const leads: Lead[] = [];
  const under = new Set<Promise<void>>();
  return {
    leads,
    async next(most: number) {
      if (under.size + stories.length > most) return;
      const wave = stories.map((story, index) => leadOf(leads.length + index, story));
      leads.push(...wave);
      await settleBuyers(machine, wave);
      for (const lead of wave) {
        const told = playLead(people, lead).finally(() => under.delete(told));
        under.add(told);
      }
    },
    over: () => Promise.all(under),
  };
}

/** The table of points, as lines to print. */
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
