import { setTimeout as delay } from 'node:timers/promises';
import type { FaultInput } from '../../src/sandbox/faults.ts';
import type { Machine } from './machine.ts';
import type { Program } from './programs.ts';
import type { FaultProxy, NetworkFault } from './proxy.ts';
import type { Random } from './random.ts';

/** The faults injected so far and the measured recoveries. */
export type FaultLog = {
  kills: number;
  /** Kills that left an effect claimed, which only the end of its lease releases. */
  killsMidEffect: number;
  flushes: number;
  flushedJobs: number;
  freezes: number;
  crashes: number;
  network: Record<string, number>;
  /** For each flush, the milliseconds until every queued row was re-issued or done. */
  refillMs: number[];
  /** For each database crash, the milliseconds from its restart until a run that started afterwards finished. */
  recoveryMs: number[];
  /** The queue's contents before each flush. */
  dumps: string[];
};

export const emptyFaultLog = (): FaultLog => ({
  kills: 0,
  killsMidEffect: 0,
  flushes: 0,
  flushedJobs: 0,
  freezes: 0,
  crashes: 0,
  network: {},
  refillMs: [],
  recoveryMs: [],
  dumps: [],
});

/** The servers and the product's processes. */
export type SystemUnderTest = { machine: Machine; programs: readonly Program[] };

export type FaultOptions = {
  ms: number;
  vendorFaults: boolean;
  killEveryMs?: number;
  /** Asked once the time is over: faults go on for at most the same time again while it says so. */
  wantsMore?: (log: FaultLog) => boolean;
};

const flushEveryMs = 17_000;
const crashEveryMs = 31_000;
const freezeEveryMs = 37_000;
const networkFaultEveryMs = 6_000;
const networkFaults: readonly NetworkFault[] = [
  { kind: 'reset' },
  { kind: 'blackhole', ms: 2_500 },
  { kind: 'delay', by: 150, ms: 3_000 },
  { kind: 'cut_before', count: 5 },
  { kind: 'cut_after', count: 5 },
];
/** Longer than a job's lock (8 s), so that another worker takes the job before the frozen one resumes. */
const frozenMs = 11_000;

/** Injects faults for `options.ms`, then ends all of them. */
export async function injectFaults(
  { machine, programs }: SystemUnderTest,
  random: Random,
  options: FaultOptions,
  log: FaultLog,
): Promise<void> {
  const until = Date.now() + options.ms;
  // On a slow machine fewer processes are met during a call in the same time.
  const active = () =>
    Date.now() < until || (Date.now() < until + options.ms && options.wantsMore?.(log) === true);
  const measurements: Promise<unknown>[] = [];
  // Slow responses, so that kills find calls in flight.
  await machine.vendors.fault({ vendor: '*', kind: 'latency', ms: 60 });
  if (options.vendorFaults) await breakVendors(machine, random);
  const every = async (ms: number, first: number, act: () => Promise<void>) => {
    await delay(first);
    while (active()) {
      await act().catch(() => undefined);
      await delay(ms);
    }
  };
  // Faults that stop or restart processes run one at a time, so that they do not undo each other.
  let lastTurn: Promise<unknown> = Promise.resolve();
  const exclusively = (act: () => Promise<void>) => {
    const turn = lastTurn.then(() => (active() ? act() : undefined)).catch(() => undefined);
    lastTurn = turn;
    return turn;
  };
  await Promise.all([
    every(options.killEveryMs ?? 2_000, 1_500, () =>
      exclusively(() => kill({ machine, programs }, random, log)),
    ),
    every(flushEveryMs, 7_000, () =>
      exclusively(async () => void measurements.push(...(await flush({ machine, programs }, log)))),
    ),
    every(crashEveryMs, 13_000, () => exclusively(() => crash({ machine, programs }, log))),
    every(freezeEveryMs, 19_000, () => freeze(programs, random, log)),
    every(networkFaultEveryMs, 4_000, () => breakNetwork(machine, random, log)),
  ]);
  await lastTurn;
  await machine.vendors.clearFaults();
  for (const proxy of Object.values(machine.proxies)) proxy?.clear();
  for (const program of programs) if (program.paused) program.resume();
  await Promise.all(measurements);
}

/** Kills a random process; a worker, where possible, during a call to a vendor. */
async function kill({ machine, programs }: SystemUnderTest, random: Random, log: FaultLog): Promise<void> {
  const victims = programs.filter(({ up }) => up);
  if (victims.length === 0) return;
  const victim = random.below(4) === 0 ? victims[0]! : random.oneOf(victims);
  if (victim.role === 'api') {
    victim.kill();
    log.kills += 1;
    return;
  }
  for (let polls = 0; polls < 60 && (await claims(machine)).length === 0; polls += 1) await delay(20);
  victim.kill();
  log.kills += 1;
  const held = await claims(machine);
  // By then the living processes have finished their calls, so the claims left belong to the killed one.
  await delay(700);
  const orphaned = new Set(await claims(machine));
  if (held.some((claim) => orphaned.has(claim))) log.killsMidEffect += 1;
}

async function claims({ db }: Machine): Promise<string[]> {
  const rows = await db.query<{ claim: string }>(
    "SELECT key || ' ' || fence AS claim FROM effects WHERE state = 'claimed' AND lease_until > now()",
  );
  return rows.map(({ claim }) => claim);
}

