import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Backend, type System, startGround } from '../attack/system.ts';
import { createDoors, type Doors, shutOut } from './doors.ts';
import { type Caller, callersOf, wordsOf } from './people.ts';
import { asCurl, type FuzzRequest, requestOf } from './requests.ts';
import { createSender } from './sender.ts';
import { type Surface, surfaceOf } from './surface.ts';

const usage = `npm run fuzz -- [options]
  --requests N               how many (20000)
  --seed N                   the requests of an earlier run (random, printed)
  --parallel N               how many at once (24)
  --only N                   only the request with this index, with its response
  --backend redis|postgres   the queue (postgres)
Exits with 1 on a 5xx, a stall of the event loop over 500 ms of CPU, a grown heap, or a kind of caller that was not let in.
`;
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    parallel: { type: 'string', default: '24' },
    only: { type: 'string' },
    backend: { type: 'string', default: 'postgres' },
    help: { type: 'boolean', default: false },
  },
});
const say = (line = '') => process.stdout.write(`${line}\n`);
const [count, seed, parallel] = [values.requests, values.seed, values.parallel].map(Number) as [
  number,
  number,
  number,
];

const mostStallMs = 500;
const goalStallMs = 200;
/** Between the heap after the first tenth of the requests and at the end, both collected. */
const mostGrowthMb = 60;
const mostShown = 20;
const progressEvery = 10_000;
const mostStallsShown = 3;

type Failure = { request: FuzzRequest; why: string };
/** `stalls`: what was in progress during turns of the event loop that were longer than the goal. */
type Run = {
  stalls: { ms: number; requests: FuzzRequest[] }[];
  statuses: Map<number, number>;
  failures: Failure[];
  stallMs: number;
  slowestMs: number;
  growthMb: number;
  doors: Doors;
  /** The callers that the run shut out. */
  lost: string[];
};

async function main(): Promise<number> {
  if (
    values.help ||
    !(count > 0) ||
    !(parallel > 0) ||
    !Number.isInteger(seed) ||
    !['redis', 'postgres'].includes(values.backend)
  ) {
    process.stderr.write(usage);
    return 2;
  }
  const ground = await startGround(values.backend as Backend);
  const interrupted = () => void ground.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const system = await ground.startSystem(0);
    try {
      return await fuzz(system);
    } finally {
      await system.stop();
    }
  } finally {
    await ground.stop();
  }
}

async function fuzz(system: System): Promise<number> {
  const { url, databaseUrl } = system.target;
  const surface = await surfaceOf(databaseUrl);
  const world = { surface, callers: await callersOf(system), words: await wordsOf(system), publicUrl: url };
  const make = (index: number) => requestOf(seed, index, world);
  if (values.only !== undefined) return sendOne(system, make(Number(values.only)));
  say(
    `${count} requests to ${surface.routes.length} routes, ${surface.documented} of them documented; seed ${seed}`,
  );
  const began = performance.now();
  const run = await sendAll(system, make, world);
  return judge(system, run, { seconds: (performance.now() - began) / 1_000, callers: world.callers });
}

async function sendOne(system: System, request: FuzzRequest): Promise<number> {
  const sender = createSender(system.target.url, 1);
  const { status, text, ms } = await sender.send(request);
  sender.close();
  say(asCurl(request, system.target.url));
  say(`${status} after ${ms.toFixed(0)} ms ${text}`);
  return status >= 500 ? 1 : 0;
}

type World = { surface: Surface; callers: readonly Caller[] };

