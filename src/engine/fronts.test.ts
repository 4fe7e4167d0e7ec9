import { describe, expect, it } from 'vitest';
import { createFronts, looksBeforeReturn } from './fronts.ts';

describe('the turn a queue is serving', () => {
  const seen = (...looks: (number | 'empty' | 'unknown')[]) => {
    const fronts = createFronts();
    for (const look of looks) fronts.see('distributor', look);
    return fronts.of('distributor');
  };

  it.each([
    { looks: [], front: 0, why: 'no job was seen yet' },
    { looks: [3, 20], front: 20, why: 'it moves on' },
    { looks: [20, 0], front: 20, why: 'an earlier job does not put new jobs ahead of queued ones' },
    { looks: [20, 'unknown'] as const, front: 20, why: 'a look that found nothing certain changes nothing' },
    { looks: [20, 'empty'] as const, front: 0, why: 'turns begin again when no job waits' },
    { looks: [20, 0, 21, 0, 0, 0, 0], front: 21, why: 'single earlier jobs do not add up' },
  ])('$looks: $front, because $why', ({ looks, front }) => {
    expect(seen(...looks)).toBe(front);
  });

  it('it goes back when other processes have begun again', () => {
    expect(seen(20, ...Array<number>(looksBeforeReturn - 1).fill(2))).toBe(20);
    expect(seen(20, ...Array<number>(looksBeforeReturn).fill(2))).toBe(2);
  });
});
