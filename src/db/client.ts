import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { columnTypes } from './column-types.ts';
import {
  CommitOutcomeUnknownError,
  DatabaseUnavailableError,
  endedIdle,
  IdleTransactionError,
  isAnswer,
  isDiskFull,
  spoilsSession,
  TransactionAbortedError,
} from './database-errors.ts';
import { within } from './deadline.ts';
import type { Queryable } from './queryable.ts';
import { createReader, type Reader } from './reader.ts';
import { retryOnConflict } from './retry.ts';
import { pgSettings, serverOf } from './server.ts';

export {
  CommitOutcomeUnknownError,
  DatabaseUnavailableError,
  IdleTransactionError,
  isConnectionError,
  sqlState,
  TransactionAbortedError,
} from './database-errors.ts';
export type { Queryable } from './queryable.ts';
export type { Reader } from './reader.ts';

export type DatabaseOptions = {
  url: string;
  /** Used for reads. Must not point to a transaction pooler, because cursors need a session. */
  replicaUrl?: string | null;
  /** Connections for writes; the reader gets half as many. */
  max?: number;
  applicationName?: string;
  /** False behind a transaction pooler (PgBouncer) that does not track prepared statements. */
  prepared?: boolean;
  /** Timeout for acquiring a connection, from the pool or the server. */
  connectTimeoutMs?: number;
  /** Timeout of a query whose response never arrives. The outcome of a write is then unknown. */
  queryTimeoutMs?: number;
  /** Time after which the server ends a transaction that sends no statement, and with it its connection. */
  idleTransactionMs?: number;
  /** Called when an idle connection breaks; the pool has already discarded it. */
  onError?: (error: Error) => void;
};

/** drizzle without transaction(), which leaks a pool slot when BEGIN fails: use withTx. */
export type Orm = Omit<NodePgDatabase, 'transaction'>;

export type Tx = Queryable & { readonly orm: Orm };

export type TxOptions = { isolation?: 'read committed' | 'repeatable read' | 'serializable' };

export type Database = Queryable & {
  readonly orm: Orm;
  readonly pool: pg.Pool;
  readonly reader: Reader;
  /** Most connections of the pool and of the reader. */
  readonly connections: { write: number; read: number };
  /**
   * Runs `fn` in a transaction, and retries it up to five times on a serialization failure or deadlock: `fn` must not
   * have effects outside the database, and must await nothing but its transaction, whose connection it holds: after
   * `idleTransactionMs` without a statement it is rolled back and IdleTransactionError is thrown. Rethrows errors of
   * `fn`; throws CommitOutcomeUnknownError when the connection is lost during COMMIT.
   */
  withTx<T>(fn: (tx: Tx) => Promise<T>, options?: TxOptions): Promise<T>;
  /**
   * Throws when the database does not answer within the connect timeout. Has a connection of its own, so that the answer
   * does not depend on how busy the pool is. Concurrent calls share one query.
   */
  ping(): Promise<void>;
  /** Throws when the database is not configured safely (synchronous_commit, encoding, replica). Called at boot. */
  assertSafe(): Promise<void>;
  /** The database's clock minus the local one, in ms, and half of the round trip by which it may be off. */
  clockSkew(localNow?: () => number): Promise<{ skewMs: number; accuracyMs: number }>;
  /** When a statement last failed for lack of space (performance.now()). Null when none has. */
  diskFullAt(): number | null;
  close(): Promise<void>;
};

/**
 * A statement that waits for a lock or runs longer than this fails instead of keeping its connection. Long maintenance
 * sets its own limits.
 */
const sessionLimits = { lock_timeout: 15_000, statement_timeout: 60_000 };

