import { readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import type { Database } from '../../src/db/client.ts';
import { routes } from '../../src/events/routes.ts';
import type { Memory } from './program.ts';

export type TableSize = { bytes: number; rows: number; dead: number };
export type Sample = {
  /** Seconds since the first lead. */
  at: number;
  posted: number;
  /** Bytes, by role. */
  memory: Record<string, Memory>;
  /** How long the oldest unfinished row has been due, s. */
  oldestDue: number;
  parked: number;
  tables: Record<string, TableSize>;
  /** Null on the PostgreSQL backend. */
  redisBytes: number | null;
  /** Share of the last ten seconds in which some process waited for a CPU, %. Null where the system does not report it. */
  cpuPressure: number | null;
};

export const intervalMs = 10_000;

/** Sizes by table, partitions added to their parent, the queue's tables as `bullmq.<name>`. Row counts are estimates. */
export async function tableSizes(db: Database): Promise<Record<string, TableSize>> {
  const rows = await db.query<TableSize & { name: string }>(
    `SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || coalesce(p.relname, c.relname) AS name,
      sum(pg_total_relation_size(c.oid))::float8 AS bytes, sum(coalesce(s.n_live_tup, 0))::float8 AS rows, sum(coalesce(s.n_dead_tup, 0))::float8 AS dead
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relkind = 'r' AND n.nspname IN ('public', 'bullmq') GROUP BY 1 ORDER BY 2 DESC`,
  );
  return Object.fromEntries(rows.map(({ name, ...size }) => [name, size]));
}

// A run that makes a call holds its row.
const due = 'greatest(due_at, lease_until)';

export async function outboxState(
  db: Database,
): Promise<{ oldestDue: number; parked: number; overdue: number }> {
  const [row] = await db.query<{ oldestDue: number; parked: number; overdue: number }>(
    `SELECT coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE ${due} <= now() AND parked_at IS NULL)), 0)::float8 AS "oldestDue",
      count(*) FILTER (WHERE parked_at IS NOT NULL)::int AS parked,
      count(*) FILTER (WHERE ${due} < now() - interval '2 seconds' AND parked_at IS NULL)::int AS overdue FROM outbox`,
  );
  return row!;
}

export async function redisBytes(redis: Redis | null): Promise<number | null> {
  if (!redis) return null;
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? 0);
}

export async function cpuPressure(): Promise<number | null> {
  const text = await readFile('/proc/pressure/cpu', 'utf8').catch(() => '');
  const [, share] = /some avg10=([\d.]+)/.exec(text) ?? [];
  return share === undefined ? null : Number(share);
}

export type Lag = { runs: number; p50: number; p99: number; max: number };

/**
 * Time from an event to the end of the run it caused, ms, for work that is always due at once. For snoozed work the wait is
 * included.
 */
export async function outboxLag(db: Database, from: Date): Promise<Lag & { byWorker: Record<string, Lag> }> {
  const delayed = Object.entries(routes).flatMap(([type, all]) =>
    (all as readonly (string | { later: string } | { laterIfGiven: string })[]).flatMap((route) => {
      if (typeof route === 'string') return [];
      return [`${type} ${'later' in route ? route.later : route.laterIfGiven}`];
    }),
  );
  const rows = await db.query<Lag & { worker: string | null }>(
    `SELECT worker, count(*)::int AS runs, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS p50,
      percentile_disc(0.99) WITHIN GROUP (ORDER BY ms)::float8 AS p99, max(ms)::float8 AS max
    FROM (SELECT DISTINCT ON (a.outbox_id) a.worker, extract(epoch FROM a.ended_at - e.occurred_at) * 1000 AS ms
      FROM attempts a JOIN events e ON e.id = a.event_id
      WHERE a.started_at >= $2 AND a.effect_key IS NULL AND a.outcome IN ('finished', 'skipped') AND NOT (e.type || ' ' || a.worker) = ANY($1)
      ORDER BY a.outbox_id, a.ended_at DESC) done
    GROUP BY GROUPING SETS ((), (worker))`,
    [delayed, from],
  );
  const all = rows.find(({ worker }) => worker === null) ?? { runs: 0, p50: 0, p99: 0, max: 0 };
  const byWorker = rows.flatMap(({ worker, ...lag }) => (worker ? [[worker, lag] as const] : []));
  return { runs: all.runs, p50: all.p50, p99: all.p99, max: all.max, byWorker: Object.fromEntries(byWorker) };
}
