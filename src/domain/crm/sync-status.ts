import type { Moves } from '../moves.ts';

export const syncStatuses = ['pending', 'processing', 'success', 'failed', 'cancelled'] as const;
export type SyncStatus = (typeof syncStatuses)[number];

/**
 * Allowed moves of a lead's sync to the CRM. A lead without a record is pending as well. `processing` follows itself
 * when a run died and the next one takes over; it returns to `pending` when the run is put off. A cancelled one is
 * pending again when the rest of its import is sent.
 */
export const syncMoves = {
  pending: ['processing', 'cancelled'],
  processing: ['processing', 'pending', 'success', 'failed', 'cancelled'],
  success: [],
  failed: ['pending', 'processing', 'cancelled'],
  cancelled: ['pending'],
} as const satisfies Moves<SyncStatus>;
