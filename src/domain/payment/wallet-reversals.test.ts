import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noSums } from './reversals.ts';
import { afterReversals, allocate, chargeBalances, openClaim, walletDelta } from './wallet-reversals.ts';

const charge = { ...noSums, amountMinor: 2_500, reservedMinor: 0 };

describe('the charge of a wallet', () => {
  it.each([
    ['all of it is the buyer’s', {}, { stripe: 2_500, sales: -2_500, refunds_due: 0, disputed: 0 }],
    [
      'what is reserved is due, and no longer the buyer’s',
      { reservedMinor: 1_000 },
      { stripe: 2_500, sales: -1_500, refunds_due: -1_000, disputed: 0 },
    ],
    [
      'what was refunded is gone',
      { refundedMinor: 500 },
      { stripe: 2_000, sales: -2_000, refunds_due: 0, disputed: 0 },
    ],
    [
      'what a bank claims leaves the wallet before Stripe takes it',
      { disputedMinor: 2_500 },
      { stripe: 2_500, sales: -0, refunds_due: 0, disputed: -2_500 },
    ],
    [
      'and after it, too',
      { disputedMinor: 2_500, withdrawnMinor: 2_500 },
      { stripe: 0, sales: -0, refunds_due: 0, disputed: 0 },
    ],
  ])('%s', (_name, change, balances) => {
    const found = chargeBalances({ ...charge, ...change });
    expect(Object.entries(found).map(([account, amount]) => [account, amount + 0])).toEqual(
      Object.entries(balances).map(([account, amount]) => [account, amount + 0]),
    );
  });

  it('a refund of what was reserved changes no balance, and one that fails gives it back', () => {
    const reserved = { ...charge, reservedMinor: 1_000 };
    const refunding = afterReversals(reserved, { ...noSums, refundingMinor: 1_000 });
    expect([refunding.reservedMinor, walletDelta(reserved, refunding)]).toEqual([0, 0]);
    expect(walletDelta(refunding, afterReversals(refunding, noSums))).toBe(1_000);
  });

  it('a refund that was made elsewhere takes its amount from the wallet', () => {
    expect(walletDelta(charge, afterReversals(charge, { ...noSums, refundedMinor: 700 }))).toBe(-700);
  });

  it('sums to zero in every state', () => {
    const cents = fc.integer({ min: 0, max: 2_500 });
    fc.assert(
      fc.property(
        cents,
        cents,
        cents,
        cents,
        cents,
        (refundedMinor, refundingMinor, disputedMinor, withdrawnMinor, reservedMinor) => {
          const all = { refundedMinor, refundingMinor, disputedMinor, withdrawnMinor, reservedMinor };
          const sum = Object.values(chargeBalances({ amountMinor: 2_500, ...all })).reduce(
            (a, b) => a + b,
            0,
          );
          expect(sum).toBe(0);
        },
      ),
    );
  });
});

describe('giving back', () => {
  const newest = { ...charge, id: 'newest' };
  const older = { ...charge, id: 'older', refundedMinor: 2_000 };
  const oldest = { ...charge, id: 'oldest' };
  it.each([
    ['a part of the newest charge', 1_000, [['newest', 1_000]]],
    [
      'more than the newest charge',
      2_700,
      [
        ['newest', 2_500],
        ['older', 200],
      ],
    ],
    [
      'only what of a charge did not go back yet',
      3_500,
      [
        ['newest', 2_500],
        ['older', 500],
        ['oldest', 500],
      ],
    ],
    [
      'no more than was charged',
      99_999,
      [
        ['newest', 2_500],
        ['older', 500],
        ['oldest', 2_500],
      ],
    ],
  ])('%s', (_name, amount, parts) => {
    const found = allocate(amount, [newest, older, oldest]);
    expect(found.map(({ charge: { id }, amountMinor }) => [id, amountMinor])).toEqual(parts);
  });
});

describe('an open claim', () => {
  const dispute = { id: 'dp_1', amountMinor: 2_500, withdrawnMinor: 2_500, reason: 'fraudulent' };
  it.each([
    ['needs_response', 2_500],
    ['under_review', 2_500],
    ['won', 0],
    ['lost', 0],
  ])('%s blocks %i cents', (status, claim) => {
    expect(openClaim(2_500, [{ ...dispute, status }])).toBe(claim);
  });
});