export function createDatabase(options: DatabaseOptions): Database {
  const { url, max = 10, applicationName = 'leadgate' } = options;
  const server = serverOf(url);
  const prepared = (options.prepared ?? true) && !server.pooled;
  const connectTimeoutMs = server.connectTimeoutMs ?? options.connectTimeoutMs ?? 2_000;
  const idleMs = options.idleTransactionMs ?? 10_000;
  const settings: pg.PoolConfig = {
    application_name: applicationName,
    ...pgSettings(url),
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: columnTypes,
    // A transaction pooler refuses settings of a session; there they are settings of the database (docs/scaling.md).
    ...(prepared ? sessionLimits : {}),
  };
  const pool = openPool({ ...settings, max, query_timeout: options.queryTimeoutMs }, options.onError);
  const pulse = openPool({ ...settings, max: 1, query_timeout: connectTimeoutMs }, options.onError);
  const readerMax = Math.max(1, Math.ceil(max / 2));
  const reader = createReader({
    url: options.replicaUrl ?? url,
    max: readerMax,
    applicationName: `${applicationName} reader`,
    prepared,
    connectTimeoutMs,
  });

  let fullAt: number | null = null;
  const inSession = <T>(use: (session: pg.PoolClient) => Promise<T>): Promise<T> =>
    withSession(pool, use).catch((error: unknown) => {
      if (isDiskFull(error)) fullAt = performance.now();
      throw error;
    });
  const db: Queryable = {
    query: <R>(text: string, values?: readonly unknown[], name?: string) =>
      inSession((session) => autocommit<R>(session, text, values, prepared ? name : undefined)),
  };
  return {
    ...db,
    orm: drizzle(queryingInSessions(pool, inSession)),
    pool,
    reader,
    connections: { write: max, read: readerMax },
    withTx: (fn, txOptions) =>
      retryOnConflict(
        () => inSession((session) => transact(session, { prepared, idleMs, ...txOptions }, fn)),
        5,
      ),
    ping: pinging(pulse, connectTimeoutMs),
    assertSafe: () => assertSafe(db),
    clockSkew: (localNow) => clockSkew(db, localNow),
    diskFullAt: () => fullAt,
    async close() {
      await Promise.all([pool.end(), pulse.end(), reader.close()]);
    },
  };
}

function openPool(settings: pg.PoolConfig, onError: DatabaseOptions['onError']): pg.Pool {
  const pool = new pg.Pool(settings);
  pool.on('error', (error) => onError?.(error));
  // The server may close a connection before withSession attaches its listener; an unhandled error event would end the
  // process. The session's next statement fails with the error.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** drizzle's own statements fail as all others do: by the errors of withSession, and never on a session that is broken. */
function queryingInSessions(
  pool: pg.Pool,
  inSession: <T>(use: (session: pg.PoolClient) => Promise<T>) => Promise<T>,
): pg.Pool {
  const query = (config: pg.QueryConfig, values?: unknown[]) =>
    inSession(async (session) => {
      try {
        return await session.query(config, values);
      } catch (error) {
        throw isAnswer(error) ? error : new CommitOutcomeUnknownError(error);
      }
    });
  return Object.create(pool, { query: { value: query } }) as pg.Pool;
}

function pinging(pool: pg.Pool, timeoutMs: number): () => Promise<void> {
  let current: Promise<void> | null = null;
  const ask = async () => {
    try {
      const answer = withSession(pool, (session) => autocommit(session, 'SELECT 1'));
      await within(timeoutMs, 'no answer', answer);
    } catch (error) {
      throw error instanceof DatabaseUnavailableError ? error : new DatabaseUnavailableError(error);
    } finally {
      current = null;
    }
  };
  return () => {
    current ??= ask();
    return current;
  };
}

/** Acquires a session and always releases it: to the pool, or closed if it is broken. */
async function withSession<T>(pool: pg.Pool, use: (session: pg.PoolClient) => Promise<T>): Promise<T> {
  let session: pg.PoolClient;
  try {
    session = await pool.connect();
  } catch (error) {
    throw new DatabaseUnavailableError(error);
  }
  let broken: Error | undefined;
  const markBroken = (error: Error) => {
    broken ??= error;
  };
  // The pool handles errors of idle sessions only; a session that breaks between two statements would end the process.
  session.on('error', markBroken);
  try {
    return await use(session);
  } catch (error) {
    if (error instanceof SpoiledSession) {
      broken ??= error;
      throw error.cause;
    }
    if (
      spoilsSession(error) ||
      error instanceof CommitOutcomeUnknownError ||
      error instanceof DatabaseUnavailableError
    ) {
      broken ??= error as Error;
    }
    throw error;
  } finally {
    session.off('error', markBroken);
    session.release(broken);
  }
}

/** Wraps the caller's error (`cause`) when ROLLBACK failed too, so that the session is closed. */
class SpoiledSession extends Error {}

async function transact<T>(
  session: pg.PoolClient,
  { prepared, idleMs, isolation }: TxOptions & { prepared: boolean; idleMs: number },
  fn: (tx: Tx) => Promise<T>,
): Promise<T> {
  const tx = openTx(session, prepared);
  const idle = watchIdle(session);
  try {
    const level = isolation ? ` ISOLATION LEVEL ${isolation.toUpperCase()}` : '';
    // In one message, and valid for this transaction only, so that it also works through a transaction pooler.
    await tx.query(`BEGIN${level}; SET LOCAL idle_in_transaction_session_timeout = ${idleMs}`);
    const result = await Promise.race([fn(tx), idle.ended]);
    tx.end();
    await commit(session);
    return result;
  } catch (error) {
    tx.end();
    if (error instanceof CommitOutcomeUnknownError || error instanceof TransactionAbortedError) throw error;
    try {
      await session.query('ROLLBACK');
    } catch {
      // The caller gets the original error; the server rolls back when the session closes.
      throw new SpoiledSession('ROLLBACK failed', { cause: error });
    }
    throw error;
  } finally {
    idle.stop();
  }
}

/** `ended` rejects when the server ends the transaction because it was idle: its function may never return. */
function watchIdle(session: pg.PoolClient): { ended: Promise<never>; stop(): void } {
  let look = (_error: Error): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    look = (error) => {
      if (endedIdle(error)) reject(new IdleTransactionError());
    };
  });
  session.on('error', look);
  return { ended, stop: () => session.off('error', look) };
}

