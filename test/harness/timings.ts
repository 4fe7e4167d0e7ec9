import type { Timings } from '../../src/config.ts';

/** The waits of production, shortened: tests wait on signals, which cannot come earlier than these allow. */
export const quickTimings: Partial<Timings> = {
  outboxVisibilityMs: 1_500,
  sweepEveryMs: 250,
  reconcileAfterMs: 1_000,
  reconcileEveryMs: 1_000,
  listingGapMs: 600,
  callbackGraceMs: 400,
  rechargeWaitMs: 500,
  wakeEveryMs: 150,
  assumeDeliveredMs: 3_600_000,
  unwellAfterMs: 200,
  backoffMs: [100, 200, 400],
};
