import { createHmac } from 'node:crypto';
import { type RateLimiterAbstract, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import { RefusedError } from '../../domain/errors.ts';

/** Failed attempts in 15 minutes, counted in the database across all processes. */
const windowSeconds = 900;
const perAccount = 10;
const perAddress = 30;

export type SignInLimits = {
  /** Counts an attempt; throws RefusedError 429 when there were too many. */
  begin(attempt: Attempt): Promise<void>;
  /** The attempt succeeded: resets the account's count and gives the address its point back. */
  succeeded(attempt: Attempt): Promise<void>;
};
export type Attempt = { email: string; address: string };

export function createSignInLimits({ config, db }: { config: Config; db: Database }): SignInLimits {
  // Not the pool itself: db.query knows whether statements may be named; with a transaction pooler they may not.
  const storeClient = {
    async query({ text, values, name }: { text: string; values?: unknown[]; name?: string }) {
      const rows = await db.query(text, values, name);
      return { rows, rowCount: rows.length };
    },
  };
  const limiter = (keyPrefix: string, points: number) =>
    new RateLimiterPostgres({
      storeClient,
      storeType: 'client',
      tableName: 'sign_in_limits',
      tableCreated: true,
      keyPrefix,
      points,
      duration: windowSeconds,
      clearExpiredByTimeout: true,
    });
  const accounts = limiter('account', perAccount);
  const addresses = limiter('address', perAddress);
  const hashed = (value: string) =>
    createHmac('sha256', config.sessionSecret).update(`sign-in limit ${value}`).digest('base64url');
  const keysOf = ({ email, address }: Attempt) => ({
    account: hashed(email.trim().toLowerCase()),
    address: hashed(address),
  });

  return {
    async begin(attempt) {
      const keys = keysOf(attempt);
      await take(addresses, keys.address);
      await take(accounts, keys.account);
    },
    async succeeded(attempt) {
      const keys = keysOf(attempt);
      await Promise.all([accounts.delete(keys.account), addresses.reward(keys.address, 1)]);
    },
  };
}

async function take(limiter: RateLimiterAbstract, key: string): Promise<void> {
  try {
    await limiter.consume(key, 1);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw new RefusedError(429, 'too_many_attempts', 'Too many attempts. Try again later.', {
      retryAfterSeconds: Math.max(1, Math.ceil(error.msBeforeNext / 1000)),
    });
  }
}
