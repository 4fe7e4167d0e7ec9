import postgres from 'postgres';
import { asIs, parseInt8 } from './column-types.ts';
import { isConnectionError } from './database-errors.ts';
import type { Queryable } from './queryable.ts';

/**
 * Lists and streams for the console, exports and analytics, on a read-only session. It offers no transaction on
 * purpose: docs/decisions/0001-pg-writes-postgres-reads.md.
 */
export type Reader = Queryable & {
  /**
   * Rows in batches of `size`, without holding the whole result. The database waits while the caller is busy; a
   * connection lost half-way throws, and leaving the loop early closes the cursor.
   */
  stream<R>(text: string, values?: readonly unknown[], size?: number): AsyncGenerator<R[], void, void>;
  close(): Promise<void>;
};

type ReaderOptions = {
  url: string;
  max: number;
  applicationName: string;
  prepared: boolean;
  connectTimeoutMs: number;
};
type Values = postgres.ParameterOrJSON<never>[];

export function createReader(options: ReaderOptions): Reader {
  const sql = connect(options, options.max);
  const streaming = new Set<postgres.Sql>();
  const waiting: (() => void)[] = [];

  /* A stream has a connection of its own, thrown away afterwards: one that died under a cursor keeps the error and the
   * row count of the dead cursor, and gives both to the next query after it reconnects. */
  async function* stream<R>(text: string, values: readonly unknown[] = [], size = 500) {
    while (streaming.size >= options.max) await new Promise<void>((resolve) => waiting.push(resolve));
    const own = connect(options, 1);
    streaming.add(own);
    try {
      yield* batches<R>((onBatch) => own.unsafe(text, bind(values)).cursor(size, onBatch));
    } finally {
      streaming.delete(own);
      waiting.shift()?.();
      await own.end({ timeout: 0 });
    }
  }

  return {
    query: <R>(text: string, values: readonly unknown[] = [], name?: string) =>
      persistently(async () => {
        const rows = await sql.unsafe(text, bind(values), { prepare: name !== undefined });
        return withoutHoles<R>(rows);
      }),
    stream,
    async close() {
      await Promise.all([sql.end({ timeout: 5 }), ...[...streaming].map((own) => own.end({ timeout: 0 }))]);
    },
  };
}

function connect(options: ReaderOptions, max: number): postgres.Sql {
  return postgres(options.url, {
    max,
    prepare: options.prepared,
    connect_timeout: options.connectTimeoutMs / 1000,
    idle_timeout: 30,
    // Its own doubles up to 20 s between attempts: a reader deaf that long after a restart looks like an outage.
    backoff: (retries: number) => Math.min(0.05 * retries, 0.5),
    connection: { application_name: options.applicationName, default_transaction_read_only: true },
    onnotice: () => undefined,
    types: {
      int8: { to: 20, from: [20], parse: parseInt8, serialize: String },
      // As pg does: text is taken as JSON already, so that one operation works on both.
      json: { to: 114, from: [114, 3802], parse: JSON.parse, serialize: asJson },
      calendarDay: { to: 1082, from: [1082], parse: asIs, serialize: String },
    },
  }) as unknown as postgres.Sql;
}

/**
 * Reading again is harmless, and needed: a connection that died under a query hands that query's error to the next
 * one as well. So the second try may get the first one's error, and the third is the true answer. A server that is
 * down refuses all three at once.
 */
async function persistently<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (attempt === 3 || !isConnectionError(error)) throw error;
    }
  }
}

const asJson = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const bind = (values: readonly unknown[]) =>
  values.map((value) => (value === undefined ? null : value)) as Values;

/**
 * A connection of postgres.js that died in the middle of a result does not forget how many rows it had seen: the
 * first result after it reconnects starts with as many holes. filter() skips holes, and only holes.
 */
const withoutHoles = <R>(rows: postgres.Row[]): R[] => rows.filter(() => true) as unknown as R[];

/** Called with each batch; the cursor fetches the next one when the promise resolves. */
type OnBatch = (rows: postgres.Row[]) => Promise<void>;

/*
 * postgres.js' own async iterator ends without an error when the connection dies between two batches, so that a cut
 * export looks complete; and answering a cursor whose connection is gone ends the process. Hence this: the cursor is
 * answered only while its query is alive, and its failure is thrown.
 */
async function* batches<R>(open: (onBatch: OnBatch) => PromiseLike<unknown>) {
  const ready: R[][] = [];
  const query = { over: false, error: undefined as unknown };
  const signals = { fetchNext: (): void => undefined, wake: (): void => undefined };
  const end = (error?: unknown): void => {
    Object.assign(query, { over: true, error });
    signals.wake();
  };
  open((rows) => {
    ready.push(withoutHoles<R>(rows));
    signals.wake();
    return new Promise((resolve) => {
      signals.fetchNext = resolve;
    });
  }).then(() => end(), end);

  for (;;) {
    const rows = ready.shift();
    if (rows) {
      yield rows;
      continue;
    }
    if (query.error !== undefined) throw query.error;
    if (query.over) return;
    const woken = new Promise<void>((resolve) => {
      signals.wake = resolve;
    });
    signals.fetchNext();
    await woken;
  }
}
