import type { Change } from '../db/commit.ts';

/** What a handler returns; the executor alone acknowledges, retries, waits and parks. */
export type Outcome =
  /** Finish: fence, guarded change, events and next outbox rows in one statement. */
  | { kind: 'finish'; change: Change; note: string }
  /** Nothing to do: the state moved on. */
  | { kind: 'skip'; because: string }
  /**
   * Later; burns no attempt. `keepPlace`: before whatever was asked for after it, as soon as its worker's rows may go.
   * `resetAttempts`: failed attempts so far no longer count.
   */
  | { kind: 'snooze'; ms: number; because: string; keepPlace?: boolean; resetAttempts?: boolean }
  /** Cannot succeed by repeating: parked with its reason, and an operator is alerted. */
  | { kind: 'park'; because: string };

export const finish = (change: Change, note = 'done'): Outcome => ({ kind: 'finish', change, note });
export const skip = (because: string): Outcome => ({ kind: 'skip', because });
export type Snooze = Extract<Outcome, { kind: 'snooze' }>;
export const snooze = (ms: number, because: string): Snooze => ({ kind: 'snooze', ms, because });
/** One part is done and the next follows: a long piece of work may fail as often between two parts as a short one. */
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

/** A wait that grows with how long the work has waited already: soon while it is fresh, once a minute when it lasts. */
export function patience(run: { now: Date; since: Date }, firstMs: number): number {
  return Math.min(
    longestWaitMs,
    Math.max(firstMs, Math.round((run.now.getTime() - run.since.getTime()) / 4)),
  );
}
