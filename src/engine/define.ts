import type { Change, Fence } from '../db/commit.ts';
import type { OpenRun } from '../db/transport/outbox.ts';
import type { UnlockView } from '../db/unlock/unlocks.ts';
import type { EventType } from '../events/catalog.ts';
import type { DomainEvent } from '../events/envelope.ts';
import type { EventsOf, WorkerName } from '../events/routes.ts';
import type { Gate } from './gate.ts';
import type { Outcome } from './outcome.ts';
import type { EffectRun } from './posting.ts';
import type { Runtime } from './runtime.ts';

/** One run of a worker over one outbox row. */
export type Run = {
  /** The database's clock when the run began. */
  now: Date;
  /** When the work was asked for. */
  since: Date;
  /** Failed attempts so far. */
  attempts: number;
  /** The unlock as it stands. The first look at the event's own comes with the run; every other one asks. */
  unlock(id: string): Promise<UnlockView | null>;
  /** For runtime.effects: claims under this run's fence. */
  effect: EffectRun;
  /** What the definition's own `open` found beside the event. */
  found: unknown;
  /** Commits a step and goes on; false: the state was not the expected one, or the row is not ours any more. */
  advance(change: Change): Promise<boolean>;
};

export type WorkerDefinition<N extends WorkerName, D> = {
  name: N;
  concurrency: number;
  /** Longest a run may take before it counts as failed; its vendor calls have shorter timeouts of their own. */
  timeoutMs: number;
  /** Failed attempts before the row is parked. Snoozes and 429s do not count. */
  attempts: number;
  /** Jobs started per `duration` ms, over all processes. */
  limiter?: { max: number; duration: number };
  /**
   * Opens a run in place of the usual look at its row, with what the handlers would ask for next. Null: the row with
   * this epoch is gone.
   */
  open?: (fence: Fence, deps: D) => Promise<OwnOpen | null>;
  /** Of `concurrency` runs only those that it lets in do something; the others hold nothing but their job. */
  gate?: (deps: D) => Gate;
  /** One handler per event routed here (events/routes.ts): a missing one does not compile. */
  handle: { [E in EventsOf<N>]: (event: DomainEvent<E>, deps: D, run: Run) => Promise<Outcome> };
};

export type OwnOpen = { open: OpenRun; found: unknown };

/** A worker with its types folded away, as the executor sees it. */
export type AnyWorker = {
  name: WorkerName;
  concurrency: number;
  timeoutMs: number;
  attempts: number;
  limiter?: { max: number; duration: number };
  open?(fence: Fence, runtime: Runtime): Promise<OwnOpen | null>;
  gate?(runtime: Runtime): Gate;
  handles(type: EventType): boolean;
  run(event: DomainEvent, runtime: Runtime, run: Run): Promise<Outcome>;
};

/** `D` is the part of the Runtime the handlers may use. */
export function defineWorker<N extends WorkerName, D extends Partial<Runtime>>(
  definition: WorkerDefinition<N, D>,
): AnyWorker & { name: N } {
  const { name, concurrency, timeoutMs, attempts, limiter, open, gate } = definition;
  const handlers = definition.handle as unknown as Record<
    string,
    (event: DomainEvent, deps: Runtime, run: Run) => Promise<Outcome>
  >;
  return {
    name,
    concurrency,
    timeoutMs,
    attempts,
    limiter,
    ...(open && { open: (fence: Fence, runtime: Runtime) => open(fence, runtime as unknown as D) }),
    ...(gate && { gate: (runtime: Runtime) => gate(runtime as unknown as D) }),
    handles: (type) => type in handlers,
    run: (event, runtime, run) => handlers[event.type]!(event, runtime, run),
  };
}
