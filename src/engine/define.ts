import type { Queryable } from '../db/client.ts';
import type { Change, Fence } from '../db/commit.ts';
import { type OpenRun, openRuns, type Subject } from '../db/transport/outbox.ts';
import type { RunEnding } from '../db/transport/run-ends.ts';
import type { EventType } from '../events/catalog.ts';
import type { DomainEvent } from '../events/envelope.ts';
import type { EventsOf, WorkerName } from '../events/routes.ts';
import type { Gate } from './gate.ts';
import type { Outcome } from './outcome.ts';
import type { EffectRun } from './posting.ts';

/** One run of a worker for one outbox row. `S`: the subject of its events. */
export type Run<S = unknown> = {
  /** The database's clock when the run began. */
  now: Date;
  /** When the work was requested. */
  since: Date;
  /** Failed attempts so far. */
  attempts: number;
  /** The current subject. The first call returns the one read with the run; later calls read it again. */
  subject(): Promise<S | null>;
  /** Passed to runtime.effects to claim under this run's fence. */
  effect: EffectRun;
  /** For a transaction that ends several runs: see `endRuns` in db/transport/run-ends.ts. */
  ending: RunEnding;
  /** Commits a step of a run that continues. Returns false when the state has changed or the fence was lost. */
  advance(change: Change): Promise<boolean>;
};

/** The deps needed to open a run, independent of the handlers' deps. */
type Opens = { db: Queryable };

export type WorkerDefinition<N extends WorkerName, D, S> = {
  name: N;
  /** The subject of its events, read by the statement that opens a run; `eventOnly` when the event is sufficient. */
  about: Subject<S, D & Opens>;
  concurrency: number;
  /** Timeout of a run, after which it counts as failed. Vendor calls have shorter timeouts of their own. */
  timeoutMs: number;
  /** Failed attempts before the row is parked. Snoozes and 429s do not count. */
  attempts: number;
  /** Jobs started per `duration` ms, across all processes. */
  limiter?: { max: number; duration: number };
  /** Maximum rows of one organization in the queue; defaults to the queue's size. */
  perOrganization?: (deps: D) => number;
  /** Limits how many of the `concurrency` runs are active; the others hold only their job. */
  gate?: (deps: D) => Gate;
  /** One handler per event routed here (events/routes.ts); a missing one is a compile error. */
  handle: { [E in EventsOf<N>]: (event: DomainEvent<E>, deps: D, run: Run<S>) => Promise<Outcome> };
};

/** A run that was opened: `handle` runs the event's handler on it. */
export type OpenedRun = {
  open: OpenRun<unknown>;
  handle(event: DomainEvent, run: Omit<Run, 'subject'>): Promise<Outcome>;
};

/** A worker as the executor sees it, without its subject's type. `D`: the deps it needs from the runtime. */
export type AnyWorker<D> = {
  name: WorkerName;
  concurrency: number;
  timeoutMs: number;
  attempts: number;
  limiter?: { max: number; duration: number };
  perOrganization?: (deps: D) => number;
  gate?: (deps: D) => Gate;
  handles: (type: EventType) => boolean;
  /** Returns null when the row is finished, parked or was reissued. */
  open: (fence: Fence, deps: D) => Promise<OpenedRun | null>;
};

/** For workers whose events contain all the data they need. */
const openEvents = openRuns();
export const eventOnly: Subject<null> = {
  open: (fence, { db }) => openEvents(db, fence),
  look: async () => null,
};

/** `D` is the part of the runtime that the handlers use, `S` the subject of their events. */
export function defineWorker<N extends WorkerName, D, S = null>(
  definition: WorkerDefinition<N, D, S>,
): AnyWorker<D & Opens> & { name: N } {
  const { about, handle, ...policy } = definition;
  // TypeScript cannot correlate each event type with its handler across the whole record.
  const handlers = handle as unknown as Record<
    string,
    (event: DomainEvent, deps: D, run: Run<S>) => Promise<Outcome>
  >;
  return {
    ...policy,
    handles: (type) => type in handlers,
    async open(fence, deps) {
      const open = await about.open(fence, deps);
      if (!open) return null;
      const subject = looks(open.subject, () => about.look(open.event, fence, deps));
      return { open, handle: (event, run) => handlers[event.type]!(event, deps, { ...run, subject }) };
    },
  };
}

/** Returns `first` on the first call, and the result of `later` from then on. */
function looks<S>(first: S | null, later: () => Promise<S | null>): () => Promise<S | null> {
  let looked = false;
  return async () => {
    if (looked) return later();
    looked = true;
    return first;
  };
}
