import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../adapters/logger.ts';
import type { Queryable } from '../../db/client.ts';
import { pulse } from '../../db/console-attention.ts';

/** One look a second at the database for all who watch, none when nobody does. */
export type Heartbeat = { watch(onChange: () => void): () => void; close(): void };

const everyMs = 1_000;
/** Ages and queue depths move without an event. */
const atLeastEveryMs = 5_000;

export function createHeartbeat(deps: { reader: Queryable; log: Logger }): Heartbeat {
  const watchers = new Set<() => void>();
  const closing = new AbortController();
  let beating = false;

  const beat = async () => {
    beating = true;
    let last: string | null = null;
    let toldAt = performance.now();
    while (watchers.size > 0 && !closing.signal.aborted) {
      const now = await look(deps);
      const due = performance.now() - toldAt >= atLeastEveryMs;
      if (now !== null && (due || (last !== null && now !== last))) {
        toldAt = performance.now();
        for (const tell of watchers) tell();
      }
      last = now ?? last;
      await pause(everyMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
    beating = false;
  };

  return {
    watch(onChange) {
      watchers.add(onChange);
      if (!beating) void beat();
      return () => watchers.delete(onChange);
    },
    close() {
      closing.abort();
      watchers.clear();
    },
  };
}

/** Null: the database did not answer; the next look follows in a second. */
async function look({ reader, log }: { reader: Queryable; log: Logger }): Promise<string | null> {
  try {
    return await pulse(reader);
  } catch (error) {
    log.debug({ error: (error as Error).name }, 'console heartbeat');
    return null;
  }
}
