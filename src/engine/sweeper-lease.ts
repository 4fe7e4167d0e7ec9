import type { Queryable } from '../db/client.ts';
import { endSweeperLease, takeSweeperLease } from '../db/transport/sweeper-lease.ts';
import { newId } from '../events/new-id.ts';

/**
 * One process at a time sweeps: the one that holds the lease, which it renews each interval, also while it sweeps. A row
 * and no advisory lock, because a lock would need a session, which a transaction pooler does not keep, or a transaction
 * that stays open while the queue is asked. Two processes that sweep at the same time do no harm.
 */
export type SweeperLease = {
  /** Does the work while holding the lease. Returns null when another process holds it. */
  hold<T>(work: () => Promise<T>): Promise<T | null>;
  /** Lets another process sweep at its next tick. Never throws. */
  end(): Promise<void>;
  /** Ends it, and does not take it for as long as a lease lasts, so that another process comes first. Never throws. */
  giveWay(): Promise<void>;
};

/** A holder may miss one renewal. */
const intervals = 2.5;
/** A sweep that lasts longer is joined by another process: it may hang. */
const longestMs = 15_000;

export function createSweeperLease(db: Queryable, everyMs: number): SweeperLease {
  const holder = newId();
  let held = false;
  let notBefore = 0;
  let renewal: Promise<unknown> = Promise.resolve();
  const end = async () => {
    // One that is under way would take the lease again after its end.
    await renewal;
    if (!held) return;
    held = false;
    await endSweeperLease(db, holder).catch(() => undefined);
  };
  const take = async () => {
    held = await takeSweeperLease(db, holder, intervals * everyMs);
    return held;
  };
  const keepRenewing = () => {
    const began = performance.now();
    let renewing = false;
    return setInterval(() => {
      if (renewing || performance.now() - began > longestMs) return;
      renewing = true;
      renewal = take()
        .catch(() => undefined)
        .finally(() => {
          renewing = false;
        });
    }, everyMs);
  };
  return {
    async hold(work) {
      if (performance.now() < notBefore || !(await take())) return null;
      const timer = keepRenewing();
      try {
        return await work();
      } finally {
        clearInterval(timer);
      }
    },
    end,
    async giveWay() {
      notBefore = performance.now() + intervals * everyMs;
      await end();
    },
  };
}
