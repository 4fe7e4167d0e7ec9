import { setTimeout as delay } from 'node:timers/promises';
import type { CrmLimits, CrmQuota } from '../../adapters/crm.ts';
import {
  type CallSlot,
  type CrmAccount,
  callsInInterval,
  createSlots,
  lateMsOf,
  maxAheadMs,
  moveCall,
  nextFreeInMs,
  recordRemaining,
  reserveCall,
  type SharedAccount,
  settleMs,
} from '../../db/crm/call-slots.ts';
import { hold } from '../../db/crm/holds.ts';
import { TransientError } from '../../domain/errors.ts';
import type { Gate } from '../../engine/gate.ts';
import type { Runtime } from '../runtime.ts';
import { accountKey, memoryOf } from './memory.ts';

type Deps = Pick<Runtime, 'db' | 'config' | 'crms' | 'log'>;
/** `organizationId`: the organization whose rows are held while the account has no calls left. */
export type LimitedAccount = SharedAccount & { organizationId: string };

/** The row goes back to the outbox and is repeated later. Nothing was done, and no attempt is counted. */
export class HeldError extends Error {}

/** A run whose first call is free only later than this goes back to the outbox. */
export const lookAheadMs = ({ intervalMs }: CrmLimits): number => Math.min(2_500, intervalMs / 4);
/** A call delayed by this much after its reserved time is moved first, to leave time for its response. */
const maxLateMs = (limits: CrmLimits): number => settleMs(limits) / 2;
const maxMoves = 25;
const patienceIntervals = 3;

/**
 * Rows of one company in the queue at once: as many as the limit releases in two seconds, so that no backlog fills the
 * queue with waiting runs; without a limit, half of the queue.
 */
export function rowsUnderWay({ crms, queues }: Pick<Runtime, 'crms' | 'queues'>): number {
  const rows = Object.values(crms).map(({ limits }) =>
    limits
      ? Math.max(10, Math.ceil((2_000 * limits.calls) / limits.intervalMs))
      : Math.ceil(queues.window / 2),
  );
  return Math.max(...rows);
}

const limitsOf = ({ crms }: Deps, { vendor }: CrmAccount): CrmLimits | null => crms[vendor].limits;

/** A reserved call by performance.now(): made no earlier than `at`; `planned` is the earliest its moment can be. */
export type ScheduledCall = { slot: CallSlot; at: number; planned: number };

export type CallLimiter = {
  /** Makes one call when the account's rate limit permits. Throws HeldError when the wait would be too long. */
  call<T>(make: () => Promise<T>): Promise<T>;
  onQuota(quota: CrmQuota): void;
};

/**
 * Limits the calls of one run. `first`: the call reserved when the run was opened. The caller is inside the gate and
 * leaves it while it waits.
 */
export function limitCalls(deps: Deps, account: LimitedAccount, first: ScheduledCall | null): CallLimiter {
  const limits = limitsOf(deps, account);
  const memory = memoryOf(deps);
  const key = accountKey(account);
  let next = first;

  const waitForCall = async (limits: CrmLimits): Promise<ScheduledCall> => {
    for (let moves = 0; moves < maxMoves; moves += 1) {
      const call = next ?? (await reserve(deps, account, limits));
      await sleepOutside(memory.gate, call.at - performance.now());
      next = null;
      if (performance.now() <= call.planned + maxLateMs(limits)) return call;
      next = await moveToNow(deps, account, call);
    }
    throw new HeldError('this process is too busy to make its calls in time');
  };
  return {
    async call(make) {
      const scheduled = limits && (await waitForCall(limits));
      if ((memory.backOffUntil.get(key) ?? 0) > performance.now())
        throw new HeldError('the CRM asked for fewer calls');
      try {
        return await make();
      } catch (error) {
        if (error instanceof TransientError && error.code === 'rate_limited')
          await backOff(deps, account, error);
        throw error;
      } finally {
        if (limits && scheduled) moveIfLate(deps, account, limits, scheduled);
      }
    },
    onQuota(quota) {
      compareQuota(deps, account, quota).catch((error: Error) =>
        deps.log.debug({ account: key, error: error.message }, 'quota not compared'),
      );
    },
  };
}

/** `askedAt`: local time before the database's clock was read. */
export function scheduled(slot: CallSlot, askedAt: number): ScheduledCall {
  return { slot, at: performance.now() + slot.waitMs, planned: askedAt + slot.waitMs };
}

