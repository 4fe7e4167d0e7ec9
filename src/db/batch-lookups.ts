/** Further callers wait and share the next lookup: each takes a connection. */
const lookupsAtOnce = 3;

/**
 * One lookup for all callers of the same event loop iteration, and for those who come while three are under way. A caller
 * never joins a lookup that began before its call, so an answer is as fresh as one of its own, and one lookup that hangs
 * holds up only those who share it.
 */
export function batchLookups<K, V>(look: (keys: K[]) => Promise<V[]>): (key: K) => Promise<V> {
  let asked: { key: K; resolve: (value: V) => void; reject: (error: unknown) => void }[] = [];
  let underWay = 0;
  let isPlanned = false;
  const plan = () => {
    if (isPlanned || asked.length === 0 || underWay === lookupsAtOnce) return;
    isPlanned = true;
    setImmediate(answer);
  };
  const answer = async () => {
    const askers = asked;
    asked = [];
    isPlanned = false;
    underWay += 1;
    try {
      const values = await look(askers.map(({ key }) => key));
      for (const [index, { resolve }] of askers.entries()) resolve(values[index]!);
    } catch (error) {
      for (const { reject } of askers) reject(error);
    }
    underWay -= 1;
    plan();
  };
  return (key) =>
    new Promise((resolve, reject) => {
      asked.push({ key, resolve, reject });
      plan();
    });
}
