import { formatMoney } from '../../../domain/money.ts';
import type { SaleMoney } from '../../../domain/payment/sale-money.ts';
import { unlockStates } from '../../../domain/unlock/machine.ts';
import { type Chrome, Layout } from '../../web/layout.tsx';
import { Ago, Command, duration, Empty, stateLabel } from '../../web/parts.tsx';
import { type Overview, statusGroups } from '../view-types.ts';
import { workHealth } from '../work-health.ts';
import { AttentionItems, InboxItems } from './attention-page.tsx';
import { UnlockBadge } from './money-badge.tsx';
import { Workers } from './workers-panel.tsx';

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

function Tiles({ view }: { view: Overview }) {
  const { day, money, counts } = view;
  const waiting = counts.parked + counts.inbox + counts.alerts;
  const { lagSeconds, tone, note } = workHealth(view);
  return (
    <>
      <Tile label="Earned, 24 h" value={money.length > 0 ? amounts(money, ({ net }) => net) : '$0'}>
        {takingsText(money) || `${day.sold} unlocked`}
      </Tile>
      <Tile label="Offers, 24 h" value={day.offered}>
        {day.offered > 0
          ? `${Math.round((100 * day.sold) / day.offered)}% unlocked · ${day.closed} closed`
          : 'None yet'}
      </Tile>
      <Tile label="Open now" value={day.open}>
        {day.awaitingPayment} awaiting payment
      </Tile>
      <Tile label="Needs attention" value={waiting} tone={waiting > 0 ? 'bad' : 'good'}>
        {waiting > 0 ? waitingText(counts) : 'You’re all caught up'}
      </Tile>
      <Tile
        label="Processing delay"
        value={lagSeconds < 1 ? 'None' : duration(lagSeconds * 1000)}
        tone={tone === 'bad' ? 'bad' : undefined}
      >
        {note}
      </Tile>
    </>
  );
}

/** What became of the payments, when a part of them is not ours any more; empty otherwise. */
function takingsText(money: readonly SaleMoney[]): string {
  const parts: [string, (sales: SaleMoney) => number][] = [
    ['refunded', ({ refunded }) => refunded],
    ['on its way back', ({ refunding }) => refunding],
    ['owed to buyers', ({ due }) => due],
    ['disputed', ({ disputed }) => disputed],
  ];
  const lost = parts.flatMap(([word, of]) => {
    const some = money.filter((sales) => of(sales) > 0);
    return some.length > 0 ? [`${amounts(some, of)} ${word}`] : [];
  });
  return lost.length === 0 ? '' : [`${amounts(money, ({ gross }) => gross)} received`, ...lost].join(' · ');
}

function waitingText({ parked, inbox, alerts }: Overview['counts']): string {
  const texts = inbox > 0 ? `${inbox} ${inbox === 1 ? 'text' : 'texts'}` : '';
  const warnings = alerts > 0 ? `${alerts} ${alerts === 1 ? 'alert' : 'alerts'}` : '';
  const failed = parked > 0 ? `${parked} failed ${parked === 1 ? 'step' : 'steps'}` : '';
  return [failed, texts, warnings].filter(Boolean).join(' · ');
}

const amounts = (money: readonly SaleMoney[], of: (sales: SaleMoney) => number) =>
  money.map((sales) => formatMoney(of(sales), sales.currency, 'en')).join(' + ');

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
          placeholder="Lead ID, buyer ID or phone"
          aria-label="Search by full lead ID, buyer ID or phone"
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
                <UnlockBadge row={row} />
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
      <Empty title="No results">
        <p>
          Search by full lead ID, buyer ID or phone. <a href="/console">Show everything</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="Send your first lead">
      <Command id="first-lead" text={curl} />
      <p>
        It will appear here right away. The <a href="/docs">API documentation</a> describes every route.
      </p>
    </Empty>
  );
}

function Attention({ view }: { view: Overview }) {
  const { alerts, parked, inbox, counts, now } = view;
  const total = counts.parked + counts.inbox + counts.alerts;
  const shown = parked.reduce((sum, item) => sum + item.count, 0);
  return (
    <>
      <div class="panel-head">
        <h2 id="attention-title">Needs attention</h2>
        {total > 0 ? <span class="count tone-bad">{total}</span> : null}
      </div>
      {total === 0 ? (
        <Empty title="You’re all caught up.">
          <p>Failed steps, unclear replies and alerts appear here.</p>
        </Empty>
      ) : null}
      <AttentionItems items={parked} now={now} back="/console" />
      {counts.parked > shown ? (
        <More href="/console/parked" count={counts.parked} what="failed steps" />
      ) : null}
      <AttentionItems items={alerts} now={now} back="/console" />
      {counts.alerts > alerts.length && alerts.length > 0 ? (
        <p class="more quiet">
          The newest {alerts.length} of {counts.alerts} alerts are shown. Resolve some to see the others.
        </p>
      ) : null}
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
