import { describe, expect, it } from 'vitest';
import {
  basisPointsToPercent,
  percentToBasisPoints,
  subscriptionStatusOf,
  timeZoneOf,
} from './seller-settings.ts';

describe('the settings of a seller', () => {
  it.each([
    ['America/New_York', 'America/New_York'],
    ['america/chicago', 'America/Chicago'],
    ['UTC', 'UTC'],
    ['US/Eastern', 'America/New_York'],
    ['EST5', null],
    ['+05:00', null],
    ['Mars/Olympus', null],
    ['America/New_York; DROP', null],
    ['', null],
  ])('the time zone %s is %s', (given, zone) => {
    expect(timeZoneOf(given)).toBe(zone);
  });

  it.each([
    [20, 2_000],
    ['12.5', 1_250],
    [0, 0],
    ['0.07', 7],
    [12.345, null],
    [-1, null],
    ['20%', null],
    ['', null],
    [1e21, null],
    [Number.NaN, null],
  ])('%s percent is %s basis points', (given, points) => {
    expect(percentToBasisPoints(given)).toBe(points);
    if (points !== null) expect(basisPointsToPercent(points)).toBe(Number(given));
  });

  it.each([
    ['2026-01-02T00:00:00Z', 'TRIALING'],
    ['2026-01-01T00:00:00Z', 'INACTIVE'],
    ['2025-12-31T00:00:00Z', 'INACTIVE'],
  ])('a trial that ends at %s is %s on 1 January 2026', (end, status) => {
    expect(subscriptionStatusOf(new Date(end), new Date('2026-01-01T00:00:00Z'))).toBe(status);
  });
});
