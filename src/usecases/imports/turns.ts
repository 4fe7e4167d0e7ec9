import type { Pace } from '../../domain/csv/reader.ts';
import { turn } from '../../engine/slices.ts';
import type { Runtime } from '../runtime.ts';

/** Runs steps of work, at most `width` at once. Organizations that wait take turns, whatever each of them waits for. */
export type Turns = { run<T>(organizationId: string, step: () => Promise<T>): Promise<T> };

export function createTurns(width: number): Turns {
  /** Waiting steps by organization. The first organization of the map is next. */
  const lines = new Map<string, (() => void)[]>();
  let inside = 0;
  const wait = (organizationId: string) =>
    new Promise<void>((resolve) => {
      const line = lines.get(organizationId);
      if (line) line.push(resolve);
      else lines.set(organizationId, [resolve]);
    });
  const leave = () => {
    const [first] = lines;
    if (!first) {
      inside -= 1;
      return;
    }
    const [organizationId, line] = first;
    lines.delete(organizationId);
    const next = line.shift();
    if (line.length > 0) lines.set(organizationId, line);
    next?.();
  };
  return {
    async run(organizationId, step) {
      if (inside < width) inside += 1;
      else await wait(organizationId);
      try {
        return await step();
      } finally {
        leave();
      }
    },
  };
}

/** Parsing before the event loop serves others: by all requests together, or by one run. */
const parsingMs = 10;
/** Slices of imports under way at once, per WORKER_COUNT. */
const slicesTogether = 2;

const open = new WeakMap<object, { files: number }>();

/** The files that imports of this process read. The counter is shared: a run adds its file and removes it. */
export function openFiles({ db }: Pick<Runtime, 'db'>): { files: number } {
  const known = open.get(db) ?? { files: 0 };
  open.set(db, known);
  return known;
}

const parsing = new WeakMap<object, { turns: Turns; since: number | null }>();
const reading = new WeakMap<object, Turns>();

/** The turns of slices of imports in this process. */
export function readingTurns({ db, config }: Pick<Runtime, 'db' | 'config'>): Turns {
  const known = reading.get(db);
  if (known) return known;
  const turns = createTurns(slicesTogether * config.workerCount);
  reading.set(db, turns);
  return turns;
}

/**
 * The pace of files parsed by requests: one step at a time in this process, and after 10 ms of it the event loop serves
 * other requests. Without it, each of many files would take 10 ms of every round.
 */
export function parsingPace({ db }: Pick<Runtime, 'db'>, organizationId: string): Pace {
  const known = parsing.get(db) ?? { turns: createTurns(1), since: null };
  parsing.set(db, known);
  return (step) =>
    known.turns.run(organizationId, async () => {
      known.since ??= performance.now();
      const result = await step();
      if (performance.now() - known.since > parsingMs) {
        await turn();
        known.since = null;
      }
      return result;
    });
}

/** The pace of a file that is parsed in a turn of its own: other work of the process runs every 10 ms. */
export function yieldingPace(): Pace {
  let since = performance.now();
  return async (step) => {
    const result = await step();
    if (performance.now() - since < parsingMs) return result;
    await turn();
    since = performance.now();
    return result;
  };
}