async function commit(session: pg.PoolClient): Promise<void> {
  const { command } = await session.query('COMMIT').catch((error: unknown) => {
    throw isAnswer(error) ? error : new CommitOutcomeUnknownError(error);
  });
  // The server responds to COMMIT of a failed transaction with ROLLBACK and without an error.
  if (command !== 'COMMIT') throw new TransactionAbortedError();
}

function openTx(session: pg.PoolClient, prepared: boolean): Tx & { end(): void } {
  let open = true;
  let orm: Orm | undefined;
  return {
    async query<R>(text: string, values?: readonly unknown[], name?: string): Promise<R[]> {
      // A statement that was not awaited could otherwise run in the session's next transaction.
      if (!open) throw new Error('this transaction is over: a statement in it was not awaited');
      try {
        return await send<R>(session, text, values, prepared ? name : undefined);
      } catch (error) {
        throw isAnswer(error) ? error : new DatabaseUnavailableError(error);
      }
    },
    get orm() {
      orm ??= drizzle(session);
      return orm;
    },
    end() {
      open = false;
    },
  };
}

async function autocommit<R>(
  session: pg.PoolClient,
  text: string,
  values?: readonly unknown[],
  name?: string,
): Promise<R[]> {
  try {
    return await send<R>(session, text, values, name);
  } catch (error) {
    throw isAnswer(error) ? error : new CommitOutcomeUnknownError(error);
  }
}

async function send<R>(
  session: pg.PoolClient,
  text: string,
  values: readonly unknown[] = [],
  name?: string,
): Promise<R[]> {
  const { rows } = await session.query<pg.QueryResultRow>({ text, values: [...values], name });
  return rows as R[];
}

type Settings = { synchronous_commit: string; encoding: string; replica: boolean };

async function assertSafe(db: Queryable): Promise<void> {
  const [found] = await db.query<Settings>(
    `SELECT current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS replica`,
  );
  if (!found) throw new Error('the database answered without a row');
  const problems = [
    ['on', 'remote_apply'].includes(found.synchronous_commit)
      ? null
      : `synchronous_commit is "${found.synchronous_commit}": confirmed payments could be lost. Set it to on (ALTER DATABASE … SET synchronous_commit = on).`,
    found.encoding === 'UTF8' ? null : `its encoding is ${found.encoding}. Create it with ENCODING 'UTF8'.`,
    found.replica ? 'it is a read-only replica. Point DATABASE_URL at the primary.' : null,
  ].filter((problem) => problem !== null);
  if (problems.length > 0) throw new Error(`leadgate cannot use this database: ${problems.join(' ')}`);
}

async function clockSkew(
  db: Queryable,
  localNow: () => number = Date.now,
): Promise<{ skewMs: number; accuracyMs: number }> {
  let best = { roundTrip: Infinity, skew: 0 };
  for (let sample = 0; sample < 3; sample += 1) {
    const before = localNow();
    const [row] = await db.query<{ ms: number }>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms',
    );
    const after = localNow();
    const skew = Number(row?.ms) - (before + after) / 2;
    if (after - before < best.roundTrip) best = { roundTrip: after - before, skew };
  }
  return { skewMs: Math.round(best.skew), accuracyMs: Math.ceil(best.roundTrip / 2) };
}
