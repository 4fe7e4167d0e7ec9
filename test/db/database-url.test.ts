import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import { serverOf } from '../../src/db/server.ts';
import { createPools } from '../../src/db/transport/queue-pools.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';

/** Each address is used by both drivers, by the queue and by the migration, on a real server. */
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const forms: [string, (url: URL) => string][] = [
  ['channel_binding=require', (url) => `${url.href}?channel_binding=require`],
  [
    'what Prisma adds',
    (url) => `${url.href}?schema=public&connection_limit=5&pool_timeout=10&statement_cache_size=0`,
  ],
  ['sslmode=prefer', (url) => `${url.href}?sslmode=prefer&gssencmode=prefer`],
  ['sslmode=disable', (url) => `${url.href}?sslmode=disable&target_session_attrs=any`],
  ['options of the session', (url) => `${url.href}?options=-c%20work_mem%3D5MB&application_name=leads-eu`],
  [
    'settings of the session',
    (url) => `${url.href}?statement_timeout=1&lock_timeout=1&default_transaction_read_only=on`,
  ],
  ['a timeout', (url) => `${url.href}?connect_timeout=10&keepalives=1&tcp_user_timeout=1000`],
  ['postgresql://', (url) => url.href.replace('postgres://', 'postgresql://')],
  [
    'parameters instead of parts',
    (url) =>
      `postgres:///?host=${url.hostname}&port=${url.port}&user=${url.username}&password=${url.password}&dbname=${url.pathname.slice(1)}`,
  ],
];

describe.each(forms)('an address with %s', (_what, change) => {
  it('works for writes, reads, streams, the queue and migrations', async () => {
    const url = change(new URL(database.directUrl));
    const db = createDatabase({ url, max: 2, connectTimeoutMs: 5_000 });
    const pools = createPools(url, 'public', () => undefined);
    try {
      expect(await db.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
      await db.ping();
      await db.reader.ping();
      expect(await db.reader.query('SELECT count(*)::int AS n FROM organizations')).toEqual([
        { n: expect.any(Number) },
      ]);
      const batches: unknown[] = [];
      for await (const batch of db.reader.stream('SELECT generate_series(1, 3) AS n', [], 2))
        batches.push(batch);
      expect(batches.flat()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      const { rows } = await pools
        .open(1)
        .query<{ path: string }>("SELECT current_setting('search_path') AS path");
      expect(rows).toEqual([{ path: 'public' }]);
      expect(await migrate(url)).toEqual([]);
      if (serverOf(url).options !== null)
        for (const reads of [db, db.reader])
          expect(await reads.query("SELECT current_setting('work_mem') AS m")).toEqual([{ m: '5MB' }]);
    } finally {
      await pools.end();
      await db.close();
    }
  });
});

it('a reader that cannot connect is found by its ping', async () => {
  const unreachable = new URL(database.directUrl);
  unreachable.port = '1';
  const db = createDatabase({
    url: database.directUrl,
    replicaUrl: unreachable.href,
    max: 1,
    connectTimeoutMs: 500,
  });
  try {
    await db.ping();
    await expect(db.reader.ping()).rejects.toThrow();
  } finally {
    await db.close();
  }
});
