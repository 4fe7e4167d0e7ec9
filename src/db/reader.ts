import postgres from 'postgres';
import { asIs, columnTypes, parseInt8 } from './column-types.ts';
import { isConnectionError } from './database-errors.ts';
import { within } from './deadline.ts';
import type { Queryable } from './queryable.ts';
import { postgresJsSettings, serverOf } from './server.ts';

/**
 * Lists and streams for the console, exports and analytics, on read-only sessions. It deliberately has no transactions
 * (docs/decisions/0001-pg-writes-postgres-reads.md).
 */
export type Reader = Queryable & {
  /**
   * Yields rows in batches of `size` through a cursor, so that memory does not grow with the result and the caller sets
   * the pace. Throws when the connection is lost; leaving the loop early closes the cursor.
   */
  stream<R>(text: string, values?: readonly unknown[], size?: number): AsyncGenerator<R[], void, void>;
  /** Throws when it cannot read. Has a connection of its own, so that the answer does not depend on how busy it is. Concurrent calls share one query. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

type ReaderOptions = {
  url: string;
  max: number;
  applicationName: string;
  prepared: boolean;
  connectTimeoutMs: number;
};
/** The longest time of a list, and of a stream with all its pauses. */
const listMs = 60_000;
const streamMs = 10 * 60_000;

type Values = postgres.ParameterOrJSON<never>[];

export function createReader(options: ReaderOptions): Reader {
  const sql = connect(options, options.max);
  const pulse = connect(options, 1);
  let asking: Promise<void> | null = null;
  const ask = async (): Promise<void> => {
    const answer = retryWhileDisconnected(async () => pulse`SELECT 1`);
    await within(options.connectTimeoutMs, 'no answer', answer);
  };
  const streaming = new Set<postgres.Sql>();
  const waiting: (() => void)[] = [];

  /* Each stream has its own connection, closed afterwards: a connection lost under a cursor keeps the error and the row
   * count of that cursor, and hands both to its next query. */
  async function* stream<R>(text: string, values: readonly unknown[] = [], size = 500) {
    while (streaming.size >= options.max) await new Promise<void>((resolve) => waiting.push(resolve));
    const own = connect(options, 1, streamMs);
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
      retryWhileDisconnected(async () => {
        const rows = await sql.unsafe(text, bind(values), { prepare: name !== undefined });
        return withoutHoles<R>(rows);
      }),
    stream,
    ping() {
      asking ??= ask().finally(() => {
        asking = null;
      });
      return asking;
    },
    async close() {
      await Promise.all([
        sql.end({ timeout: 5 }),
        pulse.end({ timeout: 0 }),
        ...[...streaming].map((own) => own.end({ timeout: 0 })),
      ]);
    },
  };
}

function connect(options: ReaderOptions, max: number, statementMs = listMs): postgres.Sql {
  return postgres({
    ...postgresJsSettings(options.url),
    max,
    prepare: options.prepared,
    connect_timeout: options.connectTimeoutMs / 1000,
    idle_timeout: 30,
    // The default backoff grows to 20 s, which would extend a database restart into an outage.
    backoff: (retries: number) => Math.min(0.05 * retries, 0.5),
    connection: sessionOf(options, statementMs),
    onnotice: () => undefined,
    // postgres.js would ask for the array types on each new connection, and one lost while it asks ends the process.
    fetch_types: false,
    types: {
      ...arrays,
      int8: { to: 20, from: [20], parse: parseInt8, serialize: String },
      // A string is sent as JSON text, as pg does, so that operations work with both drivers.
      json: { to: 114, from: [114, 3802], parse: JSON.parse, serialize: asJson },
      calendarDay: { to: 1082, from: [1082], parse: asIs, serialize: String },
    },
  }) as unknown as postgres.Sql;
}

type ArrayType = {
  to: number;
  from: number[];
  parse(text: string): unknown;
  serialize(value: unknown): unknown;
};

const textArray: number = 1009;
const texts = columnTypes.getTypeParser(textArray);
/** Elements that other parsers would round or shift. */
const exactArrays = new Map<number, (text: string) => unknown>([
  [1016, (text) => texts(text).map((each: string | null) => (each === null ? null : parseInt8(each)))],
  [1182, texts],
  [1231, texts],
]);

/** The array types of our columns and parameters, by their ids in pg_type. */
const arrayTypes = [
  199, 1000, 1003, 1005, 1007, 1009, 1014, 1015, 1016, 1022, 1028, 1115, 1182, 1185, 1231, 2951, 3807,
];
const arrays: Record<string, ArrayType> = Object.fromEntries(
  arrayTypes.map((oid) => {
    const parse = exactArrays.get(oid) ?? columnTypes.getTypeParser(oid);
    return [`array${oid}`, { to: oid, from: [oid], parse, serialize: arrayLiteral }];
  }),
);

function arrayLiteral(value: unknown): unknown {
  return Array.isArray(value) ? `{${value.map(elementOf).join()}}` : value;
}

function elementOf(element: unknown): unknown {
  if (Array.isArray(element)) return arrayLiteral(element);
  if (element === null || element === undefined) return 'NULL';
  const text = element instanceof Date ? element.toISOString() : String(element);
  return `"${text.replaceAll(/[\\"]/g, '\\$&')}"`;
}

function sessionOf({ url, applicationName }: ReaderOptions, statementMs: number) {
  const server = serverOf(url);
  const session: Record<string, string | number | boolean> = {
    application_name: server.applicationName ? `${server.applicationName} reader` : applicationName,
    default_transaction_read_only: true,
    statement_timeout: statementMs,
  };
  if (server.options !== null) session.options = server.options;
  return session;
}

/**
 * Retries a read up to three times after a connection error. postgres.js hands the error of a query whose connection
 * was lost to the next query as well, so the second attempt may fail with the first one's error. A server that is down
 * refuses all three immediately.
 */
async function retryWhileDisconnected<T>(read: () => Promise<T>): Promise<T> {
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
 * Removes holes from a result. A postgres.js connection that was lost in the middle of a result keeps its row count, so
 * that the next result starts with as many holes. filter() skips holes only.
 */
const withoutHoles = <R>(rows: postgres.Row[]): R[] => rows.filter(() => true) as unknown as R[];

/** Called with each batch; the cursor fetches the next one when the promise resolves. */
type OnBatch = (rows: postgres.Row[]) => Promise<void>;

/*
 * Replaces the async iterator of postgres.js, which ends without an error when the connection is lost between two
 * batches, so that a truncated export looks complete; resuming a cursor whose connection is lost ends the process.
 * Here the cursor is resumed only while its query is active, and its error is thrown.
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
