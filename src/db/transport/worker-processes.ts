import { sql } from 'drizzle-orm';
import { type WorkerName, workerNames } from '../../events/routes.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** Heartbeats of the processes that run workers: one row for each, so that an idle worker and a dead one can be told apart. */

/** A process that has not reported for this long is not counted. */
const silentSeconds = 45;

/** `workers`: how many milliseconds ago each last ran; null for one that has not run yet. */
export type WorkerProcess = { id: string; host: string; workers: Partial<Record<WorkerName, number | null>> };

/** Renews the row of this process, and removes those of processes that died more than a day ago. */
export async function reportProcess(db: Queryable, { id, host, workers }: WorkerProcess): Promise<void> {
  await run(
    db,
    sql`WITH gone AS (DELETE FROM worker_processes WHERE seen_at < now() - interval '1 day')
      INSERT INTO worker_processes (id, host, workers) VALUES (${id}::uuid, ${host}, ${JSON.stringify(workers)}::jsonb)
      ON CONFLICT (id) DO UPDATE SET workers = excluded.workers, seen_at = now()`,
  );
}

export async function forgetProcess(db: Queryable, id: string): Promise<void> {
  await run(db, sql`DELETE FROM worker_processes WHERE id = ${id}::uuid`);
}

export type WorkerPresence = {
  worker: WorkerName;
  /** Living processes that run it. */
  processes: number;
  /** When one last reported; null when none did within a day, or all were stopped. */
  seenAt: Date | null;
  /** To the accuracy of a report. Null when it has not run since. */
  lastRunAt: Date | null;
};

export async function workerPresence(db: Queryable): Promise<WorkerPresence[]> {
  return run(
    db,
    sql`SELECT names.worker, count(p.id) FILTER (WHERE p.seen_at > now() - make_interval(secs => ${silentSeconds}::float8))::int AS processes,
      max(p.seen_at) AS "seenAt",
      max(p.seen_at - make_interval(secs => (p.workers->>names.worker)::float8 / 1000)) AS "lastRunAt"
    FROM (VALUES ${sql.raw(workerNames.map((name) => `('${name}')`).join(', '))}) AS names(worker)
      LEFT JOIN worker_processes p ON jsonb_exists(p.workers, names.worker) GROUP BY names.worker`,
  );
}
