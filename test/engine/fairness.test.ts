import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Admission, admitWaiting, lineUp } from '../../src/db/transport/admission.ts';
import { postpone } from '../../src/db/transport/outbox.ts';
import { queueState } from '../../src/db/transport/queue-state.ts';
import { createSweeper, type Sweeper } from '../../src/engine/sweeper.ts';
import { ownPlaces, quantum } from '../../src/engine/turns.ts';
import { createRuntime } from '../../src/runtime.ts';
import { addLater, addWaiting, countQueued } from '../harness/backlog.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

describe('organizations take turns in every queue', () => {
  let system: TestSystem;

  /** Forty rows of the distributor, of all organizations. */
  const admitted = (by: Pick<Admission, 'perOrganization' | 'weights'>) =>
    admitWaiting(system.runtime.db, 'distributor', {
      room: 40,
      visibilityMs: 10_000,
      organizations: 500,
      after: null,
      ...by,
    });

  let sweeper: Sweeper;
  let [big, small, other]: [string, string, string] = [uuidv7(), uuidv7(), uuidv7()];
  beforeAll(async () => {
    // No workers: the tests start their own, and only they sweep.
    system = await startSystem({ workers: [], timings: { sweepEveryMs: 3_600_000 } });
  });
  beforeEach(async () => {
    const { queues } = system.runtime;
    await system.rows('DELETE FROM outbox');
    await system.rows('UPDATE organizations SET queue_weight = 1');
    await queues
      .boards()
      .find((queue) => queue.name === 'distributor')!
      .obliterate({ force: true });
    await refresh();
    [big, small, other] = [uuidv7(), uuidv7(), uuidv7()];
    sweeper = createSweeper({ ...system.runtime, timings: system.config.timings });
  });
  afterAll(() => system?.stop());

  /** What the sweeper does each second, and processes without one by themselves. */
  const refresh = async () => system.runtime.queues.refresh(await queueState(system.runtime.db));
  const jobs = async () => (await system.runtime.queues.counts('distributor')).waiting!;
  /** Commits rows as a request does, and waits until those that are not held back have a job. */
  const publish = async (organizationId: string, count: number) => {
    const before = await jobs();
    const events = Array.from({ length: count }, () => {
      const leadId = uuidv7();
      return { type: 'lead.received' as const, organizationId, subject: `lead:${leadId}`, data: { leadId } };
    });
    const { publish: rows } = await system.runtime.relay.commit({ events });
    await expect.poll(jobs, { timeout: 20_000 }).toBe(before + rows.length);
    return rows.length;
  };
  const wait = (organizations: (string | null)[], rows: number) =>
    addWaiting(system, 'distributor', organizations, rows);
  const queued = (organizationId: string) => countQueued(system, organizationId);
  /** Runs `count` jobs one after the other and returns their organizations in that order. */
  const runJobs = async (count: number): Promise<string[]> => {
    const order: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const worker = system.runtime.queues.startWorker(
        'distributor',
        { concurrency: 1 },
        async ({ outboxId }) => {
          const [row] = await system.rows<{ organization: string }>(
            'DELETE FROM outbox WHERE id = $1 RETURNING organization_id AS organization',
            [outboxId],
          );
          order.push(row!.organization);
          // Closed before the last job ends, so that no further job starts.
          if (order.length === count) void worker.close().then(resolve, reject);
          return 'done';
        },
      );
    });
    return order;
  };
  const share = (order: string[], organization: string) =>
    order.filter((each) => each === organization).length;

  it('[S36] a job published after 400 jobs of another organization runs within the first turn', async () => {
    await publish(big, 400);
    await publish(small, 1);
    const order = await runJobs(quantum + 1);
    expect(order.indexOf(small)).toBeGreaterThanOrEqual(0);
  });

  it('[S36] a job that arrives while a backlog is being worked off runs within the turn being served', async () => {
    await publish(big, 400);
    await runJobs(quantum * 15);
    await refresh();
    await publish(small, 1);
    const order = await runJobs(2 * quantum + 1);
    expect(order.indexOf(small)).toBeGreaterThanOrEqual(0);
  });

  it('[S36] an early job of another process does not put new jobs ahead of those already queued', async () => {
    await publish(big, 400);
    await runJobs(quantum * 15);
    await refresh();
    const board = system.runtime.queues.boards().find((queue) => queue.name === 'distributor')!;
    // As a process publishes that has not looked at the queue yet.
    await board.add('distributor', { outboxId: 0, epoch: 1 }, { jobId: 'early' });
    await refresh();
    await publish(small, 1);
    const [row] = await system.rows<{ id: number }>('SELECT id FROM outbox WHERE organization_id = $1', [
      small,
    ]);
    const job = await board.getJob(`ob-${row!.id}-0`);
    expect(job?.opts.priority).toBeGreaterThanOrEqual(15);
  });

  it('[S36] a process that starts during a backlog begins with the turn being served', async () => {
    await publish(big, 400);
    await runJobs(quantum * 15);
    const { config, namespace } = system;
    const started = await createRuntime(config, { name: 'started', namespace });
    try {
      await started.queues.add('distributor', [
        { id: 0, epoch: 1, worker: 'distributor', organizationId: small },
      ]);
      const board = started.queues.boards().find((queue) => queue.name === 'distributor')!;
      expect((await board.getJob('ob-0-1'))?.opts.priority).toBeGreaterThanOrEqual(15);
    } finally {
      await started.close();
    }
  });

  it('[S36] an organization that comes second does not keep the first from its turns', async () => {
    await publish(big, 200);
    await runJobs(quantum * 5);
    await refresh();
    await publish(small, 200);
    const order = await runJobs(quantum * 10);
    expect(share(order, big)).toBeGreaterThanOrEqual(quantum * 4);
    expect(share(order, small)).toBeGreaterThanOrEqual(quantum * 4);
  });

  it('[S36] an organization of weight 3 gets three of four runs beside one of weight 1', async () => {
    const [{ id }] = (await system.rows<{ id: string }>(
      "UPDATE organizations SET queue_weight = 3 WHERE slug = 'demo' RETURNING id",
    )) as [{ id: string }];
    await refresh();
    await publish(big, 200);
    await publish(id, 200);
    const order = await runJobs(quantum * 8);
    expect([share(order, id), share(order, big)]).toEqual([quantum * 6, quantum * 2]);
  });

  it('[S36] the jobs of one organization alone fill the whole queue', async () => {
    const { queues } = system.runtime;
    await wait([big], queues.window + 100);
    expect((await sweeper.sweep()).admitted).toBe(queues.window);
    expect(await runJobs(3 * quantum)).toEqual(Array.from({ length: 3 * quantum }, () => big));
  });

  it('[S36] a request of one organization publishes while another has filled the queue', async () => {
    const { queues } = system.runtime;
    await wait([big], queues.window + 100);
    await sweeper.sweep();
    expect(await publish(big, 1)).toBe(0);
    expect(await publish(small, ownPlaces + 5)).toBe(ownPlaces);
    expect((await runJobs(quantum + 1)).includes(small)).toBe(true);
  });

  it('[S36] a sweep admits due rows of one organization while another has filled the queue', async () => {
    const { queues } = system.runtime;
    await wait([big], queues.window + 100);
    await sweeper.sweep();
    await wait([small], 5);
    await wait([other], ownPlaces + 5);
    await sweeper.sweep();
    expect([await queued(small), await queued(other), await queued(big)]).toEqual([
      5,
      ownPlaces,
      queues.window,
    ]);
    expect(new Set(await runJobs(3 * quantum))).toEqual(new Set([big, small, other]));
  });

  it('[S36] rows of no organization have places of their own as well, and no more', async () => {
    await wait([null], 50);
    await system.rows('UPDATE outbox SET queued = true WHERE id IN (SELECT id FROM outbox LIMIT 15)');
    const { rows } = await admitted({ perOrganization: ownPlaces, weights: new Map() });
    expect(rows).toHaveLength(ownPlaces - 15);
  });

  it('[S36] admission by weight gives an organization of weight 3 three rows per turn', async () => {
    const weights = new Map([[small, 3]]);
    await wait([big, small], 100);
    const { rows } = await admitted({ perOrganization: null, weights: weights });
    expect(rows).toHaveLength(40);
    expect([await queued(small), await queued(big)]).toEqual([30, 10]);
  });

  /** How many rows of the outbox one admission reads. */
  const rowsRead = (organizations: number, admitted: number) =>
    system.runtime.db.withTx(async (tx) => {
      // Counts of this session, earlier statements included.
      const count = async () => {
        const [used] = await tx.query<{ rows: number }>(
          "SELECT (seq_tup_read + idx_tup_fetch)::int AS rows FROM pg_stat_xact_user_tables WHERE relname = 'outbox'",
        );
        return used!.rows;
      };
      const before = await count();
      const { rows } = await admitWaiting(tx, 'distributor', {
        room: 100,
        visibilityMs: 10_000,
        perOrganization: null,
        organizations,
        after: null,
        weights: new Map(),
      });
      expect(rows).toHaveLength(admitted);
      return (await count()) - before;
    });

  it('[S36] one admission reads a few hundred rows when 10,000 organizations wait', async () => {
    await wait(
      Array.from({ length: 10_000 }, () => uuidv7()),
      1,
    );
    // Dead rows of other tests would be counted.
    await system.rows('VACUUM ANALYZE outbox');
    expect(await rowsRead(50, 50)).toBeLessThan(500);
  });

  it('[S36] one admission finds the due row beside 10,000 organizations with rows due tomorrow, and reads only that', async () => {
    const others = Array.from({ length: 10_000 }, () => uuidv7());
    await addLater(system, 'distributor', others, { rows: 1, dueIn: '1 day' });
    await addLater(system, 'distributor', [small], { rows: 1, dueIn: '-1 second' });
    await system.rows('VACUUM ANALYZE outbox');
    expect(await rowsRead(500, 1)).toBeLessThan(20);
    expect(await queued(small)).toBe(1);
  });

  it('[S36] one sweep admits a row that came due after thousands of another organization', async () => {
    await addLater(system, 'distributor', [big], { rows: 6_000, dueIn: '-1 minute' });
    await addLater(system, 'distributor', [small, null], { rows: 1, dueIn: '-1 second' });
    expect((await sweeper.sweep()).admitted).toBe(system.runtime.queues.window);
    expect(await queued(small)).toBe(1);
    const [ownerless] = await system.rows('SELECT queued FROM outbox WHERE organization_id IS NULL');
    expect(ownerless).toEqual({ queued: true });
  });

  it('[S36] of rows that came due one organization of weight 3 gets three of four places', async () => {
    await addLater(system, 'distributor', [big, small], { rows: 100, dueIn: '-1 second' });
    const { rows } = await admitted({ perOrganization: null, weights: new Map([[small, 3]]) });
    expect(rows).toHaveLength(40);
    expect([await queued(small), await queued(big)]).toEqual([30, 10]);
  });

  it('[S36] a lined-up row that is postponed is again found by its time', async () => {
    await addLater(system, 'distributor', [big], { rows: 600, dueIn: '-1 minute' });
    expect(await lineUp(system.runtime.db, ['distributor'])).toBe(600);
    expect(await lineUp(system.runtime.db, ['distributor'])).toBe(0);
    const [row] = await system.rows<{ id: number; epoch: number }>('SELECT id, epoch FROM outbox LIMIT 1');
    const attempt = { id: uuidv7(), outboxId: row!.id, eventId: uuidv7(), worker: 'distributor' };
    await postpone(system.runtime.db, { outboxId: row!.id, epoch: row!.epoch }, 86_400_000, {
      burn: false,
      error: null,
      attempt: {
        ...attempt,
        ...{
          subject: 'x',
          effectKey: null,
          startedAt: new Date(),
          durationMs: 1,
          outcome: null,
          detail: null,
        },
      },
    });
    const inLine = await system.rows('SELECT 1 FROM outbox WHERE lined_up');
    expect(inLine).toHaveLength(599);
  });
});
