import type { Moves } from '../../domain/moves.ts';

/** `released`: certainly not executed (429, connection refused), so it can be claimed again. */
export const effectStates = ['claimed', 'released', 'accepted', 'refused', 'unknown'] as const;
export type EffectState = (typeof effectStates)[number];

/**
 * Allowed moves of an effect. `claimed` follows itself where the vendor knows idempotency keys and the lease has ended.
 * `unknown` is claimed a second time when two listings of the vendor lack the message. `refused` is released when an
 * operator resumes the work.
 */
export const effectMoves = {
  claimed: ['claimed', 'accepted', 'refused', 'released', 'unknown'],
  released: ['claimed'],
  accepted: [],
  refused: ['released'],
  unknown: ['claimed', 'accepted', 'refused'],
} as const satisfies Moves<EffectState>;
