import type { Child } from 'hono/jsx';
import type { UnlockState } from '../../domain/unlock/machine.ts';

/** Small components that all pages share. */

export type Tone = 'quiet' | 'busy' | 'wait' | 'good' | 'bad';

const faces: Record<UnlockState, { label: string; tone: Tone }> = {
  NEW_LEAD: { label: 'New', tone: 'busy' },
  TEASER_SENT: { label: 'Teaser sent', tone: 'busy' },
  AWAIT_CONFIRM: { label: 'Awaiting reply', tone: 'wait' },
  CHECK_EXISTING_PAYMENT: { label: 'Checking payment', tone: 'busy' },
  CREATE_PAYMENT_LINK: { label: 'Creating link', tone: 'busy' },
  PAYMENT_LINK_SENT: { label: 'Link sent', tone: 'busy' },
  AWAITING_PAYMENT: { label: 'Awaiting payment', tone: 'wait' },
  PAID: { label: 'Paid', tone: 'good' },
  REVEAL_DETAILS_SENT: { label: 'Details sent', tone: 'good' },
  DONE: { label: 'Done', tone: 'good' },
  EXPIRED: { label: 'Expired', tone: 'quiet' },
  OPTED_OUT: { label: 'Opted out', tone: 'quiet' },
};

const reasons: Record<string, string> = {
  declined: 'declined',
  ttl: 'time ran out',
  sold_out: 'sold out',
  undeliverable: 'undeliverable',
  opted_out: 'STOP',
  refunded: 'refunded',
  paid_late: 'paid late',
};

export const stateLabel = (state: string): string => faces[state as UnlockState]?.label ?? state;
export const reasonLabel = (reason: string): string => reasons[reason] ?? reason;

export function StateBadge(props: { state: UnlockState; reason?: string | null }) {
  const { label, tone } = faces[props.state];
  const closed = props.state === 'EXPIRED' && props.reason;
  return (
    <span class={`state tone-${tone}`} data-state={props.state}>
      {closed ? capital(reasonLabel(props.reason!)) : label}
    </span>
  );
}

/** A colored dot, and its meaning for those who cannot see the color. */
export function Dot(props: { tone: Tone; label: string }) {
  return <span class={`dot tone-${props.tone}`} role="img" aria-label={props.label} title={props.label} />;
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * How long ago it was and, beyond a day, the date. In the browser, times.js shows dates in the viewer's zone and keeps the
 * text current.
 */
export function Ago(props: { at: Date; now: Date; short?: boolean }) {
  const { at, now, short = false } = props;
  return <Time at={at} kind={short ? 'short' : 'ago'} text={sinceText(at, now, short)} />;
}

/** The date and time, with its zone. */
export function When(props: { at: Date }) {
  return <Time at={props.at} kind="when" text={formats.when.format(props.at)} />;
}

/** The date alone: the heading of what happened on one day. */
export function Day(props: { at: Date }) {
  return <Time at={props.at} kind="day" text={formats.day.format(props.at)} />;
}

/** The time of day with milliseconds, below a `Day`. */
export function Clock(props: { at: Date }) {
  return <Time at={props.at} kind="clock" text={`${formats.clock.format(props.at)} UTC`} />;
}

function Time(props: { at: Date; kind: 'ago' | 'short' | 'when' | 'day' | 'clock'; text: string }) {
  return (
    <time datetime={props.at.toISOString()} data-time={props.kind} title={formats.full.format(props.at)}>
      {props.text}
    </time>
  );
}

const format = (options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', ...options });
const minute = { hour: 'numeric', minute: '2-digit', timeZoneName: 'short' } as const;

/** As in static/times.js. */
const formats = {
  full: format({ dateStyle: 'full', timeStyle: 'full' }),
  when: format({ year: 'numeric', month: 'short', day: 'numeric', ...minute }),
  recent: format({ month: 'short', day: 'numeric', ...minute }),
  short: format({ month: 'short', day: 'numeric' }),
  shortWithYear: format({ year: 'numeric', month: 'short', day: 'numeric' }),
  day: format({ dateStyle: 'full' }),
  clock: format({
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  }),
};

const dayMs = 86_400_000;

/** `4 min ago`; `Nov 25, 8:47 AM UTC` when it is more than a day ago or ahead. */
export function sinceText(at: Date, now: Date, short = false): string {
  const ms = now.getTime() - at.getTime();
  if (Math.abs(ms) < dayMs) return short ? ago(ms).replace(' ago', '') : ago(ms);
  const sameYear = at.getUTCFullYear() === now.getUTCFullYear();
  if (short) return (sameYear ? formats.short : formats.shortWithYear).format(at);
  return (sameYear ? formats.recent : formats.when).format(at);
}

/** `now`, `12 s ago`, `4 min ago`, `3 h ago`. A time in the future reads `now`. */
export function ago(ms: number): string {
  return ms < 1_500 ? 'now' : `${duration(ms < 60_000 ? Math.round(ms / 1_000) * 1_000 : ms)} ago`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? Math.max(0.1, Math.round(ms * 10) / 10) : Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86_400 * 2) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export function Empty(props: { title: string; children?: Child }) {
  return (
    <div class="nothing">
      <p class="nothing-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/**
 * A form with one button. console.js submits it without a page load, announces `done` and keeps the focus in its place.
 * `about`: what the button acts on, for those who cannot see the row around it.
 */
export function Act(props: {
  action: string;
  back: string;
  label: string;
  done: string;
  primary?: boolean;
  about?: string;
}) {
  return (
    <form method="post" action={props.action} data-action={props.done}>
      <input type="hidden" name="back" value={props.back} />
      <button type="submit" class="btn" data-size="sm" data-variant={props.primary ? 'primary' : 'outline'}>
        {props.label}
        {props.about ? <span class="visually-hidden"> {props.about}</span> : null}
      </button>
    </form>
  );
}

/**
 * A button that opens a question, and the button inside it that acts. It works without JavaScript; with it, console.js
 * does not replace a question that is open. `done` and `about` as in `Act`.
 */
export function ConfirmForm(props: {
  action: string;
  back?: string;
  label: string;
  /** What will happen, and to how many. */
  question: string;
  confirm: string;
  done?: string;
  primary?: boolean;
  about?: string;
}) {
  return (
    <details class="confirm">
      <summary class="btn" data-size="sm" data-variant={props.primary ? 'primary' : 'outline'}>
        {props.label}
        {props.about ? <span class="visually-hidden"> {props.about}</span> : null}
      </summary>
      <form method="post" action={props.action} data-action={props.done}>
        <p>{props.question}</p>
        {props.back ? <input type="hidden" name="back" value={props.back} /> : null}
        <button type="submit" class="btn" data-size="sm">
          {props.confirm}
        </button>
      </form>
    </details>
  );
}

export function Command(props: { id: string; text: string }) {
  return (
    <div class="command">
      <pre id={props.id}>{props.text}</pre>
      <button type="button" class="btn" data-size="sm" data-variant="outline" data-copy={props.id}>
        Copy
      </button>
    </div>
  );
}
