import { Clock, Day, duration } from '../../web/parts.tsx';
import type { Entry } from '../timeline.ts';

export function TimelineList(props: { entries: Entry[]; showAction: string }) {
  return (
    <ol class="timeline">
      {props.entries.map((entry, i) => {
        const day = entry.at.toISOString().slice(0, 10);
        const before = props.entries[i - 1]?.at.toISOString().slice(0, 10);
        return (
          <>
            {day === before ? null : (
              <li class="day">
                <Day at={entry.at} />
              </li>
            )}
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
            <span class="sub">Viewing is logged.</span>
          </form>
        ) : null}
      </div>
      <span class="line-ms quiet">{entry.durationMs == null ? '' : duration(entry.durationMs)}</span>
    </li>
  );
}
