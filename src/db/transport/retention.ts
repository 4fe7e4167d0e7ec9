import { type SQL, sql } from 'drizzle-orm';
import { defaultRetention, type Retention } from '../../config.ts';
import { type Database, sqlState, type Tx } from '../client.ts';
import { run } from '../commit.ts';

/**
 * Retention periods per table. events and messages are removed by month: the partition is dropped, rows are not deleted
 * individually. Rows of other tables are deleted in batches, by the rules of their verticals. Tables without a rule hold
 * business records and are kept.
 */

/** The rules of one vertical. */
export type RetentionRules = {
  /** By table: the condition for its expired rows. */
  rows?: (retention: Retention) => Record<string, SQL>;
  /** By name: custom steps, which return the number of removed rows. */
  steps?: Record<string, (db: Database) => Promise<number>>;
  /** True while open work needs a row of this partition. `to`: the partition's end, a timestamptz. */
  holds?: (partition: { parent: Parent; table: SQL; to: SQL }) => SQL;
};

/** A condition for rows older than this number of days. */
export const olderThan = (column: string, days: number): SQL =>
  sql`${sql.raw(column)} < now() - make_interval(days => ${days}::integer)`;

/** The same for ids of events/new-id.ts, which begin with their time. */
const idOlderThan = (days: number): SQL =>
  sql`id < rpad(lpad(to_hex((extract(epoch FROM now() - make_interval(days => ${days}::integer)) * 1000)::bigint), 12, '0'), 32, '0')::uuid`;

/** Rows removed per statement, so that a large backlog is deleted in many short statements. */
const batch = 5_000;
const batchesPerRun = 200;
/** Creating and dropping partitions takes a lock that blocks every writer: give up soon and retry later. */
const lockPatience = '250ms';
/** Advisory locks of the steps: one process at a time runs a step, the others skip it. */
const lockSpace = 7_203_112;

const parents = ['events', 'messages'] as const;
export type Parent = (typeof parents)[number];

export type MaintenanceReport = {
  removed: number;
  /** Partitions dropped in this run. */
  dropped: string[];
  /** Expired partitions that open work still references. */
  held: string[];
  /** Steps that failed; the next run retries them. */
  failed: string[];
};

/** Idempotent and safe to run concurrently in several processes. A failed step does not stop the others. */
export async function maintain(
  db: Database,
  rules: readonly RetentionRules[],
  retention: Retention = defaultRetention,
): Promise<MaintenanceReport> {
  const report: MaintenanceReport = { removed: 0, dropped: [], held: [], failed: [] };
  const step = async (name: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      // The code or our own message, because the driver's message can quote values.
      report.failed.push(`${name}: ${sqlState(error) ?? (error as Error).name}`);
    }
  };
  await step('months ahead', () => alone(db, 'months ahead', openMonths));
  for (const parent of parents) {
    const months = retention[`${parent}Months`];
    for (const partition of await expiredPartitions(db, parent, months))
      await step(partition.name, async () => {
        const end = await alone(db, partition.name, (tx) => dropPartition(tx, rules, parent, partition));
        if (end) report[end].push(partition.name);
      });
  }
  for (const { steps = {}, rows } of [transportRules, ...rules]) {
    for (const [name, work] of Object.entries(steps))
      await step(name, async () => {
        report.removed += await work(db);
      });
    for (const [table, old] of Object.entries(rows?.(retention) ?? {}))
      await step(table, async () => {
        report.removed += await removeRows(db, table, old);
      });
  }
  return report;
}

/** Runs a step in a transaction with a short lock timeout and as much time as it needs. Returns null when another process is running the step. */
function alone<T>(db: Database, step: string, work: (tx: Tx) => Promise<T>): Promise<T | null> {
  return db.withTx(async (tx) => {
    const [lock] = await run<{ mine: boolean }>(
      tx,
      sql`SELECT pg_try_advisory_xact_lock(${lockSpace}::integer, hashtext(${step}::text)) AS mine, set_config('lock_timeout', ${lockPatience}, true),
        set_config('statement_timeout', '0', true)`,
    );
    return lock?.mine ? work(tx) : null;
  });
}