/** The vendor has counted the call by now. If that may have been later than planned, its row is free later. */
function moveIfLate(
  { db, log }: Deps,
  account: CrmAccount,
  limits: CrmLimits,
  { slot, planned }: ScheduledCall,
): void {
  const lateMs = lateMsOf(limits);
  if (performance.now() <= planned + lateMs) return;
  moveCall(db, account, slot, lateMs).catch((error: Error) =>
    log.debug({ account: accountKey(account), error: error.message }, 'a late call was not recorded'),
  );
}

/** The next free slot: later calls of a run that has begun go before the first calls of other runs. */
async function reserve(deps: Deps, account: LimitedAccount, limits: CrmLimits): Promise<ScheduledCall> {
  const { db } = deps;
  const deadline = performance.now() + patienceIntervals * limits.intervalMs;
  while (performance.now() < deadline) {
    const askedAt = performance.now();
    const reserved = await reserveCall(db, account, limits, maxAheadMs(limits));
    if ('slot' in reserved) return scheduled(reserved, askedAt);
    if (reserved.full === 'day') {
      await holdUntilTomorrow(db, account.organizationId);
      throw new HeldError('the daily limit is reached');
    }
    if (await createSlots(db, account, limits)) continue;
    const ms = (await nextFreeInMs(db, account, limits)) - maxAheadMs(limits);
    await sleepOutside(memoryOf(deps).gate, Math.max(10, ms) + Math.random() * 50);
  }
  throw new HeldError('no call was free');
}

async function moveToNow(
  { db }: Deps,
  account: CrmAccount,
  { slot }: ScheduledCall,
): Promise<ScheduledCall | null> {
  const askedAt = performance.now();
  const moved = await moveCall(db, account, slot, 0);
  return moved && scheduled(moved, askedAt);
}

/** Sleeps outside the gate, so that other runs can work. */
async function sleepOutside(gate: Gate, ms: number): Promise<void> {
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

/** Holds the rows until a slot is free. Returns false when the account had no slots yet: they exist now. */
export async function holdForSlot(deps: Deps, account: LimitedAccount, limits: CrmLimits): Promise<boolean> {
  const { db } = deps;
  if (await createSlots(db, account, limits)) return false;
  const ms = (await nextFreeInMs(db, account, limits)) - lookAheadMs(limits);
  if (ms > 0)
    await hold(db, account.organizationId, ms, 'The account has used its calls of the current interval.');
  return true;
}

export async function holdUntilTomorrow(db: Deps['db'], organizationId: string): Promise<void> {
  const now = new Date();
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
  await hold(
    db,
    organizationId,
    midnight - now.getTime() + 1_000,
    'The account has reached its daily call limit.',
  );
}

async function backOff(deps: Deps, account: LimitedAccount, error: TransientError): Promise<void> {
  const ms = error.retryAfterMs ?? 10_000;
  const { backOffUntil } = memoryOf(deps);
  const key = accountKey(account);
  backOffUntil.set(key, Math.max(backOffUntil.get(key) ?? 0, performance.now() + ms));
  await hold(deps.db, account.organizationId, ms, 'The CRM asked for fewer calls.');
}

const compareEveryMs = 1_000;

/** Calls that only the vendor counted were made by other programs: reserves slots for them. */
async function compareQuota(deps: Deps, account: LimitedAccount, quota: CrmQuota): Promise<void> {
  const { db } = deps;
  if (!limitsOf(deps, account)) return;
  const { organizationId } = account;
  const spent = quota.dailyRemaining === 0;
  if (quota.remaining > 0 && !spent && (quota.dailyRemaining ?? 0) % 100 !== 0) return;
  const { comparedAt } = memoryOf(deps);
  const key = accountKey(account);
  if ((comparedAt.get(key) ?? -compareEveryMs) > performance.now() - compareEveryMs) return;
  comparedAt.set(key, performance.now());
  if (quota.dailyRemaining !== null) await recordRemaining(db, account, quota.dailyRemaining);
  // The vendor does not report reliably when its day ends: check again every hour.
  if (spent)
    await hold(db, organizationId, 3_600_000, 'The CRM reports that the daily call limit is reached.');
  if (quota.remaining > 0) return;
  const ours = await callsInInterval(db, account, quota.intervalMs);
  if (ours < quota.max * 0.8)
    await hold(db, organizationId, quota.intervalMs / 4, 'Another program uses the calls of this account.');
}
