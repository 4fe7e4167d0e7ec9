import { expect, test } from 'vitest';
import { parseTtlHours } from './ttl.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

test.each([
  [24, false, { ok: true, ms: DAY }],
  [0.5, false, { ok: true, ms: 30 * MINUTE }],
  [1 / 60, false, { ok: true, ms: MINUTE }],
  [0.99 / 60, false, { ok: false, reason: 'too_short' }],
  [720, false, { ok: true, ms: 30 * DAY }],
  [720.001, false, { ok: false, reason: 'too_long' }],
  [2 / 3600, true, { ok: true, ms: 2_000 }],
  [3 / 3600, true, { ok: true, ms: 3_000 }],
  [3 / 3600, false, { ok: false, reason: 'too_short' }],
  [1.9 / 3600, true, { ok: false, reason: 'too_short' }],
  [0, true, { ok: false, reason: 'too_short' }],
  [-1, true, { ok: false, reason: 'too_short' }],
  [Number.NaN, true, { ok: false, reason: 'not_a_number' }],
  [Number.POSITIVE_INFINITY, true, { ok: false, reason: 'not_a_number' }],
])('%d hours, sandbox %s', (hours, sandbox, expected) => {
  expect(parseTtlHours(hours, { sandbox })).toEqual(expected);
});
