import { describe, expect, it } from 'vitest';
import { runTimes } from './read-slice.ts';

describe('[S36] how long a run of an import keeps its place', () => {
  const limits = { runMs: 15_000 };

  it('alone: the full time, and at least as long as reaching its first row took', () => {
    expect(runTimes(10, limits).alone).toBe(15_000);
    expect(runTimes(40_000, limits).alone).toBe(40_000);
  });

  it('when all places are taken: a second, or four times what reaching its first row took', () => {
    expect(runTimes(10, limits).shared).toBe(1_000);
    expect(runTimes(1_500, limits).shared).toBe(6_000);
    expect(runTimes(10_000, limits).shared).toBe(15_000);
    expect(runTimes(40_000, limits).shared).toBe(40_000);
  });
});
