import { setTimeout as delay } from 'node:timers/promises';
import type { FaultInput } from '../../src/sandbox/faults.ts';
import type { Dice } from './dice.ts';
import type { Machine } from './machine.ts';
import type { Program } from './programs.ts';
import type { Trouble, Wire } from './proxy.ts';

/** What was done to the system, and how it took it. */
export type Harm = {
  kills: number;
  /** Kills that left an effect claimed, with nobody to finish it but its lease. */
  killsMidEffect: number;
  flushes: number;
  flushedJobs: number;
  freezes: number;
  crashes: number;
  wires: Record<string, number>;
  /** Milliseconds until every row queued at a flush was issued again or done; one per flush. */
  refillMs: number[];
  /** Milliseconds from the return of Postgres until a worker finished something that began after it. */
  recoveryMs: number[];
  /** Queue contents seen before each flush. */
  dumps: string[];
};

export const unharmed = (): Harm => ({
  kills: 0,
  killsMidEffect: 0,
  flushes: 0,
  flushedJobs: 0,
  freezes: 0,
  crashes: 0,
  wires: {},
  refillMs: [],
  recoveryMs: [],
  dumps: [],
});

/** The servers, and the product's processes on them. */
export type Accused = { machine: Machine; programs: readonly Program[] };

export type StormOptions = { ms: number; vendorFaults: boolean; killEveryMs?: number };

const flushEveryMs = 17_000;
const crashEveryMs = 31_000;
const freezeEveryMs = 37_000;
const troubleEveryMs = 6_000;
const troubles: readonly Trouble[] = [
  { kind: 'reset' },
  { kind: 'blackhole', ms: 2_500 },
  { kind: 'delay', by: 150, ms: 3_000 },
  { kind: 'cut_before', count: 5 },
  { kind: 'cut_after', count: 5 },
];
/** Longer than a job's lock (8 s): others take over what the frozen one held, and it wakes as a zombie. */
const frozenMs = 11_000;

/** Harms until the time is over, then lets everything run again. */
export async function storm(
  { machine, programs }: Accused,
  dice: Dice,
  options: StormOptions,
  harm: Harm,
): Promise<void> {
  const until = Date.now() + options.ms;
  const raging = () => Date.now() < until;
  const side: Promise<unknown>[] = [];
  // Answers that take a moment: a kill finds calls under way.
  await machine.vendors.fault({ vendor: '*', kind: 'latency', ms: 60 });
  if (options.vendorFaults) await breakVendors(machine, dice);
  const every = async (ms: number, first: number, act: () => Promise<void>) => {
    await delay(first);
    while (raging()) {
      await act().catch(() => undefined);
      await delay(ms);
    }
  };
  // One hand for what stops and starts processes, so that no two harms undo each other.
  let free: Promise<unknown> = Promise.resolve();
  const alone = (act: () => Promise<void>) => {
    const turn = free.then(() => (raging() ? act() : undefined)).catch(() => undefined);
    free = turn;
    return turn;
  };
  await Promise.all([
    every(options.killEveryMs ?? 2_000, 1_500, () => alone(() => kill({ machine, programs }, dice, harm))),
    every(flushEveryMs, 7_000, () =>
      alone(async () => void side.push(...(await flush({ machine, programs }, harm)))),
    ),
    every(crashEveryMs, 13_000, () => alone(() => crash({ machine, programs }, harm))),
    every(freezeEveryMs, 19_000, () => freeze(programs, dice, harm)),
    every(troubleEveryMs, 4_000, () => trouble(machine, dice, harm)),
  ]);
  await free;
  await machine.vendors.clearFaults();
  for (const proxy of Object.values(machine.proxies)) proxy?.heal();
  for (const program of programs) if (program.paused) program.resume();
  await Promise.all(side);
}

/** Kills one at random; a worker where possible while it has a call under way. */
async function kill({ machine, programs }: Accused, dice: Dice, harm: Harm): Promise<void> {
  const victims = programs.filter(({ up }) => up);
  if (victims.length === 0) return;
  const victim = dice.below(4) === 0 ? victims[0]! : dice.oneOf(victims);
  if (victim.role === 'api') {
    victim.kill();
    harm.kills += 1;
    return;
  }
  for (let looks = 0; looks < 60 && (await claims(machine)).length === 0; looks += 1) await delay(20);
  victim.kill();
  harm.kills += 1;
  const held = await claims(machine);
  // Whoever lives has finished its calls by then; what is still claimed belonged to the dead.
  await delay(700);
  const orphaned = new Set(await claims(machine));
  if (held.some((claim) => orphaned.has(claim))) harm.killsMidEffect += 1;
}

