import { createServer } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CommitOutcomeUnknownError,
  createDatabase,
  type Database,
  DatabaseUnavailableError,
  IdleTransactionError,
  isConnectionError,
  sqlState,
  TransactionAbortedError,
} from '../../src/db/client.ts';
import { type EmbeddedPostgres, startTemporaryPostgres } from '../../src/embedded-postgres/index.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { atServer, clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

const max = 2;
let test: TestDatabase;
let network: Awaited<ReturnType<typeof startCutProxy>>;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  network = await startCutProxy(test.url);
  await atServer(test.directUrl, (client) =>
    client.query('CREATE TABLE notes (id int PRIMARY KEY, text text)'),
  );
});

beforeEach(async () => {
  await atServer(test.directUrl, (client) => client.query('TRUNCATE notes'));
  db = createDatabase({ ...clientOf(test), url: network.url, max });
});

afterEach(async () => {
  network.cut = null;
  await db.close();
});

afterAll(async () => {
  await network.stop();
  await test.drop();
});

/** Reads over a connection that does not pass through the broken network. */
const stored = () =>
  atServer(test.directUrl, async (client) => {
    const { rows } = await client.query<{ id: number }>('SELECT id FROM notes ORDER BY id');
    return rows.map(({ id }) => id);
  });

