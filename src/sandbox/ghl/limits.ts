import { Refusal } from '../vendor.ts';

export type RateLimit = { max: number; intervalMs: number; daily: number };

const dayMs = 86_400_000;

/**
 * Limits the calls of one location per `intervalMs` and per day (UTC). The window slides, which is the strictest reading
 * of "100 per 10 seconds".
 */
export class CallWindow {
  /** Times of the accepted calls, oldest first, from index `#first`. */
  #times: number[] = [];
  #first = 0;
  #day = 0;
  #today = 0;
  calls = 0;
  /** Refused with 429. */
  limited = 0;
  /** Maximum number of calls within one interval so far. */
  peak = 0;

  /** Counts a call. Throws a Refusal (429) when it exceeds the limit. */
  take(limit: RateLimit | null, now: number = Date.now()): void {
    this.#forget(now - (limit?.intervalMs ?? 10_000));
    const day = Math.floor(now / dayMs);
    if (day !== this.#day) {
      this.#day = day;
      this.#today = 0;
    }
    if (limit && (this.#inWindow >= limit.max || this.#today >= limit.daily)) {
      this.limited += 1;
      throw new Refusal(429, 429, 'Too Many Requests');
    }
    this.#times.push(now);
    this.#today += 1;
    this.calls += 1;
    this.peak = Math.max(this.peak, this.#inWindow);
  }

  /** Rate limit headers as GoHighLevel sends them; the daily reset is the remaining time in ms. */
  headers(limit: RateLimit, now: number = Date.now()): Record<string, string> {
    return {
      'x-ratelimit-limit-daily': String(limit.daily),
      'x-ratelimit-daily-remaining': String(Math.max(0, limit.daily - this.#today)),
      'x-ratelimit-daily-reset': String((Math.floor(now / dayMs) + 1) * dayMs - now),
      'x-ratelimit-interval-milliseconds': String(limit.intervalMs),
      'x-ratelimit-max': String(limit.max),
      'x-ratelimit-remaining': String(Math.max(0, limit.max - this.#inWindow)),
    };
  }

  get #inWindow(): number {
    return this.#times.length - this.#first;
  }

  #forget(until: number): void {
    while (this.#first < this.#times.length && (this.#times[this.#first] ?? 0) <= until) this.#first += 1;
    // Removes entries in bulk, because shifting each one would copy the list.
    if (this.#first > 1000 && this.#first * 2 > this.#times.length) {
      this.#times.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
