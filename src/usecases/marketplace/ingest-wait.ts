import { setTimeout as delay } from 'node:timers/promises';
import { perDatabase } from '../../db/batches.ts';
import { type Decided, findDecided } from '../../db/marketplace/distributions.ts';

type Waiter = { since: number; resolve(decided: Decided | null): void };

/** Waits for the decisions about leads that were just stored. */
export type DecisionWatch = {
  /** Returns null without one within `ms`, or once the client has gone. */
  wait(leadId: string, ms: number, gone: AbortSignal): Promise<Decided | null>;
  /** How many wait now. */
  waiting(): number;
};

/** Pauses between two lookups: short while a lead is young, longer for those that wait for long. */
const pauses = { least: 3, most: 40, afterFailure: 200 };

/**
 * Looks up all waiting leads of a process in one query, again and again while there are any. The pause follows the youngest
 * of them and the time that a lookup takes, so that the lookups never use more than a third of one connection.
 */
export function createDecisionWatch(
  look: (leadIds: string[]) => Promise<Decided[]>,
  pause: (ms: number) => Promise<unknown> = delay,
): DecisionWatch {
  const waiting = new Map<string, Set<Waiter>>();
  let isLooking = false;

  const settle = ({ leadId, ...rest }: Decided) => {
    const waiters = waiting.get(leadId);
    waiting.delete(leadId);
    for (const { resolve } of waiters ?? []) resolve({ leadId, ...rest });
  };
  const lookOnce = async (): Promise<number> => {
    const from = performance.now();
    try {
      for (const decided of await look([...waiting.keys()])) settle(decided);
    } catch {
      // The database is away: those who wait are answered without a decision when their time is over.
      return pauses.afterFailure;
    }
    const now = performance.now();
    let youngest = 0;
    for (const waiters of waiting.values())
      for (const { since } of waiters) youngest = Math.max(youngest, since);
    return Math.max(2 * (now - from), Math.min(pauses.most, Math.max(pauses.least, (now - youngest) / 8)));
  };
  const lookWhileWaiting = async () => {
    if (isLooking) return;
    isLooking = true;
    while (waiting.size > 0) await pause(await lookOnce());
    isLooking = false;
  };
  return {
    waiting: () => waiting.size,
    wait: (leadId, ms, gone) =>
      new Promise((resolve) => {
        if (gone.aborted || ms <= 0) return resolve(null);
        const waiters = waiting.get(leadId) ?? new Set();
        const end = (decided: Decided | null) => {
          clearTimeout(timer);
          gone.removeEventListener('abort', giveUp);
          waiters.delete(waiter);
          if (waiters.size === 0 && waiting.get(leadId) === waiters) waiting.delete(leadId);
          resolve(decided);
        };
        const giveUp = () => end(null);
        const waiter: Waiter = { since: performance.now(), resolve: end };
        const timer = setTimeout(giveUp, ms);
        gone.addEventListener('abort', giveUp);
        waiting.set(leadId, waiters.add(waiter));
        void lookWhileWaiting();
      }),
  };
}

/** One watch for all who wait in a process. */
export const decisionWatchOf = perDatabase((db) =>
  createDecisionWatch((leadIds) => findDecided(db, leadIds)),
);
