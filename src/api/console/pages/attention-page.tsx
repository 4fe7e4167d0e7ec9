import type { InboxRow, ParkedRow } from '../../../db/transport/attention.ts';
import { type Chrome, Layout } from '../../web/layout.tsx';
import { Act, Ago, ConfirmForm, Empty } from '../../web/parts.tsx';
import type { OpenedText } from '../view-types.ts';

export function ParkedItems(props: { rows: ParkedRow[]; now: Date; back: string }) {
  return (
    <ul class="items">
      {props.rows.map((row) => (
        <li class="item-row" data-row={`parked-${row.id}`} data-parked={row.id}>
          <div>
            <span class="item-title">
              <i class="dot tone-bad" />
              <span>
                {row.worker} gave up on {row.eventType}
              </span>
              <span class="quiet">
                <Ago at={row.parkedAt} now={props.now} />
              </span>
            </span>
            <p class="error">{row.error ?? 'no error was recorded'}</p>
            <span class="sub">
              {row.unlockId ? <a href={`/console/unlocks/${row.unlockId}`}>{row.leadId}</a> : row.subject}
              {row.buyer ? ` for ${row.buyer}` : ''}, {row.attempts} failed{' '}
              {row.attempts === 1 ? 'attempt' : 'attempts'}
            </span>
          </div>
          <ConfirmForm
            action={`/console/parked/${row.id}/resume`}
            back={props.back}
            label="Resume"
            question="This step runs again from where it stopped. Nothing is sent or charged twice."
            confirm="Resume this step"
            done="Resumed"
            primary
          />
        </li>
      ))}
    </ul>
  );
}

export function InboxItems(props: { rows: (InboxRow & OpenedText)[]; now: Date; back: string }) {
  return (
    <ul class="items">
      {props.rows.map((row) => (
        <li class="item-row" data-row={`inbox-${row.id}`} data-inbox={row.id}>
          <div>
            <span class="item-title">
              <i class="dot tone-wait" />
              <span class="mono">{row.from ?? row.source}</span>
              <span class="quiet">
                <Ago at={row.receivedAt} now={props.now} />
              </span>
            </span>
            <blockquote>{row.text ?? row.kind}</blockquote>
            <span class="sub">
              {row.intent ? `read as ${row.intent}` : 'not understood'}
              {row.unlockId ? (
                <>
                  , about <a href={`/console/unlocks/${row.unlockId}`}>{row.leadId}</a>
                </>
              ) : null}
            </span>
          </div>
          <Act
            action={`/console/inbox/${row.id}/handled`}
            back={props.back}
            label="Handled"
            done="Marked as handled"
          />
        </li>
      ))}
    </ul>
  );
}

export function ParkedPage(props: { chrome: Chrome; rows: ParkedRow[]; older: number | null; now: Date }) {
  return (
    <Layout title="Parked work" chrome={props.chrome}>
      <section class="panel narrow">
        <div class="panel-head">
          <h1>Parked work</h1>
          <a class="quiet" href="/console" data-up>
            Overview
          </a>
        </div>
        <div data-live="parked">
          {props.rows.length === 0 ? (
            <Empty title="Nothing is parked.">
              <p>
                A step that fails twelve times, or that a vendor rejects permanently, stops here with its
                error. Fix the cause and press Resume: it continues where it stopped, and nothing is sent or
                charged twice.
              </p>
            </Empty>
          ) : null}
          <ParkedItems rows={props.rows} now={props.now} back="/console/parked" />
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

export function InboxPage(props: {
  chrome: Chrome;
  rows: (InboxRow & OpenedText)[];
  next: string | null;
  now: Date;
}) {
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
          {props.rows.length === 0 ? (
            <Empty title="No text needs an answer.">
              <p>
                Texts from unknown numbers, texts without an open offer, and texts that are neither yes nor no
                are stored and shown here. They cause no purchase. Of these, only an unclear text about an
                open offer gets an automatic reply, once a day.
              </p>
            </Empty>
          ) : null}
          <InboxItems rows={props.rows} now={props.now} back="/console/inbox" />
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
