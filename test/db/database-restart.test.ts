import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type EmbeddedPostgres, startTemporaryPostgres } from '../../src/embedded-postgres/index.ts';
import { runLoad } from '../harness/load.ts';
import { type PgBouncer, startPgBouncer } from '../harness/pgbouncer.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

describe('Postgres restarts under the running system', () => {
  let postgres: EmbeddedPostgres;
  let pooler: PgBouncer | null;
  let system: TestSystem;
  beforeAll(async () => {
    postgres = await startTemporaryPostgres();
    pooler = inject('postgres').poolerUrl ? await startPgBouncer(postgres.url) : null;
    const database = {
      url: pooler?.url ?? postgres.url,
      directUrl: postgres.url,
      name: 'leadgate',
      drop: async () => undefined,
    };
    // The carrier does not retry a delivery receipt that finds no database; after this delay silence counts as delivery.
    system = await startSystem({ database, timings: { assumeDeliveredMs: 2_000 } });
  });
  afterAll(async () => {
    await system.stop();
    await pooler?.stop();
    await postgres.stop('immediate');
  });

  it('[F12] two crashes during 40 leads: nothing is lost or doubled, and work resumes within 20 s', async () => {
    let crashedAt = 0;
    let recoveredMs = Number.POSITIVE_INFINITY;
    const result = await runLoad(system, 40, async (progress) => {
      for (const share of [5, 20]) {
        while ((await progress().catch(() => 0)) < share)
          await new Promise((resolve) => setTimeout(resolve, 10));
        crashedAt = Date.now();
        await postgres.restart('immediate');
      }
      // A pooler may keep reporting for a second that there is no server.
      let before: number | null = null;
      for (; before === null; before = await progress().catch(() => null))
        await new Promise((resolve) => setTimeout(resolve, 20));
      while ((await progress()) === before) await new Promise((resolve) => setTimeout(resolve, 20));
      recoveredMs = Date.now() - crashedAt;
    });
    expect(recoveredMs).toBeLessThan(20_000);
    expect(result.wrong).toEqual([]);
    expect(result.payments).toBe(10);
  }, 120_000);
});
