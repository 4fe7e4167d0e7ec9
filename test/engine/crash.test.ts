import type { ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { kill, startWorkerProcess } from '../harness/killable-worker.ts';
import { runLoad } from '../harness/load.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

describe('worker processes are killed', () => {
  let system: TestSystem;
  let child: ChildProcess | undefined;
  afterEach(async () => {
    if (child) await kill(child);
    await system.stop();
  });

  it('[F08] three kills during vendor calls while 200 leads are sold: every unlock ends as expected, every charge is made once', async () => {
    system = await startSystem({ workers: [] });
    // Slow responses, so that each kill finds calls in flight.
    system.sandbox.fault({ vendor: 'twilio', kind: 'latency', ms: 60 });
    child = await startWorkerProcess(system);
    let killedEffects = 0;
    const result = await runLoad(
      system,
      200,
      async () => {
        for (let round = 0; round < 3; round++) {
          await system.until<{ n: number }>(
            'a claimed effect',
            "SELECT count(*)::int AS n FROM effects WHERE state = 'claimed'",
            [],
            (row) => (row?.n ?? 0) > 0,
          );
          await kill(child!);
          const [held] = await system.rows<{ n: number }>(
            "SELECT count(*)::int AS n FROM effects WHERE state = 'claimed'",
          );
          killedEffects += held!.n;
          child = await startWorkerProcess(system);
        }
      },
      150_000,
    );
    expect(result.wrong).toEqual([]);
    expect(result.payments).toBe(50);
    // The test proves nothing unless at least one kill hit a claimed effect.
    expect(killedEffects).toBeGreaterThan(0);
    const [again] = await system.rows<{ n: number }>(
      "SELECT count(*)::int AS n FROM effects WHERE kind = 'sms' AND posts > 2",
    );
    expect(again!.n).toBe(0);
  }, 240_000);
});
