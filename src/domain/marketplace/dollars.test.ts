import { describe, expect, it } from 'vitest';
import { dollarsToMinor, minorToDollars } from './dollars.ts';

describe('dollars', () => {
  it.each([
    [25, 2_500],
    [12.5, 1_250],
    ['25', 2_500],
    [' 25.00 ', 2_500],
    ['0.07', 7],
    [0.29, 29],
    [1.1, 110],
    [-5, -500],
    [0, 0],
    [1_234_567.89, 123_456_789],
  ])('%j is %d cents', (given, minor) => {
    expect(dollarsToMinor(given)).toBe(minor);
  });

  it.each([
    [12.345],
    ['12.345'],
    [''],
    ['$5'],
    ['1,000'],
    ['1e3'],
    [1e21],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    ['.5'],
    ['5.'],
    ['--5'],
  ])('%j is refused', (given) => {
    expect(dollarsToMinor(given)).toBeNull();
  });

  it('every number of cents comes back as it was', () => {
    const changed: number[] = [];
    for (let minor = 0; minor <= 200_000; minor += 1)
      if (dollarsToMinor(minorToDollars(minor)) !== minor) changed.push(minor);
    expect(changed).toEqual([]);
  });
});
