import { Refusal } from '../vendor.ts';

export type RateLimit = { max: number; intervalMs: number; daily: number };

const dayMs = 86_400_000;

/**
 * Calls of one location: so many in any stretch of `intervalMs`, and so many a day (UTC). The window slides, which is
 * the strictest reading of "100 per 10 seconds": no stretch of that length ever holds more.
 */
export class CallWindow {
  /** When each of the last calls was let in, oldest first, from `#first` on. */
  #times: number[] = [];
  #first = 0;
  #day = 0;
  #today = 0;
  calls = 0;
  /** Refused with 429. */
  limited = 0;
  /** The most calls any stretch of the interval ever held. */
  peak = 0;

  /** Lets one call in or refuses it (429). Without a limit it is counted only. */
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

  /** As the vendor tells it; how long the day still lasts is in milliseconds. */
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
    // Shifting one by one would copy the list each time.
    if (this.#first > 1000 && this.#first * 2 > this.#times.length) {
      this.#times.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
