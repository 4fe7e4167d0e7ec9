/** Seeded random numbers (mulberry32): the same seed gives the same sequence. */
export type Random = { next(): number; below(n: number): number; oneOf<T>(all: readonly T[]): T };

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { next, below, oneOf: (all) => all[below(all.length)]! };
}
