import type { WorkerName } from '../events/routes.ts';

/** What a look at a queue found: the turn of the job that runs next, no waiting job, or nothing certain. */
export type Look = number | 'empty' | 'unknown';

/**
 * The turn that each queue is serving. It does not go backwards while jobs wait, because new jobs would then go ahead of
 * all jobs that are already queued. Turns begin again at 0 only when no job waits.
 */
export type Fronts = {
  of(worker: WorkerName): number;
  see(worker: WorkerName, look: Look): void;
};

/**
 * After this many looks in a row at an earlier turn, the front goes back to it: other processes saw the queue empty in a
 * moment that this one missed, and jobs of this process would stay after all of theirs.
 */
export const looksBeforeReturn = 5;

export function createFronts(): Fronts {
  const fronts = new Map<WorkerName, { turn: number; earlier: number }>();
  const of = (worker: WorkerName) => fronts.get(worker)?.turn ?? 0;
  return {
    of,
    see(worker, look) {
      if (look === 'unknown') return;
      if (look === 'empty') {
        fronts.delete(worker);
        return;
      }
      const earlier = look < of(worker) ? (fronts.get(worker)?.earlier ?? 0) + 1 : 0;
      const stays = earlier > 0 && earlier < looksBeforeReturn;
      fronts.set(worker, stays ? { turn: of(worker), earlier } : { turn: look, earlier: 0 });
    },
  };
}
