import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inviteCodeOf, inviteCodeSigns, newInviteCode, slugOf } from './registration.ts';

describe('an invite code', () => {
  it('has eight of the 36 signs, each of them as often', () => {
    const counts = new Map<string, number>();
    for (let n = 0; n < 4_500; n += 1) {
      const code = newInviteCode(randomInt);
      expect(code).toMatch(/^[A-Z0-9]{8}$/);
      for (const sign of code) counts.set(sign, (counts.get(sign) ?? 0) + 1);
    }
    expect(counts.size).toBe(inviteCodeSigns.length);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(250);
  });

  it.each([
    ['ABCD1234', 'ABCD1234'],
    ['  abcd1234\n', 'ABCD1234'],
    ['ABCD123', null],
    ['ABCD12345', null],
    ['ABCD-123', null],
    ['ÄBCD1234', null],
    ['', null],
  ])('%j is read as %j', (given, code) => {
    expect(inviteCodeOf(given)).toBe(code);
  });
});

it.each([
  ['Solar Leads, Inc.', 'solar-leads-inc'],
  ['  Ärzte & Söhne ', 'a-rzte-so-hne'],
  ['株式会社', ''],
  ['x'.repeat(80), 'x'.repeat(50)],
])('%j has the slug %j', (name, slug) => {
  expect(slugOf(name)).toBe(slug);
});
