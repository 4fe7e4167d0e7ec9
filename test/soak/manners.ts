import { phoneOf } from '../../bench/deals.ts';

/** What a buyer does with a teaser. A phone keeps its manner: of twenty, twelve pay, four decline, one stops, three are silent. */
export type Manner = 'pays' | 'declines' | 'stops' | 'is silent';

const first = Number(phoneOf(0).slice(1));
export const numberOfPhone = (phone: string) => Number(phone.slice(1)) - first;

export function mannerOf(number: number, seed: number): Manner {
  const drawn = (number * 7 + seed * 13) % 20;
  if (drawn < 12) return 'pays';
  if (drawn < 16) return 'declines';
  return drawn === 16 ? 'stops' : 'is silent';
}