async function sendAll(
  system: System,
  make: (index: number) => FuzzRequest,
  { surface, callers }: World,
): Promise<Run> {
  const sender = createSender(system.target.url, parallel);
  const doors = createDoors(surface);
  const figures = { stallMs: 0, slowestMs: 0, growthMb: 0 };
  const run: Run = { stalls: [], statuses: new Map(), failures: [], ...figures, doors, lost: [] };
  const inFlight = new Set<FuzzRequest>();
  let next = 0;
  let done = 0;
  const loop = async (until: number) => {
    while (next < until) {
      const request = make(next);
      next += 1;
      inFlight.add(request);
      const answered = await sender.send(request);
      const { status, text, ms } = answered;
      inFlight.delete(request);
      doors.count(request, answered);
      run.statuses.set(status, (run.statuses.get(status) ?? 0) + 1);
      run.slowestMs = Math.max(run.slowestMs, ms);
      done += 1;
      if (done % progressEvery === 0) say(`${done} sent, ${run.failures.length} of them failed`);
      if (status >= 500 || status === -1)
        run.failures.push({ request, why: `${status} ${text.slice(0, 300)}` });
    }
  };
  const sendUntil = async (until: number) => {
    const watch = watchStalls(system, inFlight, run);
    await Promise.all(Array.from({ length: parallel }, () => loop(until)));
    await watch.stop();
  };
  // What the start of the process took is not judged.
  await forgetSamples(system);
  await sendUntil(Math.ceil(count / 10));
  const warm = await system.heapMb();
  await forgetSamples(system);
  await sendUntil(count);
  run.growthMb = (await system.heapMb()) - warm;
  run.lost = await shutOut(callers, sender.send);
  sender.close();
  return run;
}

/** A stall is reported with the next sample, so one that has just ended is waited for. */
async function forgetSamples(system: System): Promise<void> {
  await pause(500);
  system.samples();
}

/** Notes the requests that were in progress during a long turn of the event loop. */
function watchStalls(system: System, inFlight: Set<FuzzRequest>, run: Run) {
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const during = [...inFlight];
      await pause(250);
      const { stallCpuMs } = system.samples().api;
      run.stallMs = Math.max(run.stallMs, stallCpuMs);
      if (stallCpuMs > goalStallMs) run.stalls.push({ ms: stallCpuMs, requests: during });
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
    },
  };
}

type Ended = { seconds: number; callers: readonly Caller[] };

function judge(system: System, run: Run, { seconds, callers }: Ended): number {
  const { statuses, failures, stallMs, slowestMs, growthMb, doors, lost } = run;
  // A 503 is of the machine's load more often than of the request, and comes after the others.
  const first = failures.toSorted(
    (a, b) => Number(a.why.startsWith('503')) - Number(b.why.startsWith('503')),
  );
  for (const { request, why } of first.slice(0, mostShown)) {
    say();
    say(`seed ${seed}, request ${request.index}: ${why}`);
    say(asCurl(request, system.target.url));
    say(`npm run fuzz -- --seed ${seed} --only ${request.index}`);
  }
  for (const { ms, requests } of run.stalls.toSorted((a, b) => b.ms - a.ms).slice(0, mostStallsShown)) {
    say();
    say(`seed ${seed}: the event loop stood still for ${ms.toFixed(0)} ms of CPU during`);
    for (const { index, method, path, body } of requests)
      say(`  ${index} ${method} ${path.slice(0, 120)}, ${body?.length ?? 0} bytes`);
  }
  const sorted = [...statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${n} × ${status}`);
  const broken = [...statuses].reduce(
    (sum, [status, n]) => sum + (status >= 500 || status === -1 ? n : 0),
    0,
  );
  const ended = system.ended();
  const checks: [string, boolean][] = [
    [`5xx or no response in time: ${broken}`, broken === 0],
    [
      `longest stall of the event loop: ${stallMs.toFixed(0)} ms of CPU (goal ${goalStallMs})`,
      stallMs <= mostStallMs,
    ],
    [`heap after collection: ${growthMb >= 0 ? '+' : ''}${growthMb.toFixed(1)} MB`, growthMb <= mostGrowthMb],
    [`processes that ended: ${ended.join(', ') || 'none'}`, ended.length === 0],
    ...doors.judge(callers),
    [`callers shut out at the end: ${lost.join(', ') || 'none'}`, lost.length === 0],
  ];
  say();
  say(
    `${count} requests in ${seconds.toFixed(0)} s (${(count / seconds).toFixed(0)}/s), slowest ${slowestMs.toFixed(0)} ms, seed ${seed}`,
  );
  say(sorted.join(', '));
  for (const line of doors.lines()) say(line);
  for (const [what, ok] of checks) say(`${ok ? 'ok    ' : 'FAILED'} ${what}`);
  return checks.every(([, ok]) => ok) ? 0 : 1;
}

process.exitCode = await main();