/** A setting of a database applies to new sessions only; a pooler keeps old ones. */
const endSessions = () =>
  atServer(test.directUrl, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`,
      [test.name],
    ),
  );

const insert = (id: number) => ['INSERT INTO notes VALUES ($1, $2)', [id, 'text'], 'insert-note'] as const;

const failure = async (work: Promise<unknown>): Promise<Error> => {
  const outcome = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error('it did not fail');
  return outcome;
};

/** Uses every connection of the pool: with one leaked, the last query here would time out. */
async function expectHealthy() {
  const queries = Array.from({ length: max * 2 }, () =>
    db.withTx((tx) => tx.query<{ n: number }>('SELECT 1 AS n')),
  );
  expect(await Promise.all(queries)).toEqual(queries.map(() => [{ n: 1 }]));
  expect(db.pool.totalCount).toBeLessThanOrEqual(max);
}

describe('withTx', () => {
  it('commits and returns the result of its function', async () => {
    const result = await db.withTx(async (tx) => {
      await tx.query(...insert(1));
      await tx.orm.execute(sql`INSERT INTO notes VALUES (2, 'through drizzle')`);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await stored()).toEqual([1, 2]);
  });

  it('rolls back and rethrows the error of its function', async () => {
    const refusal = new Error('not like this');
    const work = db.withTx(async (tx) => {
      await tx.query(...insert(1));
      throw refusal;
    });
    expect(await failure(work)).toBe(refusal);
    expect(await stored()).toEqual([]);
  });

  it('leaks no connection when BEGIN fails, for three times the pool size', async () => {
    network.cut = { on: 'BEGIN', when: 'before' };
    for (let n = 0; n < max * 3; n += 1) {
      const error = await failure(db.withTx((tx) => tx.query(...insert(n))));
      expect(error).toBeInstanceOf(DatabaseUnavailableError);
    }
    expect(network.cuts).toBe(max * 3);
    network.cut = null;
    await expectHealthy();
    expect(await stored()).toEqual([]);
  });

  it('[F12] a backend killed during a transaction fails all of it, and the pool recovers', async () => {
    const work = db.withTx(async (tx) => {
      await tx.query(...insert(1));
      const [backend] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await atServer(test.directUrl, (client) =>
        client.query('SELECT pg_terminate_backend($1, 5000)', [backend?.pid]),
      );
      await tx.query(...insert(2));
    });
    const error = await failure(work);
    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(isConnectionError(error)).toBe(true);
    expect(await stored()).toEqual([]);
    await expectHealthy();
  });

  it('[F12] a backend killed while its transaction is idle does not end the process', async () => {
    const refusal = new Error('decided without the database');
    const errorEvent = new Promise((resolve) => {
      db.pool.once('acquire', (session) => session.once('end', () => resolve(true)));
    });
    const work = db.withTx(async (tx) => {
      const [backend] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await atServer(test.directUrl, (client) =>
        client.query('SELECT pg_terminate_backend($1, 5000)', [backend?.pid]),
      );
      await errorEvent;
      throw refusal;
    });
    expect(await failure(work)).toBe(refusal);
    await expectHealthy();
  });

  it('[S32] ends a transaction whose function awaits something else, and frees its connection', async () => {
    const impatient = createDatabase({ ...clientOf(test), max: 1, idleTransactionMs: 200 });
    const work = impatient.withTx(async (tx) => {
      await tx.query(...insert(1));
      await new Promise(() => undefined);
    });
    expect(await failure(work)).toBeInstanceOf(IdleTransactionError);
    expect(await impatient.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect(await stored()).toEqual([]);
    await impatient.close();
  });

  it('rethrows the first error although ROLLBACK fails too', async () => {
    network.cut = { on: 'ROLLBACK', when: 'before' };
    const work = db.withTx(async (tx) => {
      await tx.query(...insert(1));
      await tx.query(...insert(1));
    });
    expect(sqlState(await failure(work))).toBe('23505');
    network.cut = null;
    await expectHealthy();
    expect(await stored()).toEqual([]);
  });

  it.each([
    { when: 'before', kept: [] },
    { when: 'after', kept: [7] },
  ] as const)(
    '[F02] a connection lost $when COMMIT is an unknown outcome, never repeated',
    async ({ when, kept }) => {
      let runs = 0;
      network.cut = { on: 'COMMIT', when };
      const work = db.withTx(async (tx) => {
        runs += 1;
        await tx.query(...insert(7));
      });
      expect(await failure(work)).toBeInstanceOf(CommitOutcomeUnknownError);
      expect(runs).toBe(1);
      await expect.poll(stored).toEqual(kept);
      network.cut = null;
      await expectHealthy();
    },
  );

  it('fails when COMMIT was a rollback because an error was swallowed', async () => {
    const work = db.withTx(async (tx) => {
      await tx.query(...insert(1));
      await failure(tx.query(...insert(1)));
    });
    expect(await failure(work)).toBeInstanceOf(TransactionAbortedError);
    expect(await stored()).toEqual([]);
  });

  it('refuses a statement sent after its transaction ended', async () => {
    let lateStatement: Promise<Error> | undefined;
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    await db.withTx(async (tx) => {
      lateStatement = left.then(() => failure(tx.query(...insert(9))));
    });
    leave();
    expect((await lateStatement)?.message).toContain('not awaited');
    expect(await stored()).toEqual([]);
  });

  it('retries a serialization failure until both transactions commit', async () => {
    let runs = 0;
    let signalBothRead = (): void => undefined;
    const bothHaveRead = new Promise<void>((resolve) => {
      signalBothRead = resolve;
    });
    const addCount = () =>
      db.withTx(
        async (tx) => {
          runs += 1;
          const [row] = await tx.query<{ n: number }>('SELECT count(*) AS n FROM notes');
          if (runs === 2) signalBothRead();
          await bothHaveRead;
          await tx.query(...insert(row?.n ?? -1));
        },
        { isolation: 'serializable' },
      );
    await Promise.all([addCount(), addCount()]);
    expect(runs).toBeGreaterThan(2);
    expect(await stored()).toEqual([0, 1]);
  });

  it('gives up on a serialization failure that repeats', async () => {
    let runs = 0;
    const work = db.withTx(async (tx) => {
      runs += 1;
      await tx.query(`DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`);
    });
    expect(sqlState(await failure(work))).toBe('40001');
    expect(runs).toBe(5);
  });
});

describe('query', () => {
  it('keeps its session when the database returns an error', async () => {
    const backend = async () => (await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]?.pid;
    const before = await backend();
    await db.query(...insert(1));
    expect(sqlState(await failure(db.query(...insert(1))))).toBe('23505');
    expect(await backend()).toBe(before);
  });

  it('[F02] reports an unknown outcome when the response to a write is lost', async () => {
    network.cut = { on: 'INSERT', when: 'after' };
    expect(await failure(db.query(...insert(5)))).toBeInstanceOf(CommitOutcomeUnknownError);
    await expect.poll(stored).toEqual([5]);
  });

  it('[F03] fails within about two seconds when the server accepts connections without responding', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = address && typeof address === 'object' ? address.port : 0;
    const away = createDatabase({ url: `postgres://postgres@127.0.0.1:${port}/none` });
    const began = performance.now();
    expect(await failure(away.query('SELECT 1'))).toBeInstanceOf(DatabaseUnavailableError);
    expect(performance.now() - began).toBeLessThan(3_000);
    await away.close();
    silent.close();
  });

  it('closes a session that timed out, so that the next query does not wait for it', async () => {
    const shortTimeoutDb = createDatabase({ ...clientOf(test), max: 1, queryTimeoutMs: 200 });
    expect(await failure(shortTimeoutDb.query('SELECT pg_sleep(20)'))).toBeInstanceOf(
      CommitOutcomeUnknownError,
    );
    const next = await shortTimeoutDb.query('SELECT 1 AS n').catch((error: Error) => error.message);
    expect(next).toEqual([{ n: 1 }]);
    await shortTimeoutDb.close();
  });

  it('[S32] a session bounds how long a statement runs and waits for a lock, unless a pooler shares it', async () => {
    const [found] = await db.query(
      `SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement`,
    );
    const shared = !(clientOf(test).prepared ?? true);
    expect(found).toEqual(shared ? { lock: '0', statement: '0' } : { lock: '15s', statement: '1min' });
  });

  it('returns exact numbers, and dates without a time zone', async () => {
    const text = `SELECT 12::int8 AS id, 9007199254740993::int8 AS huge, $1::date AS day, $2::timestamptz AS at, $3::jsonb AS data`;
    const at = new Date('2026-11-21T10:00:00.123Z');
    const expected = [{ id: 12, huge: '9007199254740993', day: '2026-03-29', at, data: { a: 1 } }];
    const values = ['2026-03-29', at, '{"a":1}'];
    expect(await db.query(text, values)).toEqual(expected);
    expect(await db.reader.query(text, values)).toEqual(expected);
  });

  it('refuses at boot a database that may lose committed writes', async () => {
    await db.assertSafe();
    await atServer(test.directUrl, (client) =>
      client.query(`ALTER DATABASE ${test.name} SET synchronous_commit = off`),
    );
    await endSessions();
    const unsafe = createDatabase(clientOf(test));
    expect((await failure(unsafe.assertSafe())).message).toContain('synchronous_commit');
    await unsafe.close();
    await atServer(test.directUrl, (client) =>
      client.query(`ALTER DATABASE ${test.name} RESET synchronous_commit`),
    );
    await endSessions();
  });
});

describe('on a server of its own', () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());

  it('[F12] an immediate server restart during a transaction fails all of it, and the pool recovers', async () => {
    const own = createDatabase({ url: server.url, max });
    await own.query('CREATE TABLE notes (id int PRIMARY KEY, text text)');
    await own.query(...insert(1));
    const work = own.withTx(async (tx) => {
      await tx.query(...insert(2));
      await server.restart('immediate');
      await tx.query(...insert(3));
    });
    expect(isConnectionError(await failure(work))).toBe(true);
    expect(await own.query('SELECT id FROM notes')).toEqual([{ id: 1 }]);
    await own.withTx((tx) => tx.query(...insert(4)));
    expect(await own.query('SELECT id FROM notes ORDER BY id')).toEqual([{ id: 1 }, { id: 4 }]);
    await own.close();
  });
});
