import { type SQL, sql } from 'drizzle-orm';
import type { CounterStore, Sum } from '../../domain/account/counters.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** Rows of windows that have ended are removed this often, a batch at a time. */
const cleanEveryMs = 60_000;
const batch = 2_000;

/**
 * Counters in an unlogged table, by the database's clock: after a crash of the server they start again at zero. All
 * additions of a process at one moment are one statement.
 */
export function createPostgresCounters(db: Queryable): CounterStore {
  let cleanAt = performance.now() + cleanEveryMs;
  const cleanUp = () => {
    if (performance.now() < cleanAt) return;
    cleanAt = performance.now() + cleanEveryMs;
    // Rows that remain do no harm: they are removed by the next attempt.
    removeEnded(db).catch(() => undefined);
  };
  return {
    async add(additions) {
      cleanUp();
      const rows = await run<Sum & { key: string }>(db, addAll(JSON.stringify(additions)));
      const sums = new Map(rows.map(({ key, used, endsInMs }) => [key, { used, endsInMs }]));
      return additions.map(({ key }) => sums.get(key)!);
    },
    async reset(key) {
      await run(db, sql`DELETE FROM quota_counters WHERE key = ${key}::text`);
    },
    async occupy({ key, id, limit, ms }) {
      if (limit < 1) return false;
      const [row] = await run<{ held: boolean }>(db, occupyOne(key, id, limit, ms));
      return row?.held === true;
    },
    async renew(places, ms) {
      await run(
        db,
        sql`WITH given AS (
            SELECT key, id FROM jsonb_to_recordset(${JSON.stringify(places)}::jsonb) AS given(key text, id text)),
          held AS (SELECT key, places FROM quota_counters WHERE key IN (SELECT key FROM given) ORDER BY key FOR UPDATE)
          UPDATE quota_counters c SET expires_at = ${after(ms)}, places = c.places || p.renewed
          FROM (SELECT held.key, jsonb_object_agg(given.id, ${epochMs} + ${ms}::float8) AS renewed
            FROM given JOIN held ON held.key = given.key AND held.places ? given.id GROUP BY held.key) p
          WHERE c.key = p.key`,
      );
    },
    async vacate({ key, id }) {
      await run(db, sql`UPDATE quota_counters SET places = places - ${id}::text WHERE key = ${key}::text`);
    },
  };
}

const epochMs = sql.raw('(extract(epoch FROM clock_timestamp())::float8 * 1000)');
const after = (ms: number): SQL => sql`clock_timestamp() + make_interval(secs => ${ms}::float8 / 1000)`;

/** Sorted, so that two processes lock the same rows in the same order. */
const addAll = (additions: string) => sql`INSERT INTO quota_counters AS c (key, used, expires_at)
  SELECT key, units, clock_timestamp() + make_interval(secs => seconds)
  FROM jsonb_to_recordset(${additions}::jsonb) AS given(key text, units bigint, seconds float8) ORDER BY key
  ON CONFLICT (key) DO UPDATE SET
    used = excluded.used + CASE WHEN c.expires_at > clock_timestamp() THEN c.used ELSE 0 END,
    expires_at = CASE WHEN c.expires_at > clock_timestamp() THEN c.expires_at ELSE excluded.expires_at END
  RETURNING key, used::float8 AS used,
    greatest(0, extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS "endsInMs"`;

/** The row's lock decides between two processes; `places` maps ids to the time at which each is free again. */
const occupyOne = (key: string, id: string, limit: number, ms: number) =>
  sql`INSERT INTO quota_counters AS c (key, places, expires_at)
  VALUES (${key}::text, jsonb_build_object(${id}::text, ${epochMs} + ${ms}::float8), ${after(ms)})
  ON CONFLICT (key) DO UPDATE SET
    places = (SELECT CASE WHEN count(*) < ${limit}::bigint THEN excluded.places ELSE '{}' END
        || coalesce(jsonb_object_agg(k, v) FILTER (WHERE k IS NOT NULL), '{}')
      FROM jsonb_each(c.places) AS each(k, v) WHERE v::float8 > ${epochMs}),
    expires_at = greatest(c.expires_at, excluded.expires_at)
  RETURNING places ? ${id}::text AS held`;

async function removeEnded(db: Queryable): Promise<void> {
  for (;;) {
    const removed = await run(
      db,
      sql`DELETE FROM quota_counters WHERE key = ANY(ARRAY(SELECT key FROM quota_counters
        WHERE expires_at < now() LIMIT ${batch}::integer FOR UPDATE SKIP LOCKED)) RETURNING 1`,
    );
    if (removed.length < batch) return;
  }
}
