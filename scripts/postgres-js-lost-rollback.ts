/**
 * Shows why writes do not use postgres.js: what version 3.4.9 does when a backend is killed during a transaction.
 * Run: node --import tsx scripts/postgres-js-lost-rollback.ts
 * Exit code 0: at least one of the first two failures still happens. 1: neither does, and the decision can be reconsidered
 * (docs/decisions/0001-pg-writes-postgres-reads.md).
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import postgres from 'postgres';
import { createDatabase } from '../src/db/client.ts';
import { startTemporaryPostgres } from '../src/embedded-postgres/index.ts';

const runs = 20;
const manifest = readFileSync(new URL('../node_modules/postgres/package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };

/** A promise and the function that resolves it, so that every step waits for a signal and not for a time. */
function signal(): { fired: Promise<void>; fire(): void } {
  let fire = (): void => undefined;
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire: () => fire() };
}

const swallow = (): undefined => undefined;

async function onServer<R extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text, values)).rows;
  } finally {
    await client.end();
  }
}

const kill = (url: string, pid: number) => onServer(url, 'SELECT pg_terminate_backend($1, 5000)', [pid]);

/** Transaction A loses its backend while its code is busy; transaction B, next in the queue, writes and is rolled back. */
async function lostRollback(url: string): Promise<boolean> {
  await onServer(url, 'DROP TABLE IF EXISTS wallet');
  await onServer(url, 'CREATE TABLE wallet (entry text)');
  const sql = postgres(url, { max: 1, onnotice: swallow, backoff: () => 0 });
  const killed = signal();
  const aMayEnd = signal();
  const aStarted = signal();
  let pid = 0;
  const a = sql
    .begin(async (tx) => {
      pid = (await tx<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`)[0]?.pid ?? 0;
      aStarted.fire();
      await aMayEnd.fired;
    })
    .catch(swallow)
    .finally(killed.fire);
  await aStarted.fired;
  const b = sql
    .begin(async (tx) => {
      await tx`INSERT INTO wallet VALUES ('of B, which rolls back')`;
      aMayEnd.fire();
      // Waits until A's COMMIT has been answered, in case it is sent over this connection.
      await tx`SELECT 1`;
      await tx`SELECT pg_sleep(0.02)`;
      throw new Error('B rolls back');
    })
    .catch(swallow);
  await kill(url, pid);
  await killed.fired;
  await Promise.all([a, b]);
  await sql.end({ timeout: 1 });
  const [row] = await onServer<{ n: number }>(url, 'SELECT count(*)::int AS n FROM wallet');
  return row?.n === 1;
}

/** The same steps with pg and withTx. */
async function throughWithTx(url: string): Promise<boolean> {
  await onServer(url, 'TRUNCATE wallet');
  const db = createDatabase({ url, max: 1 });
  const a = db
    .withTx(async (tx) => {
      const [backend] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await kill(url, backend?.pid ?? 0);
    })
    .catch(swallow);
  const b = db
    .withTx(async (tx) => {
      await tx.query(`INSERT INTO wallet VALUES ('of B, which rolls back')`);
      throw new Error('B rolls back');
    })
    .catch(swallow);
  await Promise.all([a, b]);
  await db.close();
  const [row] = await onServer<{ n: number }>(url, 'SELECT count(*)::int AS n FROM wallet');
  return row?.n === 1;
}

/** A backend is killed during a statement of a transaction. Returns true when an exception escapes all handlers. */
async function uncaught(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, onnotice: swallow });
  const thrown = signal();
  let seen = false;
  const listener = (): void => {
    seen = true;
    thrown.fire();
  };
  process.on('uncaughtException', listener);
  const sleeping = signal();
  let pid = 0;
  const work = sql
    .begin(async (tx) => {
      pid = (await tx<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`)[0]?.pid ?? 0;
      setImmediate(sleeping.fire);
      await tx`SELECT pg_sleep(5)`;
    })
    .catch(swallow);
  await sleeping.fired;
  await kill(url, pid);
  await work;
  await Promise.race([thrown.fired, new Promise((resolve) => setTimeout(resolve, 200))]);
  process.off('uncaughtException', listener);
  await Promise.race([sql.end({ timeout: 0 }), thrown.fired]);
  return seen;
}

type Cursor = { silent: boolean; escaped: boolean; unanswered: boolean; corrupted: boolean };

/** A cursor loses its backend between two batches. `silent`: the loop ends without an error and without all rows. */
async function interruptedCursor(url: string): Promise<Cursor> {
  const sql = postgres(url, { max: 1, onnotice: swallow, backoff: () => 0 });
  let escaped = false;
  const listener = (): void => {
    escaped = true;
  };
  process.on('uncaughtException', listener);
  let seen = 0;
  let silent = true;
  try {
    for await (const rows of sql`SELECT n, pg_backend_pid() AS pid FROM generate_series(1, 1000) AS n`.cursor(
      10,
    )) {
      seen += rows.length;
      if (seen !== 10) continue;
      await kill(url, rows[0]?.pid);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } catch {
    silent = false;
  }
  const answer = sql`SELECT 1 AS n`.then((rows) => rows.length, swallow);
  const length = await Promise.race([
    answer,
    new Promise<null>((resolve) => setTimeout(resolve, 1_000, null)),
  ]);
  await sql.end({ timeout: 0 });
  process.off('uncaughtException', listener);
  return {
    silent: silent && seen < 1000,
    escaped,
    unanswered: length === null,
    corrupted: length !== null && length !== 1,
  };
}

async function count(what: string, scenario: () => Promise<boolean>): Promise<number> {
  let hits = 0;
  for (let n = 0; n < runs; n += 1) if (await scenario()) hits += 1;
  console.log(`${what}: ${hits} of ${runs}`);
  return hits;
}

const server = await startTemporaryPostgres();
console.log(`postgres.js ${version}, Node ${process.version}, ${runs} runs each`);
const lost = await count('rows of a rolled-back transaction committed by another', () =>
  lostRollback(server.url),
);
await count('  the same through pg and withTx', () => throughWithTx(server.url));
const crashed = await count('exception that cannot be caught (ends the process)', () => uncaught(server.url));
const cursors: Cursor[] = [];
for (let n = 0; n < 5; n += 1) cursors.push(await interruptedCursor(server.url));
const of = (key: keyof Cursor) => `${cursors.filter((cursor) => cursor[key]).length} of ${cursors.length}`;
console.log(`interrupted cursor ends its loop without an error: ${of('silent')}`);
console.log(`  its error escapes as an unhandled rejection (ends the process): ${of('escaped')}`);
console.log(`  the next query on that connection is not answered within a second: ${of('unanswered')}`);
console.log(
  `  the next result on that connection contains the old cursor's error or empty rows: ${of('corrupted')}`,
);
await server.stop();
process.exitCode = lost + crashed > 0 ? 0 : 1;
