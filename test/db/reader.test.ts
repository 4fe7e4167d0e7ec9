import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type Database, isConnectionError } from '../../src/db/client.ts';
import { atServer, clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

let test: TestDatabase;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  db = createDatabase({ ...clientOf(test), max: 1, applicationName: 'reading' });
});

afterAll(async () => {
  await db.close();
  await test.drop();
});

const series = 'SELECT n FROM generate_series(1, $1::int) AS n';

const killReaders = () =>
  atServer(test.directUrl, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'reading reader'`,
    ),
  );

it('cannot write', async () => {
  await expect(db.reader.query('CREATE TABLE written ()')).rejects.toMatchObject({ code: '25006' });
});

it.each([
  { rows: 0, size: 10, batches: [] },
  { rows: 10, size: 10, batches: [10] },
  { rows: 25, size: 10, batches: [10, 10, 5] },
])('streams $rows rows in batches of $size', async ({ rows, size, batches }) => {
  const seen: number[] = [];
  const lengths: number[] = [];
  for await (const batch of db.reader.stream<{ n: number }>(series, [rows], size)) {
    lengths.push(batch.length);
    seen.push(...batch.map(({ n }) => n));
  }
  expect(lengths).toEqual(batches);
  expect(seen).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
});

it('returns its connection to the pool when the caller stops early', async () => {
  for (let n = 0; n < 5; n += 1) {
    for await (const batch of db.reader.stream(series, [1_000_000], 10)) {
      expect(batch).toHaveLength(10);
      break;
    }
  }
  expect(await db.reader.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
});

it('a connection lost between two batches throws, and never ends the stream early', async () => {
  let seen = 0;
  const read = async () => {
    for await (const batch of db.reader.stream(series, [1_000_000], 10)) {
      seen += batch.length;
      if (seen === 50) {
        await killReaders();
        expect(await db.reader.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
      }
    }
  };
  const error = await read().catch((reason: unknown) => reason);
  expect(isConnectionError(error)).toBe(true);
  expect(seen).toBeLessThan(1_000_000);
  expect(await db.reader.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
});

it('a connection lost during a result is retried and returns the whole result', async () => {
  const slow = `SELECT n, repeat('x', 20000) AS text, pg_sleep(0.01) FROM generate_series(1, 60) AS n`;
  const reading = db.reader.query<{ n: number }>(slow);
  const readingSessions = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'reading reader'
    AND wait_event = 'PgSleep' AND query_start < clock_timestamp() - interval '200 ms'`;
  await expect.poll(() => db.query(readingSessions)).toHaveLength(1);
  await killReaders();
  expect((await reading).map((row) => row?.n)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
});

it('an error of the database during a stream is thrown', async () => {
  const text = 'SELECT 10 / (20 - n) AS q FROM generate_series(1, 100) AS n';
  const read = async () => {
    for await (const batch of db.reader.stream(text, [], 5)) expect(batch.length).toBeGreaterThan(0);
  };
  await expect(read()).rejects.toMatchObject({ code: '22012' });
});

it('reads and sends arrays as the other driver does', async () => {
  const text = `SELECT $1::text[] AS texts, $2::uuid[] AS ids, $3::bigint[] AS counts, ARRAY[true, NULL] AS flags,
    ARRAY['2026-11-28']::date[] AS days, '{}'::int[] AS none`;
  const values = [['a,b', '"\\', 'null', ''], ['01a221bd-7154-729b-88f9-a534af481217'], [3, '4']];
  expect(await db.reader.query(text, values)).toEqual([
    {
      texts: values[0],
      ids: values[1],
      counts: [3, 4],
      flags: [true, null],
      days: ['2026-11-28'],
      none: [],
    },
  ]);
});
