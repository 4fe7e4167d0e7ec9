import { expect, it } from 'vitest';
import { newId } from './new-id.ts';

it('ids are of version 7, differ, and sort in the order in which they were made', () => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(Math.abs(Number.parseInt(ids[0]!.replace('-', '').slice(0, 12), 16) - Date.now())).toBeLessThan(
    60_000,
  );
});

it('the random parts of two ids have nothing in common', () => {
  const ends = Array.from({ length: 10_000 }, () => newId().slice(24));
  expect(new Set(ends).size).toBe(ends.length);
});
