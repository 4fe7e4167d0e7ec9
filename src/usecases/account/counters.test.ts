import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../adapters/logger.ts';
import { createRedisCounters } from '../../adapters/redis-counters.ts';
import type { Addition, Counter, CounterStore } from '../../domain/account/counters.ts';
import { createCounters } from './counters.ts';

const log = createLogger({ logLevel: 'silent' }, 'test');
const counter: Counter = { name: 'test', who: 'a', limit: 100, seconds: 3_600 };

type Memory = CounterStore & { used: number; gate: Promise<void> | null; places: Set<string> };

/** A store that counts in memory. While `gate` is set, what it is asked waits for it; then it is counted, or fails. */
function memoryStore(): Memory {
  const places = new Set<string>();
  const memory: Memory = {
    used: 0,
    gate: null,
    places,
    async add(additions: readonly Addition[]) {
      await memory.gate;
      memory.used += additions.reduce((sum, { units }) => sum + units, 0);
      return additions.map(() => ({ used: memory.used, endsInMs: 3_600_000 }));
    },
    reset: async () => undefined,
    async occupy({ id, limit }: { id: string; limit: number }) {
      if (places.size >= limit) return false;
      places.add(id);
      return true;
    },
    renew: async () => undefined,
    async vacate({ id }: { id: string }) {
      await memory.gate;
      places.delete(id);
    },
  };
  return memory;
}

/** Timers and the clock move only when the test says so. */
function heldTime() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
}
afterEach(() => vi.useRealTimers());

const gate = () => {
  let open = (): void => undefined;
  let fail = (_: Error): void => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
};
/** Lookups are made together at the end of an iteration of the event loop. */
const iteration = () => new Promise<void>((resolve) => setImmediate(resolve));

async function takeWhileSilent(counters: ReturnType<typeof createCounters>) {
  const taking = counters.take(counter);
  await iteration();
  await vi.advanceTimersByTimeAsync(300);
  expect((await taking).ok).toBe(true);
}

describe('[S11] a store that answers late', () => {
  it('counts what was sent once, though it answered after its deadline', async () => {
    heldTime();
    const store = memoryStore();
    const counters = createCounters({ store, secret: 's', log });
    const late = gate();
    store.gate = late.promise;
    await takeWhileSilent(counters);
    late.open();
    await vi.advanceTimersByTimeAsync(1_000);
    for (let n = 1; n < 40; n += 1) expect((await counters.take(counter)).ok).toBe(true);
    expect(store.used).toBe(40);
    counters.close();
  });

  it('counts it at the next occasion when it turns out that it was not counted', async () => {
    heldTime();
    const store = memoryStore();
    const counters = createCounters({ store, secret: 's', log });
    const late = gate();
    store.gate = late.promise;
    await takeWhileSilent(counters);
    late.fail(new Error('connection lost'));
    store.gate = null;
    await vi.advanceTimersByTimeAsync(1_000);
    for (let n = 1; n < 40; n += 1) expect((await counters.take(counter)).ok).toBe(true);
    expect(store.used).toBe(40);
    counters.close();
  });

  it('of several Redis keys, those that were counted are answered when another one fails', async () => {
    const redis = {
      eval: async (_script: string, _keys: number, key: string | number) => {
        if (String(key).endsWith('down')) throw new Error('CLUSTERDOWN');
        return [7, 1_000];
      },
      del: async () => 1,
      zrem: async () => 1,
    };
    const { add } = createRedisCounters(redis, 'test');
    const [up, down] = ['up', 'down'].map((key) => ({ key, units: 7, seconds: 1 }));
    expect(await add([up!, down!])).toEqual([{ used: 7, endsInMs: 1_000 }, null]);
    await expect(add([down!, down!])).rejects.toThrow('CLUSTERDOWN');
  });
});

describe('[S11] a place whose release did not reach the store', () => {
  it('is free at the next renewal', async () => {
    heldTime();
    const store = memoryStore();
    const counters = createCounters({ store, secret: 's', log });
    const place = (await counters.hold({ ...counter, limit: 1 }))!;
    store.gate = new Promise(() => undefined);
    const releasing = place.release();
    await vi.advanceTimersByTimeAsync(300);
    await releasing;
    expect(store.places.size).toBe(1);
    store.gate = null;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(store.places.size).toBe(0);
    counters.close();
  });
});
