import { type WorkerName, workerNames } from '../../../events/routes.ts';
import { ago, duration, type Tone } from '../../web/parts.tsx';
import type { Overview } from '../view-types.ts';
import { type WorkerState, workerState } from '../work-health.ts';

const faces: Record<WorkerState, { words: string; tone: Tone }> = {
  gone: { words: 'Not running', tone: 'bad' },
  stuck: { words: 'Not processing', tone: 'bad' },
  busy: { words: 'Working', tone: 'good' },
  idle: { words: 'Idle', tone: 'good' },
};

/** Each worker with its heartbeat, its work, and what of that is on hold. */
export function Workers({ view }: { view: Overview }) {
  const { figures, pulses, health } = view;
  return (
    <>
      <div class="panel-head">
        <h2 id="workers-title">Workers</h2>
        <span class="quiet">
          <i class={`dot tone-${health.database ? 'good' : 'bad'}`} /> Database{' '}
          <i class={`dot tone-${health.queue ? 'good' : 'bad'}`} /> Queue on {health.backend}
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
            <th class="number" title="Given up until you resume it">
              Failed
            </th>
            <th class="number" title="Median duration of its recent runs">
              Takes
            </th>
          </tr>
        </thead>
        <tbody>
          {workerNames.map((worker) => {
            const depth = figures.find((f) => f.worker === worker);
            const recent = pulses.find((p) => p.worker === worker);
            const state = workerState(worker, view);
            return (
              <tr data-worker={worker} data-worker-state={state}>
                <td>
                  <span class="mono">{worker}</span>
                  <span class="sub">
                    <i class={`dot tone-${faces[state].tone}`} /> {signs(worker, state, view)}
                  </span>
                </td>
                <Depth value={depth?.queued ?? 0} />
                <Depth value={depth?.waiting ?? 0} />
                <Depth value={depth?.parked ?? 0} bad />
                <td class="number quiet">{recent?.medianMs != null ? duration(recent.medianMs) : '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

/** "Idle · ran 3 min ago", "Not running · last seen 2 h ago", "Working · 1,200 paused". */
function signs(worker: WorkerName, state: WorkerState, { presence, figures, now }: Overview): string {
  const seen = presence.find((row) => row.worker === worker);
  const seenAt = seen?.seenAt ?? null;
  const lastRunAt = seen?.lastRunAt ?? null;
  const depth = figures.find((row) => row.worker === worker);
  const paused = depth?.paused ?? 0;
  const held = depth?.held ?? 0;
  const since = (at: Date) => ago(now.getTime() - at.getTime());
  const last =
    state === 'gone'
      ? seenAt && `last seen ${since(seenAt)}`
      : state !== 'busy' && (lastRunAt ? `ran ${since(lastRunAt)}` : 'no work yet');
  const onHold = [
    paused > 0 && `${paused.toLocaleString('en-US')} paused`,
    held > 0 && `${held.toLocaleString('en-US')} waiting for the CRM`,
  ];
  return [faces[state].words, last, ...onHold].filter(Boolean).join(' · ');
}

function Depth(props: { value: number; bad?: boolean }) {
  const face = props.value === 0 ? 'quiet' : props.bad ? 'tone-bad' : '';
  return <td class={`number ${face}`}>{props.value.toLocaleString('en-US')}</td>;
}
