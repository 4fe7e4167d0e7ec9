import type { Timings } from '../../src/config.ts';

/** Short waits of the same kinds as in production: tests wait on signals, and these bound how soon a signal can come. */
export const quickTimings: Partial<Timings> = {
  outboxVisibilityMs: 1_500,
  sweepEveryMs: 100,
  reconcileAfterMs: 1_000,
  reconcileEveryMs: 1_000,
  listingGapMs: 600,
  callbackGraceMs: 400,
  assumeDeliveredMs: 3_600_000,
  unwellAfterMs: 200,
  backoffMs: [100, 200, 400],
};
