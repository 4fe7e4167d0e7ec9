const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface TtlBounds {
  minMs: number;
  maxMs: number;
}

/** Bounds of an offer's TTL. The sandbox allows seconds, so that an expiry can be observed. */
export function ttlBounds(sandbox: boolean): TtlBounds {
  return { minMs: sandbox ? 2 * SECOND : MINUTE, maxMs: 30 * DAY };
}

export type Ttl = { ok: true; ms: number } | { ok: false; reason: 'not_a_number' | 'too_short' | 'too_long' };

/** Parses `ttl_hours`, which may be a fraction. `ms` is an integer within the bounds. */
export function parseTtlHours(hours: number, { sandbox }: { sandbox: boolean }): Ttl {
  if (!Number.isFinite(hours)) return { ok: false, reason: 'not_a_number' };
  const { minMs, maxMs } = ttlBounds(sandbox);
  const ms = Math.round(hours * HOUR);
  if (ms < minMs) return { ok: false, reason: 'too_short' };
  if (ms > maxMs) return { ok: false, reason: 'too_long' };
  return { ok: true, ms };
}
