/**
 * The unlock: one buyer's chance to buy one lead. States, the table of allowed moves, and the pure decision.
 * SQL guards every move with the state the decision was made from (db/unlocks.ts).
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

/** Why an unlock left the road. Stored beside EXPIRED and OPTED_OUT. */
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
 * Allowed single moves. NEW_LEAD -> PAID is a wallet purchase. A payment may overtake our own bookkeeping, so PAID
 * is reachable from every state in which a pay page can exist, and from EXPIRED and OPTED_OUT: money that landed
 * late buys the lead while it may still be sold. PAID -> EXPIRED: refunded before anything was revealed.
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
  /** Verified money. `sellable`: a slot is free (or this unlock already holds one) and the lead is not erased. */
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
  /** `path`: the states passed through, in order; the last is where the unlock stands then. */
  | { kind: 'move'; path: readonly UnlockState[]; reason?: CloseReason | 'paid_late'; paidBy?: PaidBy }
  /** Already done, or overtaken by a later state: nothing to do and nothing to emit. */
  | { kind: 'nothing'; because: string }
  /** The command came before the fact it builds on; ask again soon. */
  | { kind: 'early'; because: string }
  /** Money that may not be kept. */
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

/** What a command does to an unlock at `now`. Pure; repeating a command after its move gives `nothing`. */
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
      return state === 'NEW_LEAD' ? paid('wallet') : nothing('only a new offer is bought from a wallet');
    case 'reveal':
      return state === 'PAID' ? move(['REVEAL_DETAILS_SENT']) : nothing('not waiting for a reveal');
    case 'deliver':
      if (state === 'PAID') return { kind: 'early', because: 'the reveal is not booked yet' };
      return state === 'REVEAL_DETAILS_SENT' ? move(['DONE']) : nothing('nothing revealed, or done already');
    case 'refund_before_reveal':
      return state === 'PAID' ? move(['EXPIRED'], 'refunded') : nothing('not between payment and reveal');
    case 'expire':
      if (!isOpen(state)) return nothing('not open any more');
      return now < unlock.ttlExpiresAt
        ? { kind: 'early', because: 'its time is not up' }
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
  // A fast thumb: the answer can arrive before our own booking that the teaser went out.
  if (unlock.state === 'NEW_LEAD' || unlock.state === 'TEASER_SENT') {
    return { kind: 'early', because: 'the teaser is not booked yet' };
  }
  if (unlock.state !== 'AWAIT_CONFIRM') return nothing('not waiting for an answer');
  if (now >= unlock.ttlExpiresAt) return nothing('its time is up');
  return move(['CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK']);
}

function capture(state: UnlockState, sellable: boolean): UnlockDecision {
  if (isPaid(state)) return { kind: 'refund', because: 'already_paid' };
  if (!sellable) return { kind: 'refund', because: 'sold_out' };
  if (state === 'EXPIRED' || state === 'OPTED_OUT') return paid('stripe', 'paid_late');
  if (allowedMoves[state].includes('PAID') && state !== 'NEW_LEAD') return paid('stripe');
  return { kind: 'early', because: 'no payment was asked for yet' };
}
