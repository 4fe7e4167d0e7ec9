import { phoneOf } from '../../bench/deals.ts';

/** What a buyer does with every teaser. Of twenty buyers twelve pay, four decline, one sends STOP, three do not reply. */
export type Behaviour = 'pays' | 'declines' | 'sends STOP' | 'does not reply';

const first = Number(phoneOf(0).slice(1));
export const numberOfPhone = (phone: string) => Number(phone.slice(1)) - first;

export function behaviourOf(number: number, seed: number): Behaviour {
  const drawn = (number * 7 + seed * 13) % 20;
  if (drawn < 12) return 'pays';
  if (drawn < 16) return 'declines';
  return drawn === 16 ? 'sends STOP' : 'does not reply';
}
