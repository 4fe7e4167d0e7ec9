import type { UnlockDetail } from '../../../db/unlock/list.ts';
import { formatMoney } from '../../../domain/money.ts';
import type { UnlockState } from '../../../domain/unlock/machine.ts';
import { type Chrome, Layout } from '../../web/layout.tsx';
import { Ago, duration } from '../../web/parts.tsx';
import type { Entry } from '../timeline.ts';
import type { UnlockView } from '../view-types.ts';
import { AttentionItems } from './attention-page.tsx';
import { endOf, UnlockBadge } from './money-badge.tsx';
import { moneyFacts, reversalFacts } from './money-facts.tsx';
import { TimelineList } from './timeline-list.tsx';

const steps: { label: string; states: UnlockState[] }[] = [
  { label: 'Offered', states: ['NEW_LEAD'] },
  { label: 'Teaser sent', states: ['TEASER_SENT', 'AWAIT_CONFIRM'] },
  { label: 'Accepted', states: ['CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK'] },
  { label: 'Link sent', states: ['PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'] },
  { label: 'Paid', states: ['PAID'] },
  { label: 'Details sent', states: ['REVEAL_DETAILS_SENT'] },
  { label: 'Done', states: ['DONE'] },
];

/** One purchase from offer to end: its state and everything that happened. */
export function UnlockPage(props: { chrome: Chrome; view: UnlockView }) {
  const { chrome, view } = props;
  const { unlock, now } = view;
  const live = (name: string) => (view.contactShown ? undefined : name);
  return (
    <Layout title={unlock.leadId} chrome={chrome} still={view.contactShown}>
      <p class="crumbs">
        <a href="/console" data-up>
          ← Overview
        </a>
      </p>
      <header class="unlock-head" data-live={live('head')}>
        <div>
          <h1 class="mono">{unlock.leadId}</h1>
          <p class="quiet">
            {[unlock.service, unlock.city].filter(Boolean).join(' · ')} for{' '}
            <b>{unlock.buyerName ?? unlock.buyer}</b>, {formatMoney(unlock.priceMinor, unlock.currency, 'en')}
            {unlock.flaggedAt ? ' ' : null}
            {unlock.flaggedAt ? <span class="count tone-bad">Buyer flagged</span> : null}
          </p>
        </div>
        <UnlockBadge row={unlock} />
      </header>
      <div data-live={live('road')}>
        <Steps unlock={unlock} entries={view.entries} />
      </div>
      <div class="columns">
        <section class="panel wide" aria-labelledby="timeline-title">
          <div class="panel-head">
            <h2 id="timeline-title">Timeline</h2>
            <span class="quiet">newest first</span>
          </div>
          <div data-live={live('timeline')}>
            <TimelineList entries={view.entries} showAction={`/console/unlocks/${unlock.id}/texts`} />
          </div>
        </section>
        <div class="side" data-live={live('side')}>
          {view.parked.length > 0 ? (
            <section class="panel">
              <div class="panel-head">
                <h2>Failed steps</h2>
              </div>
              <AttentionItems items={view.parked} now={now} back={`/console/unlocks/${unlock.id}`} />
            </section>
          ) : null}
          <Facts view={view} />
          <Siblings view={view} />
        </div>
      </div>
    </Layout>
  );
}

/** The steps passed so far, taken from the moves because a payment may skip some of them. */
function Steps(props: { unlock: UnlockDetail; entries: Entry[] }) {
  const { unlock, entries } = props;
  const current = steps.findIndex((step) => step.states.includes(unlock.status));
  const furthest = current >= 0 ? current : unlock.paidAt ? 4 : reached(entries);
  const end = endOf(unlock);
  const closed = current === -1 || end !== null;
  return (
    <ol class={`road ${closed ? 'is-closed' : ''}`}>
      {steps.map((step, i) => (
        <li
          class={
            i < furthest || (i === furthest && (closed || step.label === 'Done'))
              ? 'passed'
              : i === furthest
                ? 'here'
                : ''
          }
        >
          {step.label}
        </li>
      ))}
      {closed ? <li class="ended">{end ?? 'Closed'}</li> : null}
    </ol>
  );
}

function reached(entries: Entry[]): number {
  const titles = new Set(entries.filter((entry) => entry.kind === 'move').map((entry) => entry.title));
  if (titles.has('Awaiting payment')) return 3;
  if (titles.has('Creating link')) return 2;
  return titles.has('Awaiting reply') ? 1 : 0;
}

function Facts({ view }: { view: UnlockView }) {
  const { unlock, now } = view;
  const left = unlock.ttlExpiresAt.getTime() - now.getTime();
  const flagged: [string, unknown][] = unlock.flaggedAt
    ? [['Buyer flagged', <Ago at={unlock.flaggedAt} now={now} />]]
    : [];
  const facts: [string, unknown][] = [
    ['Buyer', `${unlock.buyerName ?? ''} ${unlock.buyer}`.trim()],
    ...flagged,
    ['Phone', phoneOf(unlock)],
    ['Company', unlock.organization],
    ['Offered', <Ago at={unlock.createdAt} now={now} />],
    ['Time left', timeLeft(unlock, left)],
    ['Sold', soldText(unlock)],
    ['Paid', unlock.paidAt ? <Ago at={unlock.paidAt} now={now} /> : 'No'],
    ['Paid from', unlock.paidBy ? { stripe: 'Stripe', wallet: 'Wallet' }[unlock.paidBy] : 'Not paid'],
    ...moneyFacts(unlock),
    ...reversalFacts(view),
    ['Details sent', unlock.revealedAt ? <Ago at={unlock.revealedAt} now={now} /> : 'No'],
    ['Details viewed', unlock.viewedAt ? <Ago at={unlock.viewedAt} now={now} /> : 'No'],
  ];
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>Facts</h2>
      </div>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value as string}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function timeLeft({ paidAt }: UnlockDetail, ms: number): string {
  if (paidAt) return 'Sold';
  return ms > 0 ? duration(ms) : 'Expired';
}

function phoneOf({ phone, optedOut }: UnlockDetail): string {
  if (phone === null) return 'Not texted';
  return optedOut ? `${phone} (opted out)` : phone;
}

function soldText(unlock: UnlockDetail): string {
  if (unlock.maxSales === null) return 'Unlimited buyers';
  return unlock.slot === null
    ? `Not yet, to ${unlock.maxSales} at most`
    : `Sale ${unlock.slot} of ${unlock.maxSales}`;
}

function Siblings({ view: { siblings, unlock } }: { view: UnlockView }) {
  const others = siblings.filter((row) => row.id !== unlock.id);
  if (others.length === 0) return null;
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>Other offers for this lead</h2>
      </div>
      <table class="rows tight">
        <tbody>
          {others.map((row) => (
            <tr data-row={row.id}>
              <td>
                <a class="row-link" href={`/console/unlocks/${row.id}`}>
                  {row.buyerName ?? row.buyer}
                </a>
              </td>
              <td class="number">
                <UnlockBadge row={row} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
