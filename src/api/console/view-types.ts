import type { AlertRow, InboxRow, ParkedRow, WorkerPulse } from '../../db/transport/attention.ts';
import type { OutboxFigures } from '../../db/transport/outbox.ts';
import type { DayFigures, DayMoney, UnlockDetail, UnlockRow } from '../../db/unlock/list.ts';
import { unlockStates } from '../../domain/unlock/machine.ts';
import type { Entry } from './timeline.ts';

/** What the console pages show. views.ts makes these from database rows. */

/** An inbound text after decryption; null where there is none. */
export type OpenedText = { from: string | null; text: string | null };

export type Overview = {
  now: Date;
  day: DayFigures;
  money: DayMoney[];
  alerts: AlertRow[];
  parked: ParkedRow[];
  inbox: (InboxRow & OpenedText)[];
  counts: { parked: number; inbox: number; alerts: number };
  figures: OutboxFigures[];
  pulses: WorkerPulse[];
  health: { database: boolean; queue: boolean; backend: string };
  unlocks: UnlockRow[];
  older: string | null;
  filter: { status: string; search: string };
  curl: string;
};

export type UnlockView = {
  now: Date;
  unlock: UnlockDetail;
  siblings: UnlockRow[];
  parked: ParkedRow[];
  entries: Entry[];
  /** The texts with the client's details are shown: this page does not refresh itself. */
  contactShown: boolean;
};

/** Filters of the list of unlocks that cover several states. */
export const statusGroups = {
  open: { label: 'All open', states: unlockStates.slice(0, 7) },
  paid: { label: 'All paid', states: unlockStates.slice(7, 10) },
} as const;
