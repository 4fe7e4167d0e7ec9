import { expect, it } from 'vitest';
import { ago, duration } from './parts.tsx';

it.each([
  [-5_000, 'now'],
  [900, 'now'],
  [12_400, '12 s ago'],
  [250_000, '4 min ago'],
  [10_800_000, '3 h ago'],
  [400_000_000, '5 d ago'],
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
