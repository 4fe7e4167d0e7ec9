import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commitChange } from '../../src/db/commit.ts';
import { claimEffect } from '../../src/db/transport/effects.ts';
import { outboxFigures } from '../../src/db/transport/outbox.ts';
import { execute } from '../../src/engine/execute.ts';
import { jobIdOf } from '../../src/engine/queues.ts';
import { createSweeper, type Sweeper } from '../../src/engine/sweeper.ts';
import { workers } from '../../src/workers/index.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

type Row = {
  id: number;
  epoch: number;
  worker: 'distributor';
  organizationId: string | null;
  queued: boolean;
  visits: number;
  dueInMs: number;
};

describe('the sweeper', () => {
  let system: TestSystem;
  let sweeper: Sweeper;
  beforeAll(async () => {
    // No workers: jobs stay in the queue, and only the test itself sweeps.
    system = await startSystem({ workers: [], timings: { sweepEveryMs: 3_600_000 } });
    sweeper = createSweeper({ ...system.runtime, timings: system.config.timings });
    await sweeper.sweep();
  });
  beforeEach(async () => {
    await system.rows('DELETE FROM outbox');
  });
  afterAll(() => system.stop());

  const rows = () =>
    system.rows<Row>(
      'SELECT id, epoch, worker, organization_id AS "organizationId", queued, visits, (extract(epoch FROM due_at - now()) * 1000)::float8 AS "dueInMs" FROM outbox ORDER BY id',
    );
  /** Rows committed by a process that died before publishing them. */
  const commitUnpublished = async (count = 1, organizationId: string | null = null, full = false) => {
    const events = Array.from({ length: count }, () => {
      const leadId = uuidv7();
      return { type: 'lead.received' as const, organizationId, subject: `lead:${leadId}`, data: { leadId } };
    });
    await commitChange(system.runtime.db, { events }, { visibilityMs: 10_000, isFull: () => full });
    return rows();
  };
  const makeDue = () => system.rows("UPDATE outbox SET due_at = now() - interval '1 second'");

  it('[F06] publishes a row that was committed and never published, under the same job id', async () => {
    const [row] = await commitUnpublished();
    expect(await system.runtime.queues.stateOf(row!)).toBe('unknown');
    await makeDue();
    await sweeper.sweep();
    expect(await system.runtime.queues.stateOf(row!)).toBe('present');
    expect((await rows())[0]).toMatchObject({ id: row!.id, epoch: row!.epoch, visits: 1 });
  });

  it('leaves a row to the run that makes a call for it, until its lease ends', async () => {
    await commitUnpublished();
    await makeDue();
    const [effectId, fence] = [uuidv7(), uuidv7()];
    const [row] = await rows();
    const claim = {
      ...{ key: `leased-${effectId}`, id: effectId, fence, vendor: 'twilio', kind: 'sms', subject: 'x' },
      ...{ organizationId: null, leaseMs: 60_000, repeatable: false, repost: false, guards: [], writes: [] },
    };
    const held = { outboxId: row!.id, epoch: row!.epoch };
    expect(await claimEffect(system.runtime.db, claim, held, null)).toMatchObject({ kind: 'claimed' });
    await sweeper.sweep();
    expect((await rows())[0]).toMatchObject({ visits: 0 });
    expect(
      (await outboxFigures(system.runtime.db)).map(({ lagSeconds }) => Math.floor(lagSeconds)),
    ).not.toContain(1);
    await system.rows("UPDATE outbox SET lease_until = now() - interval '1 second'");
    await sweeper.sweep();
    expect((await rows())[0]).toMatchObject({ visits: 1 });
  });

  it('keeps the epoch of a row whose job is still waiting, however often the row is overdue', async () => {
    const [row] = await commitUnpublished();
    for (let visit = 0; visit < 5; visit++) {
      await makeDue();
      await sweeper.sweep();
    }
    expect((await rows())[0]).toMatchObject({ epoch: row!.epoch, visits: 5 });
    expect(await system.runtime.queues.stateOf(row!)).toBe('present');
  });

  it('[F07] gives 600 rows whose jobs were lost new jobs in one sweep', async () => {
    const lost = await commitUnpublished(600);
    await system.rows("UPDATE outbox SET visits = 3, due_at = now() - interval '1 second'");
    const { reissued } = await sweeper.sweep();
    expect(reissued).toBe(600);
    const fresh = await rows();
    expect(fresh.map(({ id, epoch }) => ({ id, epoch }))).toEqual(
      lost.map(({ id, epoch }) => ({ id, epoch: epoch + 1 })),
    );
    for (const row of [fresh[0]!, fresh.at(-1)!])
      expect(await system.runtime.queues.stateOf(row)).toBe('present');
  });

  it('gives a row a new job when its job ended without finishing it, because the queue ignores an add under a retained id', async () => {
    const [row] = await commitUnpublished();
    // The job completes and is retained although its outbox row is unfinished, as after a crash in between.
    const queue = system.runtime.queues.boards().find(({ name }) => name === 'distributor')!;
    const data = { outboxId: row!.id, epoch: row!.epoch };
    await queue.add('distributor', data, { jobId: jobIdOf(row!), removeOnComplete: false });
    const worker = system.runtime.queues.startWorker('distributor', { concurrency: 1 }, async () => 'lost');
    await new Promise<void>((resolve) =>
      worker.on('completed', (job) => job.id === jobIdOf(row!) && resolve()),
    );
    await worker.close();
    expect(await system.runtime.queues.stateOf(row!)).toBe('ended');
    for (let visit = 0; visit < 2; visit++) {
      await makeDue();
      await sweeper.sweep();
    }
    const [now] = await rows();
    expect(now!.epoch).toBe(row!.epoch + 1);
    expect(await system.runtime.queues.stateOf(now!)).toBe('present');
  });

  it('[F07] detects an emptied queue in the next sweep and makes its rows due', async () => {
    const [row] = await commitUnpublished();
    await system.runtime.queues.add('distributor', [row!]);
    expect((await rows())[0]!.dueInMs).toBeGreaterThan(5_000);
    const board = system.runtime.queues.boards().find((queue) => queue.name === 'distributor')!;
    await board.obliterate({ force: true });
    const report = await sweeper.sweep();
    expect(report.flushed).toContain('distributor');
    expect(await system.runtime.queues.stateOf(row!)).toBe('present');
  });

  it('fills a queue up to its window and takes turns between organizations', async () => {
    const { queues } = system.runtime;
    const [big, small] = [uuidv7(), uuidv7()];
    await commitUnpublished(queues.window + 500, big, true);
    await commitUnpublished(10, small, true);
    const report = await sweeper.sweep();
    expect(report.admitted).toBe(queues.window);
    const admitted = await system.rows<{ organization: string; n: number }>(
      'SELECT organization_id AS organization, count(*)::int AS n FROM outbox WHERE queued GROUP BY 1',
    );
    expect(admitted.find((a) => a.organization === small)?.n).toBe(10);
    expect(queues.isFull('distributor', big)).toBe(true);
    expect(queues.isFull('distributor', small)).toBe(false);
  });

  it('[F09] three simultaneous runs of one row make one transition', async () => {
    await system.api('POST', '/api/leads', { ...sampleLead, lead_id: 'lead_twice' });
    const [row] = await rows();
    const run = () => execute(workers.distributor, system.runtime, { outboxId: row!.id, epoch: row!.epoch });
    const reports = await Promise.all([run(), run(), run()]);
    expect(reports.filter((report) => report === 'finished')).toHaveLength(1);
    const offered = await system.rows("SELECT 1 FROM events WHERE type = 'unlock.offered'");
    expect(offered).toHaveLength(1);
  });

  it('[F09] a run whose row was re-issued changes nothing', async () => {
    await system.api('POST', '/api/leads', { ...sampleLead, lead_id: 'lead_reissued' });
    const [row] = await rows();
    await system.rows('UPDATE outbox SET epoch = epoch + 1');
    expect(await execute(workers.distributor, system.runtime, { outboxId: row!.id, epoch: row!.epoch })).toBe(
      'gone',
    );
    expect(await rows()).toHaveLength(1);
    expect(jobIdOf(row!)).not.toContain(':');
  });
});
