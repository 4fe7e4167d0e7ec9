import { type SQL, sql } from 'drizzle-orm';
import { defaultRetention, type Retention } from '../../config.ts';
import { type Database, sqlState, type Tx } from '../client.ts';
import { run } from '../commit.ts';
import { sweepImports } from '../imports/imports.ts';

/**
 * What a table keeps, and for how long. events and messages go by whole months: a partition is dropped, its rows are
 * never deleted. Rows of other transport tables go in batches. Leads, unlocks, payments, journals, effects, phones and
 * alerts are records of the business and stay.
 */

/** Rows removed per statement: a large backlog goes in many short ones. */
const batch = 5_000;
const batchesPerRun = 200;
/** Partitions are made and dropped under a lock that every writer waits behind: rather give up and come again. */
const lockPatience = '250ms';
/** Of each step one process at a time: whoever does not get it leaves it to the other. */
const lockSpace = 7_203_112;

const parents = ['events', 'messages'] as const;
type Parent = (typeof parents)[number];

export type MaintenanceReport = {
  removed: number;
  /** Partitions gone in this run. */
  dropped: string[];
  /** Partitions past their time that open work still refers to. */
  held: string[];
  /** What did not succeed; it comes again with the next run. */
  failed: string[];
};

/** Safe to run anywhere, any number of times, by many processes at once. A step that fails does not stop the others. */
export async function maintain(
  db: Database,
  retention: Retention = defaultRetention,
): Promise<MaintenanceReport> {
  const report: MaintenanceReport = { removed: 0, dropped: [], held: [], failed: [] };
  const step = async (name: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      // A code, or our own words: what the driver says can quote values.
      report.failed.push(`${name}: ${sqlState(error) ?? (error as Error).name}`);
    }
  };
  await step('months ahead', () => alone(db, 'months ahead', openMonths));
  for (const parent of parents) {
    const months = retention[`${parent}Months`];
    for (const partition of await expiredPartitions(db, parent, months))
      await step(partition.name, async () => {
        const end = await alone(db, partition.name, (tx) => dropPartition(tx, parent, partition));
        if (end) report[end].push(partition.name);
      });
  }
  await step('imports', async () => {
    report.removed += await sweepImports(db);
  });
  for (const [table, old] of Object.entries(oldRows(retention)))
    await step(table, async () => {
      report.removed += await removeRows(db, table, old);
    });
  return report;
}

/** In a transaction that waits for no lock longer than a moment. Null: another process is at this step. */
function alone<T>(db: Database, step: string, work: (tx: Tx) => Promise<T>): Promise<T | null> {
  return db.withTx(async (tx) => {
    const [lock] = await run<{ mine: boolean }>(
      tx,
      sql`SELECT pg_try_advisory_xact_lock(${lockSpace}::integer, hashtext(${step}::text)) AS mine, set_config('lock_timeout', ${lockPatience}, true)`,
    );
    return lock?.mine ? work(tx) : null;
  });
}

/** Partitions three months ahead. Rows that came before their month had one move into it: it could not be made else. */
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
  // Making one takes the lock of all writers: only asked for when it is missing.
  const [ahead] = await run<{ ready: boolean }>(
    tx,
    sql`SELECT bool_and(to_regclass(parent || '_' || to_char((now() AT TIME ZONE 'UTC') + make_interval(months => n), 'YYYY_MM')) IS NOT NULL) AS ready
      FROM unnest(${sql.param([...parents])}::text[]) AS parent, generate_series(0, 3) AS n`,
  );
  if (!ahead?.ready) await run(tx, sql`SELECT ensure_partitions((now() AT TIME ZONE 'UTC')::date, 3)`);
}

/** The default partition with its rows becomes a table beside, an empty one takes its place. False: there are none. */
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

/** Months that ended longer ago than the period, oldest first. Bounds are texts with their zone, for SQL. */
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
  parent: Parent,
  { name, from, to }: Partition,
): Promise<'dropped' | 'held' | null> {
  const table = sql.identifier(name);
  const [still] = await run<{ there: boolean }>(tx, sql`SELECT to_regclass(${name}) IS NOT NULL AS there`);
  // Another process was first.
  if (!still?.there) return null;
  // An open row reads its own event; the texts it is about may have been posted in the months beside it.
  const margin = parent === 'events' ? 0 : 1;
  const mentions =
    parent === 'events'
      ? sql`t.subject IN ('unlock:' || u.id, 'lead:' || u.lead_id)`
      : sql`t.subject = 'unlock:' || u.id`;
  const [open] = await run<{ used: boolean }>(
    tx,
    sql`SELECT EXISTS (SELECT 1 FROM outbox o WHERE o.event_at >= ${from}::text::timestamptz - make_interval(months => ${margin}::integer)
        AND o.event_at < ${to}::text::timestamptz + make_interval(months => ${margin}::integer))
      OR EXISTS (SELECT 1 FROM lead_unlocks u WHERE u.status NOT IN (${ended}) AND u.created_at < ${to}::text::timestamptz
        AND EXISTS (SELECT 1 FROM ${table} t WHERE ${mentions})) AS used`,
  );
  if (open?.used) return 'held';
  await run(tx, sql`DROP TABLE ${table}`);
  return 'dropped';
}

/** No more work comes of an unlock in these states. */
const ended = sql.raw(["'DONE'", "'EXPIRED'", "'OPTED_OUT'"].join(', '));

/** Which rows of a table are past their time. */
function oldRows(retention: Retention): Record<string, SQL> {
  const olderThan = (column: string, days: number) =>
    sql`${sql.raw(column)} < now() - make_interval(days => ${days}::integer)`;
  return {
    idempotency_keys: olderThan('created_at', retention.idempotencyDays),
    attempts: olderThan('started_at', retention.attemptsDays),
    // Whose cells they are nobody can look up: they go sooner than what a person can be found by.
    import_rejects: sql`import_id IN (SELECT id FROM imports WHERE ${olderThan('ended_at', retention.rejectsDays)})`,
    // Of a location nobody has any more; not of one that is only just being connected.
    crm_call_slots: sql`location_id NOT IN (SELECT location_id FROM crm_connections) AND taken_at < now() - interval '1 day'`,
    crm_call_days: sql`day < to_char((now() AT TIME ZONE 'UTC') - interval '60 days', 'YYYY-MM-DD')`,
    sms_counters: sql`day < to_char((now() AT TIME ZONE 'UTC') - interval '7 days', 'YYYY-MM-DD')`,
    sessions: olderThan('expires_at', 30),
    verifications: olderThan('expires_at', 30),
    // What an operator has not looked at, what an open sale began with, and what open work will read stays.
    inbox: sql`${olderThan('received_at', retention.inboxDays)} AND NOT (needs_operator AND handled_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM lead_unlocks u WHERE u.id = inbox.unlock_id AND u.status NOT IN (${ended}))
      AND inbox.id::text NOT IN (SELECT e.data->>'inboxId' FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
        WHERE o.event_at < now() - make_interval(days => ${retention.inboxDays}::integer - 1) AND e.data ? 'inboxId')`,
  };
}

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
