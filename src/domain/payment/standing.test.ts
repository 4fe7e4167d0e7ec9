import { expect, it } from 'vitest';
import { netOf, standingOf } from './standing.ts';

it.each([
  [{ paid: 0, refunded: 0, disputed: 0 }, null],
  [{ paid: 2000, refunded: 0, disputed: 0 }, null],
  [{ paid: 2000, refunded: 500, disputed: 0 }, 'partly_refunded'],
  [{ paid: 2000, refunded: 2000, disputed: 0 }, 'refunded'],
  [{ paid: 2000, refunded: 0, disputed: 2000 }, 'disputed'],
  [{ paid: 2000, refunded: 500, disputed: 1500 }, 'disputed'],
])('money %o stands as %s', (money, expected) => {
  expect(standingOf(money)).toBe(expected);
});

it('net is gross without what went back, goes back or is disputed', () => {
  expect(netOf({ currency: 'usd', gross: 9000, refunded: 2000, due: 1000, disputed: 3000 })).toBe(3000);
});
