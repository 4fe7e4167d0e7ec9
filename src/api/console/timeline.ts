import type { Timeline } from '../../db/unlock/timeline.ts';
import { formatMoney } from '../../domain/money.ts';
import { paidStates } from '../../domain/unlock/machine.ts';
import { capital, reasonLabel, stateLabel, type Tone } from '../web/parts.tsx';

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
      title: `Buyer wrote${reply.intent ? `, read as ${reply.intent}` : ''}`,
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
    const reason = typeof data.reason === 'string' ? reasonLabel(data.reason) : undefined;
    const to = String(data.to);
    const tone = paid.has(to) ? 'good' : ['EXPIRED', 'OPTED_OUT'].includes(to) ? 'quiet' : 'busy';
    return {
      id,
      at: occurredAt,
      kind: 'move',
      tone,
      title: stateLabel(to),
      note: reason ?? `from ${stateLabel(String(data.from))}`,
    };
  }
  const bad = ['work.parked', 'message.failed', 'payment.quarantined', 'payment.disputed'].includes(type);
  const details = ['error', 'reason', 'code', 'notice', 'purpose', 'worker']
    .map((key) => data[key])
    .filter((v) => typeof v === 'string');
  return {
    id,
    at: occurredAt,
    kind: 'event',
    tone: bad ? 'bad' : 'quiet',
    title: type,
    note: details.join(', ') || undefined,
  };
}

function attemptEntry(row: Timeline['attempts'][number]): Entry {
  const bad = ['failed', 'parked', 'refused'].includes(row.outcome ?? '');
  const tone = bad ? 'bad' : row.outcome === 'snoozed' || row.outcome === 'unknown' ? 'wait' : 'quiet';
  const base = { id: row.id, at: row.startedAt, tone, durationMs: row.durationMs } as const;
  const outcome = row.outcome ?? 'has not ended';
  if (row.effectKey)
    return { ...base, kind: 'call', title: `Vendor call ${outcome}`, note: row.detail ?? undefined };
  return {
    ...base,
    kind: 'run',
    title: `${row.worker} ${outcome}`,
    note: [row.eventType, row.detail].filter(Boolean).join(': '),
  };
}

function messageEntry(row: Timeline['messages'][number], open: OpenText, contact: boolean): Entry {
  const holdsContact = row.purpose.startsWith('reveal');
  const tone = row.status === 'failed' ? 'bad' : row.status === 'delivered' ? 'good' : 'busy';
  const channel = row.channel === 'sms' ? 'SMS' : capital(row.channel);
  return {
    id: row.id,
    at: row.createdAt,
    kind: 'message',
    tone,
    title: `${channel}: ${row.purpose.replaceAll('_', ' ')}`,
    note: row.errorCode ? `${row.status}, ${row.errorCode}` : row.status,
    bubble: row.body && (contact || !holdsContact) ? withoutToken(open(row.body)) : undefined,
    locked: row.body !== null && holdsContact && !contact,
  };
}

/** The pay link opens the details once they are paid for, so the console hides its token. */
const withoutToken = (text: string | null) => text?.replace(/(\/p\/)[\w-]{8,}/g, '$1…');

function paymentEntry(row: Timeline['payments'][number]): Entry {
  const back =
    row.refundedMinor > 0 ? `${formatMoney(row.refundedMinor, row.currency, 'en')} refunded` : null;
  const notes = [
    row.kept ? 'kept' : 'not kept',
    back,
    row.refundReason,
    row.disputed ? 'disputed' : null,
    row.paymentIntent,
  ];
  return {
    id: row.id,
    at: row.createdAt,
    kind: 'payment',
    tone: row.kept && !row.disputed ? 'good' : 'bad',
    title: `${formatMoney(row.amountMinor, row.currency, 'en')} captured`,
    note: notes.filter(Boolean).join(', '),
  };
}
