import { setTimeout as delay } from 'node:timers/promises';
import type { CrmQuota } from '../../adapters/crm.ts';
import {
  type CallLimits,
  type CallSlot,
  callsInInterval,
  lateMsOf,
  mostAheadMs,
  moveCall,
  nextFreeInMs,
  noteDay,
  openAllowance,
  settleMs,
  takeCall,
} from '../../db/crm/call-slots.ts';
import { hold } from '../../db/crm/connections.ts';
import { TransientError } from '../../domain/errors.ts';
import { createGate, type Gate } from '../../engine/gate.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'config' | 'log'>;
export type Location = { organizationId: string; locationId: string; rateShare: number };

/** The row goes back where it was: its company's turn comes later. Nothing was done, nothing counts. */
export class HeldError extends Error {}

/** Calls and statements under way together, per WORKER_COUNT. Runs that wait for their turn are not among them. */
const activeRuns = 50;
/** A first call free only later than this is not waited for: the row goes back to the outbox. */
export const lookAheadMs = ({ intervalMs }: CallLimits): number => Math.min(2_500, intervalMs / 4);
/** A call that could not leave for so long after its moment is moved first: its answer needs time as well. */
const mostLateMs = (limits: CallLimits): number => settleMs(limits) / 2;
const mostTries = 25;
const patienceIntervals = 3;

/**
 * Rows of one company in the queue at once. With the limiter on so many as it lets go in two seconds, so that nobody's
 * backlog fills the queue with runs that wait; else half of the queue.
 */
export function rowsUnderWay({ config, queues }: Pick<Runtime, 'config' | 'queues'>): number {
  const { limits } = config.ghl;
  if (!limits) return Math.ceil(queues.window / 2);
  return Math.max(10, Math.ceil((2_000 * limits.calls) / limits.intervalMs));
}

export type Trouble = { leads: Set<string>; since: number; last: number; told: boolean };

/** What this process knows of the locations it calls; lost with it, and learnt again. */
type Memory = {
  gate: Gate;
  /** Refused with 429: until then (performance.now()) nobody here calls. */
  quietUntil: Map<string, number>;
  /** When the vendor's own count was last compared with ours. */
  comparedAt: Map<string, number>;
  /** Leads that failed one after the other, with no success in between, since when and until when (performance.now()). */
  troubled: Map<string, Trouble>;
};
const memories = new WeakMap<object, Memory>();

export function memoryOf({ db, config }: Pick<Runtime, 'db' | 'config'>): Memory {
  const known = memories.get(db);
  if (known) return known;
  const memory: Memory = {
    gate: createGate(activeRuns * config.workerCount),
    ...{ quietUntil: new Map(), comparedAt: new Map(), troubled: new Map() },
  };
  memories.set(db, memory);
  return memory;
}

/** A call's moment by performance.now(): not before `at`, and `planned` at the earliest it can have been. */
export type Turn = { slot: CallSlot; at: number; planned: number };
export type Turns = {
  /** Makes one call when its location's allowance has room for it. Throws HeldError when that is not soon. */
  call<T>(make: () => Promise<T>): Promise<T>;
  onQuota(quota: CrmQuota): void;
};

/**
 * The calls of one run. `first`: what was taken when the run was opened. The caller is inside the gate, and is let out
 * while it waits.
 */
export function turnsOf(deps: Deps, location: Location, first: Turn | null): Turns {
  const { limits } = deps.config.ghl;
  const memory = memoryOf(deps);
  const { locationId } = location;
  let next = first;

  const comeTo = async (): Promise<Turn> => {
    for (let tried = 0; tried < mostTries; tried += 1) {
      const turn = next ?? (await take(deps, location));
      await outside(memory.gate, turn.at - performance.now());
      next = null;
      if (performance.now() <= turn.planned + mostLateMs(limits!)) return turn;
      next = await moved(deps, location, turn);
    }
    throw new HeldError('this process is too busy to keep its turn');
  };
  return {
    async call(make) {
      const turn = limits ? await comeTo() : null;
      if ((memory.quietUntil.get(locationId) ?? 0) > performance.now())
        throw new HeldError('the CRM asked us to slow down');
      try {
        return await make();
      } catch (error) {
        if (error instanceof TransientError && error.code === 'rate_limited')
          await slowDown(deps, location, error);
        throw error;
      } finally {
        if (turn) made(deps, location, turn);
      }
    },
    onQuota(quota) {
      compare(deps, location, quota).catch((error: Error) =>
        deps.log.debug({ location: locationId, error: error.message }, 'quota not compared'),
      );
    },
  };
}

