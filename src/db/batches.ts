import { isAnswer } from './database-errors.ts';
import { settledWithin } from './deadline.ts';
import type { Queryable } from './queryable.ts';

export type BatchLimits = {
  /** Batches under way; further callers wait and share the next one. Each takes a connection. */
  atOnce: number;
  /** Members of one batch; the others wait for the next one. */
  most: number;
  /** After this time a batch counts no longer as under way. */
  patienceMs?: number;
};

const defaults: BatchLimits = { atOnce: 3, most: 1_000 };

type Caller<K, V> = { key: K; resolve: (value: V) => void; reject: (error: unknown) => void };

/**
 * One statement for all callers of the same event loop iteration, and for those who come while `atOnce` are under way: at
 * idle no caller waits, and under load they share planning, round trips and commits. A caller never joins a batch that
 * began before its call, so an answer is as fresh as one of its own. A batch that hangs holds up its members, and the others
 * for `patienceMs` at most.
 *
 * `work` returns a value for each key. Each member keeps its own outcome: when the database refuses a statement, each member
 * is tried alone. Another error, such as a lost connection, rejects all members.
 */
export function inBatches<K, V>(
  work: (keys: K[]) => Promise<V[]>,
  { atOnce, most, patienceMs = 3_000 }: BatchLimits = defaults,
): (key: K) => Promise<V> {
  const callers: Caller<K, V>[] = [];
  let underWay = 0;
  let isPlanned = false;
  const plan = () => {
    if (isPlanned || callers.length === 0 || underWay === atOnce) return;
    isPlanned = true;
    setImmediate(begin);
  };
  const begin = async () => {
    const members = callers.splice(0, most);
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
    if (members.length > 1 && isAnswer(error)) {
      for (const member of members) await settle([member], work);
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
