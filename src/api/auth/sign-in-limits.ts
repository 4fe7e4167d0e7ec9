import type { Counter } from '../../domain/account/counters.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Counters } from '../../usecases/account/counters.ts';

/** Failed attempts in 15 minutes, counted across all processes. */
const seconds = 900;

export type SignInLimits = {
  /** Counts an attempt; throws RefusedError 429 when there were too many. */
  begin(attempt: Attempt): Promise<void>;
  /** The attempt succeeded: resets the account's count and gives the address its point back. */
  succeeded(attempt: Attempt): Promise<void>;
};
export type Attempt = { email: string; address: string };

const accountOf = ({ email }: Attempt): Counter => ({
  name: 'sign_in_account',
  who: email.trim().toLowerCase(),
  limit: 10,
  seconds,
});
const addressOf = ({ address }: Attempt): Counter => ({
  name: 'sign_in_address',
  who: address,
  limit: 30,
  seconds,
});

export function createSignInLimits({ counters }: { counters: Counters }): SignInLimits {
  const take = async (counter: Counter) => {
    const { ok, resetMs } = await counters.take(counter);
    if (ok) return;
    counters.noteRefusal(counter.name);
    throw new RefusedError(429, 'too_many_attempts', 'Too many attempts. Try again later.', {
      retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
    });
  };
  return {
    async begin(attempt) {
      await take(addressOf(attempt));
      await take(accountOf(attempt));
    },
    async succeeded(attempt) {
      counters.giveBack(addressOf(attempt));
      await counters.reset(accountOf(attempt));
    },
  };
}
