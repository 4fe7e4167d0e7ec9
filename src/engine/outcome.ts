import type { Change } from '../db/commit.ts';

/** The result of a handler. Only the executor acknowledges, retries, snoozes and parks. */
export type Outcome =
  /** Finish: fence, guarded change, events and next outbox rows in one statement. */
  | { kind: 'finish'; change: Change; note: string }
  /** The handler's own transaction has ended the row, together with those of other runs (`Run.ending`). */
  | { kind: 'ended'; note: string }
  /** Nothing to do: the state has already changed. */
  | { kind: 'skip'; because: string }
  /**
   * Runs again later without counting an attempt. `keepPlace`: keeps the row's position ahead of newer rows, and runs as
   * soon as its worker's rows are released. `resetAttempts`: resets the count of failed attempts.
   */
  | { kind: 'snooze'; ms: number; because: string; keepPlace?: boolean; resetAttempts?: boolean }
  /** A retry cannot succeed: the row is parked with the reason, and an operator is alerted. */
  | { kind: 'park'; because: string };

export const finish = (change: Change, note = 'done'): Outcome => ({ kind: 'finish', change, note });
export const ended = (note: string): Outcome => ({ kind: 'ended', note });
export const skip = (because: string): Outcome => ({ kind: 'skip', because });
export type Snooze = Extract<Outcome, { kind: 'snooze' }>;
export const snooze = (ms: number, because: string): Snooze => ({ kind: 'snooze', ms, because });
/** Continues a long task with its next part. Resets the attempts, so that each part has the full number of retries. */
export const continueNow = (because: string): Outcome => ({
  kind: 'snooze',
  ms: 0,
  because,
  resetAttempts: true,
});
export const waitInPlace = (because: string): Outcome => ({
  kind: 'snooze',
  ms: 0,
  because,
  keepPlace: true,
});
export const park = (because: string): Outcome => ({ kind: 'park', because });

const longestWaitMs = 60_000;

/** A delay that grows with the age of the work, up to one minute. */
export function patience(run: { now: Date; since: Date }, firstMs: number): number {
  return Math.min(
    longestWaitMs,
    Math.max(firstMs, Math.round((run.now.getTime() - run.since.getTime()) / 4)),
  );
}
