/**
 * Why writes do not go through postgres.js: what its 3.4.9 does when a backend dies at the wrong moment.
 * Run: node --import tsx scripts/postgres-js-lost-rollback.ts
 * Exit code 0: at least one of the first two still happens. 1: neither does, and the decision may be looked at again
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

/** A promise and the function that settles it: every step waits for a signal, none for a while. */
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

/** Transaction A loses its backend while its code is busy; B, queued behind it, writes and is rolled back. */
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
      // Until A's COMMIT, if it is sent over this connection at all, has been answered.
      await tx`SELECT 1`;
      await tx`SELECT pg_sleep(0.02)`;
      throw new Error('B changes its mind');
    })
    .catch(swallow);
  await kill(url, pid);
  await killed.fired;
  await Promise.all([a, b]);
  await sql.end({ timeout: 1 });
  const [row] = await onServer<{ n: number }>(url, 'SELECT count(*)::int AS n FROM wallet');
  return row?.n === 1;
}

/** The same story through pg and withTx. */
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
      throw new Error('B changes its mind');
    })
    .catch(swallow);
  await Promise.all([a, b]);
  await db.close();
  const [row] = await onServer<{ n: number }>(url, 'SELECT count(*)::int AS n FROM wallet');
  return row?.n === 1;
}

/** A backend dies under a running statement of a transaction: is there an exception that no code can catch? */
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

type Cursor = { silent: boolean; escaped: boolean; deaf: boolean; haunted: boolean };

/** A cursor loses its backend between two batches: does the loop end as if it had seen everything? */
async function cutShort(url: string): Promise<Cursor> {
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
    deaf: length === null,
    haunted: length !== null && length !== 1,
  };
}

async function count(what: string, story: () => Promise<boolean>): Promise<number> {
  let hits = 0;
  for (let n = 0; n < runs; n += 1) if (await story()) hits += 1;
  console.log(`${what}: ${hits} of ${runs}`);
  return hits;
}

const server = await startTemporaryPostgres();
console.log(`postgres.js ${version}, Node ${process.version}, ${runs} runs each`);
const lost = await count('rows of a rolled-back transaction committed by another', () =>
  lostRollback(server.url),
);
await count('  the same through pg and withTx', () => throughWithTx(server.url));
const crashed = await count('exception nobody can catch (ends the process)', () => uncaught(server.url));
const cursors: Cursor[] = [];
for (let n = 0; n < 5; n += 1) cursors.push(await cutShort(server.url));
const of = (key: keyof Cursor) => `${cursors.filter((cursor) => cursor[key]).length} of ${cursors.length}`;
console.log(`cut cursor ends its loop without an error: ${of('silent')}`);
console.log(`  its error escapes as an unhandled rejection (ends the process): ${of('escaped')}`);
console.log(`  the next query on that connection is not answered within a second: ${of('deaf')}`);
console.log(`  the next result on that connection gets the dead cursor's error or holes: ${of('haunted')}`);
await server.stop();
process.exitCode = lost + crashed > 0 ? 0 : 1;
