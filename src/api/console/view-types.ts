import type { DisputeEntry, RefundEntry } from '../../db/payment/figures.ts';
import type { InboxRow, WorkerPulse } from '../../db/transport/attention.ts';
import type { OutboxFigures } from '../../db/transport/outbox.ts';
import type { WorkerPresence } from '../../db/transport/worker-processes.ts';
import type { DayFigures, UnlockDetail, UnlockRow } from '../../db/unlock/list.ts';
import type { Place } from '../../domain/messaging/alert-place.ts';
import type { SaleMoney } from '../../domain/payment/sale-money.ts';
import { unlockStates } from '../../domain/unlock/machine.ts';
import type { Entry } from './timeline.ts';

/** What the console pages show. views.ts makes these from database rows. */

/** An inbound text after decryption; null where there is none. */
export type OpenedText = { from: string | null; text: string | null };

export type InboxItem = InboxRow & OpenedText & { buyer: string | null; company: string | null };

/** A button. With `question` it asks first, and acts only when that is confirmed. */
export type Action = {
  path: string;
  label: string;
  done: string;
  primary: boolean;
  /** Asked before it is done, and the words of the button that answers it. */
  asks?: { question: string; confirm: string };
};

/** Something an operator must see: who, what happened, since when, what to do, its buttons and one link. */
export type AttentionItem = {
  id: string;
  title: string;
  /** Whose it is: company and lead. */
  about: string;
  what: string;
  next: string;
  since: Date;
  latest: Date;
  /** How often the same cause occurred. */
  count: number;
  link: Place | null;
  actions: Action[];
};

export type Overview = {
  now: Date;
  day: DayFigures;
  money: SaleMoney[];
  alerts: AttentionItem[];
  parked: AttentionItem[];
  inbox: InboxItem[];
  counts: { parked: number; inbox: number; alerts: number };
  figures: OutboxFigures[];
  pulses: WorkerPulse[];
  presence: WorkerPresence[];
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
  reversals: { refunds: RefundEntry[]; disputes: DisputeEntry[] };
  parked: AttentionItem[];
  entries: Entry[];
  /** The texts with the client's details are shown: this page does not refresh itself. */
  contactShown: boolean;
};

/** Filters of the list of unlocks that cover several states. */
export const statusGroups = {
  open: { label: 'All open', states: unlockStates.slice(0, 7) },
  paid: { label: 'All paid', states: unlockStates.slice(7, 10) },
} as const;
