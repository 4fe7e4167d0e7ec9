/**
 * One lookup for all callers of the same event loop iteration. A caller never joins a lookup that began before its
 * call, so an answer is as fresh as one of its own, and a lookup that hangs holds up only those who share it.
 */
export function batchLookups<K, V>(look: (keys: K[]) => Promise<V[]>): (key: K) => Promise<V> {
  let asked: { key: K; resolve: (value: V) => void; reject: (error: unknown) => void }[] = [];
  const answer = async () => {
    const askers = asked;
    asked = [];
    try {
      const values = await look(askers.map(({ key }) => key));
      for (const [index, { resolve }] of askers.entries()) resolve(values[index]!);
    } catch (error) {
      for (const { reject } of askers) reject(error);
    }
  };
  return (key) =>
    new Promise((resolve, reject) => {
      if (asked.length === 0) setImmediate(answer);
      asked.push({ key, resolve, reject });
    });
}
