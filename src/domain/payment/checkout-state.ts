import type { Moves } from '../moves.ts';

/** States of a Checkout Session at Stripe. `creating`: the request is recorded and Stripe has not answered yet. */
export const checkoutStates = ['creating', 'open', 'complete', 'expired'] as const;
export type CheckoutState = (typeof checkoutStates)[number];

/** Allowed moves. A session may end before its creation was recorded: Stripe's own report can overtake the answer. */
export const checkoutMoves = {
  creating: ['open', 'complete', 'expired'],
  open: ['complete', 'expired'],
  complete: [],
  expired: [],
} as const satisfies Moves<CheckoutState>;

/** Sessions that may still take money. */
export const openCheckoutStates = ['creating', 'open'] as const satisfies readonly CheckoutState[];
