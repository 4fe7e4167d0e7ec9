import pg from 'pg';

/** The database could not be reached, or the connection was lost before COMMIT: the call wrote nothing. */
export class DatabaseUnavailableError extends Error {
  constructor(cause: unknown) {
    super(`the database is not available: ${messageOf(cause)}`, { cause });
    this.name = 'DatabaseUnavailableError';
  }
}

/**
 * The connection was lost during COMMIT or a statement in autocommit, which may have been committed. Retry only what a
 * fence, an inbox row or an idempotency key makes idempotent.
 */
export class CommitOutcomeUnknownError extends Error {
  constructor(cause: unknown) {
    super(`the connection was lost before the database confirmed: ${messageOf(cause)}`, { cause });
    this.name = 'CommitOutcomeUnknownError';
  }
}

/** An earlier statement of the transaction failed, its error was swallowed, and COMMIT therefore rolled back. */
export class TransactionAbortedError extends Error {
  constructor() {
    super(
      'the transaction was rolled back: one of its statements had failed, and the error was not passed on',
    );
    this.name = 'TransactionAbortedError';
  }
}

/** The function of a transaction awaited something other than its transaction for too long. Nothing was written. */
export class IdleTransactionError extends Error {
  constructor() {
    super('the database ended a transaction that had sent no statement for too long: nothing was written');
    this.name = 'IdleTransactionError';
  }
}

/** Whether the server closed a session because its transaction was idle (25P03). */
export const endedIdle = (error: unknown): boolean => sqlState(error) === '25P03';

/** Whether a retry may succeed once the database is available; see the two classes above for whether it is safe. */
export function isConnectionError(error: unknown): boolean {
  for (const link of causes(error)) {
    if (link instanceof DatabaseUnavailableError || link instanceof CommitOutcomeUnknownError) return true;
    const code = codeOf(link);
    if (code && (lostCodes.has(code) || (isFatal(link) && code.startsWith('57P')))) return true;
  }
  return false;
}

/** Returns the SQLSTATE of an error, also when drizzle wrapped it. */
export function sqlState(error: unknown): string | undefined {
  for (const link of causes(error)) if (link instanceof pg.DatabaseError) return link.code;
  return undefined;
}

/** Whether the server found no space for what it had to write. */
export const isDiskFull = (error: unknown): boolean => sqlState(error) === '53100';

/** Whether the server responded and the session is usable: a constraint, a serialization failure, a syntax error. */
export const isAnswer = (error: unknown): boolean => error instanceof pg.DatabaseError && !isFatal(error);

/**
 * Whether the statement was refused for what it would do: not for a lack of room (53), a lock held by another (55), a statement
 * that was ended (57) or a fault of the server (58, XX), which any other statement would meet as well.
 */
export const isRefusal = (error: unknown): boolean =>
  isAnswer(error) && !/^(?:53|55|57|58|XX)/.test(sqlState(error) ?? '');

/**
 * Whether the session must not return to the pool although the server responded: a statement prepared against an older
 * table (0A000) or lost by a pooler (26000), or a primary that became a replica (25006).
 */
export const spoilsSession = (error: unknown): boolean =>
  ['0A000', '26000', '25006'].includes(sqlState(error) ?? '');

const lostCodes = new Set([
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
  ],
  // postgres.js
  ...['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'],
  ...['08000', '08001', '08003', '08004', '08006', '53300', '57P01', '57P02', '57P03'],
]);

const isFatal = (error: unknown): boolean =>
  error instanceof Error && 'severity' in error && (error.severity === 'FATAL' || error.severity === 'PANIC');

function* causes(error: unknown): Generator<Error> {
  let link = error;
  for (let depth = 0; link instanceof Error && depth < 8; depth += 1) {
    yield link;
    link = link.cause;
  }
}

const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : undefined;

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message || cause.name : String(cause);
