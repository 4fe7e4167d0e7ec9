import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../adapters/logger.ts';

/** One look a second at the database for all who watch, none when nobody does. */
export type Heartbeat = { watch(onChange: () => void): () => void; close(): void };

const everyMs = 1_000;
/** Ages and queue depths move without an event. */
const atLeastEveryMs = 5_000;

/** `pulse` answers something else whenever what is watched has changed. */
export type HeartbeatDeps = { pulse: () => Promise<string>; log: Logger };

export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
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
async function look({ pulse, log }: HeartbeatDeps): Promise<string | null> {
  try {
    return await pulse();
  } catch (error) {
    log.debug({ error: (error as Error).name }, 'console heartbeat');
    return null;
  }
}