/** `askedAt`: before the database's clock was read. Its answer is heard after that. */
export function turnFrom(slot: CallSlot, askedAt: number): Turn {
  return { slot, at: performance.now() + slot.waitMs, planned: askedAt + slot.waitMs };
}

/** The vendor has counted it by now. Where that may have been later than planned, its row is free later. */
function made({ db, config, log }: Deps, { locationId }: Location, { slot, planned }: Turn): void {
  const lateMs = lateMsOf(config.ghl.limits!);
  if (performance.now() <= planned + lateMs) return;
  moveCall(db, locationId, slot, lateMs).catch((error: Error) =>
    log.debug({ location: locationId, error: error.message }, 'a late call was not noted'),
  );
}

/** Later calls of a run that has begun get the next free slot, before calls of runs that have not. */
async function take({ db, config }: Deps, location: Location): Promise<Turn> {
  const limits = config.ghl.limits!;
  const until = performance.now() + patienceIntervals * limits.intervalMs;
  while (performance.now() < until) {
    const askedAt = performance.now();
    const taken = await takeCall(db, location, limits, mostAheadMs(limits));
    if ('slot' in taken) return turnFrom(taken, askedAt);
    if (taken.full === 'day') {
      await holdForTheDay(db, location.organizationId);
      throw new HeldError("the day's allowance is used up");
    }
    if (await openAllowance(db, location.locationId, limits)) continue;
    const ms = (await nextFreeInMs(db, location, limits)) - mostAheadMs(limits);
    await outside(memoryOf({ db, config }).gate, Math.max(10, ms) + Math.random() * 50);
  }
  throw new HeldError('no call was free');
}

async function moved({ db }: Deps, { locationId }: Location, { slot }: Turn): Promise<Turn | null> {
  const askedAt = performance.now();
  const now = await moveCall(db, locationId, slot, 0);
  return now && turnFrom(now, askedAt);
}

/** Sleeps without keeping anybody from working. */
async function outside(gate: Gate, ms: number): Promise<void> {
  if (ms <= 0) return;
  const until = performance.now() + ms;
  gate.leave();
  try {
    // Timers may fire a moment early.
    for (let left = ms; left > 0; left = until - performance.now()) await delay(Math.ceil(left));
  } finally {
    await gate.enter();
  }
}

/** No slot is free soon: the company's rows stay in the outbox until one is. False: the location had no slots yet. */
export async function holdForSlot({ db, config }: Deps, location: Location): Promise<boolean> {
  const limits = config.ghl.limits!;
  if (await openAllowance(db, location.locationId, limits)) return false;
  const ms = (await nextFreeInMs(db, location, limits)) - lookAheadMs(limits);
  if (ms > 0)
    await hold(db, location.organizationId, ms, 'The location has used its calls of these seconds.');
  return true;
}

export async function holdForTheDay(db: Deps['db'], organizationId: string): Promise<void> {
  const now = new Date();
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
  await hold(db, organizationId, midnight - now.getTime() + 1_000, "The location has used the day's calls.");
}

async function slowDown(deps: Deps, location: Location, error: TransientError): Promise<void> {
  const ms = error.retryAfterMs ?? 10_000;
  const { quietUntil } = memoryOf(deps);
  quietUntil.set(
    location.locationId,
    Math.max(quietUntil.get(location.locationId) ?? 0, performance.now() + ms),
  );
  await hold(deps.db, location.organizationId, ms, 'The CRM asked us to slow down.');
}

const compareEveryMs = 1_000;

/** Calls that the vendor counted and we did not are somebody else's: leave them their room. */
async function compare(deps: Deps, location: Location, quota: CrmQuota): Promise<void> {
  const { db } = deps;
  if (!deps.config.ghl.limits) return;
  const spent = quota.dailyRemaining === 0;
  if (quota.remaining > 0 && !spent && (quota.dailyRemaining ?? 0) % 100 !== 0) return;
  const { comparedAt } = memoryOf(deps);
  if ((comparedAt.get(location.locationId) ?? -compareEveryMs) > performance.now() - compareEveryMs) return;
  comparedAt.set(location.locationId, performance.now());
  if (quota.dailyRemaining !== null) await noteDay(db, location.locationId, quota.dailyRemaining);
  // How long the vendor's day still lasts is not reliably told: look again every hour.
  if (spent) await hold(db, location.organizationId, 3_600_000, "The CRM says the day's calls are used up.");
  if (quota.remaining > 0) return;
  const ours = await callsInInterval(db, location.locationId, quota.intervalMs);
  if (ours < quota.max * 0.8)
    await hold(
      db,
      location.organizationId,
      quota.intervalMs / 4,
      'Another program uses the location’s calls.',
    );
}
