/**
 * The state machine of an unlock, one buyer's offer to buy one lead: states, allowed moves and the pure decision.
 * SQL guards every move with the state the decision was made from (db/unlock/unlocks.ts).
 */

export const unlockStates = [
  'NEW_LEAD',
  'TEASER_SENT',
  'AWAIT_CONFIRM',
  'CHECK_EXISTING_PAYMENT',
  'CREATE_PAYMENT_LINK',
  'PAYMENT_LINK_SENT',
  'AWAITING_PAYMENT',
  'PAID',
  'REVEAL_DETAILS_SENT',
  'DONE',
  'EXPIRED',
  'OPTED_OUT',
] as const;
export type UnlockState = (typeof unlockStates)[number];

/** Why an unlock was closed. Stored with EXPIRED and OPTED_OUT. */
export type CloseReason = 'declined' | 'ttl' | 'sold_out' | 'undeliverable' | 'opted_out' | 'refunded';

export const openStates = [
  'NEW_LEAD',
  'TEASER_SENT',
  'AWAIT_CONFIRM',
  'CHECK_EXISTING_PAYMENT',
  'CREATE_PAYMENT_LINK',
  'PAYMENT_LINK_SENT',
  'AWAITING_PAYMENT',
] as const satisfies readonly UnlockState[];

/** The states in which a pay page can be opened and paid. */
export const payableStates = [
  'CREATE_PAYMENT_LINK',
  'PAYMENT_LINK_SENT',
  'AWAITING_PAYMENT',
] as const satisfies readonly UnlockState[];

export const paidStates = ['PAID', 'REVEAL_DETAILS_SENT', 'DONE'] as const satisfies readonly UnlockState[];

/** Where the money for an unlock came from. */
export const paidBy = ['stripe', 'wallet'] as const;
export type PaidBy = (typeof paidBy)[number];

const closes = ['EXPIRED', 'OPTED_OUT'] as const;

/**
 * Allowed single moves. NEW_LEAD -> PAID is a wallet purchase. A payment may arrive before our own updates commit, so
 * PAID is reachable from every state in which a pay page can exist, and from EXPIRED and OPTED_OUT: a late payment
 * buys the lead while it may still be sold. PAID -> EXPIRED is a refund before the reveal.
 */
export const allowedMoves: Record<UnlockState, readonly UnlockState[]> = {
  NEW_LEAD: ['TEASER_SENT', 'PAID', ...closes],
  TEASER_SENT: ['AWAIT_CONFIRM', ...closes],
  AWAIT_CONFIRM: ['CHECK_EXISTING_PAYMENT', ...closes],
  CHECK_EXISTING_PAYMENT: ['CREATE_PAYMENT_LINK', 'PAID', ...closes],
  CREATE_PAYMENT_LINK: ['PAYMENT_LINK_SENT', 'PAID', ...closes],
  PAYMENT_LINK_SENT: ['AWAITING_PAYMENT', 'PAID', ...closes],
  AWAITING_PAYMENT: ['PAID', ...closes],
  PAID: ['REVEAL_DETAILS_SENT', 'EXPIRED'],
  REVEAL_DETAILS_SENT: ['DONE'],
  DONE: [],
  EXPIRED: ['PAID'],
  OPTED_OUT: ['PAID'],
};

export function isOpen(state: UnlockState): boolean {
  return (openStates as readonly UnlockState[]).includes(state);
}

export function isPayable(state: UnlockState): boolean {
  return (payableStates as readonly UnlockState[]).includes(state);
}

export function isPaid(state: UnlockState): boolean {
  return (paidStates as readonly UnlockState[]).includes(state);
}

export type UnlockSnapshot = { state: UnlockState; ttlExpiresAt: Date };

export type UnlockCommand =
  | { type: 'tease' }
  | { type: 'start_payment' }
  | { type: 'link_sent' }
  /** A verified payment. `sellable`: a slot is free (or held by this unlock) and the lead is not erased. */
  | { type: 'capture'; sellable: boolean }
  | { type: 'buy_from_wallet' }
  | { type: 'reveal' }
  | { type: 'deliver' }
  | { type: 'refund_before_reveal' }
  | { type: 'expire' }
  | { type: 'decline' }
  | { type: 'sell_out' }
  | { type: 'undeliverable' }
  | { type: 'opt_out' };

