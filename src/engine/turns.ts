import type { QueueState } from '../db/transport/queue-state.ts';
import { type WorkerName, workerNames } from '../events/routes.ts';

/**
 * Fair order of the jobs in each queue: start-time fair queuing between organizations. An organization's first
 * `quantum` jobs belong to the turn that the queue is serving now, its next ones to the turn after that, and so on; the
 * queue runs jobs by turn. A job therefore waits for at most `quantum` jobs of each other organization, however many
 * jobs these have. Costs O(1) per job.
 *
 * The counts are read once per second and extended by this process's own jobs in between. Jobs of other processes are
 * missing for that long, which makes the order less exact but loses nothing.
 */
export type Turns = {
  /** Replaces the counts. `fronts`: the turn each queue is serving; queues without an entry have no waiting job. */
  refresh(state: QueueState, fronts: ReadonlyMap<WorkerName, number>): void;
  /**
   * True when the organization's next row has to wait in the outbox. `more`: rows that the caller has decided to publish
   * and not yet published.
   */
  isFull(worker: WorkerName, organizationId: string | null, more?: number): boolean;
  /** Counts one more job of the organization and returns its turn. */
  next(worker: WorkerName, organizationId: string | null): number;
  /** Turns for jobs that may still be in the queue: as `next` would give, counted within this list only. */
  again(worker: WorkerName, organizationIds: readonly (string | null)[]): number[];
  /** Rows that may be queued now. */
  room(worker: WorkerName): Room;
};

/** `perOrganization`: rows of one organization, those already queued included; null for no limit. */
export type Room = { rows: number; perOrganization: number | null };

/** Jobs of one organization of weight 1 per turn. */
export const quantum = 5;
/** An organization with fewer jobs than this publishes more even if the queue is full, so that others cannot block it. */
export const ownPlaces = 20;
/** Rows admitted per sweep beyond the window, all of organizations with fewer than `ownPlaces` jobs. */
const extraRows = 200;
/**
 * BullMQ's highest priority. It is reached after some 10 million jobs of one organization without a second in which no
 * job waited; from then on the queue is first in, first out until one comes.
 */
const lastTurn = 2_097_151;

/** One queue. `jobs` counts unfinished jobs per organization, `places` where its next job stands, in jobs. */
type Line = { jobs: Map<string, number>; total: number; front: number; places: Map<string, number> };

const keyOf = (organizationId: string | null | undefined) => organizationId ?? '';

export function createTurns(window: number): Turns {
  let lines = new Map<WorkerName, Line>(workerNames.map((name) => [name, emptyLine(0)]));
  let weights: ReadonlyMap<string, number> = new Map();
  const perTurn = (key: string) => quantum * (weights.get(key) ?? 1);
  const take = (line: Line, places: Map<string, number>, key: string) => {
    const jobs = perTurn(key);
    const place = places.get(key) ?? line.front * jobs;
    places.set(key, place + 1);
    return Math.min(lastTurn, Math.floor(place / jobs));
  };
  return {
    refresh(state, fronts) {
      weights = state.weights;
      lines = new Map(workerNames.map((name) => [name, emptyLine(fronts.get(name) ?? 0)]));
      for (const { worker, organizationId, jobs } of state.queued) {
        const line = lines.get(worker);
        if (!line) continue;
        const key = keyOf(organizationId);
        line.total += jobs;
        line.jobs.set(key, jobs);
        line.places.set(key, line.front * perTurn(key) + jobs);
      }
    },
    isFull(worker, organizationId, more = 0) {
      const { jobs, total } = lines.get(worker)!;
      if (total + more < window) return false;
      const key = keyOf(organizationId);
      const own = (jobs.get(key) ?? 0) + more;
      return own >= ownPlaces || total + more >= 2 * window;
    },
    next(worker, organizationId) {
      const line = lines.get(worker)!;
      const key = keyOf(organizationId);
      line.total += 1;
      line.jobs.set(key, (line.jobs.get(key) ?? 0) + 1);
      return take(line, line.places, key);
    },
    again(worker, organizationIds) {
      const line = lines.get(worker)!;
      const places = new Map<string, number>();
      return organizationIds.map((organizationId) => take(line, places, keyOf(organizationId)));
    },
    room(worker) {
      const { total } = lines.get(worker)!;
      const rows = window - total;
      if (rows >= extraRows) return { rows, perOrganization: null };
      return { rows: Math.min(extraRows, 2 * window - total), perOrganization: ownPlaces };
    },
  };
}

const emptyLine = (front: number): Line => ({ jobs: new Map(), total: 0, front, places: new Map() });
