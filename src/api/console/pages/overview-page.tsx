import type { DayMoney } from '../../../db/unlock/list.ts';
import { formatMoney } from '../../../domain/money.ts';
import { unlockStates } from '../../../domain/unlock/machine.ts';
import { workerNames } from '../../../events/routes.ts';
import { type Chrome, Layout } from '../../web/layout.tsx';
import { Act, Ago, Command, duration, Empty, StateBadge, stateLabel } from '../../web/parts.tsx';
import { type Overview, statusGroups } from '../view-types.ts';
import { InboxItems, ParkedItems } from './attention-page.tsx';

/** One screen that shows whether it runs, what sells, and what needs the operator. */
export function OverviewPage(props: { chrome: Chrome; view: Overview }) {
  const { chrome, view } = props;
  return (
    <Layout title="Overview" chrome={chrome}>
      <h1 class="visually-hidden">Overview</h1>
      <section class="tiles" data-live="tiles" aria-label="Last 24 hours">
        <Tiles view={view} />
      </section>
      <div class="columns">
        <section class="panel wide" aria-labelledby="unlocks-title">
          <Filters view={view} />
          <div data-live="unlocks">
            <Unlocks view={view} />
          </div>
        </section>
        <div class="side">
          <section class="panel first" data-live="attention" aria-labelledby="attention-title">
            <Attention view={view} />
          </section>
          <section class="panel" data-live="workers" aria-labelledby="workers-title">
            <Workers view={view} />
          </section>
        </div>
      </div>
    </Layout>
  );
}

function Tiles({ view: { day, money, counts, figures } }: { view: Overview }) {
  const earned = money.filter((m) => m.kept > 0);
  const refunded = money.filter((m) => m.refunded > 0);
  const waiting = counts.parked + counts.inbox + counts.alerts;
  const lag = Math.max(0, ...figures.map((f) => f.lagSeconds));
  return (
    <>
      <Tile label="Earned, 24 h" value={earned.length > 0 ? amounts(earned, 'kept') : '$0'}>
        {refunded.length > 0 ? `${amounts(refunded, 'refunded')} refunded` : `${day.sold} unlocked`}
      </Tile>
      <Tile label="Offers, 24 h" value={day.offered}>
        {day.offered > 0
          ? `${Math.round((100 * day.sold) / day.offered)} % unlocked · ${day.closed} closed`
          : 'none yet'}
      </Tile>
      <Tile label="Open now" value={day.open}>
        {day.awaitingPayment} awaiting payment
      </Tile>
      <Tile label="Needs you" value={waiting} tone={waiting > 0 ? 'bad' : 'good'}>
        {waiting > 0 ? waitingText(counts) : 'all clear'}
      </Tile>
      <Tile
        label="Oldest due work"
        value={lag < 1 ? 'none' : duration(lag * 1000)}
        tone={lag > 30 ? 'bad' : undefined}
      >
        {lag > 30 ? 'work is not being picked up' : 'keeping up'}
      </Tile>
    </>
  );
}

function waitingText({ parked, inbox, alerts }: Overview['counts']): string {
  const texts = inbox > 0 ? `${inbox} ${inbox === 1 ? 'text' : 'texts'}` : '';
  const warnings = alerts > 0 ? `${alerts} ${alerts === 1 ? 'alert' : 'alerts'}` : '';
  return [parked > 0 ? `${parked} parked` : '', texts, warnings].filter(Boolean).join(' · ');
}

const amounts = (money: DayMoney[], of: 'kept' | 'refunded') =>
  money.map((m) => formatMoney(m[of], m.currency, 'en')).join(' + ');

function Tile(props: { label: string; value: string | number; tone?: 'bad' | 'good'; children?: unknown }) {
  return (
    <div class={`tile ${props.tone ? `tone-${props.tone}` : ''}`}>
      <span class="tile-label">{props.label}</span>
      <strong>{props.value}</strong>
      <span class="tile-note">{props.children as string}</span>
    </div>
  );
}

function Filters({ view: { filter } }: { view: Overview }) {
  return (
    <div class="panel-head">
      <h2 id="unlocks-title">Unlocks</h2>
      <form class="filters" method="get" action="/console">
        <select class="select" name="status" aria-label="State" data-submit>
          <option value="">Any state</option>
          {Object.entries(statusGroups).map(([value, { label }]) => (
            <option value={value} selected={filter.status === value}>
              {label}
            </option>
          ))}
          {unlockStates.map((state) => (
            <option value={state} selected={filter.status === state}>
              {stateLabel(state)}
            </option>
          ))}
        </select>
        <input
          class="input"
          type="search"
          name="q"
          value={filter.search}
          placeholder="Lead id, provider id, phone"
          aria-label="Search by lead id, provider id or phone"
          maxlength={100}
          autocomplete="off"
          spellcheck={false}
        />
        <span class="kbd-hint" aria-hidden="true">
          /
        </span>
      </form>
    </div>
  );
}