async function claims({ db }: Machine): Promise<string[]> {
  const rows = await db.query<{ claim: string }>(
    "SELECT key || ' ' || fence AS claim FROM effects WHERE state = 'claimed' AND lease_until > now()",
  );
  return rows.map(({ claim }) => claim);
}

/** Erases the queue while jobs wait in it: the workers stand still for a moment so that some do. */
async function flush({ machine, programs }: Accused, harm: Harm): Promise<Promise<unknown>[]> {
  await everybodyUp(programs);
  const workers = programs.filter(({ role, up }) => role === 'worker' && up);
  for (const worker of workers) worker.pause();
  try {
    let jobs = 0;
    for (let looks = 0; looks < 50 && jobs < 25; looks += 1) {
      await delay(80);
      jobs = await machine.queue.waiting();
    }
    harm.dumps.push(await machine.queue.contents());
    const queued = await machine.db.query<{ id: string; epoch: number }>(
      'SELECT id, epoch FROM outbox WHERE queued AND parked_at IS NULL AND visits = 0',
    );
    harm.flushedJobs += await machine.queue.flush();
    harm.flushes += 1;
    return [timeRefill(machine, harm, queued)];
  } finally {
    for (const worker of workers) worker.resume();
  }
}

async function timeRefill(
  { db }: Machine,
  harm: Harm,
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
  harm.refillMs.push(Date.now() - started);
}

/** What is timed is how a running system takes it, not how long a process needs for its start. */
async function everybodyUp(programs: readonly Program[]): Promise<void> {
  await Promise.all(programs.filter(({ paused }) => !paused).map((program) => program.whenUp()));
}

/** The way back is timed by itself: nothing else is harmed until it is found. */
async function crash({ machine: { db, postgres }, programs }: Accused, harm: Harm): Promise<void> {
  await everybodyUp(programs);
  await postgres.restart('immediate');
  harm.crashes += 1;
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
  harm.recoveryMs.push(Date.now() - back);
}

async function freeze(programs: readonly Program[], dice: Dice, harm: Harm): Promise<void> {
  const workers = programs.filter(({ role }) => role === 'worker');
  const program = dice.oneOf(workers);
  await program.whenUp();
  program.pause();
  harm.freezes += 1;
  await delay(frozenMs);
  program.resume();
}

/** One trouble on one wire. */
async function trouble({ proxies }: Machine, dice: Dice, harm: Harm): Promise<void> {
  const wires = Object.entries(proxies).filter((entry): entry is [string, Wire] => entry[1] !== null);
  const [name, proxy] = dice.oneOf(wires);
  const chosen = dice.oneOf(troubles);
  const what = `${name}: ${chosen.kind}`;
  harm.wires[what] = (harm.wires[what] ?? 0) + 1;
  proxy.strike(chosen);
}

async function breakVendors({ vendors }: Machine, dice: Dice): Promise<void> {
  const strike = (fault: Record<string, unknown>) =>
    vendors.fault({ seed: dice.below(1_000_000), ...fault } as FaultInput);
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
    for (const call of calls) await strike({ vendor, ...call });
  for (const vendor of ['stripe', 'twilio', 'sendgrid']) {
    await strike({ vendor, kind: 'webhook_duplicate', copies: 2, probability: 0.1 });
    await strike({ vendor, kind: 'webhook_delay', ms: 4_000, probability: 0.1 });
    await strike({ vendor, kind: 'webhook_reorder', ms: 2_000, probability: 0.1 });
  }
  // Never delivered at all: receipts, and Stripe's word that somebody paid. People's own texts always arrive, and of a
  // refund at the dashboard nothing but its webhook tells, which Stripe repeats for three days.
  await strike({ vendor: 'stripe', kind: 'webhook_withhold', event: 'checkout.session.', probability: 0.15 });
  await strike({ vendor: 'twilio', kind: 'webhook_withhold', event: 'message.delivered', probability: 0.1 });
  await strike({ vendor: 'sendgrid', kind: 'webhook_withhold', probability: 0.2 });
}
