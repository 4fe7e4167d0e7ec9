import { type BatchLimits, inBatches } from './batches.ts';

export type Batches<K, V> = (key: string, member: K) => Promise<V>;

/**
 * At most `atOnce` calls of `work` at a time for each key: those who come while they are under way share the next one. Keys
 * that no one waits for take no memory. See `inBatches` for the outcomes of members.
 */
export function inBatchesByKey<K, V>(
  work: (key: string, members: K[]) => Promise<V[]>,
  limits: BatchLimits<K>,
): Batches<K, V> {
  const lines = new Map<string, { call: (member: K) => Promise<V>; waiting: number }>();
  return async (key, member) => {
    const line = lines.get(key) ?? {
      call: inBatches((members: K[]) => work(key, members), limits),
      waiting: 0,
    };
    lines.set(key, line);
    line.waiting += 1;
    try {
      return await line.call(member);
    } finally {
      line.waiting -= 1;
      if (line.waiting === 0) lines.delete(key);
    }
  };
}
