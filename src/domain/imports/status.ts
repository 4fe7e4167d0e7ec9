import type { Moves } from '../moves.ts';

export const importStatuses = ['uploading', 'ready', 'running', 'done', 'failed', 'cancelled'] as const;
export type ImportStatus = (typeof importStatuses)[number];

/**
 * Allowed moves of an import. `ready` waits for a mapping or for a person to start it. An import that has been read can
 * still be cancelled while some of its leads are not in the CRM yet; it is what it was before when the rest is sent.
 */
export const importMoves = {
  uploading: ['ready', 'failed', 'cancelled'],
  ready: ['running', 'failed', 'cancelled'],
  running: ['done', 'failed', 'cancelled'],
  done: ['cancelled'],
  failed: ['cancelled'],
  cancelled: ['done', 'failed'],
} as const satisfies Moves<ImportStatus>;

export const endedStatuses = ['done', 'failed', 'cancelled'] as const satisfies readonly ImportStatus[];
export type EndedStatus = (typeof endedStatuses)[number];

export const hasEnded = (status: ImportStatus): boolean =>
  (endedStatuses as readonly ImportStatus[]).includes(status);

/** Whether its leads are kept from the CRM: it was cancelled, and the rest was not sent since. */
export const isStopped = ({ status, resumedAt }: { status: ImportStatus; resumedAt: Date | null }): boolean =>
  status === 'cancelled' && resumedAt === null;

/** Whether the file was read to its end, whatever became of the leads. */
export function isReadToEnd(row: {
  status: ImportStatus;
  stoppedFrom: 'done' | 'failed' | null;
  totalRows: number;
  created: number;
  duplicates: number;
  rejected: number;
}): boolean {
  if (row.status === 'done' || row.stoppedFrom === 'done') return true;
  const read = row.created + row.duplicates + row.rejected;
  return row.status === 'cancelled' && row.totalRows > 0 && read >= row.totalRows;
}

/** As shown to people and programs: a started import that waits for earlier ones is `waiting`, not `running`. */
export const shownStatuses = [...importStatuses, 'waiting'] as const;
export type ShownStatus = (typeof shownStatuses)[number];

export const shownStatus = ({ status, waiting }: { status: ImportStatus; waiting: boolean }): ShownStatus =>
  status === 'running' && waiting ? 'waiting' : status;

export const waitingReason =
  'Started. It waits until earlier imports of this company have ended; nothing needs to be done.';
