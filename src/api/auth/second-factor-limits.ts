import type { Counter } from '../../domain/account/counters.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Counters } from '../../usecases/account/counters.ts';

/** Wrong codes in 15 minutes, counted across all processes. */
const seconds = 900;

/** `peer`: the address, or the browser that has signed in to the account before. */
export type CodeAttempt = {
  user: string;
  peer: string;
  isKnown: boolean;
  kind: 'totp' | 'recovery';
  code: string;
};

export type CodeLimits = {
  /**
   * Counts an attempt; throws RefusedError 429 when there were too many. Returns false for a code of an app that was given
   * before: who saw it being typed must not use it as well (RFC 6238 §5.2).
   */
  begin(attempt: CodeAttempt): Promise<boolean>;
  /** The code was right. */
  succeeded(attempt: CodeAttempt): Promise<void>;
};

const here = ({ user, peer }: CodeAttempt): Counter => ({
  name: 'second_factor_account',
  who: `${user} ${peer}`,
  limit: 10,
  seconds,
});
/**
 * Of six digits, from many addresses together. Known browsers and recovery codes, which are too long to be guessed, are not
 * counted: a person with a stolen password could otherwise lock the owner out.
 */
const everywhere = ({ user }: CodeAttempt): Counter => ({
  name: 'second_factor_everywhere',
  who: user,
  limit: 30,
  seconds,
});
/** Longer than the app's code is valid, with the steps before and after that are accepted. Recovery codes work once anyway. */
const once = ({ user, code }: CodeAttempt): Counter => ({
  name: 'second_factor_code',
  who: `${user} ${code}`,
  limit: 1,
  seconds: 120,
});
const countersOf = (attempt: CodeAttempt): Counter[] =>
  attempt.kind === 'totp' && !attempt.isKnown ? [here(attempt), everywhere(attempt)] : [here(attempt)];

export function createCodeLimits({ counters }: { counters: Counters }): CodeLimits {
  return {
    async begin(attempt) {
      for (const counter of countersOf(attempt)) {
        const { ok, resetMs } = await counters.take(counter);
        if (ok) continue;
        counters.noteRefusal(counter.name);
        throw new RefusedError(429, 'too_many_attempts', 'Too many wrong codes. Try again later.', {
          retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
        });
      }
      return attempt.kind === 'recovery' || (await counters.take(once(attempt))).ok;
    },
    async succeeded(attempt) {
      for (const counter of countersOf(attempt)) counters.giveBack(counter);
      await counters.reset(here(attempt));
    },
  };
}
