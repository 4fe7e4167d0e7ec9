import { expect, it } from 'vitest';
import { ago, duration, sinceText } from './parts.tsx';

it.each([
  [-5_000, 'now'],
  [900, 'now'],
  [12_400, '12 s ago'],
  [250_000, '4 min ago'],
  [10_800_000, '3 h ago'],
])('ago(%i) is %s', (ms, expected) => {
  expect(ago(ms)).toBe(expected);
});

it.each([
  [0, '0.1 ms'],
  [8.64, '8.6 ms'],
  [35.2, '35 ms'],
  [1_240, '1.2 s'],
])('duration(%d) is %s', (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

it.each([
  ['2026-11-27T08:46:00Z', '1 min ago', '1 min'],
  ['2026-11-26T08:47:01Z', '24 h ago', '24 h'],
  ['2026-11-26T08:47:00Z', 'Nov 26, 8:47 AM UTC', 'Nov 26'],
  ['2025-12-31T23:05:00Z', 'Dec 31, 2025, 11:05 PM UTC', 'Dec 31, 2025'],
  ['2026-11-27T09:00:00Z', 'now', 'now'],
  ['2026-12-01T09:00:00Z', 'Dec 1, 9:00 AM UTC', 'Dec 1'],
])('%s, seen a day later at 08:47, reads %s and in a narrow column %s', (at, text, short) => {
  const now = new Date('2026-11-27T08:47:00Z');
  const plain = (shown: string) => shown.replace(/\u202f/g, ' ');
  expect(plain(sinceText(new Date(at), now))).toBe(text);
  expect(plain(sinceText(new Date(at), now, true))).toBe(short);
});
