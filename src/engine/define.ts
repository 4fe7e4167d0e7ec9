import type { Queryable } from '../db/client.ts';
import type { Change, Fence } from '../db/commit.ts';
import { type OpenRun, openRun, type Subject } from '../db/transport/outbox.ts';
import type { EventType } from '../events/catalog.ts';
import type { DomainEvent } from '../events/envelope.ts';
import type { EventsOf, WorkerName } from '../events/routes.ts';
import type { Gate } from './gate.ts';
import type { Outcome } from './outcome.ts';
import type { EffectRun } from './posting.ts';

/** One run of a worker over one outbox row. `S`: what its events are about. */
export type Run<S = unknown> = {
  /** The database's clock when the run began. */
  now: Date;
  /** When the work was asked for. */
  since: Date;
  /** Failed attempts so far. */
  attempts: number;
  /** The subject as it stands. The first look comes with the run; every later one reads it again. */
  subject(): Promise<S | null>;
  /** For runtime.effects: claims under this run's fence. */
  effect: EffectRun;
  /** Commits a step and goes on; false: the state was not the expected one, or the row is not ours any more. */
  advance(change: Change): Promise<boolean>;
};

/** What opening a run takes, whatever the handlers may use. */
type Opens = { db: Queryable };

export type WorkerDefinition<N extends WorkerName, D, S> = {
  name: N;
  /** What its events are about, read by the statement that opens a run; `eventOnly` when the event says enough. */
  about: Subject<S, D & Opens>;
  concurrency: number;
  /** Longest a run may take before it counts as failed; its vendor calls have shorter timeouts of their own. */
  timeoutMs: number;
  /** Failed attempts before the row is parked. Snoozes and 429s do not count. */
  attempts: number;
  /** Jobs started per `duration` ms, over all processes. */
  limiter?: { max: number; duration: number };
  /** Rows of one organization in the queue at once; absent: as many as the queue holds. */
  perOrganization?: (deps: D) => number;
  /** Of `concurrency` runs only those that it lets in do something; the others hold nothing but their job. */
  gate?: (deps: D) => Gate;
  /** One handler per event routed here (events/routes.ts): a missing one does not compile. */
  handle: { [E in EventsOf<N>]: (event: DomainEvent<E>, deps: D, run: Run<S>) => Promise<Outcome> };
};

/** A run that was opened: `handle` runs the event's handler on it. */
export type OpenedRun = {
  open: OpenRun<unknown>;
  handle(event: DomainEvent, run: Omit<Run, 'subject'>): Promise<Outcome>;
};

/** A worker as the executor sees it; its subject's type is folded away. `D`: what it needs of the runtime. */
export type AnyWorker<D> = {
  name: WorkerName;
  concurrency: number;
  timeoutMs: number;
  attempts: number;
  limiter?: { max: number; duration: number };
  perOrganization?: (deps: D) => number;
  gate?: (deps: D) => Gate;
  handles: (type: EventType) => boolean;
  /** Returns null when the row is finished, parked or was issued again. */
  open: (fence: Fence, deps: D) => Promise<OpenedRun | null>;
};

/** For workers whose events carry all they need. */
export const eventOnly: Subject<null> = {
  open: (fence, { db }) => openRun(db, fence),
  look: async () => null,
};

/** `D` is the part of the runtime the handlers may use, `S` what their events are about. */
export function defineWorker<N extends WorkerName, D, S = null>(
  definition: WorkerDefinition<N, D, S>,
): AnyWorker<D & Opens> & { name: N } {
  const { about, handle, ...policy } = definition;
  // One handler per event: which of them takes which event cannot be said of a whole record.
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

/** Answers with `first` once, and by `later` from then on. */
function looks<S>(first: S | null, later: () => Promise<S | null>): () => Promise<S | null> {
  let looked = false;
  return async () => {
    if (looked) return later();
    looked = true;
    return first;
  };
}