function Unlocks({ view }: { view: Overview }) {
  const { unlocks, filter, older, now } = view;
  if (unlocks.length === 0) return <NoUnlocks view={view} />;
  const next = new URLSearchParams(
    Object.entries({ status: filter.status, q: filter.search, before: older ?? '' }).filter(
      ([, value]) => value,
    ),
  );
  return (
    <>
      <table class="rows">
        <thead>
          <tr>
            <th>Lead</th>
            <th>Buyer</th>
            <th>State</th>
            <th class="number">Price</th>
            <th class="number">Changed</th>
          </tr>
        </thead>
        <tbody>
          {unlocks.map((row) => (
            <tr data-row={row.id}>
              <td>
                <a class="row-link mono" href={`/console/unlocks/${row.id}`}>
                  {row.leadId}
                </a>
                <span class="sub clip">{[row.service, row.city].filter(Boolean).join(' · ')}</span>
              </td>
              <td>
                <span class="clip">{row.buyerName ?? row.buyer}</span>
                <span class="sub clip" title={row.phone ?? row.buyer}>
                  {row.buyerName ? row.buyer : (row.phone ?? 'not texted')}
                </span>
              </td>
              <td>
                <StateBadge state={row.status} reason={row.reason} />
              </td>
              <td class="number">{formatMoney(row.priceMinor, row.currency, 'en')}</td>
              <td class="number quiet">
                <Ago at={row.updatedAt} now={now} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {older ? (
        <nav class="more">
          <a href={`/console?${next}`}>Older unlocks →</a>
        </nav>
      ) : null}
    </>
  );
}

function NoUnlocks({ view: { filter, curl } }: { view: Overview }) {
  if (filter.search || filter.status) {
    return (
      <Empty title="Nothing matches.">
        <p>
          Search for a complete lead id, provider id or phone. <a href="/console">Show everything</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="No lead yet. Send the first one:">
      <Command id="first-lead" text={curl} />
      <p>It appears here as soon as it is stored. The API documentation describes every route.</p>
    </Empty>
  );
}

function Attention({ view }: { view: Overview }) {
  const { alerts, parked, inbox, counts, now } = view;
  const total = counts.parked + counts.inbox + counts.alerts;
  return (
    <>
      <div class="panel-head">
        <h2 id="attention-title">Needs you</h2>
        {total > 0 ? <span class="count tone-bad">{total}</span> : null}
      </div>
      {total === 0 ? (
        <Empty title="Nothing needs you.">
          <p>Work that failed twelve times, texts that were not understood and alerts appear here.</p>
        </Empty>
      ) : null}
      <ParkedItems rows={parked} now={now} back="/console" />
      {counts.parked > parked.length ? (
        <More href="/console/parked" count={counts.parked} what="parked" />
      ) : null}
      <ul class="items">
        {alerts.map((alert) => (
          <li class="item-row" data-alert={alert.kind}>
            <div>
              <span class="item-title">
                <i class="dot tone-bad" />
                {alert.kind.replaceAll('_', ' ')}
                <span class="quiet">
                  <Ago at={alert.createdAt} now={now} />
                </span>
              </span>
              <p>{alert.text}</p>
              {alert.unlockId ? <a href={`/console/unlocks/${alert.unlockId}`}>Open the unlock</a> : null}
            </div>
            <Act
              action={`/console/alerts/${alert.id}/resolve`}
              back="/console"
              label="Resolve"
              done="Resolved"
            />
          </li>
        ))}
      </ul>
      <InboxItems rows={inbox} now={now} back="/console" />
      {counts.inbox > inbox.length ? <More href="/console/inbox" count={counts.inbox} what="texts" /> : null}
    </>
  );
}

function More(props: { href: string; count: number; what: string }) {
  return (
    <nav class="more">
      <a href={props.href}>
        All {props.count} {props.what} →
      </a>
    </nav>
  );
}

function Workers({ view: { figures, pulses, health, now } }: { view: Overview }) {
  return (
    <>
      <div class="panel-head">
        <h2 id="workers-title">Workers</h2>
        <span class="quiet">
          <i class={`dot tone-${health.database ? 'good' : 'bad'}`} /> database{' '}
          <i class={`dot tone-${health.queue ? 'good' : 'bad'}`} /> queue on {health.backend}
        </span>
      </div>
      <table class="rows tight">
        <thead>
          <tr>
            <th>Worker</th>
            <th class="number" title="Handed to the queue">
              Queued
            </th>
            <th class="number" title="Due, and not in the queue yet">
              Waiting
            </th>
            <th class="number">Parked</th>
            <th class="number" title="Median of its recent runs">
              Takes
            </th>
            <th class="number" title="How long ago it last ran">
              Ran
            </th>
          </tr>
        </thead>
        <tbody>
          {workerNames.map((worker) => {
            const depth = figures.find((f) => f.worker === worker);
            const recent = pulses.find((p) => p.worker === worker);
            return (
              <tr>
                <td class="mono">{worker}</td>
                <Depth value={depth?.queued ?? 0} />
                <Depth value={depth?.waiting ?? 0} />
                <Depth value={depth?.parked ?? 0} bad />
                <td class="number quiet">{recent?.medianMs != null ? duration(recent.medianMs) : '–'}</td>
                <td class="number quiet">{recent ? <Ago at={recent.lastRunAt} now={now} short /> : '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

function Depth(props: { value: number; bad?: boolean }) {
  const face = props.value === 0 ? 'quiet' : props.bad ? 'tone-bad' : '';
  return <td class={`number ${face}`}>{props.value}</td>;
}
