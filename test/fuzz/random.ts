import { createRandom } from '../chaos/random.ts';

/** Random numbers that follow from a seed alone. */
export type Random = {
  /** Between both bounds, inclusive. */
  integer(low: number, high: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** The share of hostile values. Small in half of the requests, so that what has many values is also accepted. */
  hostility: number;
};

/** The generator of one request: the same seed and index are the same request. */
export function randomOf(seed: number, index: number): Random {
  const { next, below, oneOf } = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  return {
    hostility: next() < 0.5 ? 0.02 : 0.12,
    integer: (low, high) => low + below(high - low + 1),
    chance: (share) => next() < share,
    pick: oneOf,
  };
}
