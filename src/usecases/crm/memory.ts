import type { CrmAccount } from '../../db/crm/call-slots.ts';
import { createGate, type Gate } from '../../engine/gate.ts';
import type { Runtime } from '../runtime.ts';

/** Calls and statements in progress, per WORKER_COUNT. Runs that wait for a call are not counted. */
const activeRuns = 50;

/** Leads of one account that failed in a row. Times by performance.now(). */
export type FailureStreak = { leads: Set<string>; since: number; last: number; alerted: boolean };

/** What this process learned about the accounts it calls, by `accountKey`. Lost with the process. */
export type Memory = {
  gate: Gate;
  /** After a 429: no calls from this process until then (performance.now()). */
  backOffUntil: Map<string, number>;
  /** When the vendor's count was last compared with ours. */
  comparedAt: Map<string, number>;
  failures: Map<string, FailureStreak>;
};

const memories = new WeakMap<object, Memory>();

export const accountKey = ({ vendor, accountId }: CrmAccount): string => `${vendor} ${accountId}`;

export function memoryOf({ db, config }: Pick<Runtime, 'db' | 'config'>): Memory {
  const known = memories.get(db);
  if (known) return known;
  const memory: Memory = {
    gate: createGate(activeRuns * config.workerCount),
    backOffUntil: new Map(),
    comparedAt: new Map(),
    failures: new Map(),
  };
  memories.set(db, memory);
  return memory;
}
