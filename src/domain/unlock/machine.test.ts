import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  allowedMoves,
  decide,
  isOpen,
  isPaid,
  type UnlockCommand,
  type UnlockDecision,
  type UnlockState,
  unlockStates,
} from './machine.ts';

const ttlExpiresAt = new Date('2026-11-21T12:00:00Z');
const before = new Date('2026-11-21T11:59:59.999Z');
const after = new Date('2026-11-21T12:00:00Z');

const commands: UnlockCommand[] = [
  { type: 'tease' },
  { type: 'start_payment' },
  { type: 'link_sent' },
  { type: 'capture', sellable: true },
  { type: 'capture', sellable: false },
  { type: 'buy_from_wallet' },
  { type: 'reveal' },
  { type: 'deliver' },
  { type: 'refund_before_reveal' },
  { type: 'expire' },
  { type: 'decline' },
  { type: 'sell_out' },
  { type: 'undeliverable' },
  { type: 'opt_out' },
];
const label = (c: UnlockCommand) => (c.type === 'capture' ? `${c.type}${c.sellable ? '' : '!'}` : c.type);

const open =
  'NEW_LEAD TEASER_SENT AWAIT_CONFIRM CHECK_EXISTING_PAYMENT CREATE_PAYMENT_LINK PAYMENT_LINK_SENT AWAITING_PAYMENT';
const payable = 'CHECK_EXISTING_PAYMENT CREATE_PAYMENT_LINK PAYMENT_LINK_SENT AWAITING_PAYMENT';
const paid = 'PAID REVEAL_DETAILS_SENT DONE';

/** The result of each command by state, before the TTL expires. Pairs that are not listed do nothing. */
const table: [command: string, states: string, outcome: string][] = [
  ['tease', 'NEW_LEAD', 'TEASER_SENT>AWAIT_CONFIRM'],
  ['start_payment', 'NEW_LEAD TEASER_SENT', 'early'],
  ['start_payment', 'AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT>CREATE_PAYMENT_LINK'],
  ['link_sent', 'CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT>AWAITING_PAYMENT'],
  ['capture', 'NEW_LEAD TEASER_SENT AWAIT_CONFIRM', 'early'],
  ['capture', payable, 'PAID'],
  ['capture', 'EXPIRED OPTED_OUT', 'PAID (paid_late)'],
  ['capture', paid, 'refund already_paid'],
  ['capture!', `${open} EXPIRED OPTED_OUT`, 'refund sold_out'],
  ['capture!', paid, 'refund already_paid'],
  ['buy_from_wallet', 'NEW_LEAD', 'PAID'],
  ['reveal', 'PAID', 'REVEAL_DETAILS_SENT'],
  ['deliver', 'PAID', 'early'],
  ['deliver', 'REVEAL_DETAILS_SENT', 'DONE'],
  ['refund_before_reveal', 'PAID', 'EXPIRED (refunded)'],
  ['expire', open, 'early'],
  ['decline', open, 'EXPIRED (declined)'],
  ['sell_out', open, 'EXPIRED (sold_out)'],
  ['undeliverable', open, 'EXPIRED (undeliverable)'],
  ['opt_out', open, 'OPTED_OUT (opted_out)'],
];

const expected = (command: string, state: UnlockState) =>
  table.find(([c, states]) => c === command && states.split(' ').includes(state))?.[2] ?? 'nothing';

function written(decision: UnlockDecision): string {
  if (decision.kind === 'move')
    return decision.path.join('>') + (decision.reason ? ` (${decision.reason})` : '');
  return decision.kind === 'refund' ? `refund ${decision.because}` : decision.kind;
}

describe('every command in every state, before the TTL', () => {
  for (const command of commands) {
    test.each(unlockStates.map((state) => [state, expected(label(command), state)] as const))(
      `${label(command)} in %s: %s`,
      (state, outcome) => {
        expect(written(decide({ state, ttlExpiresAt }, command, before))).toBe(outcome);
      },
    );
  }
});

describe('a move to PAID says where the money came from', () => {
  test.each([
    ['capture', { type: 'capture', sellable: true }, 'AWAITING_PAYMENT', 'stripe'],
    ['a late capture', { type: 'capture', sellable: true }, 'EXPIRED', 'stripe'],
    ['buy_from_wallet', { type: 'buy_from_wallet' }, 'NEW_LEAD', 'wallet'],
  ] as const)('%s', (_name, command, state, paidBy) => {
    expect(decide({ state, ttlExpiresAt }, command, before)).toMatchObject({ path: ['PAID'], paidBy });
  });
});

describe('the TTL expires exactly at ttlExpiresAt', () => {
  test.each(unlockStates)('expire in %s', (state) => {
    const decision = written(decide({ state, ttlExpiresAt }, { type: 'expire' }, after));
    expect(decision).toBe(isOpen(state) ? 'EXPIRED (ttl)' : 'nothing');
  });
  it('a Y at ttlExpiresAt does not start a payment', () => {
    expect(decide({ state: 'AWAIT_CONFIRM', ttlExpiresAt }, { type: 'start_payment' }, after).kind).toBe(
      'nothing',
    );
  });
});

/** Order of the states; only a payment moves an unlock out of EXPIRED or OPTED_OUT. */
const rank: Record<UnlockState, number> = Object.fromEntries(
  unlockStates.map((state, index) => [state, index]),
) as Record<UnlockState, number>;

/** A simpler model of the same rules: counts that must hold after any sequence of commands. */
type Model = { captured: number; revealed: number };

describe('any order of commands', () => {
  const step = fc.record({ command: fc.constantFrom(...commands), late: fc.boolean() });

  it('makes allowed moves only, never moves back, and reveals paid unlocks only', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let state: UnlockState = 'NEW_LEAD';
        const model: Model = { captured: 0, revealed: 0 };
        for (const { command, late } of steps) {
          const decision = decide({ state, ttlExpiresAt }, command, late ? after : before);
          if (decision.kind !== 'move') continue;
          for (const to of decision.path) {
            expect(allowedMoves[state]).toContain(to);
            const wayBack = state === 'EXPIRED' || state === 'OPTED_OUT';
            if (wayBack) expect(to).toBe('PAID');
            else expect(rank[to]).toBeGreaterThan(rank[state]);
            if (to === 'PAID') model.captured += 1;
            if (to === 'REVEAL_DETAILS_SENT') model.revealed += 1;
            if (state === 'PAID' && to === 'EXPIRED') model.captured -= 1;
            state = to;
          }
        }
        expect(model.captured).toBeLessThanOrEqual(1);
        expect(model.captured).toBe(isPaid(state) ? 1 : 0);
        expect(model.revealed).toBe(state === 'REVEAL_DETAILS_SENT' || state === 'DONE' ? 1 : 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('[F10] a repeated command returns nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), step, (steps, last) => {
        let state: UnlockState = 'NEW_LEAD';
        const apply = (command: UnlockCommand, now: Date) => {
          const decision = decide({ state, ttlExpiresAt }, command, now);
          if (decision.kind === 'move') state = decision.path.at(-1)!;
          return decision;
        };
        for (const { command, late } of steps) apply(command, late ? after : before);
        const now = last.late ? after : before;
        const first = apply(last.command, now);
        const again = apply(last.command, now);
        if (first.kind !== 'move') expect(again).toEqual(first);
        // A second capture is a second payment, which is refunded.
        else expect(again.kind).toBe(last.command.type === 'capture' ? 'refund' : 'nothing');
      }),
      { numRuns: 2_000 },
    );
  });
});
