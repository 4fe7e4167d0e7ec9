import type { Booking } from '../db/transport/effects.ts';

/**
 * The answer of a vendor that waits for the statement which ends the run, so that both are one commit. Whatever comes
 * instead of that statement writes the answer first: one that is lost is an unknown outcome.
 */
export type KeptAnswers = {
  /** Returns false when the answer cannot wait, and the caller must write it: the run has ended, or one is kept already. */
  keep(booking: Booking): boolean;
  /** Writes what is kept in a statement of its own. */
  write(): Promise<void>;
};

/** The answers of one run. */
export type Answers = KeptAnswers & {
  /** Commits what is kept with the caller's statement. If that throws, it stays kept. */
  with<T>(commit: (kept: Booking) => Promise<T>): Promise<T>;
  /** The run was given up, and its handler may go on: nothing is kept from now on. */
  end(): void;
};

const none: Booking = [];

export function createAnswers(write: (booking: Booking) => Promise<void>): Answers {
  let kept = none;
  let isEnded = false;
  const commitKept: Answers['with'] = async (commit) => {
    const booking = kept;
    const result = await commit(booking);
    // Another answer may have come while nothing was kept.
    if (kept === booking) kept = none;
    return result;
  };
  return {
    keep(booking) {
      if (isEnded || kept !== none) return false;
      kept = booking;
      return true;
    },
    write: () => commitKept(async (booking) => (booking === none ? undefined : write(booking))),
    with: commitKept,
    end() {
      isEnded = true;
    },
  };
}
