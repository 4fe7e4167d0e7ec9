import { type SQL, sql } from 'drizzle-orm';
import type { Moves } from '../../domain/moves.ts';

/**
 * `waiting`: due later, or its queue was full. `queued`: a job of its epoch should be in the queue. `parked`: given up
 * until an operator resumes it. `finished`: deleted by the statement that finished the work, or that stopped it.
 */
export type OutboxState = 'waiting' | 'queued' | 'parked' | 'finished';

/** Allowed moves of an outbox row. `queued` follows itself when a lost job is reissued. */
export const outboxMoves = {
  waiting: ['queued', 'finished'],
  queued: ['queued', 'waiting', 'parked', 'finished'],
  parked: ['waiting'],
  finished: [],
} as const satisfies Moves<OutboxState>;

/** The state of an existing row, as a condition on its columns. */
export const outboxRow = {
  waiting: sql.raw('NOT queued AND parked_at IS NULL'),
  queued: sql.raw('queued AND parked_at IS NULL'),
  parked: sql.raw('parked_at IS NOT NULL'),
} as const satisfies Record<Exclude<OutboxState, 'finished'>, SQL>;

/**
 * The two kinds of waiting rows, each with a partial index in these words; every waiting row is of one kind. `inLine`: due
 * when it was stored, or lined up since. `later`: stored with a later time, which may have come.
 */
export const waitingRow = {
  inLine: sql.raw('NOT queued AND parked_at IS NULL AND (lined_up OR due_at <= created_at)'),
  later: sql.raw('NOT queued AND parked_at IS NULL AND NOT lined_up AND due_at > created_at'),
} as const;
