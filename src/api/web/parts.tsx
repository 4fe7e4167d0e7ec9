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

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function Ago(props: { at: Date; now: Date; short?: boolean }) {
  const ms = props.now.getTime() - props.at.getTime();
  return (
    <time datetime={props.at.toISOString()} title={props.at.toISOString()}>
      {props.short ? ago(ms).replace(' ago', '') : ago(ms)}
    </time>
  );
}

export function Clock(props: { at: Date }) {
  const iso = props.at.toISOString();
  return (
    <time datetime={iso} title={iso}>
      {iso.slice(11, 23)}
    </time>
  );
}

/** `now`, `12 s ago`, `4 min ago`, `3 h ago`, `2 d ago`. A time in the future reads `now`. */
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

/** A form with one button. console.js submits it without a page load and then announces `done`. */
export function Act(props: { action: string; back: string; label: string; done: string; primary?: boolean }) {
  return (
    <form method="post" action={props.action} data-action={props.done}>
      <input type="hidden" name="back" value={props.back} />
      <button type="submit" class="btn" data-size="sm" data-variant={props.primary ? 'primary' : 'outline'}>
        {props.label}
      </button>
    </form>
  );
}

/**
 * A button that opens a question, and the button inside it that acts. It works without JavaScript; with it, console.js
 * does not replace a question that is open, and `done` announces the action as in `Act`.
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
}) {
  return (
    <details class="confirm">
      <summary class="btn" data-size="sm" data-variant={props.primary ? 'primary' : 'outline'}>
        {props.label}
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
