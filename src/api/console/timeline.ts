import type { Timeline } from '../../db/unlock/timeline.ts';
import { formatMoney } from '../../domain/money.ts';
import { eventInWords } from '../../domain/transport/event-words.ts';
import { reasonInWords, vendorName } from '../../domain/transport/reason.ts';
import { stepOf } from '../../domain/transport/steps.ts';
import { paidStates } from '../../domain/unlock/machine.ts';
import { capital, reasonLabel, stateLabel, type Tone } from '../web/parts.tsx';
import { intentInWords } from './intents.ts';

const paid: ReadonlySet<string> = new Set(paidStates);

/** One line of the timeline. */
export type Entry = {
  id: string;
  at: Date;
  kind: 'move' | 'event' | 'run' | 'call' | 'message' | 'reply' | 'payment';
  tone: Tone;
  title: string;
  note?: string;
  durationMs?: number | null;
  /** A text as the phone shows it. */
  bubble?: string;
  /** There is a text that contains the contact; it is shown on request only. */
  locked?: boolean;
};

/** Decrypts a text. Returns null when its key is missing. */
type OpenText = (sealed: string) => string | null;

/** The order of entries with the same time: cause before effect. */
const rank = { reply: 0, event: 1, run: 2, call: 3, message: 4, payment: 5, move: 6 };

/** Newest first. With `contact` also the texts that contain the client's details are decrypted. */
export function entriesOf(timeline: Timeline, open: OpenText, contact: boolean): Entry[] {
  const entries = [
    ...timeline.events.map(eventEntry),
    ...timeline.attempts.map(attemptEntry),
    ...timeline.messages.map((message) => messageEntry(message, open, contact)),
    ...timeline.replies.map((reply) => ({
      id: reply.id,
      at: reply.receivedAt,
      kind: 'reply' as const,
      tone: 'busy' as const,
      title: 'Buyer wrote',
      note: reply.intent ? intentInWords(reply.intent) : undefined,
      bubble: reply.body ? (open(reply.body) ?? undefined) : undefined,
    })),
    ...timeline.payments.map(paymentEntry),
  ];
  return entries.sort(
    (a, b) => b.at.getTime() - a.at.getTime() || rank[b.kind] - rank[a.kind] || (a.id < b.id ? 1 : -1),
  );
}

function eventEntry({ id, occurredAt, type, data }: Timeline['events'][number]): Entry {
  if (type === 'unlock.moved') {
    const reason = typeof data.reason === 'string' ? capital(reasonLabel(data.reason)) : undefined;
    const to = String(data.to);
    const tone = paid.has(to) ? 'good' : ['EXPIRED', 'OPTED_OUT'].includes(to) ? 'quiet' : 'busy';
    return {
      id,
      at: occurredAt,
      kind: 'move',
      tone,
      title: stateLabel(to),
      note: reason ?? `From ${stateLabel(String(data.from))}`,
    };
  }
  const bad = ['work.parked', 'message.failed', 'payment.quarantined', 'payment.disputed'].includes(type);
  return {
    id,
    at: occurredAt,
    kind: 'event',
    tone: bad ? 'bad' : 'quiet',
    title: eventInWords(type),
    note: eventNote(data),
  };
}

/** Of an event: why, and of which step or message. */
function eventNote(data: Record<string, unknown>): string | undefined {
  const text = (key: string) => {
    const value = data[key];
    return typeof value === 'string' ? value : null;
  };
  const worker = text('worker');
  const reason = text('error') ?? text('reason') ?? text('code');
  const parts = [
    worker ? stepOf(worker, text('eventType') ?? undefined).name : null,
    (text('notice') ?? text('purpose'))?.replaceAll('_', ' '),
    reason ? reasonInWords(reasonLabel(reason).replaceAll('_', ' ')) : null,
  ];
  return parts.filter((part) => part !== null && part !== undefined).join(': ') || undefined;
}

