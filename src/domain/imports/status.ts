import type { Moves } from '../moves.ts';

export const importStatuses = ['uploading', 'ready', 'running', 'done', 'failed', 'cancelled'] as const;
export type ImportStatus = (typeof importStatuses)[number];

/**
 * Allowed moves of an import. `ready` waits for a mapping or for a person to start it. An import that has been read can
 * still be cancelled while some of its leads are not in the CRM yet.
 */
export const importMoves = {
  uploading: ['ready', 'failed', 'cancelled'],
  ready: ['running', 'failed', 'cancelled'],
  running: ['done', 'failed', 'cancelled'],
  done: ['cancelled'],
  failed: ['cancelled'],
  cancelled: [],
} as const satisfies Moves<ImportStatus>;

export const endedStatuses = ['done', 'failed', 'cancelled'] as const satisfies readonly ImportStatus[];
export type EndedStatus = (typeof endedStatuses)[number];

export const hasEnded = (status: ImportStatus): boolean =>
  (endedStatuses as readonly ImportStatus[]).includes(status);
