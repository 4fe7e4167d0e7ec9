import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionError, sqlState } from './database-errors.ts';

/** A serialization failure or a deadlock: nothing was written, and the same statement may succeed. */
export const isConflict = (error: unknown): boolean => ['40001', '40P01'].includes(sqlState(error) ?? '');

/**
 * Runs `work` up to `tries` times in all, retrying on a serialization failure or deadlock. `also` matches further
 * errors after which nothing was written. `work` must have no effect outside the database.
 */
export async function retryOnConflict<T>(
  work: () => Promise<T>,
  tries = 4,
  also: (error: unknown) => boolean = () => false,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === tries || !(isConflict(error) || also(error))) throw error;
      // Jitter: two transactions that collided must not collide again.
      await delay(2 ** attempt * (2 + Math.random() * 8));
    }
  }
}

/** Retries `work` for `patienceMs` while the database is unavailable. It must be idempotent, by a fence or version. */
export async function retryWhileDisconnected<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || performance.now() > until) throw error;
      await delay(200 + Math.random() * 200);
    }
  }
}

/** 53300: too many connections. Conflicts wrote nothing and are retried as well. */
const isAway = (error: unknown): boolean =>
  isConnectionError(error) || isConflict(error) || sqlState(error) === '53300';