/** How a run or a call ended. */
const outcomes: Record<string, string> = {
  finished: 'done',
  skipped: 'nothing to do',
  snoozed: 'later',
  failed: 'failed, will be tried again',
  parked: 'failed',
};
const callOutcomes: Record<string, string> = {
  accepted: 'accepted',
  refused: 'rejected',
  released: 'did not process',
  unknown: 'has not confirmed',
  lost: 'has not answered about',
};
const callObjects: Record<string, string> = {
  sms: 'the message',
  email: 'the email',
  refund: 'the refund',
  expire_session: 'the end of the checkout',
};

function attemptEntry(row: Timeline['attempts'][number]): Entry {
  const bad = ['failed', 'parked', 'refused'].includes(row.outcome ?? '');
  const tone = bad ? 'bad' : ['snoozed', 'unknown', 'lost'].includes(row.outcome ?? '') ? 'wait' : 'quiet';
  const base = { id: row.id, at: row.startedAt, tone, durationMs: row.durationMs } as const;
  if (row.effectKey) {
    const outcome = row.outcome ? (callOutcomes[row.outcome] ?? row.outcome) : 'has not answered about';
    const object = callObjects[row.callKind ?? ''] ?? 'the request';
    return {
      ...base,
      kind: 'call',
      title: `${row.vendor ? vendorName(row.vendor) : 'The vendor'} ${outcome} ${object}`,
      // Of an accepted call: the vendor's own id, for its support.
      note: row.outcome === 'accepted' ? (row.detail ?? undefined) : noteOf(row.detail),
    };
  }
  const outcome = row.outcome ? (outcomes[row.outcome] ?? row.outcome) : 'has not ended';
  return {
    ...base,
    kind: 'run',
    title: `${stepOf(row.worker, row.eventType).name}: ${outcome}`,
    note: noteOf(row.detail),
  };
}

const noteOf = (detail: string | null) => (detail === null ? undefined : reasonInWords(detail));

function messageEntry(row: Timeline['messages'][number], open: OpenText, contact: boolean): Entry {
  const holdsContact = row.purpose.startsWith('reveal');
  const tone = row.status === 'failed' ? 'bad' : row.status === 'delivered' ? 'good' : 'busy';
  const channel = row.channel === 'sms' ? 'SMS' : capital(row.channel);
  const status = capital(row.status);
  return {
    id: row.id,
    at: row.createdAt,
    kind: 'message',
    tone,
    title: `${channel}: ${row.purpose.replaceAll('_', ' ')}`,
    note: row.errorCode ? `${status}: ${reasonInWords(`(${row.errorCode})`)}` : status,
    bubble: row.body && (contact || !holdsContact) ? withoutToken(open(row.body)) : undefined,
    locked: row.body !== null && holdsContact && !contact,
  };
}

/** The pay link opens the details once they are paid for, so the console hides its token. */
const withoutToken = (text: string | null) => text?.replace(/(\/p\/)[\w-]{8,}/g, '$1…');

/** A payment, with what of it went back or is asked back. */
function paymentEntry(row: Timeline['payments'][number]): Entry {
  const money = (minor: number) => formatMoney(minor, row.currency, 'en');
  const back = row.refundedMinor + row.refundingMinor;
  const due = row.kept ? 0 : row.amountMinor - back - row.disputedMinor;
  const returned = back > 0 || row.disputedMinor > 0 || !row.kept;
  const notes = [
    row.refundedMinor > 0 ? `${money(row.refundedMinor)} refunded` : null,
    row.refundingMinor > 0 ? `${money(row.refundingMinor)} on its way back` : null,
    row.disputedMinor > 0 ? `${money(row.disputedMinor)} disputed` : null,
    due > 0 ? `${money(due)} to be refunded` : null,
    row.refundReason ? capital(reasonLabel(row.refundReason).replaceAll('_', ' ')) : null,
    row.paymentIntent,
  ];
  return {
    id: row.id,
    at: row.createdAt,
    kind: 'payment',
    tone: returned ? 'bad' : 'good',
    title: `Payment of ${money(row.amountMinor)} received`,
    note: notes.filter(Boolean).join(' · '),
  };
}