export type UnlockDecision =
  /** `path`: the states passed through, in order; the last one is the new state. */
  | { kind: 'move'; path: readonly UnlockState[]; reason?: CloseReason | 'paid_late'; paidBy?: PaidBy }
  /** Already done or superseded by a later state: no change and no event. */
  | { kind: 'nothing'; because: string }
  /** The command arrived before the state it requires; retry soon. */
  | { kind: 'early'; because: string }
  /** The payment may not be kept. */
  | { kind: 'refund'; because: 'sold_out' | 'already_paid' };

const nothing = (because: string): UnlockDecision => ({ kind: 'nothing', because });
const move = (path: readonly UnlockState[], reason?: CloseReason | 'paid_late'): UnlockDecision => ({
  kind: 'move',
  path,
  reason,
});
const paid = (by: PaidBy, reason?: 'paid_late'): UnlockDecision => ({
  kind: 'move',
  path: ['PAID'],
  reason,
  paidBy: by,
});

/** Decides what a command does to an unlock at `now`. Pure; a repeated command returns `nothing`. */
export function decide(unlock: UnlockSnapshot, command: UnlockCommand, now: Date): UnlockDecision {
  const { state } = unlock;
  switch (command.type) {
    case 'tease':
      return state === 'NEW_LEAD'
        ? move(['TEASER_SENT', 'AWAIT_CONFIRM'])
        : nothing('already teased or closed');
    case 'start_payment':
      return startPayment(unlock, now);
    case 'link_sent':
      return state === 'CREATE_PAYMENT_LINK'
        ? move(['PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'])
        : nothing('not waiting for its payment link');
    case 'capture':
      return capture(state, command.sellable);
    case 'buy_from_wallet':
      return state === 'NEW_LEAD' ? paid('wallet') : nothing('a wallet only buys new offers');
    case 'reveal':
      return state === 'PAID' ? move(['REVEAL_DETAILS_SENT']) : nothing('not waiting for a reveal');
    case 'deliver':
      if (state === 'PAID') return { kind: 'early', because: 'the reveal is not recorded as sent yet' };
      return state === 'REVEAL_DETAILS_SENT' ? move(['DONE']) : nothing('not revealed, or already done');
    case 'refund_before_reveal':
      return state === 'PAID' ? move(['EXPIRED'], 'refunded') : nothing('not between payment and reveal');
    case 'expire':
      if (!isOpen(state)) return nothing('not open any more');
      return now < unlock.ttlExpiresAt
        ? { kind: 'early', because: 'its TTL has not expired' }
        : move(['EXPIRED'], 'ttl');
    case 'decline':
      return isOpen(state) ? move(['EXPIRED'], 'declined') : nothing('not open any more');
    case 'sell_out':
      return isOpen(state) ? move(['EXPIRED'], 'sold_out') : nothing('not open any more');
    case 'undeliverable':
      return isOpen(state) ? move(['EXPIRED'], 'undeliverable') : nothing('not open any more');
    case 'opt_out':
      return isOpen(state) ? move(['OPTED_OUT'], 'opted_out') : nothing('not open any more');
  }
}

function startPayment(unlock: UnlockSnapshot, now: Date): UnlockDecision {
  // A fast reply can arrive before the teaser is recorded as sent.
  if (unlock.state === 'NEW_LEAD' || unlock.state === 'TEASER_SENT') {
    return { kind: 'early', because: 'the teaser is not recorded as sent yet' };
  }
  if (unlock.state !== 'AWAIT_CONFIRM') return nothing('not awaiting confirmation');
  if (now >= unlock.ttlExpiresAt) return nothing('its TTL has expired');
  return move(['CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK']);
}

function capture(state: UnlockState, sellable: boolean): UnlockDecision {
  if (isPaid(state)) return { kind: 'refund', because: 'already_paid' };
  if (!sellable) return { kind: 'refund', because: 'sold_out' };
  if (state === 'EXPIRED' || state === 'OPTED_OUT') return paid('stripe', 'paid_late');
  if (allowedMoves[state].includes('PAID') && state !== 'NEW_LEAD') return paid('stripe');
  return { kind: 'early', because: 'no payment was requested yet' };
}
