import { expect, it } from 'vitest';
import { firstIdOf, statesOf } from './views.ts';

it('firstIdOf sorts before the ids of its millisecond and after all earlier ids', () => {
  expect(firstIdOf(0x01a1fc17_6bc5)).toBe('01a1fc17-6bc5-7000-8000-000000000000');
  expect(firstIdOf(0x01a1fc17_6bc5) > '01a1fc17-6bc4-7fff-bfff-ffffffffffff').toBe(true);
});

it.each([
  ['', 0],
  ['open', 7],
  ['paid', 3],
  ['DONE', 1],
  ['nonsense', 0],
  ['toString', 0],
])('the filter %j names %i states', (status, count) => {
  expect(statesOf(status)).toHaveLength(count);
});
