import { isRefusal } from './database-errors.ts';
import { settledWithin } from './deadline.ts';
import type { Queryable } from './queryable.ts';

export type BatchLimits<K = never> = {
  /** Batches under way; further callers wait and share the next one. Each takes a connection. */
  atOnce: number;
  /** Members of one batch, or their weight together; the others wait for the next one. */
  most: number;
  /** A member that weighs more than `most` is a batch of its own. Each weighs 1 unless given. */
  weightOf?: (key: K) => number;
  /** After this time a batch counts no longer as under way. */
  patienceMs?: number;
};

const defaults = { atOnce: 3, most: 1_000 };

type Caller<K, V> = { key: K; resolve: (value: V) => void; reject: (error: unknown) => void };

/**
 * One statement for all callers of the same event loop iteration, and for those who come while `atOnce` are under way: at
 * idle no caller waits, and under load they share planning, round trips and commits. A caller never joins a batch that
 * began before its call, so an answer is as fresh as one of its own. A batch that hangs holds up its members, and the others
 * for `patienceMs` at most.
 *
 * `work` returns a value for each key. Each member keeps its own outcome: when the database refuses a statement, its halves
 * are tried, down to the member at fault. Another error, such as a lost connection or a lock that took too long, rejects all
 * members.
 */
export function inBatches<K, V>(
  work: (keys: K[]) => Promise<V[]>,
  { atOnce, most, weightOf = () => 1, patienceMs = 3_000 }: BatchLimits<K> = defaults,
): (key: K) => Promise<V> {
  const callers: Caller<K, V>[] = [];
  let underWay = 0;
  let isPlanned = false;
  const plan = () => {
    if (isPlanned || callers.length === 0 || underWay === atOnce) return;
    isPlanned = true;
    setImmediate(begin);
  };
  /** How many of the first callers share a batch. */
  const fitting = () => {
    let weight = 0;
    const over = callers.findIndex(({ key }) => {
      weight += weightOf(key);
      return weight > most;
    });
    return over === -1 ? callers.length : Math.max(1, over);
  };
  const begin = async () => {
    const members = callers.splice(0, fitting());
    isPlanned = false;
    underWay += 1;
    plan();
    await settledWithin(patienceMs, settle(members, work));
    underWay -= 1;
    plan();
  };
  return (key) =>
    new Promise((resolve, reject) => {
      callers.push({ key, resolve, reject });
      plan();
    });
}

async function settle<K, V>(members: Caller<K, V>[], work: (keys: K[]) => Promise<V[]>): Promise<void> {
  try {
    const values = await work(members.map(({ key }) => key));
    for (const [index, { resolve }] of members.entries()) resolve(values[index]!);
  } catch (error) {
    if (members.length > 1 && isRefusal(error)) {
      const half = Math.ceil(members.length / 2);
      await settle(members.slice(0, half), work);
      await settle(members.slice(half), work);
      return;
    }
    for (const { reject } of members) reject(error);
  }
}

/** Calls `make` once for each database, so that its callers share their batches. */
export function perDatabase<T>(make: (db: Queryable) => T): (db: Queryable) => T {
  const made = new WeakMap<Queryable, T>();
  return (db) => {
    let found = made.get(db);
    if (found === undefined) {
      found = make(db);
      made.set(db, found);
    }
    return found;
  };
}