/** Erases the queue while jobs wait in it. The workers are paused first so that jobs pile up. */
async function flush({ machine, programs }: SystemUnderTest, log: FaultLog): Promise<Promise<unknown>[]> {
  await allUp(programs);
  const workers = programs.filter(({ role, up }) => role === 'worker' && up);
  for (const worker of workers) worker.pause();
  try {
    let jobs = 0;
    for (let polls = 0; polls < 50 && jobs < 25; polls += 1) {
      await delay(80);
      jobs = await machine.queue.waiting();
    }
    log.dumps.push(await machine.queue.contents());
    const queued = await machine.db.query<{ id: string; epoch: number }>(
      'SELECT id, epoch FROM outbox WHERE queued AND parked_at IS NULL AND visits = 0',
    );
    log.flushedJobs += await machine.queue.flush();
    log.flushes += 1;
    return [timeRefill(machine, log, queued)];
  } finally {
    for (const worker of workers) worker.resume();
  }
}

async function timeRefill(
  { db }: Machine,
  log: FaultLog,
  queued: { id: string; epoch: number }[],
): Promise<void> {
  const started = Date.now();
  while (Date.now() - started < 120_000) {
    const left = await db
      .query<{ n: number }>(
        `SELECT count(*)::int AS n FROM outbox o JOIN jsonb_to_recordset($1::jsonb) AS q(id bigint, epoch integer) USING (id, epoch)
         WHERE o.visits = 0 AND o.queued AND o.parked_at IS NULL`,
        [JSON.stringify(queued)],
      )
      .catch(() => []);
    if (left[0]?.n === 0) break;
    await delay(100);
  }
  log.refillMs.push(Date.now() - started);
}

/** Waits for all processes, because recovery is measured on a running system and not on one that is starting. */
async function allUp(programs: readonly Program[]): Promise<void> {
  await Promise.all(programs.filter(({ paused }) => !paused).map((program) => program.whenUp()));
}

/** Crashes Postgres and measures the recovery, during which no other process fault is injected. */
async function crash({ machine: { db, postgres }, programs }: SystemUnderTest, log: FaultLog): Promise<void> {
  await allUp(programs);
  await postgres.restart('immediate');
  log.crashes += 1;
  const back = Date.now();
  while (Date.now() - back < 60_000) {
    const after = await db
      .query<{ n: number }>(
        "SELECT count(*)::int AS n FROM attempts WHERE started_at > $1 AND outcome IN ('finished', 'skipped', 'snoozed')",
        [new Date(back)],
      )
      .catch(() => []);
    if ((after[0]?.n ?? 0) > 0) break;
    await delay(50);
  }
  log.recoveryMs.push(Date.now() - back);
}

async function freeze(programs: readonly Program[], random: Random, log: FaultLog): Promise<void> {
  const workers = programs.filter(({ role }) => role === 'worker');
  const program = random.oneOf(workers);
  await program.whenUp();
  program.pause();
  log.freezes += 1;
  await delay(frozenMs);
  program.resume();
}

/** Injects one network fault into one connection. */
async function breakNetwork({ proxies }: Machine, random: Random, log: FaultLog): Promise<void> {
  const available = Object.entries(proxies).filter(
    (entry): entry is [string, FaultProxy] => entry[1] !== null,
  );
  const [name, proxy] = random.oneOf(available);
  const chosen = random.oneOf(networkFaults);
  const what = `${name}: ${chosen.kind}`;
  log.network[what] = (log.network[what] ?? 0) + 1;
  proxy.inject(chosen);
}

async function breakVendors({ vendors }: Machine, random: Random): Promise<void> {
  const inject = (fault: Record<string, unknown>) =>
    vendors.fault({ seed: random.below(1_000_000), ...fault } as FaultInput);
  const calls = [
    { kind: 'rate_limit', retryAfter: 1, probability: 0.03 },
    { kind: 'error', probability: 0.02 },
    { kind: 'error_after', probability: 0.02 },
    { kind: 'reset', probability: 0.01 },
    { kind: 'reset_after', probability: 0.01 },
    { kind: 'timeout', ms: 15_000, probability: 0.005 },
    { kind: 'timeout_after', ms: 15_000, probability: 0.005 },
  ];
  for (const vendor of ['stripe', 'twilio', 'sendgrid'])
    for (const call of calls) await inject({ vendor, ...call });
  for (const vendor of ['stripe', 'twilio', 'sendgrid']) {
    await inject({ vendor, kind: 'webhook_duplicate', copies: 2, probability: 0.1 });
    await inject({ vendor, kind: 'webhook_delay', ms: 4_000, probability: 0.1 });
    await inject({ vendor, kind: 'webhook_reorder', ms: 2_000, probability: 0.1 });
  }
  // Some delivery receipts and reports of payments are never delivered. Inbound texts always are, and so are refunds made
  // at the dashboard: only their webhooks report them, and Stripe retries those for three days.
  await inject({ vendor: 'stripe', kind: 'webhook_withhold', event: 'checkout.session.', probability: 0.15 });
  await inject({ vendor: 'stripe', kind: 'webhook_withhold', event: 'payment_intent.', probability: 0.2 });
  await inject({ vendor: 'twilio', kind: 'webhook_withhold', event: 'message.delivered', probability: 0.1 });
  await inject({ vendor: 'sendgrid', kind: 'webhook_withhold', probability: 0.2 });
}
