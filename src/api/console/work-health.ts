import type { OutboxFigures } from '../../db/transport/outbox.ts';
import type { WorkerPresence } from '../../db/transport/worker-processes.ts';
import type { WorkerName } from '../../events/routes.ts';

/** Due work older than this is a backlog. */
const backlogSeconds = 30;
/** A worker that ran within this time is working through its backlog. */
const recentMs = 60_000;

/** `gone`: no process runs the worker. `stuck`: work is due, and the worker does not take it. */
export type WorkerState = 'gone' | 'stuck' | 'busy' | 'idle';

export type WorkSigns = {
  figures: readonly OutboxFigures[];
  presence: readonly WorkerPresence[];
  now: Date;
};

/** What a worker is doing. Work on hold and work that is not due yet does not count. */
export function workerState(worker: WorkerName, { figures, presence, now }: WorkSigns): WorkerState {
  const seen = presence.find((row) => row.worker === worker);
  if (!seen || seen.processes === 0) return 'gone';
  const lag = figures.find((row) => row.worker === worker)?.lagSeconds ?? 0;
  const ranLately = now.getTime() - (seen.lastRunAt?.getTime() ?? 0) < recentMs;
  if (lag <= backlogSeconds) return ranLately ? 'busy' : 'idle';
  return ranLately ? 'busy' : 'stuck';
}

/** The tile of the whole installation: `tone` is bad only when work that could be done is not. */
export type WorkHealth = { lagSeconds: number; tone: 'good' | 'bad'; note: string };

export function workHealth(signs: WorkSigns): WorkHealth {
  const { figures } = signs;
  const lagSeconds = Math.max(0, ...figures.map((row) => row.lagSeconds));
  const states = figures.map(({ worker }) => ({ worker, state: workerState(worker, signs) }));
  const named = (wanted: WorkerState) =>
    states.filter(({ state }) => state === wanted).map(({ worker }) => worker);
  const gone = named('gone');
  const stuck = named('stuck');
  if (gone.length === states.length) return { lagSeconds, tone: 'bad', note: 'No workers are running' };
  if (gone.length > 0) return { lagSeconds, tone: 'bad', note: `Not running: ${gone.join(', ')}` };
  if (stuck.length > 0) return { lagSeconds, tone: 'bad', note: 'Workers aren’t processing jobs' };
  const count = (of: 'waiting' | 'held' | 'paused') => figures.reduce((sum, row) => sum + row[of], 0);
  const waiting = count('waiting');
  const backlog =
    lagSeconds > backlogSeconds
      ? `Working through ${waiting > 0 ? waiting.toLocaleString('en-US') : 'a backlog'}`
      : 'No backlog';
  const onHold = [
    count('paused') > 0 ? `${count('paused').toLocaleString('en-US')} paused` : '',
    count('held') > 0 ? `${count('held').toLocaleString('en-US')} waiting for the CRM` : '',
  ];
  return { lagSeconds, tone: 'good', note: [backlog, ...onHold].filter(Boolean).join(' · ') };
}
