import { type Chrome, Layout } from '../../web/layout.tsx';
import { Act, Ago, ConfirmForm, Empty } from '../../web/parts.tsx';
import { intentInWords } from '../intents.ts';
import type { Action, AttentionItem, InboxItem } from '../view-types.ts';

/** Failed steps and alerts: who, what happened, since when, what to do, its buttons and one link. */
export function AttentionItems(props: { items: AttentionItem[]; now: Date; back: string }) {
  return (
    <ul class="items">
      {props.items.map((item) => (
        <li class="item-row" data-row={item.id} data-item={item.id}>
          <div>
            <span class="item-title">
              <i class="dot tone-bad" />
              <span>{item.title}</span>
              {item.count > 1 ? <span class="count tone-bad">{item.count} times</span> : null}
            </span>
            <p>{item.what}</p>
            <p class="quiet">{item.next}</p>
            <span class="sub">
              {item.about ? `${item.about} · ` : ''}
              <Since item={item} now={props.now} />
              {item.link ? (
                <>
                  {' · '}
                  <a href={item.link.path}>{item.link.label}</a>
                </>
              ) : null}
            </span>
          </div>
          <div class="buttons">
            {item.actions.map((action) => (
              <ItemAction action={action} back={props.back} />
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}

function ItemAction({ action: { path, asks, ...button }, back }: { action: Action; back: string }) {
  return asks ? (
    <ConfirmForm {...button} {...asks} action={path} back={back} />
  ) : (
    <Act {...button} action={path} back={back} />
  );
}

function Since({ item, now }: { item: AttentionItem; now: Date }) {
  if (item.count === 1) return <Ago at={item.since} now={now} />;
  return (
    <>
      since <Ago at={item.since} now={now} />, last <Ago at={item.latest} now={now} />
    </>
  );
}

export function InboxItems(props: { rows: InboxItem[]; now: Date; back: string }) {
  return (
    <ul class="items">
      {props.rows.map((row) => (
        <li class="item-row" data-row={`inbox-${row.id}`} data-inbox={row.id}>
          <div>
            <span class="item-title">
              <i class="dot tone-wait" />
              <span>
                {row.buyer ? <b>{row.buyer}</b> : 'Unknown number'}{' '}
                {row.from ? <span class="mono">{row.from}</span> : null}
              </span>
            </span>
            <blockquote>{row.text ?? 'A text without words'}</blockquote>
            <p class="quiet">Call or text the sender if an answer is due, then mark it as handled.</p>
            <span class="sub">
              {intentInWords(row.intent)} · {row.company ? `${row.company} · ` : ''}
              <Ago at={row.receivedAt} now={props.now} />
              {row.unlockId ? (
                <>
                  {' · '}
                  <a href={`/console/unlocks/${row.unlockId}`}>About lead {row.leadId}</a>
                </>
              ) : null}
            </span>
          </div>
          <Act
            action={`/console/inbox/${row.id}/handled`}
            back={props.back}
            label="Mark as handled"
            done="Marked as handled"
          />
        </li>
      ))}
    </ul>
  );
}

export function ParkedPage(props: {
  chrome: Chrome;
  items: AttentionItem[];
  older: number | null;
  now: Date;
}) {
  return (
    <Layout title="Failed steps" chrome={props.chrome}>
      <section class="panel narrow">
        <div class="panel-head">
          <h1>Failed steps</h1>
          <a class="quiet" href="/console" data-up>
            Overview
          </a>
        </div>
        <div data-live="parked">
          {props.items.length === 0 ? (
            <Empty title="You’re all caught up.">
              <p>
                A step that fails twelve times, or that a vendor rejects for good, stops here with its reason.
                Fix the cause and press Resume: it continues where it stopped, and nothing is sent or charged
                twice.
              </p>
            </Empty>
          ) : null}
          <AttentionItems items={props.items} now={props.now} back="/console/parked" />
          {props.older ? (
            <nav class="more">
              <a href={`/console/parked?before=${props.older}`}>Older →</a>
            </nav>
          ) : null}
        </div>
      </section>
    </Layout>
  );
}

export function InboxPage(props: { chrome: Chrome; items: InboxItem[]; next: string | null; now: Date }) {
  return (
    <Layout title="Inbox" chrome={props.chrome}>
      <section class="panel narrow">
        <div class="panel-head">
          <h1>Inbox</h1>
          <a class="quiet" href="/console" data-up>
            Overview
          </a>
        </div>
        <div data-live="inbox">
          {props.items.length === 0 ? (
            <Empty title="You’re all caught up.">
              <p>
                Texts from unknown numbers, texts without an open offer, and texts that are neither yes nor no
                appear here. They cause no purchase. Of these, only an unclear text about an open offer gets
                an automatic reply, once a day.
              </p>
            </Empty>
          ) : null}
          <InboxItems rows={props.items} now={props.now} back="/console/inbox" />
          {props.next ? (
            <nav class="more">
              <a href={`/console/inbox?after=${props.next}`}>More →</a>
            </nav>
          ) : null}
        </div>
      </section>
    </Layout>
  );
}
