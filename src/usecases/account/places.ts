import { randomUUID } from 'node:crypto';
import type { Counter, CounterStore } from '../../domain/account/counters.ts';
import type { Ask } from './store-guard.ts';

/** A place is free again this long after its process died. */
const leaseMs = 60_000;
const renewEveryMs = 20_000;

export type Places = {
  /** Occupies one of `limit` places for at most `seconds`. Returns null when all are in use. */
  hold(counter: Counter): Promise<{ release(): Promise<void> } | null>;
  /** The shares of the limits that this process uses. */
  figures(): { name: string; share: number }[];
  close(): void;
};

type Held = { counter: Counter; key: string; id: string; until: number };

/** The places of a process in limits of what is in progress at once; renewed while they are in use. */
export function keepPlaces(
  store: CounterStore,
  ask: Ask,
  keyOf: (name: string, who: string) => string,
): Places {
  const held = new Map<string, Held>();
  /** Places whose release did not reach the store, by id. They end with their lease. */
  const leaving = new Map<string, { key: string; until: number }>();
  const vacate = async (key: string, id: string) => {
    const left = await ask(async () => {
      await store.vacate({ key, id });
      return true;
    });
    if (left) leaving.delete(id);
    else if (!leaving.has(id)) leaving.set(id, { key, until: performance.now() + leaseMs });
  };
  const countOf = (key: string) => {
    let count = 0;
    for (const each of held.values()) if (each.key === key) count += 1;
    return count;
  };
  const renewing = setInterval(() => {
    const now = performance.now();
    const current = [...held.values()].filter(({ until }) => now < until);
    if (current.length > 0)
      void ask(() =>
        store.renew(
          current.map(({ key, id }) => ({ key, id })),
          leaseMs,
        ),
      );
    for (const [id, { key, until }] of leaving) {
      if (now < until) void vacate(key, id);
      else leaving.delete(id);
    }
  }, renewEveryMs);
  renewing.unref();
  return {
    async hold(counter) {
      const { name, who, limit, seconds } = counter;
      const key = keyOf(name, who);
      const id = randomUUID();
      // Counted before the store answers, so that a process that counts alone does not pass the limit either.
      if (countOf(key) >= limit) return null;
      held.set(id, { counter, key, id, until: performance.now() + seconds * 1000 });
      const free = await ask(() => store.occupy({ key, id, limit, ms: leaseMs }));
      if (free === false) {
        held.delete(id);
        return null;
      }
      return {
        async release() {
          if (held.delete(id)) await vacate(key, id);
        },
      };
    },
    figures: () =>
      [...held.values()].map(({ counter: { name, limit }, key }) => ({ name, share: countOf(key) / limit })),
    close: () => clearInterval(renewing),
  };
}
