import type { Timeline } from '../../../db/unlock/timeline.ts';
import { formatMoney } from '../../../domain/money.ts';
import { Clock, capital, duration, reasonLabel, stateLabel, type Tone } from '../../web/parts.tsx';

/** One line of the timeline, whatever table it came from. */
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
  /** There is a text, and it holds the contact: shown on request only. */
  locked?: boolean;
};

/** Opens a sealed text; null when it cannot be opened. */
export type OpenText = (sealed: string) => string | null;

/** A moment's rank when two things carry the same time: cause before effect. */
const rank = { reply: 0, event: 1, run: 2, call: 3, message: 4, payment: 5, move: 6 };

/** Newest first. `contact`: also open the texts that carry the client's details. */
export function entriesOf(timeline: Timeline, open: OpenText, contact: boolean): Entry[] {
  const entries = [
    ...timeline.events.map(eventEntry),
    ...timeline.attempts.map(attemptEntry),
    ...timeline.messages.map((message) => messageEntry(message, open, contact)),
    ...timeline.replies.map((reply) => ({
      ...{ id: reply.id, at: reply.receivedAt, kind: 'reply' as const, tone: 'busy' as const },
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
    const tone = ['PAID', 'REVEAL_DETAILS_SENT', 'DONE'].includes(to)
      ? 'good'
      : ['EXPIRED', 'OPTED_OUT'].includes(to)
        ? 'quiet'
        : 'busy';
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
  const told = ['error', 'reason', 'code', 'notice', 'purpose', 'worker']
    .map((key) => data[key])
    .filter((v) => typeof v === 'string');
  return {
    id,
    at: occurredAt,
    kind: 'event',
    tone: bad ? 'bad' : 'quiet',
    title: type,
    note: told.join(', ') || undefined,
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
    ...{ id: row.id, at: row.createdAt, kind: 'message' as const, tone },
    title: `${channel}: ${row.purpose.replaceAll('_', ' ')}`,
    note: row.errorCode ? `${row.status}, ${row.errorCode}` : row.status,
    bubble: row.body && (contact || !holdsContact) ? withoutToken(open(row.body)) : undefined,
    locked: row.body !== null && holdsContact && !contact,
  };
}

/** Who has the link has the details once they are paid for: the console shows that one was sent, not the link itself. */
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
    ...{ id: row.id, at: row.createdAt, kind: 'payment' as const },
    tone: row.kept && !row.disputed ? 'good' : 'bad',
    title: `${formatMoney(row.amountMinor, row.currency, 'en')} captured`,
    note: notes.filter(Boolean).join(', '),
  };
}

export function TimelineList(props: { entries: Entry[]; showAction: string }) {
  return (
    <ol class="timeline">
      {props.entries.map((entry, i) => {
        const day = entry.at.toISOString().slice(0, 10);
        const before = props.entries[i - 1]?.at.toISOString().slice(0, 10);
        return (
          <>
            {day === before ? null : <li class="day">{day}</li>}
            <Line entry={entry} showAction={props.showAction} />
          </>
        );
      })}
    </ol>
  );
}

function Line({ entry, showAction }: { entry: Entry; showAction: string }) {
  return (
    <li class={`line kind-${entry.kind} tone-${entry.tone}`} data-kind={entry.kind}>
      <i class="mark" />
      <span class="line-time quiet">
        <Clock at={entry.at} />
      </span>
      <div class="line-body">
        <span class="line-title">{entry.title}</span>
        {entry.note ? <span class="line-note">{entry.note}</span> : null}
        {entry.bubble ? (
          <blockquote class={entry.kind === 'reply' ? 'bubble in' : 'bubble out'}>{entry.bubble}</blockquote>
        ) : null}
        {entry.locked ? (
          <form method="post" action={showAction}>
            <button type="submit" class="btn" data-size="sm" data-variant="outline">
              Show the text with the client’s details
            </button>
            <span class="sub">Reading it is recorded.</span>
          </form>
        ) : null}
      </div>
      <span class="line-ms quiet">{entry.durationMs == null ? '' : duration(entry.durationMs)}</span>
    </li>
  );
}