/** Creates partitions three months ahead. Rows in the default partition are moved first, as they would prevent that. */
async function openMonths(tx: Tx): Promise<void> {
  const early: Parent[] = [];
  for (const parent of parents) if (await setStraysAside(tx, parent)) early.push(parent);
  for (const parent of early) {
    const strays = sql.raw(`${parent}_stray`);
    await run(
      tx,
      sql`SELECT ensure_partitions(month, 0) FROM (SELECT DISTINCT
        date_trunc('month', ${sql.raw(timeColumns[parent])} AT TIME ZONE 'UTC')::date AS month FROM ${strays}) months`,
    );
    await run(tx, sql`INSERT INTO ${sql.raw(parent)} SELECT * FROM ${strays}`);
    await run(tx, sql`DROP TABLE ${strays}`);
  }
  // Creating a partition blocks all writers, so it is only done when one is missing.
  const [ahead] = await run<{ ready: boolean }>(
    tx,
    sql`SELECT bool_and(to_regclass(parent || '_' || to_char((now() AT TIME ZONE 'UTC') + make_interval(months => n), 'YYYY_MM')) IS NOT NULL) AS ready
      FROM unnest(${sql.param([...parents])}::text[]) AS parent, generate_series(0, 3) AS n`,
  );
  if (!ahead?.ready) await run(tx, sql`SELECT ensure_partitions((now() AT TIME ZONE 'UTC')::date, 3)`);
}

/** Detaches the default partition with its rows and attaches an empty one. Returns false when it has no rows. */
async function setStraysAside(tx: Tx, parent: Parent): Promise<boolean> {
  const [table, fallback, strays] = ['', '_default', '_stray'].map((end) => sql.raw(`${parent}${end}`));
  const [found] = await run<{ some: boolean }>(tx, sql`SELECT EXISTS (SELECT 1 FROM ${fallback}) AS some`);
  if (!found?.some) return false;
  await run(tx, sql`ALTER TABLE ${table} DETACH PARTITION ${fallback}`);
  await run(tx, sql`ALTER TABLE ${fallback} RENAME TO ${strays}`);
  await run(tx, sql`CREATE TABLE ${fallback} PARTITION OF ${table} DEFAULT`);
  return true;
}

const timeColumns = { events: 'occurred_at', messages: 'created_at' } as const satisfies Record<
  Parent,
  string
>;

type Partition = { name: string; from: string; to: string };

/** Months that ended longer ago than the period, oldest first. Bounds are strings with a time zone, for SQL. */
async function expiredPartitions(db: Database, parent: Parent, months: number): Promise<Partition[]> {
  return run(
    db,
    sql`SELECT name, (month AT TIME ZONE 'UTC')::text AS "from", (next AT TIME ZONE 'UTC')::text AS "to" FROM (
        SELECT relname AS name, to_date(right(relname, 7), 'YYYY_MM')::timestamp AS month,
          to_date(right(relname, 7), 'YYYY_MM') + interval '1 month' AS next
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = ${parent}::text::regclass AND relname ~ ('^' || ${parent}::text || '_[0-9]{4}_[0-9]{2}$')) made
      WHERE next < (now() AT TIME ZONE 'UTC') - make_interval(months => ${months}::integer) ORDER BY month`,
  );
}

async function dropPartition(
  tx: Tx,
  rules: readonly RetentionRules[],
  parent: Parent,
  { name, from, to }: Partition,
): Promise<'dropped' | 'held' | null> {
  const table = sql.identifier(name);
  const [still] = await run<{ there: boolean }>(tx, sql`SELECT to_regclass(${name}) IS NOT NULL AS there`);
  // Another process already dropped it.
  if (!still?.there) return null;
  // An open row reads its own event; its messages may have been posted in the adjacent months.
  const margin = parent === 'events' ? 0 : 1;
  const end = sql`${to}::text::timestamptz`;
  const held = rules.flatMap(({ holds }) =>
    holds ? [holds({ parent, table: sql`${table}`, to: end })] : [],
  );
  const [open] = await run<{ used: boolean }>(
    tx,
    sql`SELECT ${sql.join(
      [
        sql`EXISTS (SELECT 1 FROM outbox o WHERE o.event_at >= ${from}::text::timestamptz - make_interval(months => ${margin}::integer)
        AND o.event_at < ${end} + make_interval(months => ${margin}::integer))`,
        ...held,
      ],
      sql` OR `,
    )} AS used`,
  );
  if (open?.used) return 'held';
  await run(tx, sql`DROP TABLE ${table}`);
  return 'dropped';
}

/** Retention rules of the transport's own tables. */
const transportRules: RetentionRules = {
  rows: ({ idempotencyDays, attemptsDays }) => ({
    idempotency_keys: olderThan('created_at', idempotencyDays),
    attempts: idOlderThan(attemptsDays),
  }),
};

async function removeRows(db: Database, table: string, old: SQL): Promise<number> {
  const from = sql.raw(table);
  let removed = 0;
  for (let round = 0; round < batchesPerRun; round += 1) {
    const gone = await alone(db, table, (tx) =>
      run<{ one: number }>(
        tx,
        sql`DELETE FROM ${from} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${from} WHERE ${old} LIMIT ${batch} FOR UPDATE SKIP LOCKED)) RETURNING 1 AS one`,
      ),
    );
    const rows = gone?.length ?? 0;
    removed += rows;
    if (rows < batch) break;
  }
  return removed;
}
